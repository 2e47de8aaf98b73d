"""One instance's place in its group as a sheet of entries: its link, its lag, the light. Pure functions."""

from collections.abc import Iterator

from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.operation import Finding, Verdict, worst
from dfly_tui.models.reading import Freshness
from dfly_tui.models.replication import LinkState, PrimaryLink, Role
from dfly_tui.models.world import Seen, World
from dfly_tui.units import MISSING, bytes_text, count_text, duration_text
from screens.replication_view import (
    CATCHING_UP,
    LIGHT,
    View,
    address,
    is_behind,
    lag_text,
    leader_of,
    mismatch,
    stage_text,
    state_of,
)
from widgets.lines import Run
from widgets.sheet import FIXED_BLANK, Entry

STAGES = (LinkState.CONNECTING, LinkState.PREPARATION, LinkState.FULL_SYNC, CATCHING_UP, LinkState.STABLE)
MARKS = {Verdict.PASS: Run("● ", "ok"), Verdict.WARN: Run("▲ ", "warning"), Verdict.BLOCK: Run("✖ ", "critical")}
BROKEN = {LinkState.DOWN, LinkState.CANCELLED, LinkState.UNKNOWN}


def entries_of(view: View, name: str, *, everything: bool) -> list[Entry]:
    """What is known of an instance, the most urgent first.

    Args:
        everything: All that was looked at for the light, and not only what is not as it should be.
    """
    world, seen = view.known(name)
    entries = [*_silence(view, name)]
    if seen.snapshot is None:
        return entries
    link = seen.snapshot.replication.primary
    if link is None:
        return [*entries, *_primary(view, world, seen, seen.snapshot)]
    return [
        *_emptied(world, seen),
        *entries,
        *light(view, name, everything=everything),
        Entry("link", tuple(_stages(world, seen))),
        Entry("lag", tuple(_lag(view, seen))),
        Entry("follows", tuple(_follows(world, seen, link))),
        Entry("offset", (*_offset(view, seen, link), Run(_resyncs(world, seen, seen.snapshot)))),
    ]


def _silence(view: View, name: str) -> Iterator[Entry]:
    """Why nothing new is known; what follows is then as it was last read."""
    status = view.statuses[name]
    error = status.observation.status.error
    if error is not None:
        style = "critical" if status.freshness is Freshness.LOST else "warning"
        yield Entry(str(status.freshness), (Run(str(error), style), *_advice(error.hint)))
    if status.snapshot is None:
        yield from () if error else (Entry("", (Run(f"{name} was not read yet", "muted"),)),)
    elif status.freshness is not Freshness.FRESH or error is not None:
        yield Entry("as of", (Run(f"{view.age(name)} ago", "warning"),))


def light(view: View, name: str, *, everything: bool) -> Iterator[Entry]:
    """Whether a replica is safe to promote now, and why not."""
    findings = view.findings(name)
    silent = view.worlds[view.group_of(name)][name].snapshot is None
    if not findings:
        why = "it does not answer" if silent else "it follows nobody that we know"
        yield Entry("promote", (MARKS[Verdict.BLOCK], Run(f"no: {why}", "critical")))
        return
    verdict = worst(findings)
    shown = [finding for finding in findings if everything or finding.verdict is not Verdict.PASS]
    shown.sort(key=lambda finding: list(MARKS).index(finding.verdict), reverse=True)
    first = [Run(f" {aside}", "strong")] if (aside := _aside(view, name)) else []
    if verdict is not Verdict.PASS and not first:
        first = [Run(" "), *_finding(shown.pop(0))]
    colon = ":" if first else ""
    yield Entry("promote", (MARKS[verdict], Run(f"{LIGHT[verdict].text}{colon}", LIGHT[verdict].style), *first))
    for finding in shown:
        yield Entry("", (MARKS[finding.verdict], *_finding(finding)))


def _aside(view: View, name: str) -> str:
    """When the primary is gone, another plan is meant than the one that the checks are about."""
    world = view.worlds[view.group_of(name)]
    leader = leader_of(world, world[name])
    if leader is None or leader.snapshot is not None or view.statuses[leader.name].freshness is not Freshness.LOST:
        return ""
    return f"{leader.name} cannot hand over. f plans an emergency promotion"


def _finding(finding: Finding) -> tuple[Run, ...]:
    style = {Verdict.BLOCK: "critical", Verdict.WARN: "warning"}.get(finding.verdict, "text")
    wanted = f" (wanted: {finding.wanted})" if finding.wanted else ""
    return (Run(f"{finding.title}: {finding.value}{wanted}", style), *_advice(finding.advice))


def _advice(text: str) -> tuple[Run, ...]:
    return (Run(f". {text[:1].upper()}{text[1:]}", "muted"),) if text else ()


def _stages(world: World, seen: Seen) -> Iterator[Run]:
    """The stages a link goes through, the present one marked."""
    state = state_of(seen)
    here = CATCHING_UP if is_behind(seen) else LinkState.CONNECTING if state in BROKEN else state
    if state in BROKEN:
        yield Run(f"{'role but no link' if state is LinkState.UNKNOWN else state}: ", "critical")
    style = "critical" if state in BROKEN else "ok" if here is LinkState.STABLE else "warning"
    for at, stage in enumerate(STAGES):
        if at:
            yield Run(" → ", "muted")
        shown = stage_text(world, seen) if stage == here and state not in BROKEN else str(stage)
        yield Run(f"[{shown}]".replace(" ", FIXED_BLANK), style) if stage == here else Run(shown, "muted")


def _lag(view: View, seen: Seen) -> Iterator[Run]:
    """Only the primary tells it, and only of a stable link; of one that is gone, what it told last."""
    found = view.line_of(seen.name)
    if found is None:
        yield Run(f"{MISSING} (no list of a primary we know shows this replica)", "muted")
        return
    leader, line = found
    current = view.worlds[view.group_of(seen.name)][leader.name].snapshot is not None
    silent = view.worlds[view.group_of(seen.name)][seen.name].snapshot is None
    seconds = seen.lag_seconds if current and not silent else view.seconds_before(leader.name, line)
    text = lag_text(leader, line, seconds)
    if text is None:
        yield Run(f"{MISSING} ({leader.name} tells it in a stable link; this one is {line.state})", "muted")
    elif current:
        style = "warning" if is_behind(seen) else "text"
        yield Run(f"{text} behind" if seconds is not None else f"{text} behind, rate of writes not known", style)
    else:
        yield Run(f"{text} behind when {leader.name} was last read, {view.age(leader.name)} ago", "warning")


def _follows(world: World, seen: Seen, link: PrimaryLink) -> Iterator[Run]:
    """Whom, and whether that is meant; when it was heard, and whether the login works."""
    leader = leader_of(world, seen)
    name = f"{leader.name} " if leader else ""
    wrong = mismatch(world, seen)
    meant = "as meant" if seen.config.replica_of or seen.config.role else "nothing else is configured"
    yield from (Run(text.removeprefix("follows "), style) for text, style in wrong)
    if not wrong:
        yield Run(f"{name}{link.host}:{link.port}, {meant}")
    heard = "never heard" if link.last_io_seconds is None else f"heard {duration_text(link.last_io_seconds)} ago"
    late = link.last_io_seconds is None or link.last_io_seconds > 5
    yield Run(f"; {heard}", "warning" if late else "text")
    if state_of(seen) in {LinkState.STABLE, LinkState.FULL_SYNC}:
        yield Run("; masterauth works")
    else:
        yield Run("; if it stays so, look at masterauth, the address, and the primary's log", "warning")


def _offset(view: View, seen: Seen, link: PrimaryLink) -> Iterator[Run]:
    offset = link.offset if link.offset is not None else view.offsets.get(seen.name)
    kept = " (last told)" if link.offset is None and offset is not None else ""
    yield Run(f"{MISSING if offset is None else offset}{kept}; ")


def _resyncs(world: World, seen: Seen, snapshot: InstanceSnapshot) -> str:
    """Full and partial resyncs; v1.22 counts none, as each of its reconnects is a full one."""
    if snapshot.flavour is not Flavour.DRAGONFLY:
        leader = world.primary_of(seen)
        info = leader.snapshot.info if leader and leader.snapshot else None
        full, partial = (info.whole(key) if info else None for key in ("sync_full", "sync_partial_ok"))
        if leader is None or full is None or partial is None:
            return "resyncs are counted by the primary"
        return f"resyncs that {leader.name} gave all its replicas: {full} full, {partial} partial"
    tried, done = (snapshot.info.whole(key) for key in ("psync_attempts", "psync_successes"))
    if tried is None or done is None:
        return "resyncs are not counted: with this version each is a full one"
    return f"partial resyncs: {done} of {tried} tried; the others were full" if tried else "no partial resync was tried"


def _emptied(world: World, seen: Seen) -> Iterator[Entry]:
    """A primary that came back empty empties its replicas: there is a moment to save what they have."""
    leader = world.primary_of(seen)
    if leader is None or leader.snapshot is None or seen.snapshot is None or state_of(seen) is LinkState.FULL_SYNC:
        return
    theirs, ours = leader.snapshot.keys, seen.snapshot.keys
    if theirs is None or not ours or theirs >= ours / 2:
        return
    counts = f"{leader.name} holds {count_text(theirs)} keys and {seen.name} {count_text(ours)}"
    save = "D makes it a primary of its own at once, with its data (REPLICAOF NO ONE)"
    text = f"{counts}: if the primary restarted empty, this replica is emptied next. {save}"
    yield Entry("DANGER", (Run(text, "critical"),))


def _primary(view: View, world: World, seen: Seen, snapshot: InstanceSnapshot) -> Iterator[Entry]:
    others = [other.name for other in world.primaries if other is not seen]
    wrong = mismatch(world, seen)
    if seen.role is Role.PRIMARY and others:
        advice = f"{', '.join(others)} too. Find out which one the applications write to, and stop the other"
        yield Entry("leads", (Run(advice, "critical"), *([Run(". "), *wrong] if wrong else [])))
    elif seen.role is Role.PRIMARY:
        yield Entry("leads", wrong or (Run(f"{view.group_of(seen.name)}, as meant"),))
    else:
        yield Entry("role", (Run("not known", "warning"), *([Run("; "), *wrong] if wrong else [])))
    yield Entry("replicas", tuple(_replicas(view, world, seen, snapshot)))
    yield Entry("data", (Run(f"{count_text(snapshot.keys)} keys, {bytes_text(snapshot.used_memory_bytes)}"),))
    yield Entry("saved", tuple(_saved(snapshot)))


def _replicas(view: View, world: World, seen: Seen, snapshot: InstanceSnapshot) -> Iterator[Run]:
    lines = snapshot.replication.replicas
    count = snapshot.replication.connected_replicas
    if not lines:
        hidden = f"{count} connected; the server hides which" if count else "none is connected"
        yield Run(hidden, "text" if count or not world.fleet.replicas_meant_for(seen.name) else "warning")
    labels = view.labels(seen)
    for at, line in enumerate(lines):
        lag = lag_text(seen, line, None)
        behind = f", {lag} behind" if lag else ""
        style = "text" if line.state is LinkState.STABLE else "warning"
        yield Run(f"{'; ' if at else ''}{labels.get(address(line), address(line))} {line.state}{behind}", style)


def _saved(snapshot: InstanceSnapshot) -> Iterator[Run]:
    kept = snapshot.persistence
    changes = kept.changes_since_snapshot
    if kept.last_snapshot_at is None:
        yield Run("no snapshot is known of", "warning")
    else:
        yield Run(f"snapshot of {duration_text((snapshot.taken_at - kept.last_snapshot_at).total_seconds())} ago")
    if changes:
        lost = "if it restarts, it comes back without them"
        yield Run(f"; {count_text(changes)} changes since: {lost}", "warning")
    elif changes == 0:
        yield Run(", nothing changed since")
