"""Places where backups lie: with the instance, in a folder, in a bucket."""
