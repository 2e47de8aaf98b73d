"""What is said of an instance's backups above its sets, and of the set under the cursor below them."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import ClassVar

from rich.cells import cell_len

from dfly_tui.models.backup_view import InstanceBackups, Place, Saving, SetView, Standing
from dfly_tui.models.snapshots import SnapshotFile
from dfly_tui.models.verdict import State
from dfly_tui.text import safe
from dfly_tui.units import MISSING, bytes_text, count_text, duration_text
from widgets.backup_lines import PROOF_WORDS, age_text
from widgets.bar import bar
from widgets.fleet_columns import STATE_GLYPHS
from widgets.header import coarse
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes, line_text
from widgets.sparkline import sparkline

DAY = 86400.0
FAR_DAYS = 365.0
"""A disk that is full only then is not spoken of."""
BAR_CELLS = 12
TREND_CELLS = 10
MOST_ALERTS = 3
ADVICE = " → "


class About(LinesWidget):
    """The chosen instance in a few lines: when it saves, what a crash would cost, what is wrong."""

    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes(
        "strong", "muted", "title", "ok", "warning", "critical", "unknown", "series-1"
    )
    DEFAULT_CSS = "About { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._lines: list[Line] = []

    def show(self, lines: list[Line]) -> None:
        """Show these; what is around it moves only when there are more or fewer."""
        self._lines = lines
        if self.size.width and len(self.lines(self.size.width, 0)) != self.size.height:
            self.refresh(layout=True)
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """Advice has a line of its own where there is no room behind what is wrong: the first, which is the worst's."""
        found: list[Line] = []
        advised = False
        for line in self._lines:
            cut = len(line) - 1 if line[-1].text.startswith(ADVICE) and cell_len(line_text(line)) > width else len(line)
            found.append(fit_line(line[:cut], width))
            if cut < len(line) and not advised:
                advised = True
                found.append(fit_line([Run(f" {line[-1].text}", line[-1].style)], width))
        return found


def about_lines(view: InstanceBackups, now: datetime, here: tzinfo) -> list[Line]:
    """The chosen instance.

    Args:
        here: The zone of whoever looks.
    """
    if view.standing not in {Standing.OPEN, Standing.CLOSED}:
        return [(Run(f"{view.name}: ", "strong"), Run(view.why or "reading …", "muted"))]
    lines: list[Line] = [_schedule(view, here), _promise(view, now)]
    if view.saving is not None:
        lines.append(_saving(view.saving))
    if view.why:
        lines.append((Run(f"▲ {view.why}", "warning"), Run(f"{ADVICE}{view.advice}" if view.advice else "", "muted")))
    told = [reason for reason in view.alerts if reason.state is not State.OK]
    for reason in told[:MOST_ALERTS]:
        advice = f"{ADVICE}{reason.advice}" if reason.advice else ""
        lines.append((Run(f"{STATE_GLYPHS[reason.state]} {reason.text}", str(reason.state)), Run(advice, "muted")))
    if len(told) > MOST_ALERTS:
        lines[-1] = (*lines[-1], Run(f"  (+{len(told) - MOST_ALERTS} more)", "muted"))
    return lines


def _schedule(view: InstanceBackups, here: tzinfo) -> Line:
    runs = view.next_runs
    if not runs:
        return (Run(f"{view.name}: ", "strong"), Run(view.schedule or "the schedule was not told"))
    theirs = ", ".join(f"{at:%a %H:%M}" if at.date() != runs[0].date() else f"{at:%H:%M}" for at in runs)
    zone = runs[0].tzname() or "?"
    first = runs[0].astimezone(here)
    ours = f" = {first:%a %H:%M} here" if first.utcoffset() != runs[0].utcoffset() else ""
    return (
        Run(f"{view.name}: ", "strong"), Run(view.schedule),
        Run(f"; next {runs[0]:%a} {theirs} {zone}{ours}", "muted"),
    )  # fmt: skip


def _promise(view: InstanceBackups, now: datetime) -> Line:
    lose = "Nothing is saved: a crash loses all" if view.loss_seconds is None else (
        f"Lose at most {_coarser(view.loss_seconds)}"
    )  # fmt: skip
    restore = (
        f"a restore took {duration_text(view.restore_seconds)}, {age_text(view.proven_at, now)} ago"
        if view.restore_seconds is not None
        else "no restore was proven"
    )
    late = view.objective_used is None or view.objective_used > 1
    runs = [Run(lose, "warning" if late else "text"), Run(f" · {restore}", "text" if view.proven_at else "warning")]
    if view.full_in_days is not None and view.full_in_days < FAR_DAYS:
        runs.append(Run(f" · full in {coarse(view.full_in_days * DAY)}"))
    elif view.free_bytes is not None:
        runs.append(Run(f" · {bytes_text(view.free_bytes)} free", "muted"))
    if view.sizes:
        runs += [Run(" · "), Run(sparkline(view.sizes, min(TREND_CELLS, len(view.sizes))), "series-1")]
        runs.append(Run(f" {bytes_text(view.sizes[-1])}"))
    return tuple(runs)


def _coarser(seconds: float) -> str:
    """In minutes at least, so that the line does not change each second."""
    return duration_text(seconds // 60 * 60) if seconds >= 60 else "a minute"


def _saving(saving: Saving) -> Line:
    part = MISSING if saving.fraction is None else f"{saving.fraction:.0%}"
    said = [f"{part:>4}"]
    if saving.total:
        said.append(f"{count_text(saving.keys)} of {count_text(saving.total)} keys")
    if saving.seconds is not None:
        left = f", {duration_text(saving.left_seconds)} left" if saving.left_seconds is not None else ""
        said.append(f"{duration_text(saving.seconds)}{left}")
    if saving.slowed is not None:
        said.append(f"ops/s {-saving.slowed:+.0%}")
    return Run("Saving ", "title"), Run(bar(saving.fraction, BAR_CELLS), "series-1"), Run(" " + " · ".join(said))


# --- the set under the cursor


def set_paragraphs(each: SetView, now: datetime) -> Line:
    """A set in a few sentences, the worst first."""
    return tuple(_told(each, now))


def _told(each: SetView, now: datetime) -> Iterator[Run]:
    yield Run(each.shown, "strong")
    for problem in each.problems:
        yield Run(f"✖ {problem}: it cannot be restored", "critical")
    if each.pinned is not None:
        yield Run(f"Pinned, never removed: {safe(each.pinned, limit=200)}", "title")
    proofs = sorted(each.record.proofs, key=lambda proof: proof.at, reverse=True) if each.record else ()
    for proof in proofs[:4]:
        took = f" in {duration_text(proof.seconds)}" if proof.seconds is not None else ""
        words = f"{PROOF_WORDS[proof.level]}{took}, {age_text(proof.at, now)} ago, {safe(proof.store, limit=60)}"
        yield Run(
            f"{'✔' if proof.ok else '✖'} {words}: {safe(proof.text, limit=300)}", "ok" if proof.ok else "critical"
        )
    if not proofs:
        yield Run("Never verified, never restored: nobody knows whether it is any good.", "warning")
    if each.expiry is not None and each.pinned is None:
        at = each.expiry.at
        why = safe(each.expiry.why, limit=300)
        yield Run(f"Kept: {why}" if at is None else f"Goes on {at:%Y-%m-%d %H:%M} UTC: {why}", "muted")
    yield Run(_facts(each, now))
    for place in each.places:
        state = f"✖ {'; '.join(place.problems)}" if place.problems else "whole"
        locked = f", encrypted with {place.found.encryption}" if place.found.encryption else ""
        yield Run(f"In {safe(place.store, limit=60)}: {state}{locked}", "warning" if place.problems else "text")


def _facts(each: SetView, now: datetime) -> str:
    record = each.record
    files = len(each.places[0].found.files) if each.places else len(record.files) if record else 0
    said = f"{each.format.upper()}, {files} {'file' if files == 1 else 'files'}, {bytes_text(each.size_bytes)}, "
    at = each.written_at.astimezone(UTC)
    said += f"{at:%Y-%m-%d %H:%M:%S} UTC, {age_text(at, now)} ago"
    if record is None:
        return f"{said}. Not in the catalogue: the server made it by itself, or another program."
    if record.seconds is not None:
        said += f", saved in {duration_text(record.seconds)}"
    if record.version:
        said += f" by {safe(record.version, limit=40)}"
    if record.keys:
        said += "; " + ", ".join(f"db{number} {count:,} keys" for number, count in sorted(record.keys.items()))
    who = f" ({safe(record.who, limit=80)}{': ' + safe(record.why, limit=200) if record.why else ''})"
    return said + (who if record.who else "")


def leftover_paragraphs(store: str, file: SnapshotFile, now: datetime) -> Line:
    """A file that does not belong to a set."""
    return (
        Run(safe(file.name, limit=200), "strong"),
        Run(
            f"{bytes_text(file.size_bytes)} in {safe(store, limit=60)}, last written "
            f"{age_text(file.modified_at, now)} ago."
        ),
        Run("Left by a save or a copy that did not end, unless one is running. Pruning removes it when it is old."),
    )  # fmt: skip


def whole_text(each: SetView, now: datetime) -> str:
    """All that is known of a set, for a dialog."""
    lines = [run.text for run in _told(each, now)]
    for place in each.places:
        lines += ["", f"Files in {safe(place.store, limit=60)}:", *_files(each, place)]
    if each.record and each.record.samples:
        lines += ["", f"{len(each.record.samples)} keys are sampled: a drill compares their values."]
    return "\n".join(lines)


def _files(each: SetView, place: Place) -> Iterator[str]:
    record = each.record
    copy = next((copy for copy in record.copies if copy.store == place.store), None) if record else None
    sums = {file.name: file.sha256 for file in (copy.files if copy else record.files if record else ())}
    for file in place.found.files:
        yield f"  {safe(file.name, limit=120)}  {bytes_text(file.size_bytes)}  sha256 {sums.get(file.name) or MISSING}"
