"""From what the pollers saw to the picture of who follows whom, and to one link's details. Pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.operation import Finding, Verdict, worst
from dfly_tui.models.reading import Freshness
from dfly_tui.models.replication import LinkState, Role
from dfly_tui.models.world import Seen, World
from dfly_tui.operations.failover.checks import Pair, promotion_findings
from dfly_tui.settings import FailoverSettings
from dfly_tui.units import MISSING, bytes_text, count_text, duration_text
from widgets.topology import Node

STAGES = (LinkState.CONNECTING, LinkState.PREPARATION, LinkState.FULL_SYNC, LinkState.STABLE)
LIGHT = {Verdict.PASS: "yes", Verdict.WARN: "yes, but", Verdict.BLOCK: "no"}
CATCHING_UP_SECONDS = 5.0
"""A stable link further behind is catching up."""


@dataclass(frozen=True)
class View:
    """All groups at one moment.

    Attributes:
        worlds: Group → its instances; one without a group is a group of its own name.
        statuses: The verdict on each instance, by name.
        offsets: The last offset each replica told; v1.22 tells none while the link is down.
    """

    worlds: Mapping[str, World]
    statuses: Mapping[str, InstanceStatus]
    offsets: Mapping[str, int]
    limits: FailoverSettings
    now: float

    def group_of(self, name: str) -> str:
        """The group of an instance."""
        return next(group for group, world in self.worlds.items() if name in world.by_name)

    def findings(self, name: str) -> tuple[Finding, ...]:
        """What speaks for or against promoting a replica now; none for what is no replica."""
        world = self.worlds[self.group_of(name)]
        seen = world[name]
        leader = world.primary_of(seen) or next(iter(world.primaries), None)
        if seen.role is not Role.REPLICA or leader is None:
            return ()
        return promotion_findings(Pair(world, leader, seen, self.limits, self.now))


def worlds_of(statuses: Iterable[InstanceStatus]) -> dict[str, World]:
    """The instances by group, in the order of their names."""
    groups: dict[str, list[InstanceStatus]] = {}
    for status in sorted(statuses, key=lambda status: status.name):
        groups.setdefault(status.config.group or status.name, []).append(status)
    return {group: World.polled(each.observation for each in members) for group, members in sorted(groups.items())}


def picture(view: View, wanted: str) -> list[Node]:
    """The lines of the picture; those groups whose name, or an instance's, has `wanted` in it."""
    nodes: list[Node] = []
    for group, world in view.worlds.items():
        names = " ".join([group, *world.by_name]).lower()
        if wanted.lower() in names:
            nodes += [Node("", "", "unknown", (_heading(group, world),)), *_group(view, world)]
    return nodes


def _heading(group: str, world: World) -> str:
    leaders = [seen.name for seen in world.primaries]
    if len(leaders) > 1:
        return f"{group}: {len(leaders)} PRIMARIES, {', '.join(leaders)}: they drift apart"
    return f"{group}: {leaders[0]} leads" if leaders else f"{group}: nobody leads"


def _group(view: View, world: World) -> list[Node]:
    """Each primary with those that follow it, then those that follow nobody of the group, or do not answer."""
    nodes: list[Node] = []
    drawn: set[str] = set()
    for leader in [seen for seen in world if seen.leads]:
        followers = [seen for seen in world if seen is not leader and world.primary_of(seen) is leader]
        nodes.append(_node(view, leader, "", ("primary", *_meant(leader, "primary"), *_size(leader))))
        for number, seen in enumerate(followers):
            arm = "└▶ " if number == len(followers) - 1 else "├▶ "
            nodes.append(_node(view, seen, arm, _replica_words(view, world, seen)))
        drawn.update((leader.name, *(seen.name for seen in followers)))
    left = (seen for seen in world if seen.name not in drawn)
    strays = (_node(view, seen, "?▶ " if seen.role else "✗  ", _replica_words(view, world, seen)) for seen in left)
    return [*nodes, *strays]


def _node(view: View, seen: Seen, arm: str, words: tuple[str, ...]) -> Node:
    freshness = view.statuses[seen.name].freshness
    if freshness is not Freshness.FRESH:
        words = (*words[:1], str(freshness), *words[1:])
    return Node(seen.name, arm, _style(view, seen), words)


def _style(view: View, seen: Seen) -> str:
    """How well its place in the group is, whatever else may be wrong with it."""
    world = view.worlds[view.group_of(seen.name)]
    if seen.snapshot is None:
        return "unknown" if seen.error is None else "critical"
    if seen.leads:
        meant = seen.config.role in {None, Role.PRIMARY}
        return "ok" if meant and len(world.primaries) == 1 else "critical"
    leader = world.primary_of(seen)
    strange = leader is None or seen.config.replica_of not in {None, leader.name} or seen.config.role == "primary"
    if strange or seen.link_state in {LinkState.DOWN, LinkState.CANCELLED}:
        return "critical"
    return "ok" if seen.link_state is LinkState.STABLE else "warning"


def _meant(seen: Seen, role: str) -> tuple[str, ...]:
    return (f"should be a {seen.config.role}",) if seen.config.role not in {None, role} else ()


def _size(seen: Seen) -> tuple[str, ...]:
    snapshot = seen.snapshot
    return (f"{count_text(snapshot.keys)} keys", bytes_text(snapshot.used_memory_bytes)) if snapshot else ()


def _replica_words(view: View, world: World, seen: Seen) -> tuple[str, ...]:
    if seen.snapshot is None:
        return ("not read", str(seen.error)) if seen.error else ("not read yet",)
    link = seen.snapshot.replication.primary
    if link is None:
        return (str(seen.role or "unknown role"), *_meant(seen, str(seen.role)))
    leader = world.primary_of(seen)
    follows = leader.name if leader else f"{link.host}:{link.port}"
    strange = () if seen.config.replica_of in {None, follows} else (f"follows {follows}, not {seen.config.replica_of}",)
    away = (f"follows {follows}",) if leader is None and not strange else ()
    safe = f"promote: {LIGHT[worst(view.findings(seen.name))]}" if view.findings(seen.name) else "promote: no"
    return (
        f"replica, {stage_text(world, seen)}",
        *_meant(seen, "replica"),
        *strange,
        *away,
        lag_text(world, seen),
        safe,
    )


def stage_text(world: World, seen: Seen) -> str:
    """The stage of a link, with how far a full sync is."""
    state = seen.link_state
    if state is LinkState.FULL_SYNC and seen.snapshot is not None:
        leader = world.primary_of(seen)
        total = leader.snapshot.keys if leader and leader.snapshot else None
        loaded = seen.snapshot.keys
        return f"full sync, {count_text(loaded)} of {count_text(total)} keys" if total else "full sync"
    if state is LinkState.STABLE and (seen.lag_seconds or 0.0) > CATCHING_UP_SECONDS:
        return "catching up"
    return str(state)


def lag_text(world: World, seen: Seen) -> str:
    """Lag in records and, where the primary's rate of writes is known, as time."""
    leader = world.primary_of(seen)
    line = world.as_primary_sees(leader, seen) if leader else None
    if line is None or line.lag_records is None:
        return f"lag {MISSING}"
    time = f", {duration_text(seen.lag_seconds)}" if seen.lag_seconds is not None else ""
    return f"lag {count_text(line.lag_records)} records{time}"


def machine_line(world: World, seen: Seen) -> str:
    """The stages a link goes through, the present one marked."""
    state, text = seen.link_state, stage_text(world, seen)
    if state in {LinkState.DOWN, LinkState.CANCELLED, LinkState.UNKNOWN}:
        return f"[{text}] → " + " → ".join(STAGES)
    shown = []
    for stage in STAGES:
        if stage is LinkState.STABLE:
            behind = state is stage and text == "catching up"
            shown.append("[catching up]" if behind else "catching up")
            shown.append("[stable]" if state is stage and not behind else "stable")
        else:
            shown.append(f"[{text}]" if state is stage else str(stage))
    return " → ".join(shown)


def detail_lines(view: View, name: str) -> list[str]:
    """What is known of one replica's link; of a primary, who is connected to it."""
    world = view.worlds[view.group_of(name)]
    seen = world[name]
    if seen.snapshot is None:
        return [f"{name}: {seen.error}", seen.error.hint] if seen.error else [f"{name} was not read yet"]
    link = seen.snapshot.replication.primary
    if link is None:
        lines = seen.snapshot.replication.replicas
        connected = [f"{line.host}:{line.port} {line.state}" for line in lines]
        return [f"{name} leads; connected: {', '.join(connected) or 'no replica'}"]
    heard = "never" if link.last_io_seconds is None else f"{link.last_io_seconds} s ago"
    offset = link.offset if link.offset is not None else view.offsets.get(name)
    kept = " (last told)" if link.offset is None and offset is not None else ""
    told = f"offset {MISSING if offset is None else offset}{kept}, {lag_text(world, seen)}"
    return [
        machine_line(world, seen),
        f"primary {link.host}:{link.port}, heard {heard}, {told}",
        f"{_syncs(seen)}; {_login(seen)}",
        *_emptied(world, seen),
    ]


def _syncs(seen: Seen) -> str:
    """Full and partial resyncs; v1.22 counts none, as each of its reconnects is a full one."""
    info = seen.snapshot.info if seen.snapshot else None
    tried, done = (info.whole(key) if info else None for key in ("psync_attempts", "psync_successes"))
    if tried is None or done is None:
        return "resyncs: this version counts none, and each reconnect is a full one"
    return f"resyncs: {done} partial of {tried} tried"


def _login(seen: Seen) -> str:
    if seen.link_state in {LinkState.STABLE, LinkState.FULL_SYNC}:
        return "its login to the primary works"
    return "the link is not up: check masterauth, the address and the primary's log"


def _emptied(world: World, seen: Seen) -> list[str]:
    """A primary that came back empty empties its replicas: there is a moment to save what they have."""
    leader = world.primary_of(seen)
    if leader is None or leader.snapshot is None or seen.snapshot is None:
        return []
    theirs, ours = leader.snapshot.keys or 0, seen.snapshot.keys or 0
    if theirs >= ours / 2 or ours == 0:
        return []
    counts = f"{leader.name} holds {count_text(theirs)} keys and {seen.name} {count_text(ours)}"
    save = "D makes it a primary of its own at once, with its data (REPLICAOF NO ONE)"
    return [f"DANGER: {counts}: if the primary restarted empty, this replica is emptied next. {save}"]


def light_lines(findings: tuple[Finding, ...], *, everything: bool) -> list[str]:
    """Whether a replica is safe to promote now, and why not; all that was looked at, if wanted."""
    if not findings:
        return ["Safe to promote now: no, it follows nobody that we know"]
    shown = [finding for finding in findings if everything or finding.verdict is not Verdict.PASS]
    marks = {Verdict.PASS: "✓", Verdict.WARN: "!", Verdict.BLOCK: "✗"}
    lines = [f"Safe to promote now: {LIGHT[worst(findings)]}"]
    for finding in shown:
        advice = f": {finding.advice}" if finding.advice else ""
        lines.append(f"  {marks[finding.verdict]} {finding.title}: {finding.value}{advice}")
    return lines
