"""Instances and their sets of snapshot files as lines; what colour says, signs and words say too."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len

from dfly_tui.models.backup import ProofLevel
from dfly_tui.models.backup_view import InstanceBackups, SetView, Standing
from dfly_tui.models.reading import Freshness
from dfly_tui.models.snapshots import SnapshotFile
from dfly_tui.models.verdict import State
from dfly_tui.text import fit, safe
from dfly_tui.units import MISSING, bytes_text
from widgets.bar import bar
from widgets.fleet_columns import STATE_GLYPHS
from widgets.header import coarse, freshness_run
from widgets.lines import Line, Run, fit_line

GAP = " "
LEAST_NAME, MOST_NAME = 8, 20
AGE, OBJECTIVE, PROVEN, STATE, SIZE, PROOF, KEPT = 6, 10, 8, 18, 9, 11, 9
LEAST_SCHEDULE, LEAST_SET = 12, 14
ROUND_UP_SECONDS = 3599.0
"""A set that goes in three days shall not be said to go in two."""
PROOF_WORDS = {ProofLevel.COMPLETE: "whole", ProofLevel.CHECKSUMS: "sums", ProofLevel.RESTORED: "restored"}
DIMMED = {Standing.FOREIGN, Standing.REPLICA, Standing.PENDING}


class Shown(NamedTuple):
    """An instance's backups, and how far what was read of them may be trusted.

    Attributes:
        freshness, age: Of the last look at the files; seconds.
    """

    view: InstanceBackups
    freshness: Freshness
    age: float | None
    paused: bool = False


def age_text(at: datetime | None, now: datetime) -> str:
    """How long ago, in one unit, minutes at least: what changes each second is written each second."""
    if at is None:
        return MISSING
    seconds = (now - at).total_seconds()
    return coarse(seconds) if seconds >= 60 else "<1 m"


def instance_heading(width: int, names: int) -> Line:
    """The titles of the table of instances."""
    schedule = _schedule_room(width, names)
    cells = [
        fit("instance", names), fit("schedule", schedule), fit("last", AGE, right=True), fit("objective", OBJECTIVE),
        fit("proven", PROVEN, right=True), "state",
    ]  # fmt: skip
    return fit_line([Run(GAP.join(cells), "title")], width)


def instance_line(shown: Shown, width: int, names: int, now: datetime) -> Line:
    """One instance. What is no business of backups is muted, and says why."""
    view, schedule = shown.view, _schedule_room(width, names)
    if view.standing in DIMMED:
        why = view.why or "reading …"
        return fit_line([Run(fit(view.name, names) + GAP, "muted"), Run(why, "muted")], width)
    used = view.objective_used
    late = "critical" if used is not None and used > 2 else "warning" if used is not None and used > 1 else "text"
    old = shown.freshness in {Freshness.STALE, Freshness.LOST}
    runs = [
        Run(fit(view.name, names) + GAP, "strong"),
        Run(fit(view.schedule or MISSING, schedule) + GAP),
        Run(fit(age_text(view.last_at, now), AGE, right=True) + GAP, late),
        Run(_objective(used) + GAP, late),
        Run(fit(age_text(view.proven_at, now) if view.proven_at else "never", PROVEN, right=True) + GAP),
        state_run(shown),
    ]
    return fit_line([run._replace(style="muted") for run in runs[:-1]] + runs[-1:] if old else runs, width)


def _objective(used: float | None) -> str:
    percent = MISSING if used is None else f"{used:.0%}" if used < 9.995 else "≥10×"
    return f"{bar(used, 5)} {percent:>4}"


def _schedule_room(width: int, names: int) -> int:
    return max(LEAST_SCHEDULE, width - names - AGE - OBJECTIVE - PROVEN - STATE - 5)


def name_room(names: Iterable[str]) -> int:
    """Cells for the names."""
    return min(MOST_NAME, max([LEAST_NAME, *map(cell_len, names)]))


def state_run(shown: Shown) -> Run:
    """The worst that is to be said of it, in a glyph and words."""
    view = shown.view
    if shown.paused or shown.freshness in {Freshness.STALE, Freshness.LOST, Freshness.PENDING}:
        return freshness_run(shown.freshness, shown.age, paused=shown.paused)
    if view.saving is not None:
        part = view.saving.fraction
        return Run("▶ saving" if part is None else f"▶ saving {part:.0%}", "title")
    worst = max((reason.state for reason in view.alerts), key=lambda state: state.rank, default=State.OK)
    if worst is State.OK and view.standing is Standing.CLOSED:
        return Run("? files not seen", "unknown")
    if worst is State.OK and view.last_at is None:
        return Run("▲ never saved", "warning")
    if worst is State.OK:
        return Run("● ok", "ok")
    count = sum(reason.state is not State.OK for reason in view.alerts)
    return Run(f"{STATE_GLYPHS[worst]} {worst}" + (f" +{count - 1}" if count > 1 else ""), str(worst))


# --- sets


def proof_run(each: SetView) -> Run:
    """How far a set was tried."""
    if not each.places:
        return Run("✖ gone", "critical")
    if each.problems:
        return Run("✖ not whole", "critical")
    proof = each.proof
    if proof is None:
        return Run("– untried", "muted")
    if not proof.ok:
        return Run("✖ failed", "critical")
    return Run(f"✔ {PROOF_WORDS[proof.level]}", "ok" if proof.level is ProofLevel.RESTORED else "text")


def where_text(each: SetView) -> str:
    """The stores it lies in; what is encrypted there is marked."""
    locked = {place.store for place in each.places if place.found.encryption is not None}
    return " ".join(f"{safe(store, limit=20)}{'*' if store in locked else ''}" for store in each.stores) or MISSING


def keep_run(each: SetView, now: datetime) -> Run:
    """Why it stays, or when it goes."""
    if each.pinned is not None:
        return Run(f"pinned: {safe(each.pinned, limit=60)}", "strong")
    if each.expiry is None:
        return Run(MISSING, "muted")
    if each.expiry.at is None:
        return Run(safe(each.expiry.why.partition(";")[0].partition(" of ")[0], limit=60), "muted")
    left = (each.expiry.at - now).total_seconds()
    return Run("goes now" if left <= 0 else f"goes {coarse(left + ROUND_UP_SECONDS)}", "warning")


def set_heading(width: int, columns: Sequence[int]) -> Line:
    """The titles of the sets."""
    base, where = columns
    cells = [fit("set", base), fit("age", AGE, right=True), fit("size", SIZE, right=True), fit("proof", PROOF),
             fit("where", where), "kept"]  # fmt: skip
    return fit_line([Run(GAP.join(cells), "title")], width)


def set_columns(sets: Iterable[SetView], width: int) -> tuple[int, int]:
    """Cells for the names of sets and for their places, out of `width`."""
    listed = list(sets)
    where = min(24, max([8, *(cell_len(where_text(each)) for each in listed)]))
    longest = max([LEAST_SET, *(cell_len(each.shown) for each in listed)])
    room = width - AGE - SIZE - PROOF - where - 5 - KEPT
    return max(LEAST_SET, min(longest, room)), where


def set_line(each: SetView, width: int, columns: Sequence[int], now: datetime) -> Line:
    """One set."""
    base, where = columns
    proof = proof_run(each)
    runs = [
        Run(fit(each.shown, base) + GAP, "text" if each.is_complete else "muted"),
        Run(fit(age_text(each.written_at, now), AGE, right=True) + GAP),
        Run(fit(bytes_text(each.size_bytes), SIZE, right=True) + GAP),
        Run(fit(proof.text, PROOF) + GAP, proof.style),
        Run(fit(where_text(each), where) + GAP, "muted"),
        keep_run(each, now),
    ]
    return fit_line(runs, width)


def leftover_line(store: str, file: SnapshotFile, width: int, columns: Sequence[int], now: datetime) -> Line:
    """A file that a save or a copy left behind, or is writing now."""
    base, where = columns
    runs = [
        Run(fit(safe(file.name, limit=120), base) + GAP, "muted"),
        Run(fit(age_text(file.modified_at, now), AGE, right=True) + GAP, "muted"),
        Run(fit(bytes_text(file.size_bytes), SIZE, right=True) + GAP, "muted"),
        Run(fit("▲ leftover", PROOF) + GAP, "warning"),
        Run(fit(safe(store, limit=20), where), "muted"),
    ]
    return fit_line(runs, width)
