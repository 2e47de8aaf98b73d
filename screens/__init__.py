"""One file per screen: it subscribes to feeds and starts operations."""
