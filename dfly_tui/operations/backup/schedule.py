"""When a server saves by itself: another schedule, none for a while, and as it was before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial

from dfly_tui.clients import writer
from dfly_tui.errors import BadInput, DflyError, NotSupported, Refused, StoreFailed
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.cron import BadCron, Cron, both_nodes
from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.operation import Finding, passed, required, warned
from dfly_tui.models.replication import Role
from dfly_tui.models.server_zone import zone_of
from dfly_tui.operations.access import Access, Hands
from dfly_tui.operations.backup.flag_file import Place, by_hand, flag_of, place_of
from dfly_tui.operations.backup.pauses import Pause, Pauses
from dfly_tui.operations.failover.steps import cli_line
from dfly_tui.operations.plan import Act, Check, Confirm, Plan, Step, Verify
from dfly_tui.text import safe

RUNS = 5
SETTING = "snapshot_cron"
ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Scheduling:
    """An instance whose schedule is changed.

    Attributes:
        here: The zone of this machine.
    """

    access: Access
    name: str
    plan_id: str
    who: str
    pauses: Pauses
    here: tzinfo = UTC

    async def now(self) -> str:
        """The schedule as the server has it. Raises `DflyError`."""
        return (await self.access.reader(self.name).config()).get(SETTING, "")


async def schedule(scene: Scheduling, cron: str) -> Plan:
    """The plan that gives a server another schedule; the empty one ends its saving by itself.

    Raises:
        BadInput: The server would refuse it.
        DflyError: The server does not answer, or is none that has one.
    """
    wanted, seen, old = Cron(cron), *(await _seen(scene))
    container = await _container(scene)
    config = scene.access.configs[scene.name]
    flag = flag_of(container.command) if container is not None else None
    place = place_of(config.docker, container, flag, cron) if flag is not None and flag != cron else None
    keeps = flag == cron
    forget = () if scene.pauses.of(scene.name) is None else (_forget(scene),)
    notes = () if keeps or place is not None else (by_hand(container, cron),)
    return _plan(
        scene, f"schedule of {scene.name}: {cron or 'none'}",
        (
            Check(id="cron", title="what it means", run=partial(_meaning, scene, wanted, seen)),
            _question(scene, f"{_said(wanted)} It was: {_words(old)}.", not keeps and place is None),
            # The pause goes last: a schedule that is taken back must not leave a server without one nobody knows of.
            _set(scene, cron, old), _verify(scene, cron),
            *((_persist(scene, place),) if place is not None else ()), *forget,
        ),
        notes,
    )  # fmt: skip


async def pause(scene: Scheduling, until: datetime) -> Plan:
    """The plan that keeps a server from saving by itself until then.

    Raises:
        DflyError: It does not save by itself, or the time is over.
    """
    _, old = await _seen(scene)
    now = scene.access.clock.now()
    if scene.pauses.of(scene.name) is not None:
        raise Refused(f"{scene.name} is paused already", "resume it first")
    if not old:
        raise Refused(f"{scene.name} does not save by itself", "there is nothing to pause")
    if until <= now:
        raise BadInput(f"{until:%Y-%m-%d %H:%M} UTC is over", "name a time that is to come")
    kept = Pause(cron=old, until=until, since=now, who=scene.who)
    forget = _forget(scene)

    async def remember(_: Hands) -> str:
        _write(lambda: scene.pauses.keep(scene.name, kept))
        return f"{old}, until {until:%Y-%m-%d %H:%M} UTC"

    return _plan(
        scene, f"pause the schedule of {scene.name}",
        (
            _question(
                scene, f"It saves nothing by itself until {_both(until, scene.here)}. Then a timer's `dfly-tui "
                f"backup run` puts the schedule back, or you do: dfly-tui backup schedule {safe(scene.name)} resume; "
                "an alert says so. A restart of the server ends the pause.", False,
            ),
            Act(id="remember", title="write down what it was", target=scene.name, commands=(), run=remember,
                undo=forget),
            _set(scene, "", old), _verify(scene, ""),
        ),
        (),
    )  # fmt: skip


async def resume(scene: Scheduling) -> Plan:
    """The plan that gives a paused server its schedule back; one that somebody set meanwhile stays.

    Raises:
        DflyError: It is not paused, or does not answer.
    """
    kept = scene.pauses.of(scene.name)
    if kept is None:
        raise Refused(f"{scene.name} is not paused", f"its schedule: dfly-tui backup schedule {safe(scene.name)}")
    _, now = await _seen(scene)
    cron = now or kept.cron
    more = f" Somebody set it meanwhile; before the pause it was: {_words(kept.cron)}." if now else ""
    return _plan(
        scene, f"go on with the schedule of {scene.name}",
        (
            _question(scene, f"It saves by itself again: {_words(cron)}.{more}", False),
            _set(scene, cron, now), _verify(scene, cron), _forget(scene),
        ),
        (),
    )  # fmt: skip


def _plan(scene: Scheduling, title: str, steps: tuple[Step, ...], notes: tuple[str, ...]) -> Plan:
    return Plan(
        id=scene.plan_id, kind="schedule", title=title, group=f"backups of {scene.name}", steps=steps,
        facts={"instance": scene.name}, notes=notes,
        look_with=(cli_line(scene.access.configs[scene.name], ("CONFIG", "GET", SETTING)),),
    )  # fmt: skip


async def _seen(scene: Scheduling) -> tuple[InstanceSnapshot, str]:
    """The server, and its schedule; raises `DflyError` where it has none."""
    seen = await scene.access.reader(scene.name).snapshot()
    told = await scene.access.reader(scene.name).config()
    if seen.flavour is not Flavour.DRAGONFLY or SETTING not in told:
        raise NotSupported(f"{safe(scene.name)} has no {SETTING}", "only Dragonfly has one")
    return seen, told[SETTING]


async def _container(scene: Scheduling) -> ContainerInfo | None:
    found = await scene.access.container(scene.name)
    return found if isinstance(found, ContainerInfo) else None


async def _meaning(scene: Scheduling, wanted: Cron, seen: InstanceSnapshot) -> Sequence[Finding]:
    """What it says, when it runs next, and what may be wrong with it."""
    kept, now = seen.persistence, scene.access.clock.now()
    zone = zone_of(kept.last_snapshot_file, kept.last_snapshot_at, scene.here)
    found = [
        required(not wanted.is_impossible, "cron", "when it saves", wanted.words, advice="there is no such day, ever")
    ]
    runs = wanted.next_runs(now, zone.zone, RUNS) if not wanted.is_impossible else ()
    found += [passed("run", f"run {number}", _both(run, scene.here)) for number, run in enumerate(runs, start=1)]
    if runs:
        found.append((passed if zone.proven else warned)("zone", "the server's clock", zone.text))
    found += [warned("remark", "how the server reads it", each) for each in wanted.remarks]
    if (stuck := wanted.stuck_at(now, zone.zone)) is not None:
        found.append(warned("stuck", "it would save without pause", f"from {stuck:%Y-%m-%d %H:%M} on"))
    if overlap := wanted.overlap(float(kept.last_snapshot_seconds or 0)):
        found.append(warned("overlap", "time for one save", overlap))
    if seen.role is Role.REPLICA:
        advice = "its primary saves the same data, and more of it"
        found.append(warned("role", f"{safe(scene.name)} is a primary", "a replica", advice=advice))
    return [*found, *await _beside(scene, wanted)]


async def _beside(scene: Scheduling, wanted: Cron) -> list[Finding]:
    """Instances of its group that save in the same minutes."""
    group, crons = scene.access.configs[scene.name].group, {scene.name: wanted}
    for name, config in scene.access.configs.items():
        if name == scene.name or group is None or config.group != group:
            continue
        try:
            crons[name] = Cron((await scene.access.reader(name).config()).get(SETTING, ""))
        except (BadCron, DflyError):
            continue
    twice = [other for pair in both_nodes(crons) if scene.name in pair for other in pair if other != scene.name]
    advice = "one of them is enough: both write the same data in the same minutes"
    return [warned("twice", f"{safe(name)} saves in the same minutes", "yes", advice=advice) for name in twice]


def _question(scene: Scheduling, consequence: str, until_restart: bool) -> Confirm:
    more = " A restart of the server forgets it." if until_restart else ""
    return Confirm(
        id="confirm", title=f"Schedule of {scene.name}", consequence=consequence + more,
        level=scene.access.level(scene.name),
        token=scene.name,
    )  # fmt: skip


def _set(scene: Scheduling, cron: str, old: str) -> Act:
    """CONFIG SET, and back."""

    def act(title: str, value: str, undo: Act | None) -> Act:
        async def run(hands: Hands) -> str:
            await hands.dragonflies[scene.name].set_setting(SETTING, value)
            return f"{SETTING} {value or '(none)'}"

        async def holds() -> bool | None:
            try:
                return await scene.now() == value
            except DflyError:
                return None

        line = cli_line(scene.access.configs[scene.name], writer.set_setting_words(SETTING, value))
        return Act(
            id="set" if undo else "set-back", title=title, target=scene.name, commands=(line,), run=run, holds=holds,
            undo=undo,
        )  # fmt: skip

    back = act("set the schedule back", old, None)
    return act("set the schedule", cron, back)


def _verify(scene: Scheduling, cron: str) -> Verify:
    async def probe() -> Finding:
        now = await scene.now()
        return required(now == cron, "set", "the server has it", now or "none", cron or "none")

    return Verify(id="check", title="the server has it", probe=probe, timeout_seconds=ANSWER_SECONDS, of="set")


def _forget(scene: Scheduling) -> Act:
    async def run(_: Hands) -> str:
        _write(lambda: scene.pauses.forget(scene.name))
        return "it is not paused any more"

    return Act(id="forget", title="the pause is over", target=scene.name, commands=(), run=run,
               left_to_do="the pause is still written down: run it again")  # fmt: skip


def _persist(scene: Scheduling, place: Place) -> Act:
    async def run(_: Hands) -> str:
        return place.write(f"before-{scene.plan_id}")

    async def holds() -> bool | None:
        return place.is_written

    return Act(
        id="persist", title="write it where the server is started from", target=scene.name, commands=(place.line,),
        run=run, holds=holds, final=True, left_to_do=f"a restart forgets it: write {place.line}",
    )  # fmt: skip


def _write(act: Callable[[], None]) -> None:
    try:
        act()
    except OSError as error:
        raise StoreFailed(f"the pause could not be written down: {error}", "is the disk full?") from error


def _said(wanted: Cron) -> str:
    return f"It saves by itself: {wanted.words}." if not wanted.is_off else "It does not save by itself any more."


def _words(cron: str) -> str:
    try:
        return Cron(cron).words
    except BadCron:
        return safe(cron, limit=80)


def _both(at: datetime, here: tzinfo) -> str:
    """In its own zone, and in that of this machine where they differ."""
    local = at.astimezone(here)
    own = f"{at:%a %Y-%m-%d %H:%M} {at.tzname()}"
    return own if local.utcoffset() == at.utcoffset() else f"{own}, {local:%a %H:%M} here"
