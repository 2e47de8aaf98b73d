"""Drills: what is proven, what is refuted, and that the throw-away server is always removed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.clients.throwaway_docker import DockerThrowaway, Ground
from dfly_tui.clients.throwaway_lab import LabThrowaway
from dfly_tui.errors import DockerFailed, OutcomeUnknown, Refused, Unreachable
from dfly_tui.models.backup import Sample
from dfly_tui.models.operation import Event, Outcome, StepState
from dfly_tui.operations.backup import drill as drills
from dfly_tui.operations.backup.attempt import counts_differ, told_of_counts
from dfly_tui.operations.backup.drill import drill
from tests.support.backups import InProcess, Kept
from tests.support.group import Yes, outcome, told
from tests.support.hurry import hurried
from tests.support.restores import BEFORE, Stage, damaged, flipped, recorded, stage

SAMPLE = Sample(database=0, name_hex="6b", kind="string", digest="0")
UNKNOWN = OutcomeUnknown("nobody knows", "look")


class Ones:
    """Throw-away servers of the lab in this process, in place of containers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, **options: Any) -> None:
        self.server = InProcess(folder / "throwaway", **options)
        monkeypatch.setattr(drills, "_throwaway", lambda *args: self.server)


async def tried(at: Stage, **more: Any) -> tuple[Kept, list[Event]]:
    """A drill of the set in one go."""
    async with at.servers.access() as access:
        kept = at.kept(access, **more.pop("kept", {}))
        plan = await drill(kept, await at.chosen(kept, **more))
        return kept, await at.servers.run(plan, access)


@pytest.mark.parametrize("kind", ["DF", "RDB"])
def test_a_set_that_is_good(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ones = Ones(monkeypatch, tmp_path, phases=["silent", "loading", "late"])

    @hurried
    async def run() -> None:
        async with stage(kind) as at:
            at.record = at.record.model_copy(update={"samples": (SAMPLE,)})
            kept, events = await tried(at)
            assert outcome(events) is Outcome.DONE, told(events)
            (proof,) = kept.proofs["dump-1"]
            assert (proof.ok, proof.keys, proof.store) == (True, {0: BEFORE}, "instance")
            assert "50 keys in 1 database, as recorded; 1 of 1 sampled keys are as they were" in proof.text
            assert kept.compared == [SAMPLE]
            assert ones.server.done[-1] == "remove"
            said = [event.text for event in events if event.step == "loaded" and event.state is StepState.RUNNING]
            assert any("loading: 50 keys" in each for each in said), said
            assert any("a restore takes about" in event.text for event in events)
            assert await at.ask("DBSIZE") == 2, "the instance itself is not touched"

    run()


def other_kind(at: Stage) -> None:
    at.record = at.record.model_copy(update={"files": ()})
    for path in at.folder.glob("dump-1-*"):
        path.write_bytes(b"something else")


@pytest.mark.parametrize(
    ("change", "options", "kept", "words"),
    [
        (damaged, {}, {}, "is cut off"),
        (other_kind, {}, {}, "is not a snapshot"),
        (recorded(keys={0: 5000}), {}, {}, "5k keys were recorded, 50 are there"),
        (recorded(keys={0: 20}), {}, {}, "files of several sets"),
        (recorded(samples=(SAMPLE,)), {}, {"different": ["k: gone"]}, "1 of 1 sampled keys differ: k: gone"),
        (recorded(), {"ends": "] Rdb load failed"}, {}, "Rdb load failed"),
        (recorded(), {"ends": "F check failed", "code": 134}, {}, "it ended with code 134: F check failed"),
        (flipped, {}, {}, "dump-1-0001.dfs does not have the content it was recorded with"),
    ],
)
def test_a_set_that_is_not(
    change: Callable[[Stage], None], options: dict[str, Any], kept: dict[str, Any], words: str,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    ones = Ones(monkeypatch, tmp_path, **options)

    @hurried
    async def run() -> None:
        async with stage() as at:
            change(at)
            found, events = await tried(at, kept=kept)
            assert outcome(events) in {Outcome.UNDONE, Outcome.FAILED}, told(events)
            (proof,) = found.proofs["dump-1"]
            assert not proof.ok
            assert words in proof.text
            assert ones.server.done[-1] == "remove"
            assert events[-1].elapsed_seconds < 5, "nobody waits for what will not come"

    run()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ends": "out of memory"}, "too little memory"),
        ({"ends": "Loading", "code": 137}, "was ended from outside: it ended with code 137"),
        ({"ends": "Loading", "code": -15}, "was ended from outside"),
        ({"phases": ["silent"] * 100}, "it starts"),
        ({"errors": {"create": DockerFailed("no")}}, "Docker not available: no"),
        ({"errors": {"open": Unreachable("no way")}}, "loaded, but it does not answer yet"),
        ({"errors": {"start": UNKNOWN}}, "given up and removed: nobody knows"),
    ],
)
def test_what_says_nothing_of_the_set(
    options: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ones = Ones(monkeypatch, tmp_path, **options)

    @hurried
    async def run() -> None:
        async with stage() as at:
            kept, events = await tried(at)
            assert outcome(events) in {Outcome.UNDONE, Outcome.FAILED}, told(events)
            assert words in told(events)
            assert kept.proofs == {}
            assert ones.server.done[-1] == "remove"

    run()


@pytest.mark.parametrize(("options", "words"), [({}, "[Errno 28]"), ({"ends": "] Rdb load failed"}, "Rdb load failed")])
def test_what_was_proven_and_could_not_be_written_down(
    options: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ones = Ones(monkeypatch, tmp_path, **options)

    @hurried
    async def run() -> None:
        async with stage() as at:
            _, events = await tried(at, kept={"full": True})
            assert outcome(events) is Outcome.UNDONE, told(events)
            assert "what was proven could not be written down: [Errno 28] No space left" in told(events)
            assert words in told(events)
            assert ones.server.done[-1] == "remove"

    run()


def test_one_that_cannot_be_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ones = Ones(monkeypatch, tmp_path, errors={"remove": DockerFailed("gone")})

    @hurried
    async def run() -> None:
        async with stage() as at:
            kept, events = await tried(at)
            assert outcome(events) is Outcome.INCOMPLETE, told(events)
            assert kept.proofs["dump-1"][0].ok
            assert "remove the throw-away server: remove it" in events[-1].follow_ups
            assert ones.server.server is not None
            await ones.server.server.stop()

    run()


def test_given_up_while_it_loads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ones = Ones(monkeypatch, tmp_path, phases=["silent"] * 100)

    @hurried
    async def run() -> None:
        async with stage() as at, at.servers.access() as access:
            kept, stop = at.kept(access), asyncio.Event()
            plan, events = await drill(kept, await at.chosen(kept)), []
            async for event in at.servers.stream(plan, access, Yes(), stop=stop):
                events.append(event)
                if event.step == "loaded":
                    stop.set()
            assert outcome(events) is Outcome.DECLINED, told(events)
            assert ones.server.done[-1] == "remove"

    run()


@hurried
async def test_a_set_that_is_not_whole_is_not_tried() -> None:
    async with stage() as at:
        (at.folder / "dump-1-summary.dfs").unlink()
        _, events = await tried(at)
        assert outcome(events) is Outcome.BLOCKED
        assert "the summary is missing" in told(events)


def test_what_there_is_to_make_it_of(monkeypatch: pytest.MonkeyPatch) -> None:
    grounds = [
        (Ground("sha256:1", "dragonfly", 1 << 40, 1 << 40), ""),
        (Ground(None, "dragonfly", 1 << 40, 1 << 40), "image=not there [block]"),
        (Ground("sha256:1", "dragonfly", 1 << 20, 1 << 40), "free=1 MiB [block]"),
        (Ground("sha256:1", "dragonfly", None, 1 << 40), "free=not known; it has 1 TiB [warn]"),
    ]

    @hurried
    async def run() -> None:
        async with stage() as at, at.servers.access() as access:
            for ground, words in grounds:
                monkeypatch.setattr(DockerThrowaway, "ground", lambda self, ground=ground: answered(ground))
                kept = at.kept(access)
                plan = await drill(kept, await at.chosen(kept))
                events = await at.servers.run(plan, access, dry_run=True)
                assert outcome(events) is (Outcome.BLOCKED if "block" in words else Outcome.PLANNED), told(events)
                assert words in told(events)

    run()


async def answered(ground: Ground) -> Ground:
    return ground


@hurried
async def test_where_there_is_no_docker() -> None:
    async with stage() as at:
        at.servers.configs = (at.servers.configs[0].model_copy(update={"docker": None}),)
        async with at.servers.access() as access:
            kept = at.kept(access)
            chosen = await at.chosen(kept, record=None)
            attempt = drills.attempt_of(kept, chosen, await access.look_at("alpha"))
            assert isinstance(attempt.throwaway, LabThrowaway)
            seen = await access.look_at("alpha")
            assert seen.snapshot is not None
            real = seen.snapshot.model_copy(update={"simulated": False})
            with pytest.raises(Refused, match="runs in no container"):
                drills.attempt_of(kept, chosen, replace(seen, snapshot=real))


def test_an_instance_that_is_down_is_tried_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Ones(monkeypatch, tmp_path)

    @hurried
    async def run() -> None:
        async with stage() as at:
            await at.servers.kill("alpha")
            kept, events = await tried(at)
            assert "used=not known [warn]" in told(events)
            assert kept.proofs["dump-1"][0].ok

    run()


@pytest.mark.parametrize(
    ("recorded", "found", "read", "words"),
    [
        ({0: 50}, {0: 50}, 50, ""),
        ({0: 50}, {0: 46}, 46, ""),
        ({0: 50}, {0: 40}, 40, "50 keys were recorded, 40 are there"),
        ({0: 50}, {0: 1}, 50, ""),
        ({0: 50}, {}, 50, ""),
        ({0: 1_000_000}, {0: 991_000}, 991_000, ""),
        ({0: 50, 3: 40}, {0: 90}, 90, "database 3 had 40 keys and has none"),
        ({0: 50}, {0: 80}, 80, "files of several sets"),
        ({}, {0: 80}, 80, ""),
    ],
)
def test_keys_that_are_counted(recorded: dict[int, int], found: dict[int, int], read: int, words: str) -> None:
    assert words in counts_differ(recorded, found, read)
    assert bool(words) == bool(counts_differ(recorded, found, read))


def test_what_is_told_of_them() -> None:
    assert told_of_counts({}, {0: 1, 1: 2}) == "3 keys in 2 databases; how many there should be was not recorded"
    assert told_of_counts({0: 5}, {0: 3}).startswith("3 keys in 1 database, 2 fewer than recorded")
    assert told_of_counts({0: 2}, {0: 3}) == "3 keys in 1 database, 1 more than recorded"
