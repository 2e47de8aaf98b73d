"""Backups: taken, proven, kept, restored."""
