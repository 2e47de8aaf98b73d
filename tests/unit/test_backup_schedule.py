"""Another schedule, none for a while, and as it was: set, verified, written where a restart finds it, taken back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dfly_tui.clients.docker import DockerContainers
from dfly_tui.errors import BadInput, NotSupported, Refused
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.operation import Event, Outcome, Verdict
from dfly_tui.operations.backup.look import look_at
from dfly_tui.operations.backup.pauses import Pauses
from dfly_tui.operations.backup.schedule import pause, resume, schedule
from dfly_tui.operations.confirmer import Deny
from dfly_tui.settings import DockerConfig
from tests.support.backed import Backed, backed
from tests.support.flags import COMPOSE, HOURLY, LOCAL, container
from tests.support.group import Yes, outcome, told
from tests.support.hurry import hurried
from tests.support.proxy import Harm
from tests.support.servers import running_redis


@pytest.fixture(params=["1.22", "1.40"])
async def at(request: pytest.FixtureRequest) -> AsyncIterator[Backed]:
    async with backed(flavour=request.param, snapshot_cron="0 2 * * *") as at:
        yield at


async def cron(at: Backed) -> str:
    return str((await at.ask("CONFIG", "GET", "snapshot_cron"))[1])


async def scheduled(at: Backed, wanted: str, confirmer: Any = None, **more: Any) -> list[Event]:
    async with at.scene() as scene:
        return await at.servers.run(await schedule(scene.scheduling(), wanted), scene.access, confirmer, **more)


async def paused(at: Backed, hours: float = 2) -> list[Event]:
    async with at.scene() as scene:
        plan = await pause(scene.scheduling(), at.servers.clock.now() + timedelta(hours=hours))
        return await at.servers.run(plan, scene.access)


async def resumed(at: Backed) -> list[Event]:
    async with at.scene() as scene:
        return await at.servers.run(await resume(scene.scheduling()), scene.access)


def pauses(at: Backed) -> Pauses:
    return Pauses(at.servers.state / "backups")


def found(events: list[Event], code: str) -> list[Any]:
    return [each for event in events for each in event.findings if each.code == code]


async def test_another_schedule(at: Backed) -> None:
    events = await scheduled(at, HOURLY)
    assert outcome(events) is Outcome.DONE, told(events)
    assert await cron(at) == HOURLY
    assert len(found(events, "run")) >= 5
    assert found(events, "cron")[0].value
    assert len(at.servers.proxies["alpha"].sent("CONFIG", "SET")) == 1


async def test_none_at_all(at: Backed) -> None:
    events = await scheduled(at, "")
    assert (outcome(events), await cron(at)) == (Outcome.DONE, ""), told(events)


@pytest.mark.parametrize("wrong", ["bad", "* * * *", "61 * * * *", "0 2 * * 7", '"0 2 * * *"'])
async def test_what_the_server_would_refuse_is_not_sent(at: Backed, wrong: str) -> None:
    with pytest.raises(BadInput):
        await scheduled(at, wrong)
    assert at.servers.proxies["alpha"].sent("CONFIG", "SET") == []


async def test_a_day_that_never_comes(at: Backed) -> None:
    events = await scheduled(at, "0 0 31 2 *")
    assert outcome(events) is Outcome.BLOCKED, told(events)
    assert await cron(at) == "0 2 * * *"


async def test_nothing_is_sent_without_a_yes(at: Backed) -> None:
    assert outcome(await scheduled(at, HOURLY, Deny())) is Outcome.DECLINED
    assert outcome(await scheduled(at, HOURLY, dry_run=True)) is Outcome.PLANNED
    assert await cron(at) == "0 2 * * *"


@pytest.mark.parametrize("harm", [Harm.LOST, Harm.DROPPED, Harm.SILENT, Harm.REFUSED])
async def test_an_answer_that_does_not_come_is_settled_by_looking(at: Backed, harm: Harm) -> None:
    proxy = at.servers.proxies["alpha"]
    proxy.chosen, proxy.harm = lambda words: words[:2] == ("CONFIG", "SET"), harm
    events = await scheduled(at, HOURLY)
    arrived = harm in {Harm.DROPPED, Harm.SILENT}
    assert outcome(events) is (Outcome.DONE if arrived else Outcome.FAILED), told(events)
    assert await cron(at) == (HOURLY if arrived else "0 2 * * *")


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
@hurried
async def test_a_server_that_is_gone_with_the_answer(flavour: str) -> None:
    async with backed(flavour=flavour, snapshot_cron="0 2 * * *") as at:
        proxy = at.servers.proxies["alpha"]
        proxy.chosen, proxy.harm, proxy.struck = (lambda words: words[:2] == ("CONFIG", "SET")), Harm.LOST, proxy.cut
        events = await scheduled(at, HOURLY)
    assert outcome(events) is Outcome.UNKNOWN, told(events)
    assert any("CONFIG GET snapshot_cron" in line for line in events[-1].follow_ups)


async def test_the_clocks_of_both_are_told(at: Backed) -> None:
    async with at.scene(here=ZoneInfo("Asia/Kolkata")) as scene:
        plan = await schedule(scene.scheduling(), HOURLY)
        events = await at.servers.run(plan, scene.access, dry_run=True)
    assert "UTC" in found(events, "run")[0].value
    assert "30 here" in found(events, "run")[0].value
    assert found(events, "zone")[0].verdict is Verdict.WARN


async def test_what_may_go_wrong_is_told() -> None:
    async with backed(replicas=1, name="beta", snapshot_cron="*/5 * * * *") as at:
        server = at.servers.servers["beta"]
        await at.ask("SAVE")
        server.saver.last_duration = 120.0
        events = await scheduled(at, "* * * * *", dry_run=True)
        codes = {each.code for event in events for each in event.findings if each.verdict is Verdict.WARN}
        assert {"overlap", "role"} <= codes
        assert [each.title for each in found(events, "twice")] == ["alpha saves in the same minutes"]
        await at.servers.kill("alpha")
        assert found(await scheduled(at, "* * * * *", dry_run=True), "twice") == []


async def test_what_the_server_reads_otherwise_is_told(at: Backed) -> None:
    events = await scheduled(at, "300 * * * *", dry_run=True)
    assert found(events, "remark"), told(events)


async def test_where_the_clock_is_put_forward_it_may_save_without_pause(at: Backed) -> None:
    zone = ZoneInfo("Europe/Berlin")
    now = datetime.now(UTC)
    name = at.folder / f"dump-{now.astimezone(zone):%Y-%m-%dT%H:%M:%S}"
    server = at.servers.servers["alpha"]
    server.saver.last_success, server.saver.last_file = now, f"{name}-summary.dfs"
    async with at.scene(here=zone) as scene:
        plan = await schedule(scene.scheduling(), "30 2 * * *")
        events = await at.servers.run(plan, scene.access, dry_run=True)
    assert found(events, "zone")[0].verdict is Verdict.PASS
    assert found(events, "stuck"), told(events)


@pytest.mark.redis_server
async def test_redis_has_none() -> None:
    async with running_redis() as redis, backed() as at:
        at.servers.configs = (at.servers.configs[0].model_copy(update={"url": f"redis://127.0.0.1:{redis.port}"}),)
        at.servers.password = None
        with pytest.raises(NotSupported, match="has no snapshot_cron"):
            await scheduled(at, HOURLY)


# --- paused


async def test_paused_and_resumed(at: Backed) -> None:
    events = await paused(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert await cron(at) == ""
    kept = pauses(at).of("alpha")
    assert kept is not None
    assert (kept.cron, kept.who) == ("0 2 * * *", "somebody@somewhere")
    async with at.scene() as scene:
        seen = await look_at(scene)
    assert (seen.paused_cron, seen.paused_until) == (kept.cron, kept.until)
    assert pauses(at).over(["alpha", "beta"], kept.until - timedelta(seconds=1)) == ()
    assert pauses(at).over(["alpha", "beta"], kept.until) == ("alpha",)
    events = await resumed(at)
    assert (outcome(events), await cron(at), pauses(at).of("alpha")) == (Outcome.DONE, "0 2 * * *", None), told(events)


async def test_a_pause_that_cannot_be_written_down_is_none(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    (at.servers.state / "backups").write_text("a file")
    events = await paused(at)
    assert outcome(events) is Outcome.FAILED, told(events)
    assert await cron(at) == "0 2 * * *"


async def test_a_pause_the_server_refuses_is_forgotten(at: Backed) -> None:
    proxy = at.servers.proxies["alpha"]
    proxy.chosen, proxy.harm = lambda words: words[:2] == ("CONFIG", "SET"), Harm.REFUSED
    events = await paused(at)
    assert outcome(events) is Outcome.UNDONE, told(events)
    assert pauses(at).of("alpha") is None


async def test_another_schedule_ends_a_pause(at: Backed) -> None:
    await paused(at)
    events = await scheduled(at, HOURLY)
    assert (outcome(events), await cron(at), pauses(at).of("alpha")) == (Outcome.DONE, HOURLY, None), told(events)


async def test_a_schedule_somebody_set_meanwhile_stays(at: Backed) -> None:
    await paused(at)
    await at.ask("CONFIG", "SET", "snapshot_cron", HOURLY)
    events = await resumed(at)
    assert (outcome(events), await cron(at)) == (Outcome.DONE, HOURLY), told(events)


async def test_what_cannot_be_paused_or_resumed(at: Backed) -> None:
    with pytest.raises(Refused, match="not paused"):
        await resumed(at)
    with pytest.raises(BadInput, match="is over"):
        await paused(at, hours=-1)
    await paused(at)
    with pytest.raises(Refused, match="paused already"):
        await paused(at)
    events = await resumed(at)
    assert outcome(events) is Outcome.DONE, told(events)
    events = await scheduled(at, "")
    assert outcome(events) is Outcome.DONE, told(events)
    with pytest.raises(Refused, match="does not save by itself"):
        await paused(at)


async def test_a_schedule_nobody_understands_is_told_as_it_is(at: Backed) -> None:
    await paused(at)
    kept = pauses(at).of("alpha")
    assert kept is not None
    pauses(at).keep("alpha", kept.model_copy(update={"cron": "\x1b[31mwhat"}))
    await at.ask("CONFIG", "SET", "snapshot_cron", HOURLY)
    async with at.scene() as scene:
        yes = Yes()
        await at.servers.run(await resume(scene.scheduling()), scene.access, yes)
    assert "\\x1b[31mwhat" in yes.asked[0].consequence


async def test_a_damaged_pause_is_told_of(at: Backed) -> None:
    folder = at.servers.state / "backups"
    folder.mkdir()
    (folder / "alpha.pause.json").write_text("{")
    async with at.scene() as scene:
        seen = await look_at(scene)
    assert "cannot be read" in seen.unreadable[0]
    assert Pauses(folder).damaged("beta") == ""


def test_a_damaged_pause_is_none(tmp_path: Path) -> None:
    (tmp_path / "alpha.pause.json").write_text("{")
    assert Pauses(tmp_path).of("alpha") is None
    Pauses(tmp_path).forget("beta")


# --- where a restart finds it


@pytest.mark.parametrize("fails", [True, False])
async def test_a_paused_schedule_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    """A schedule that could not be written is taken back, and the pause is as it was."""
    file = tmp_path / "compose.yml"
    file.write_text(COMPOSE["list"])
    info = container("--snapshot_cron=0 2 * * *", files=(str(file),))

    async def seen(_: DockerContainers) -> ContainerInfo:
        return info

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DockerContainers, "container", seen)
    async with backed(snapshot_cron="0 2 * * *") as at:
        docker = DockerConfig(host=LOCAL, container="alpha")
        at.servers.configs = (at.servers.configs[0].model_copy(update={"docker": docker}),)
        await paused(at)
        if fails:
            monkeypatch.setattr("dfly_tui.operations.backup.flag_file.write_private", full)
        events = await scheduled(at, HOURLY)
        kept = pauses(at).of("alpha")
        assert outcome(events) is (Outcome.UNDONE if fails else Outcome.DONE), told(events)
        assert await cron(at) == ("" if fails else HOURLY)
        assert (kept.cron if kept is not None else None) == ("0 2 * * *" if fails else None)


@pytest.mark.parametrize("ours", [True, False])
async def test_a_plan_writes_it_where_it_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: bool) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(COMPOSE["list"] if ours else COMPOSE["list"] * 2)
    info = container("--snapshot_cron=0 2 * * *", files=(str(file),))

    async def seen(_: DockerContainers) -> ContainerInfo:
        return info

    monkeypatch.setattr(DockerContainers, "container", seen)
    async with backed(snapshot_cron="0 2 * * *") as at:
        docker = DockerConfig(host=LOCAL, container="alpha")
        at.servers.configs = (at.servers.configs[0].model_copy(update={"docker": docker}),)
        events = await scheduled(at, HOURLY)
        assert outcome(events) is Outcome.DONE, told(events)
        assert (HOURLY in file.read_text()) is ours
        async with at.scene() as scene:
            plan = await schedule(scene.scheduling(), "30 * * * *")
            assert plan.notes == () or "--snapshot_cron=30 * * * *" in plan.notes[0]
