"""The dialogs of backups: which set is restored from where, when the server saves, what retention says of each set."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from dfly_tui.models.backup_view import SetView
from dfly_tui.text import fit, safe
from dfly_tui.units import bytes_text
from widgets.backup_lines import age_text, proof_run
from widgets.dialog import Dialog
from widgets.keylist import MARKER, LongList
from widgets.lines import Line, Run, fit_line


class Source(NamedTuple):
    """A set in one of the stores it lies whole in."""

    each: SetView
    store: str


class RestoreWish(NamedTuple):
    """What is to be restored, and whether it is tried in a throw-away server before."""

    source: Source
    drill_first: bool


def sources_of(sets: Iterable[SetView]) -> list[Source]:
    """Every set that could be restored, from each store it lies whole in; the newest first."""
    return [Source(each, place.store) for each in sets for place in each.places if not place.problems]


def source_line(source: Source, now: datetime, width: int) -> Line:
    """One of them."""
    proof = proof_run(source.each)
    failed = source.each.record is not None and source.each.record.is_broken
    return fit_line(
        [
            Run(fit(source.each.shown, 25) + " "),
            Run(fit(age_text(source.each.written_at, now), 6, right=True) + " "),
            Run(fit(bytes_text(source.each.size_bytes), 9, right=True) + " "),
            Run(fit(proof.text, 12), "critical" if failed else proof.style),
            Run(f" {safe(source.store, limit=40)}", "muted"),
        ],
        width,
    )


class RestoreDialog(Dialog[RestoreWish | None]):
    """Which set, from which store, tried before or not. Nothing is begun by it: the plan is shown next.

    Args:
        at: Index of the source under the cursor at first.
    """

    AUTO_FOCUS = "LongList"
    BOX_CLASSES = "dialog--box dialog--wide"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "turn", "Drill", show=False),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, instance: str, sources: Sequence[Source], at: int, now: datetime) -> None:
        super().__init__(f"Restore {instance}", cancelled=None)
        self._sources, self._at, self._now = sources, at, now
        self._drill_first = True

    def body(self) -> Iterable[Widget]:
        """What may be restored, and how."""
        yield Static(Content("Which set, and from where? Enter goes on to the plan; nothing is changed by that."),
                     markup=False)  # fmt: skip
        yield LongList()
        yield Static(id="drill", markup=False)

    def buttons(self) -> Iterable[Button]:
        """Cancel, and on to the plan."""
        yield Button("Cancel", id="cancel")
        yield Button("Go on", id="confirm")

    def on_mount(self) -> None:
        sources = self.query_one(LongList)
        sources.say_when_empty("no set lies whole anywhere")
        sources.set_rows(len(self._sources), self._line)
        sources.cursor = self._at
        self._tell()

    def _line(self, index: int) -> Line:
        return source_line(self._sources[index], self._now, self.query_one(LongList).room - len(MARKER))

    def _tell(self) -> None:
        words = "tried in a throw-away server first, unless it was lately" if self._drill_first else "NOT tried before"
        self.query_one("#drill", Static).update(Content(f"[{'x' if self._drill_first else ' '}] {words}   space: turn"))

    def action_turn(self) -> None:
        """Tried before, or not."""
        self._drill_first = not self._drill_first
        self._tell()

    @on(LongList.Selected)
    def accept(self) -> None:
        """The one under the cursor."""
        if self._sources:
            self.dismiss(RestoreWish(self._sources[self.query_one(LongList).cursor], self._drill_first))


class Said(NamedTuple):
    """What is said of an expression while it is typed.

    Attributes:
        ok: Whether it may be set.
        lines: With it, or what is wrong with it.
    """

    ok: bool
    lines: tuple[str, ...]


class ScheduleDialog(Dialog[str | None]):
    """Edits `snapshot_cron`; says live what it means.

    Args:
        explain: What is said of what stands there.
    """

    AUTO_FOCUS = "#cron"
    BOX_CLASSES = "dialog--box dialog--schedule"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,right", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, instance: str, cron: str, explain: Callable[[str], Said]) -> None:
        super().__init__(f"When {instance} saves by itself", cancelled=None)
        self._cron, self._explain = cron, explain

    def body(self) -> Iterable[Widget]:
        """The expression, and what it means."""
        yield Static(Content("minute hour day month weekday; empty: it does not save by itself"), markup=False)
        box = Input(self._cron, id="cron", select_on_focus=False, max_length=200)
        box.cursor_blink = False
        yield box
        yield Static(id="means", markup=False)

    def buttons(self) -> Iterable[Button]:
        """Cancel, and on to the plan."""
        yield Button("Cancel", id="cancel")
        yield Button("Go on", id="confirm")

    def on_mount(self) -> None:
        self._tell(self._cron)

    @on(Input.Changed, "#cron")
    def _typed(self, event: Input.Changed) -> None:
        self._tell(event.value)

    def _tell(self, cron: str) -> None:
        said = self._explain(cron.strip())
        self.query_one("#means", Static).update(Content("\n".join(said.lines)))
        self.query_one("#means").set_class(not said.ok, "-wrong")
        self.query_one("#confirm", Button).disabled = not said.ok

    @on(Input.Submitted, "#cron")
    def accept(self) -> None:
        """As it stands there, if it may be set."""
        cron = self.query_one("#cron", Input).value.strip()
        if self._explain(cron).ok:
            self.dismiss(cron)


class PruneDialog(Dialog[bool]):
    """What retention says of every set, before anything is planned; True to go on to the plan.

    Args:
        lines: One for each set: what becomes of it, and why.
        goes: How many files would go.
    """

    AUTO_FOCUS = "LongList"
    BOX_CLASSES = "dialog--box dialog--wide"

    def __init__(self, title: str, said: str, lines: Sequence[Line], *, goes: bool) -> None:
        super().__init__(title, cancelled=False)
        self._said, self._rows, self._goes = said, lines, goes

    def body(self) -> Iterable[Widget]:
        """The verdicts."""
        yield Static(Content(self._said), markup=False)
        yield LongList()

    def buttons(self) -> Iterable[Button]:
        """Cancel, and on to the plan where there is anything to plan."""
        yield Button("Cancel" if self._goes else "Close", id="cancel")
        if self._goes:
            yield Button("Go on", id="confirm")

    def on_mount(self) -> None:
        self.query_one(LongList).say_when_empty("there is no set")
        self.query_one(LongList).set_rows(len(self._rows), lambda at: self._rows[at])

    @on(LongList.Selected)
    def accept(self) -> None:
        """On to the plan."""
        self.dismiss(self._goes)
