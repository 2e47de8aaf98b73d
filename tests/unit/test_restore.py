"""Restores in the lab: the set is served."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.models.operation import Event, Outcome, StepState
from dfly_tui.operations.backup import drill as drills
from dfly_tui.operations.backup.restore import Wish, restore
from tests.support.backups import QUICK, InProcess
from tests.support.group import Yes, outcome, told
from tests.support.hurry import hurried
from tests.support.proxy import Harm
from tests.support.restores import BEFORE, RDB, SAMPLES, WAS, damaged, stage, told_all


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
@pytest.mark.parametrize(("kind", "options"), [("DF", {}), ("RDB", {}), ("RDB", RDB), ("DF", {"replicas": 1})])
@hurried
async def test_the_set_is_served(flavour: str, kind: str, options: dict[str, object]) -> None:
    async with stage(kind, flavour=flavour, **options) as at:
        kept, events = await at.restored()
        assert outcome(events) is Outcome.DONE, told(events)
        assert await at.keys() == BEFORE
        assert at.box.policy["Name"] == "unless-stopped"
        assert await at.ask("SET", "x", "1") == "OK"
        (proof,) = kept.proofs["dump-1"]
        assert (proof.ok, proof.keys) == (True, {0: BEFORE})
        assert {"dump-1.rdb"} <= at.names() if kind == "RDB" else {"dump-1-summary.dfs"} <= at.names()


@hurried
async def test_at_the_next_start_what_was_saved_later_is_loaded() -> None:
    async with stage() as at:
        _, events = await at.restored()
        assert outcome(events) is Outcome.DONE, told(events)
        await at.ask("SET", "newer", "1")
        os.utime(
            next(at.folder.glob("*-restored-*-summary.dfs")), (1, 1)
        )  # the second in which it is the newest is over
        await at.engine._stop(at.box)
        await at.engine._start(at.box)
        assert await at.keys() == BEFORE + 1


@hurried
async def test_the_drill_comes_first_unless_it_is_skipped() -> None:
    async with stage() as at:
        at.record = at.record.model_copy(update={"proofs": ()})
        async with at.servers.access() as access:
            _, plan = await at.plan(access)
            assert [act.id for act in plan.acts][:3] == ["try", "prove", "clean"]
            _, plan = await at.plan(access, Wish(skip_drill=True))
            assert plan.acts[0].id == "fence"
            events = await at.servers.run(plan, access, dry_run=True)
            assert "drilled=never [warn]" in told(events)
    async with stage(flavour="1.22") as at:
        at.record = at.record.model_copy(update={"proofs": ()})
        async with at.servers.access() as access:
            _, plan = await at.plan(access, Wish(skip_drill=True))
            events = await at.servers.run(plan, access)
            assert "drilled=never [block]" in told(events)


def test_tried_and_restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = InProcess(tmp_path / "throwaway")
    monkeypatch.setattr(drills, "_throwaway", lambda *args: server)

    @hurried
    async def run() -> None:
        async with stage() as at:
            old = at.record.proofs[0].model_copy(update={"at": datetime.now(UTC) - timedelta(days=99)})
            at.record = at.record.model_copy(update={"proofs": (old,)})
            kept, events = await at.restored()
            assert outcome(events) is Outcome.DONE, told(events)
            assert [proof.ok for proof in kept.proofs["dump-1"]] == [True, True]
            assert "remove" in server.done
            assert await at.keys() == BEFORE

    run()


def test_a_set_that_cannot_be_loaded_is_found_out_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = InProcess(tmp_path / "throwaway")
    monkeypatch.setattr(drills, "_throwaway", lambda *args: server)

    @hurried
    async def run() -> None:
        async with stage() as at:
            at.record = at.record.model_copy(update={"proofs": ()})
            damaged(at)
            kept, events = await at.restored()
            assert outcome(events) is Outcome.UNDONE, told(events)
            assert not kept.proofs["dump-1"][0].ok
            assert at.servers.door("docker").commands == [], "the server was not touched"

    run()


def test_from_another_store_with_hooks(tmp_path: Path) -> None:
    log = tmp_path / "log"
    line = f"sh -c 'echo $DFLY_WHEN $DFLY_INSTANCE $DFLY_SET >> {log}'"

    async def run(before: str, after: str) -> tuple[list[Event], int]:
        async with stage() as at:
            at.settings = QUICK.model_copy(update={"restore_hook_before": before, "restore_hook_after": after})
            elsewhere = tmp_path / "elsewhere"
            elsewhere.mkdir(exist_ok=True)
            for path in at.folder.glob("dump-1-*"):
                path.rename(elsewhere / path.name)
            at.record = at.record.model_copy(update={"samples": SAMPLES})
            async with at.servers.access() as access:
                kept = at.kept(access, environ={"PATH": os.environ["PATH"]})
                chosen = await kept.chosen("dump-1", at.record, FolderStore("elsewhere", elsewhere))
                events = await at.servers.run(await restore(kept, chosen), access)
            return events, await at.keys()

    events, keys = asyncio.run(run(line, line))
    assert (outcome(events), keys) == (Outcome.DONE, BEFORE), told(events)
    assert log.read_text().splitlines() == ["before alpha dump-1", "after alpha dump-1"]
    assert "10 of 10 sampled keys are the same" in told_all(events)
    events, keys = asyncio.run(run("false", line))
    assert (outcome(events), keys) == (Outcome.FAILED, WAS), told(events)
    events, keys = asyncio.run(run(line, "false"))
    assert (outcome(events), keys) == (Outcome.INCOMPLETE, BEFORE), told(events)
    assert "do by hand what the hook does: false" in events[-1].follow_ups


@hurried
async def test_given_up_while_it_loads() -> None:
    async with stage() as at, at.servers.access() as access:
        _, plan = await at.plan(access)
        stop, events = asyncio.Event(), []
        async for event in at.servers.stream(plan, access, Yes(), stop=stop):
            events.append(event)
            if event.step == "start" and event.state is StepState.DONE:
                at.servers.servers["alpha"].faults.loading = True
            if event.step == "loaded-set":
                stop.set()
        assert outcome(events) is Outcome.DECLINED, told(events)
        assert await at.keys() == WAS


@hurried
async def test_what_was_proven_and_could_not_be_written_down() -> None:
    async with stage() as at:
        _, events = await at.restored(full=True)
        assert outcome(events) is Outcome.DONE, told(events)
        assert "could not be written down: [Errno 28] No space left" in told(events)


@hurried
async def test_a_load_that_takes_long_holds_writers_all_the_time() -> None:
    async with stage() as at, at.servers.access() as access:
        at.settings = QUICK.model_copy(update={"load_seconds": 500.0})
        _, plan = await at.plan(access)
        began, events = at.servers.clock.monotonic(), []
        async for event in at.servers.stream(plan, access, Yes()):
            events.append(event)
            if event.step == "start" and event.state is StepState.DONE:
                faults = at.servers.servers["alpha"].faults
                faults.loading = True
                asyncio.get_running_loop().call_later(100, setattr, faults, "loading", False)
        assert outcome(events) is Outcome.DONE, told(events)
        assert at.servers.clock.monotonic() - began > 99
        assert len(at.servers.proxies["alpha"].sent("CLIENT", "PAUSE")) >= 3


@hurried
async def test_a_save_that_takes_long_and_writers_that_cannot_be_held() -> None:
    async with stage() as at:
        faults = at.servers.servers["alpha"].faults
        faults.save_seconds = 2.0
        at.engine.arrived = lambda words: setattr(faults, "save_seconds", 0.0 if words[0] == "stop" else 2.0)
        door, pauses = at.servers.proxies["alpha"], []

        def second(words: tuple[str, ...]) -> bool:
            pauses.extend([words] if words[:2] == ("CLIENT", "PAUSE") else [])
            return len(pauses) == 2

        door.chosen, door.harm = second, Harm.REFUSED
        _, events = await at.restored()
        assert outcome(events) is Outcome.DONE, told(events)
        assert any("%" in event.text for event in events if event.step == "saved")
        assert await at.ask("SET", "x", "1") == "OK"
