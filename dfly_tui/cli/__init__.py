"""The headless commands. Nothing here imports Textual before the dashboard is asked for."""
