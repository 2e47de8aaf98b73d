"""An app around the widget under test, and what a person or a terminal would see of it."""

from collections.abc import Iterable

from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from textual._compositor import CompositorUpdate  # the only place that tells what is written
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from dfly_tui.text import SafeText, safe
from themes import SHEETS, VARIABLE_DEFAULTS, register_all
from widgets.lines import Line, line_text

TERMINAL = Console(color_system="truecolor", force_terminal=True)
"""The dearest kind: every colour takes up to 19 bytes."""


class WidgetApp(App[object]):
    """Shows widgets with our themes and counts the bytes that a terminal would get."""

    CSS_PATH = SHEETS  # type: ignore[assignment]

    def __init__(self, *widgets: Widget, theme: str = "dfly-dark") -> None:
        super().__init__()
        self.animation_level = "none"
        self._shown = widgets
        self.written = 0
        self.quit_by_markup = False
        register_all(self)
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield from self._shown

    def _display(self, screen: Screen[object], renderable: object) -> None:
        if isinstance(renderable, CompositorUpdate) and screen is self.screen:
            self.written += len(renderable.render_segments(TERMINAL).encode())
        super()._display(screen, renderable)  # type: ignore[arg-type]

    def action_pwned(self) -> None:
        """What hostile markup would call."""
        self.quit_by_markup = True


def rows(app: App[object]) -> list[str]:
    """The screen, line by line."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def text(app: App[object]) -> str:
    """The screen as one text."""
    return "\n".join(rows(app))


FORBIDDEN = frozenset(map(chr, [*range(32), *range(0x7F, 0xA0)]))


def assert_printable(lines: Iterable[str], width: int) -> None:
    """No control character, and every line fills its width exactly."""
    for line in lines:
        assert not FORBIDDEN & set(line), repr(line)
        assert cell_len(line) == width, (cell_len(line), width, line)


def assert_lines_fill(lines: Iterable[Line], width: int) -> None:
    """The same for lines that pure functions made."""
    assert_printable([line_text(line) for line in lines], width)


HOSTILE = (
    "[/]",
    "[@click=app.pwned]x[/]",
    "[red]loud[/red] [b",
    "\x1b]0;title\x07",
    "\x1b[2J\x9b31m",
    "\x1b]52;c;aGk=\x1b\\",
    "日本語のキー" * 4,
    "👩‍👩‍👧‍👦🇩🇪🏳️‍🌈",
    "e\u0301\u0302\u0303" * 12,
    "\u0301\u0302",
    "\u202edesrever\u2066",
    "tab\there\r\nnew line",
    "\\[b]\\",
    "$primary {x} %s",
    "",
    " ",
    "x" * 5000,
)

hostile_text: st.SearchStrategy[SafeText] = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=60), st.binary(max_size=60)
).map(safe)
"""What a server may send, after `safe()`, as the clients deliver it."""

widths = st.one_of(st.integers(1, 10), st.integers(11, 220))
