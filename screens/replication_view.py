"""From what the pollers saw to the picture of who follows whom. Pure functions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.instruments import link_lag
from dfly_tui.models.operation import Finding, Verdict, worst
from dfly_tui.models.reading import Freshness
from dfly_tui.models.replication import LinkState, ReplicaSeen, Role
from dfly_tui.models.world import Seen, World
from dfly_tui.operations.failover.checks import Pair, promotion_findings
from dfly_tui.settings import FailoverSettings
from dfly_tui.units import bytes_text, count_text, duration_text
from widgets.lines import Run
from widgets.topology import Node

LIGHT = {Verdict.PASS: Run("yes", "ok"), Verdict.WARN: Run("yes, but", "warning"), Verdict.BLOCK: Run("no", "critical")}
CATCHING_UP = "catching up"
CATCHING_UP_SECONDS = 5.0
"""A stable link further behind is catching up."""

SecondsOf = Callable[[str, ReplicaSeen], float | None]
"""The lag in seconds of a line of a primary's list: the primary's name, and the line."""


@dataclass(frozen=True)
class View:
    """All groups at one moment.

    Attributes:
        worlds: Group → its instances; one without a group is a group of its own name.
        last: The same as they were last read, however long ago.
        statuses: The verdict on each instance, by name.
        offsets: The last offset each replica told; v1.22 tells none while the link is down.
        seconds_before: The lag that was last known of a line of a primary's list.
    """

    worlds: Mapping[str, World]
    last: Mapping[str, World]
    statuses: Mapping[str, InstanceStatus]
    offsets: Mapping[str, int]
    limits: FailoverSettings
    now: float
    seconds_before: SecondsOf

    def group_of(self, name: str) -> str:
        """The group of an instance."""
        return next(group for group, world in self.worlds.items() if name in world.by_name)

    def known(self, name: str) -> tuple[World, Seen]:
        """An instance among its group: as it is, or, when it does not answer, as it was last read."""
        group = self.group_of(name)
        world = self.worlds[group]
        if world[name].snapshot is None:
            world = self.last[group]
        return world, world[name]

    def line_of(self, name: str) -> tuple[Seen, ReplicaSeen] | None:
        """Whom a replica follows, or followed, and what that one's list said of it when it was last read."""
        world, seen = self.known(name)
        leader = leader_of(world, seen)
        if leader is None:
            return None
        if leader.snapshot is None:
            world = self.last[self.group_of(name)]
        line = world.as_primary_sees(world[leader.name], world[name])
        return (world[leader.name], line) if line else None

    def labels(self, leader: Seen) -> dict[str, str]:
        """Address in a primary's list → the instance it is."""
        names = [name for name in self.worlds[self.group_of(leader.name)].by_name if name != leader.name]
        found = ((name, self.line_of(name)) for name in names)
        return {address(pair[1]): name for name, pair in found if pair is not None and pair[0].name == leader.name}

    def age(self, name: str) -> str:
        """How long ago an instance was last read."""
        return duration_text(self.statuses[name].observation.status.age(self.now))

    def findings(self, name: str) -> tuple[Finding, ...]:
        """What speaks for or against promoting a replica now; none for what is no replica."""
        world = self.worlds[self.group_of(name)]
        seen = world[name]
        leader = leader_of(world, seen) or next(iter(world.primaries), None)
        if seen.role is not Role.REPLICA or leader is None:
            return ()
        return promotion_findings(Pair(world, leader, seen, self.limits, self.now))


def worlds_of(statuses: Iterable[InstanceStatus], seconds_of: SecondsOf) -> dict[str, World]:
    """The instances by group, in the order of their names, with their lag in seconds."""
    worlds = {}
    for group, members in _groups(statuses).items():
        world = World.polled(each.observation for each in members)
        lines = ((seen.name, leader, world.as_primary_sees(leader, seen)) for seen, leader in _links(world))
        lags = {name: seconds_of(leader.name, line) for name, leader, line in lines if line}
        worlds[group] = world.with_lag({name: seconds for name, seconds in lags.items() if seconds is not None})
    return worlds


def last_worlds_of(statuses: Iterable[InstanceStatus], worlds: Mapping[str, World]) -> dict[str, World]:
    """The same instances with what each said last, whether or not it still answers."""
    read = {status.name: status.snapshot for status in statuses}
    return {
        group: World(replace(seen, snapshot=seen.snapshot or read[seen.name]) for seen in world)
        for group, world in worlds.items()
    }


def _groups(statuses: Iterable[InstanceStatus]) -> dict[str, list[InstanceStatus]]:
    groups: dict[str, list[InstanceStatus]] = {}
    for status in sorted(statuses, key=lambda status: status.name):
        groups.setdefault(status.config.group or status.name, []).append(status)
    return dict(sorted(groups.items()))


def _links(world: World) -> list[tuple[Seen, Seen]]:
    pairs = ((seen, world.primary_of(seen)) for seen in world.replicas)
    return [(seen, leader) for seen, leader in pairs if leader is not None]


def leader_of(world: World, seen: Seen) -> Seen | None:
    """Whom a replica follows. Behind NAT the address it names is not ours; while its primary does not answer, it is
    taken for the one it is meant to follow."""
    followed = world.primary_of(seen)
    meant = world.by_name.get(seen.config.replica_of or "")
    if followed is None and seen.role is Role.REPLICA and meant is not None and meant.snapshot is None:
        return meant
    return followed


def picture(view: View, wanted: str) -> list[Node]:
    """The lines of the picture; those groups whose name, or an instance's, has `wanted` in it."""
    nodes: list[Node] = []
    for group, world in view.worlds.items():
        names = " ".join([group, *world.by_name]).lower()
        if wanted.lower() in names:
            nodes += [Node("", "", "title", (_heading(view, group, world),)), *_group(view, world)]
    return nodes


def _heading(view: View, group: str, world: World) -> Run:
    leaders = [seen.name for seen in world.primaries]
    if len(leaders) > 1:
        return Run(f"{group}: {len(leaders)} PRIMARIES, they drift apart: {', '.join(leaders)}", "critical")
    if leaders:
        return Run(f"{group}: {leaders[0]} leads", "title")
    if all(seen.snapshot is None and seen.error is None for seen in world):
        return Run(f"{group}: not read yet", "title")
    silent = [seen.name for seen in view.last[group].primaries if world[seen.name].snapshot is None]
    if silent:
        lost = any(view.statuses[name].freshness is Freshness.LOST for name in silent)
        return Run(f"{group}: {', '.join(silent)} DOES NOT ANSWER", "critical" if lost else "warning")
    return Run(f"{group}: NOBODY LEADS", "critical")


def _group(view: View, world: World) -> list[Node]:
    """Each primary with those that follow it, then those that follow nobody of the group, or do not answer."""
    below: dict[str, list[Seen]] = {seen.name: [] for seen in world}
    led = set()
    for seen in world:
        leader = _drawn_below(view, world, seen)
        if leader is not None and leader != seen.name:
            below[leader].append(seen)
            led.add(seen.name)
    roots = sorted(
        (seen for seen in world if seen.name not in led), key=lambda seen: not (seen.leads or below[seen.name])
    )
    nodes: list[Node] = []
    drawn: set[str] = set()
    for seen in (*roots, *world):  # those that follow each other in a circle come last
        nodes += _branch(view, world, seen, ("", ""), below, drawn)
    return nodes


def _drawn_below(view: View, world: World, seen: Seen) -> str | None:
    """Whom an instance follows; one that does not answer stays where it was, or is meant to be."""
    if seen.snapshot is not None:
        leader = leader_of(world, seen)
        return leader.name if leader else None
    last, seen = view.known(seen.name)
    leader = leader_of(last, seen)
    meant = seen.config.replica_of if seen.snapshot is None and seen.config.replica_of in world.by_name else None
    return leader.name if leader else meant


def _branch(
    view: View, world: World, seen: Seen, arms: tuple[str, str], below: Mapping[str, list[Seen]], drawn: set[str]
) -> list[Node]:
    """An instance, those that follow it, and what else is connected to it; `arms` stand before it and those below."""
    if seen.name in drawn:
        return []
    drawn.add(seen.name)
    strangers = _strangers(world, seen)
    number = len(below[seen.name]) + len(strangers)
    nodes = [Node(seen.name, arms[0], _style(view, world, seen), _words(view, world, seen))]
    for at, follower in enumerate(below[seen.name], 1):
        arm = ("└▶ ", "   ") if at == number else ("├▶ ", "│  ")
        nodes += _branch(view, world, follower, (arms[1] + arm[0], arms[1] + arm[1]), below, drawn)
    for at, node in enumerate(strangers, 1):
        nodes.append(replace(node, arm=arms[1] + ("└▶ " if at == len(strangers) else "├▶ ")))
    return nodes


def _strangers(world: World, primary: Seen) -> list[Node]:
    """The lines of a primary's list that are no configured instance's, as far as that can be told."""
    if primary.snapshot is None:
        return []
    left = list(primary.snapshot.replication.replicas)
    unmatched = 0
    for seen in world:
        line = _own_line(left, world, primary, seen)
        if line is not None:
            left.remove(line)
        elif seen.snapshot is None or world.primary_of(seen) is primary:
            unmatched += 1
    # A line may be that of an instance of ours that we cannot match: behind NAT, or one that does not answer us.
    words = "connected, not configured" if unmatched == 0 else "connected, perhaps not configured"
    return [
        Node(
            "",
            "",
            "muted",
            (Run(words, "warning"), Run(str(line.state)), *_lag_runs(primary, line, None)),
            address(line),
        )
        for line in (left if len(left) > unmatched else ())
    ]


def _own_line(lines: list[ReplicaSeen], world: World, primary: Seen, seen: Seen) -> ReplicaSeen | None:
    if seen is primary:
        return None
    if world.primary_of(seen) is primary:
        line = world.as_primary_sees(primary, seen)
        return line if line in lines else None
    known = {seen.config.address, seen.config.peer_address}
    return next((line for line in lines if address(line) in known), None)


def address(line: ReplicaSeen) -> str:
    """Of a replica, as its primary sees it."""
    host = f"[{line.host}]" if ":" in line.host else line.host
    return f"{host}:{line.port}"


def _style(view: View, world: World, seen: Seen) -> str:
    """How well its place in the group is, whatever else may be wrong with it."""
    if seen.snapshot is None:
        return "unknown" if seen.error is None else "critical"
    if seen.leads:
        meant = seen.config.role in {None, Role.PRIMARY}
        right = meant and len(world.primaries) == 1
        return "critical" if not right else "ok" if _is_fresh(view, seen) else "warning"
    leader = world.primary_of(seen)
    strange = leader is None or leader is seen or seen.config.replica_of not in {None, leader.name}
    if strange or seen.config.role == "primary" or state_of(seen) in {LinkState.DOWN, LinkState.CANCELLED}:
        return "critical"
    well = state_of(seen) is LinkState.STABLE and not is_behind(seen) and _is_fresh(view, seen)
    return "ok" if well else "warning"


def _is_fresh(view: View, seen: Seen) -> bool:
    return view.statuses[seen.name].freshness is Freshness.FRESH


def _words(view: View, world: World, seen: Seen) -> tuple[Run, ...]:
    if seen.snapshot is None:
        return _silent_words(view, seen)
    stale = () if _is_fresh(view, seen) else (Run(f"no news for {view.age(seen.name)}", "warning"),)
    if seen.snapshot.replication.primary is not None:
        return (*stale, *_replica_words(view, world, seen))
    return (*stale, Run(str(seen.role or "role not known")), *mismatch(world, seen), *_size(seen.snapshot))


def _silent_words(view: View, seen: Seen) -> tuple[Run, ...]:
    status = view.statuses[seen.name]
    if seen.error is None:
        return (Run("not read yet"),)
    was = status.snapshot.role if status.snapshot else None
    style = "critical" if status.freshness is Freshness.LOST else "warning"
    silent = Run(f"silent, {was} {view.age(seen.name)} ago" if was else "silent", style)
    return (silent, Run(seen.error.detail or seen.error.title))


def _replica_words(view: View, world: World, seen: Seen) -> tuple[Run, ...]:
    findings = view.findings(seen.name)
    light = LIGHT[worst(findings) if findings else Verdict.BLOCK]
    style = "text" if state_of(seen) is LinkState.STABLE else "warning"
    leader = world.primary_of(seen)
    line = world.as_primary_sees(leader, seen) if leader else None
    stable = state_of(seen) is LinkState.STABLE
    lag = _lag_runs(leader, line, seen.lag_seconds) if stable and leader and line else ()
    return (
        *mismatch(world, seen),
        Run(stage_text(world, seen), style),
        *lag,
        Run(f"promote: {light.text}", light.style),
    )


def mismatch(world: World, seen: Seen) -> tuple[Run, ...]:
    """What is meant and is not so."""
    link = seen.snapshot.replication.primary if seen.snapshot else None
    if link is None or seen.config.role == "primary":
        meant = seen.config.role
        return () if meant in {None, seen.role} else (Run(f"should be a {meant}", "critical"),)
    leader = leader_of(world, seen)
    follows = leader.name if leader else f"{link.host}:{link.port}"
    if leader is seen:
        return (Run("follows itself", "critical"),)
    if seen.config.replica_of not in {None, follows}:
        return (Run(f"follows {follows}, not {seen.config.replica_of}", "critical"),)
    return () if leader else (Run(f"follows {follows}, not configured", "critical"),)


def _size(snapshot: InstanceSnapshot) -> tuple[Run, ...]:
    size = (Run(f"{count_text(snapshot.keys)} keys"), Run(bytes_text(snapshot.used_memory_bytes)))
    changes = snapshot.persistence.changes_since_snapshot
    return (*size, Run(f"{count_text(changes)} changes unsaved", "warning")) if changes else size


def state_of(seen: Seen) -> LinkState:
    """The stage of a link; Redis calls it down while it syncs."""
    link = seen.snapshot.replication.primary if seen.snapshot else None
    return LinkState.FULL_SYNC if link is not None and link.syncing else seen.link_state


def is_behind(seen: Seen) -> bool:
    """Whether a stable link has much to catch up."""
    return state_of(seen) is LinkState.STABLE and (seen.lag_seconds or 0.0) > CATCHING_UP_SECONDS


def stage_text(world: World, seen: Seen) -> str:
    """The stage of a link, with how far a full sync is."""
    if state_of(seen) is LinkState.FULL_SYNC:
        return f"full sync{_progress(world, seen)}"
    return CATCHING_UP if is_behind(seen) else str(state_of(seen))


def _progress(world: World, seen: Seen) -> str:
    """Keys loaded of the primary's; Redis tells bytes, and loads afterwards."""
    if seen.snapshot is None:
        return ""
    size, left = (seen.snapshot.info.whole(f"master_sync_{key}_bytes") for key in ("total", "left"))
    if size and left is not None and 0 <= left <= size:
        return f" {bytes_text(size - left)} of {bytes_text(size)}"
    leader = world.primary_of(seen)
    total = leader.snapshot.keys if leader and leader.snapshot else None
    return f" {count_text(seen.snapshot.keys)} of {count_text(total)} keys" if total else ""


def lag_text(primary: Seen, line: ReplicaSeen, seconds: float | None) -> str | None:
    """Lag in records, on Redis in bytes, and as time where that can be estimated; None when it is not told."""
    amount = link_lag(primary.snapshot, line) if primary.snapshot else None
    if amount is None:
        return None
    plural = "" if amount == 1 else "s"
    counted = bytes_text(amount) if line.lag_records is None else f"{count_text(amount)} record{plural}"
    return counted if seconds is None else f"{counted}, {duration_text(seconds)}"


def _lag_runs(primary: Seen, line: ReplicaSeen, seconds: float | None) -> tuple[Run, ...]:
    text = lag_text(primary, line, seconds)
    behind = seconds is not None and seconds > CATCHING_UP_SECONDS
    return (Run(f"lag {text}", "warning" if behind else "text"),) if text else ()
