"""A plan as a list: who may take over, every step with the commands it runs, how far it came, what is left to do."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from textual.events import Resize

from dfly_tui.models.operation import Event, Finding, StepKind, StepState, StepView, Verdict
from widgets.findings import finding_paragraphs, finding_runs
from widgets.keylist import MARKER, LongList
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes
from widgets.reasons import wrapped

STATE_LOOKS = {
    StepState.WAITING: ("○", "muted"),
    StepState.RUNNING: ("▶", "title"),
    StepState.DONE: ("✔", "ok"),
    StepState.WARNED: ("▲", "warning"),
    StepState.SKIPPED: ("–", "muted"),
    StepState.BLOCKED: ("✖", "critical"),
    StepState.DECLINED: ("○", "warning"),
    StepState.FAILED: ("✖", "critical"),
    StepState.UNDONE: ("←", "warning"),
    StepState.UNKNOWN: ("?", "critical"),
}
KIND_WORDS = {StepKind.CHECK: "check", StepKind.CONFIRM: "ask", StepKind.ACT: "change", StepKind.VERIFY: "verify"}
KIND_NOTES = {
    StepKind.CHECK: "A check: it changes nothing.",
    StepKind.CONFIRM: "A question to you: nothing is changed before it.",
    StepKind.VERIFY: "Waits until it is so; changes nothing.",
}
NO_WAY_BACK = "There is no way back once this is done."
WAITS = {StepState.RUNNING, StepState.WAITING}


class Row(NamedTuple):
    """A line of the list.

    Attributes:
        key: Tells it from the others; the cursor stays on it when lines come and go.
        runs: What stands there; cut to the width.
        details: Paragraphs that say all of it.
        copy: What a person may want to paste somewhere; empty where there is nothing.
    """

    key: str
    runs: Line
    details: tuple[Run, ...] = ()
    copy: str = ""


class Choice(NamedTuple):
    """Somebody who may be chosen.

    Attributes:
        barred: Why not; empty when nothing speaks against it.
        reasons: What speaks for its place in the list.
    """

    name: str
    barred: str = ""
    reasons: tuple[str, ...] = ()
    chosen: bool = False


class Progress(NamedTuple):
    """How far a step came.

    Attributes:
        seconds: How long it took, or has been running; None when nobody knows.
    """

    state: StepState
    seconds: float | None
    text: str = ""
    findings: tuple[Finding, ...] = ()


def progress_of(events: Iterable[Event], elapsed: float) -> dict[str, Progress]:
    """Where each step stands, by its id, `elapsed` seconds after the beginning."""
    found: dict[str, Progress] = {}
    began: dict[str, float] = {}
    for event in events:
        if not event.step:
            continue
        if event.state is StepState.RUNNING:
            began[event.step] = event.elapsed_seconds
            took = max(0.0, elapsed - event.elapsed_seconds)
        else:
            took = event.elapsed_seconds - began.get(event.step, event.elapsed_seconds)
        found[event.step] = Progress(event.state, took, event.text, event.findings)
    return found


def heading(text: str, style: str = "title") -> Row:
    """A line above a section."""
    return Row(f"heading:{text}", (Run(text, style),))


def choice_row(choice: Choice) -> Row:
    """Somebody who may be chosen, with the reasons for the place in the list."""
    barred = Run("✖ barred  ", "warning") if choice.barred else Run("○         ")
    mark = Run("● chosen  ", "ok") if choice.chosen else barred
    said = choice.barred or ", ".join(choice.reasons)
    how = () if choice.chosen else (Run("Enter plans it with this one instead.", "title"),)
    against = (Run(f"Against it: {choice.barred}", "warning"),) if choice.barred else ()
    return Row(
        f"choice:{choice.name}",
        (Run("  "), mark, Run(f"{choice.name}  ", "strong"), Run(said, "muted")),
        (Run(choice.name, "strong"), *against, *(Run(f"- {each}") for each in choice.reasons), *how),
    )


def note_row(key: str, text: str, style: str = "text") -> Row:
    """A sentence: something left to do, a file that was written."""
    return Row(key, (Run("  "), Run(text, style)), (Run(text),), text)


def step_rows(
    steps: Sequence[StepView], progress: dict[str, Progress], *, finals: Collection[str], every_finding: bool
) -> Iterator[Row]:
    """The steps in order; under a check what it found.

    Args:
        finals: Ids of the steps after which there is no way back.
        every_finding: Also those that are as they should be.
    """
    marked = False
    for step in steps:
        final = step.id in finals
        if final and not marked:
            marked = True
            yield heading("  ── no way back from here ──", "warning")
        done = progress.get(step.id)
        yield step_row(step, done, begun=bool(progress), final=final)
        for number, finding in enumerate(done.findings if done and step.kind is StepKind.CHECK else ()):
            if every_finding or finding.verdict is not Verdict.PASS:
                yield Row(f"{step.id}:{number}", finding_runs(finding), finding_paragraphs(finding), finding.advice)


def step_row(step: StepView, done: Progress | None, *, begun: bool, final: bool) -> Row:
    """One step; before anything was begun without a state."""
    state = done.state if done else StepState.WAITING
    glyph, style = STATE_LOOKS[state]
    took = " " * 9 if done is None or done.seconds is None else f"{done.seconds:6.1f} s "
    mark = (Run(f"{glyph} {state:<9}", style), Run(took, "muted")) if begun else (Run("  "),)
    said = _said(done)
    runs = (
        *mark,
        Run(f"{KIND_WORDS[step.kind]:<7}", "strong" if step.kind is StepKind.ACT else "muted"),
        Run(step.title, "muted" if begun and done is None else "text"),
        Run(f"  {said}" if said else "", "muted"),
    )
    return Row(step.id, runs, _step_paragraphs(step, done, final=final), "\n".join(step.commands))


def _said(done: Progress | None) -> str:
    if done is None:
        return ""
    if len(done.findings) < 2:  # the one finding of a verification is told by the text
        return done.text
    counts = {verdict: sum(each.verdict is verdict for each in done.findings) for verdict in Verdict}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def _step_paragraphs(step: StepView, done: Progress | None, *, final: bool) -> tuple[Run, ...]:
    found = [Run(step.title, "strong")]
    if step.kind is StepKind.ACT:
        found.append(Run(f"Changes {step.target}. It runs:", "muted"))
        found += [Run(f"$ {command}", "title") for command in step.commands]
    else:
        found.append(Run(KIND_NOTES[step.kind], "muted"))
    if final and (done is None or done.state in WAITS):
        found.append(Run(NO_WAY_BACK, "warning"))
    if done and done.text:
        glyph, style = STATE_LOOKS[done.state]
        found.append(Run(f"{glyph} {done.state}: {done.text}", style))
    return tuple(found)


def paragraph_lines(paragraphs: Iterable[Run], width: int) -> Iterator[Line]:
    """Wrapped at blanks; what a line could not hold is indented on the next."""
    for text, style in paragraphs:
        first, *more = wrapped(text, max(1, width))
        yield fit_line([Run(first, style)], width)
        for part in wrapped(" ".join(more), max(1, width - 2)) if more else ():
            yield fit_line([Run(f"  {part}", style)], width)


class Details(LinesWidget):
    """The line under the cursor in full; where it does not fit, the last line says how to see all."""

    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes("strong", "muted", "title", "ok", "warning", "critical")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._paragraphs: tuple[Run, ...] = ()
        self._hint = ""

    def show(self, paragraphs: tuple[Run, ...], hint: str) -> None:
        """Show these; `hint` says how the rest can be seen where there is no room."""
        self._paragraphs, self._hint = paragraphs, hint
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The paragraphs, cut to the height."""
        lines = list(paragraph_lines(self._paragraphs, width))
        if len(lines) <= height:
            return lines
        hidden = len(lines) - height + 1
        return [*lines[: height - 1], fit_line([Run(f"… {hidden} more lines: {self._hint}", "warning")], width)]


class PlanList(LongList):
    """The rows, with a cursor that follows what happens until somebody moves it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes(
        "strong", "muted", "title", "ok", "warning", "critical", "cursor", "cursor-idle"
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._rows: list[Row] = []
        self.follows = True

    @property
    def highlighted(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    def show(self, rows: Sequence[Row], at: str = "") -> None:
        """Show these.

        Args:
            at: Key of the row where something happens; the cursor goes there if nobody moved it.
        """
        before = self.highlighted.key if self.highlighted else ""
        self._rows = list(rows)
        self.lay_out()
        keys = [row.key for row in rows]
        wanted = at if self.follows and at in keys else before
        if wanted in keys:
            self.cursor = keys.index(wanted)
            if self.follows and not any(row.details for row in self._rows[: self.cursor]):
                self.scroll_to(y=0, animate=False, immediate=True, force=True)  # with the heading above

    def lay_out(self) -> None:
        """Cut the rows to the width."""
        width = max(0, self.room - len(MARKER))
        self.set_lines([fit_line(row.runs, width) for row in self._rows])

    def on_resize(self, event: Resize) -> None:
        """Rows are as wide as the list."""
        super().on_resize(event)
        self.lay_out()

    def action_move(self, rows: int) -> None:
        """Moved by a person."""
        self.follows = False
        super().action_move(rows)

    def action_jump(self, index: int) -> None:
        """Moved by a person."""
        self.follows = False
        super().action_jump(index)
