"""The looks: colour themes and style sheets.

Sheets are found beside this file, never by a relative name: the package names of this application are generic.
"""

from pathlib import Path
from typing import TypeVar

from textual.app import App

from themes.palettes import THEMES, VARIABLE_DEFAULTS

T = TypeVar("T")

_FOLDER = Path(__file__).parent
SHEETS: list[Path] = [
    _FOLDER / "base.tcss",
    *sorted(path for path in _FOLDER.glob("*.tcss") if path.name != "base.tcss"),
]
"""Every style sheet, base first, for `App.CSS_PATH`."""

__all__ = ["SHEETS", "THEMES", "VARIABLE_DEFAULTS", "register_all"]


def register_all(app: App[T]) -> None:
    """Make our themes known to the app, which must also return `VARIABLE_DEFAULTS` from
    `get_theme_variable_defaults()`, so that Textual's own themes work with our sheets."""
    for theme in THEMES:
        app.register_theme(theme)
