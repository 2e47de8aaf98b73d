"""Every theme can be read, and knows every variable our sheets use."""

import re
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from dfly_tui.settings import Environment
from tests.widgets.support import WidgetApp
from themes import SHEETS, THEMES, VARIABLE_DEFAULTS
from widgets.header import HeaderData, StatusHeader

BACKGROUNDS = ("background", "surface", "panel", "cursor", "cursor-idle")
TEXTS = ("foreground", "dimmed", "title", "fresh", "stale", "lost", "danger", "series-1", "series-2", "series-3")
PAIRS = [(text, background) for text in TEXTS for background in BACKGROUNDS] + [
    ("production-text", "production"),
    ("staging-text", "staging"),
    ("lab-text", "lab"),
    ("simulation-text", "simulation"),
    ("danger-text", "danger-background"),
    ("text-disabled", "panel"),
    ("button-color-foreground", "primary"),
]
XTERM = {
    "ansi_black": "#000000", "ansi_red": "#cd0000", "ansi_green": "#00cd00", "ansi_yellow": "#cdcd00",
    "ansi_blue": "#0000ee", "ansi_magenta": "#cd00cd", "ansi_cyan": "#00cdcd", "ansi_bright_white": "#ffffff",
}  # fmt: skip
"""The colours xterm gives its sixteen names; for default text on the default background nobody can tell."""


def luminance(color: Color) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(text: str, background: str) -> float:
    """Contrast ratio as WCAG 2.1 defines it, 1 to 21."""
    lighter, darker = sorted((luminance(Color.parse(text)), luminance(Color.parse(background))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def variables(theme: Theme) -> dict[str, str]:
    return {**theme.to_color_system().generate(), **theme.variables}


@pytest.mark.parametrize("theme", [theme for theme in THEMES if not theme.ansi], ids=lambda theme: str(theme.name))
def test_text_can_be_read_on_every_background_it_appears_on(theme: Theme) -> None:
    known = variables(theme)
    poor = {pair: round(ratio, 2) for pair in PAIRS if (ratio := contrast(known[pair[0]], known[pair[1]])) < 4.5}
    assert not poor


def test_badges_of_the_ansi_theme_can_be_read_with_the_colours_of_xterm() -> None:
    known = variables(next(theme for theme in THEMES if theme.ansi))
    for name in ("production", "staging", "lab", "danger"):
        background = known["danger-background" if name == "danger" else name]
        assert contrast(XTERM[known[f"{name}-text"]], XTERM[background]) >= 4.5, name


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: str(theme.name))
def test_every_theme_defines_every_own_variable(theme: Theme) -> None:
    assert not set(VARIABLE_DEFAULTS) - set(theme.variables)


def test_the_sheets_name_no_colour_themselves() -> None:
    sheets = "".join(sheet.read_text() for sheet in SHEETS)
    declared = re.findall(r"(?:color|background|border[a-z-]*): ([^;]*);", sheets)
    assert len(declared) > 20
    assert not [value for value in declared if re.search(r"#|rgb|\b(red|green|blue|white|black)\b", value)]


def test_base_comes_first_and_every_sheet_is_found() -> None:
    assert SHEETS[0].name == "base.tcss"
    assert {sheet.name for sheet in SHEETS} == {path.name for path in Path(SHEETS[0].parent).glob("*.tcss")}


@pytest.mark.parametrize("name", [*(theme.name for theme in THEMES), "textual-light", "nord", "ansi-dark"])
async def test_every_theme_can_be_chosen_while_running(name: str) -> None:
    header = StatusHeader()
    app = WidgetApp(header)
    async with app.run_test(size=(80, 5)) as pilot:
        header.show(HeaderData(instance="nas", environment=Environment.PRODUCTION))
        app.theme = name
        await pilot.pause()
        assert "PRODUCTION" in app.screen._compositor.render_strips()[0].text


async def test_production_is_unmistakable_in_every_theme() -> None:
    for theme in THEMES:
        header = StatusHeader()
        app = WidgetApp(header, theme=theme.name)
        async with app.run_test(size=(80, 5)) as pilot:
            looks = set()
            for environment in Environment:
                header.show(HeaderData(environment=environment))
                await pilot.pause()
                strip = app.screen._compositor.render_strips()[0]
                badge = next(segment for segment in strip if str(environment).upper() in segment.text)
                assert badge.style is not None
                looks.add((badge.style.color, badge.style.bgcolor))
            assert len(looks) == len(Environment), theme.name
