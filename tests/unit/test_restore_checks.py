"""What is looked at before a restore, and what is not begun."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clients.stores.port import Space
from dfly_tui.clients.stores.s3 import S3Store
from dfly_tui.errors import Refused
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.backup.restore import restore
from dfly_tui.settings_backup import StoreConfig
from tests.support.backups import Kept
from tests.support.group import outcome, told
from tests.support.hurry import hurried
from tests.support.restores import Stage, stage


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda at: (at.folder / "dump-1-summary.dfs").unlink(), "is not whole: the summary is missing"),
        (lambda at: at.servers.proxies["alpha"].cut(), "does not answer"),
    ],
)
@hurried
async def test_what_is_not_even_planned(change: Callable[[Stage], None], words: str) -> None:
    async with stage() as at:
        change(at)
        async with at.servers.access() as access:
            with pytest.raises(Refused, match=words):
                await at.plan(access)


@hurried
async def test_where_it_is_done_by_hand() -> None:
    async with stage(replicas=1) as at:
        async with at.servers.access() as access:
            replica = Kept(access, "beta", FolderStore("instance", at.folder), "1")
            with pytest.raises(Refused, match="beta is a replica"):
                await restore(replica, await replica.chosen("dump-1"))
            kept = at.kept(access)
            chosen = await at.chosen(kept)
            bucket = StoreConfig(name="instance", url="s3://b/p")
            kept.instance_store = S3Store("instance", bucket, secret=nothing, timeout_seconds=1)
            with pytest.raises(Refused, match="where dfly-tui puts nothing"):
                await restore(kept, chosen)
        at.servers.configs = tuple(config.model_copy(update={"docker": None}) for config in at.servers.configs)
        async with at.servers.access() as access:
            with pytest.raises(Refused, match="no container") as caught:
                await at.plan(access)
            assert "BGSAVE" in caught.value.hint


async def nothing() -> None:
    return None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda at: setattr(at.box, "state", "paused"), "container=paused [block]"),
        (lambda at: setattr(at.servers.servers["alpha"].faults, "loading", True), "busy=loading [block]"),
        (lambda at: os.utime(at.folder / "dump-1-summary.dfs", (9e9, 9e9)), "times=dump-1-summary.dfs [block]"),
    ],
)
@hurried
async def test_what_a_check_says(change: Callable[[Stage], None], words: str) -> None:
    async with stage() as at:
        async with at.servers.access() as access:
            _, plan = await at.plan(access)
            change(at)
            events = await at.servers.run(plan, access)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert words in told(events)


@hurried
async def test_one_that_is_gone_by_then() -> None:
    async with stage() as at:
        async with at.servers.access() as access:
            _, plan = await at.plan(access)
            plan = replace(plan, steps=plan.steps[1:])
            await at.servers.kill("alpha")
            events = await at.servers.run(plan, access)
        assert "reachable=" in told(events)


@pytest.mark.parametrize(
    ("free", "words", "end"),
    [
        (10, "room=10 B [block]", Outcome.BLOCKED),
        (100_000, "room=97.7 KiB [warn]", Outcome.PLANNED),
        (None, "room=not known [warn]", Outcome.PLANNED),
    ],
)
def test_room(free: int | None, words: str, end: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    async def space(self: FolderStore) -> Space | None:
        return None if free is None else Space(free, 1 << 40)

    monkeypatch.setattr(FolderStore, "space", space)

    @hurried
    async def run() -> None:
        async with stage() as at, at.servers.access() as access:
            _, plan = await at.plan(access)
            events = await at.servers.run(plan, access, dry_run=True)
            assert outcome(events) is end, told(events)
            assert words in told(events)

    run()
