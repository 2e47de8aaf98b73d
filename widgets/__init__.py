"""Views: they take models, post messages, and never fetch."""
