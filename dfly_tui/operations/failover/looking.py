"""Checks that have to ask: how the lag moves, whether others are at it, what the applications would notice."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Finding, blocked, passed, preferred, required, warned
from dfly_tui.models.replication import Role
from dfly_tui.models.world import World
from dfly_tui.operations.failover.checks import Pair, promotion_findings
from dfly_tui.operations.failover.lag import LagMeter
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.journal import cooling_down
from dfly_tui.operations.plan import Check
from dfly_tui.units import duration_text

SAMPLES = 3
FEW_RECORDS = 100
"""So many may be on their way at any time, and rise by chance."""
CLOCKS_SECONDS = 2.0
PRESENCE = "dfly-tui:failover:"
"""Connections of a run have this name, so that another operator's program sees that somebody is at it."""


def ready_to_promote(scene: Scene, old: str, new: str) -> Check:
    """Everything the light on the replication screen judges, read anew, with a lag measured to the record."""
    meter = LagMeter(scene.access.reader(old), scene.access.reader(new), scene.access.clock)

    async def run() -> Sequence[Finding]:
        first = not meter.missing
        samples = [await meter.sample()]
        while first and all(samples) and len(samples) < SAMPLES:
            await scene.access.clock.sleep(scene.limits.lag_sample_seconds)
            samples.append(await meter.sample())
        known = all(samples)
        world = (await scene.look()).with_lag({new: meter.seconds} if known and meter.seconds is not None else {})
        pair = Pair(world, world[old], world[new], scene.limits, now=scene.access.clock.monotonic())
        trend = (_trend(meter.missing),) if known else ()
        return (*promotion_findings(pair), *trend, *_changed(scene, world, old, new))

    return Check(id="ready", title=f"{new} can take over from {old}", run=run)


def _changed(scene: Scene, world: World, old: str, new: str) -> tuple[Finding, ...]:
    """Whether these still are the processes that the plan was made for."""
    before = scene.world[old].replication_id, scene.world[new].replication_id
    same = before == (world[old].replication_id, world[new].replication_id)
    value = "the same processes" if same else "another replication id"
    return (required(same, "same", "nothing changed since the plan was made", value),)


def _trend(missing: Sequence[int]) -> Finding:
    """Whether the replica keeps up, by the last samples."""
    last = missing[-SAMPLES:]
    rising = len(last) == SAMPLES and list(last) == sorted(set(last)) and last[-1] > FEW_RECORDS
    shown = " → ".join(str(records) for records in last)
    advice = "the replica does not keep up with the writes"
    return preferred(not rising, "lag-trend", "records behind, in samples", shown, advice=advice)


def undisturbed(scene: Scene, journals: Path, *, override_cooldown: bool) -> Check:
    """Nobody else changes this group now, and nobody did a moment ago."""

    async def run() -> Sequence[Finding]:
        now = scene.access.clock.now()
        left = cooling_down(journals, scene.group, now=now, seconds=scene.limits.cooldown_seconds)
        judge = preferred if override_cooldown else required
        wait = f"{duration_text(left)} to wait" if left else "yes"
        flapping = "roles that go back and forth do more harm than a wait; --override-cooldown if it is meant"
        return (
            await _nobody_else(scene),
            judge(left == 0, "cooldown", "the last change of roles is long enough ago", wait, advice=flapping),
        )

    return Check(id="undisturbed", title="nobody else is at it", run=run)


def alone(scene: Scene) -> Check:
    """Nobody else changes this group now; for what may well follow upon a change of roles."""

    async def run() -> Sequence[Finding]:
        return (await _nobody_else(scene),)

    return Check(id="alone", title="nobody else is at it", run=run)


async def _nobody_else(scene: Scene) -> Finding:
    found = await asyncio.gather(*(_others(scene, name) for name in scene.access.configs))
    others = dict.fromkeys(other for each in found for other in each)
    shown = ", ".join(others) or "nobody"
    return required(not others, "busy", "nobody else is changing this group", shown, advice="talk to them")


async def _others(scene: Scene, name: str) -> list[str]:
    """Who else runs an operation, by the names of their connections. An instance that is down knows nobody."""
    reader = scene.access.reader(name)
    try:
        await reader.present_as(f"{PRESENCE}{scene.plan_id}:{scene.who}")
        names = [client.name for client in await reader.client_list()]
    except DflyError:
        return []
    runs = [each.removeprefix(PRESENCE).partition(":") for each in names if each.startswith(PRESENCE)]
    return [who or run for run, _, who in runs if run not in {scene.plan_id, *scene.resumed}]


def applications(scene: Scene, old: str, new: str) -> Check:
    """Who is connected to the old primary, whether the new one lets them in, and whether it saves in its place."""

    async def run() -> Sequence[Finding]:
        return (*await _clients(scene, old), await _same_login(scene, old, new), *await _crons(scene, old, new),
                *await _clocks(scene, old, new))  # fmt: skip

    return Check(id="applications", title="what the applications will notice", run=run, again=False)


async def _clients(scene: Scene, old: str) -> list[Finding]:
    listed = await scene.access.reader(old).client_list()
    ours = [each for each in listed if not each.name.startswith(("dfly-tui", "repl_"))]
    by_name = Counter(each.name or each.address.rpartition(":")[0] for each in ours)
    shown = ", ".join(f"{name} ({count})" for name, count in by_name.most_common(5)) or "none"
    told = not ours or scene.limits.hook_after is not None
    advice = "they have to find the new primary: by name, proxy, or a hook"
    return [preferred(told, "clients", f"clients connected to {old}", f"{len(ours)}: {shown}", advice=advice)]


async def _same_login(scene: Scene, old: str, new: str) -> Finding:
    """Whether what opens the old primary opens the new one. Only the answer is shown, never a password."""
    same = await scene.access.password(old) == await scene.access.password(new)
    users = scene.access.configs[old].username == scene.access.configs[new].username
    good = same and users
    advice = "they need the new one's password: NOAUTH and WRONGPASS await them"
    title = "applications log in to both in the same way"
    return preferred(good, "same-login", title, "yes" if good else "no", advice=advice)


async def _crons(scene: Scene, old: str, new: str) -> list[Finding]:
    crons = [(await scene.access.reader(name).config()).get("snapshot_cron") for name in (old, new)]
    if crons[0] == crons[1] or not crons[0]:
        return []
    title, value = "the new primary saves when the old one did", f"{crons[0]!r} → {crons[1]!r}"
    advice = "set snapshot_cron on the new primary, or its writes are only saved by hand"
    return [warned("snapshot-cron", title, value, advice=advice)]


async def _clocks(scene: Scene, old: str, new: str) -> list[Finding]:
    try:
        times = [await scene.access.reader(name).server_time() for name in (old, new)]
    except DflyError:
        return []
    apart = abs((times[0] - times[1]) / timedelta(seconds=1))
    title, value, wanted = "their clocks agree", f"{apart:.1f} s apart", f"within {CLOCKS_SECONDS:.0f} s"
    advice = "keys will expire at the wrong time: see to NTP"
    return [preferred(apart <= CLOCKS_SECONDS, "clocks", title, value, wanted, advice)]


def siblings_listed(scene: Scene, others: Sequence[str], new: str) -> Check:
    """Who else has to follow the new primary, and in which state each is."""

    async def run() -> Sequence[Finding]:
        world = await scene.look()
        return [_sibling(world, name, new) for name in others]

    return Check(id="siblings", title="the other replicas", run=run)


def _sibling(world: World, name: str, new: str) -> Finding:
    seen = world[name]
    if seen.snapshot is None:
        advice = f"it cannot be pointed at {new} now: do it when it is back"
        return warned("sibling", name, str(seen.error), advice=advice)
    if seen.role is not Role.REPLICA:
        return blocked("sibling", name, f"is a {seen.role}", advice="a second primary: find out who writes to it")
    return passed("sibling", name, f"link {seen.link_state}, will follow {new}")
