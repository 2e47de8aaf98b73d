"""dfly-tui: a terminal cockpit for DragonflyDB."""

__version__ = "0.1.0"
