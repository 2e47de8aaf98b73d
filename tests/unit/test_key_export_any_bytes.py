"""Whatever is in a database, it is the same after an export and an import."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings

from dfly_tui.clients.connection import Command
from dfly_tui.models.operation import Outcome
from tests.support.keyspaces import contents, databases, empty, round_trip
from tests.support.lab import lab
from tests.support.servers import running_redis
from tests.support.values import fill


async def _server(stack: AsyncExitStack, kind: str) -> str:
    if kind == "redis":
        return (await stack.enter_async_context(running_redis())).url
    return f"redis://127.0.0.1:{(await stack.enter_async_context(lab(flavour=kind))).port}"


def _check_all(source: str, target: str, folder: Path, examples: int) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            urls = [runner.run(_server(stack, kind)) for kind in (source, target)]
            _with(runner.run, urls, folder, examples)
        finally:
            runner.run(stack.aclose())


def _with(run: Callable[..., object], urls: list[str], folder: Path, examples: int) -> None:
    @settings(max_examples=examples)
    @given(databases)
    def check(commands: list[Command]) -> None:
        run(_same_afterwards(urls, commands, folder))

    check()


async def _same_afterwards(urls: list[str], commands: list[Command], folder: Path) -> None:
    source, target = urls
    await empty(source, target)
    await fill(source, commands)
    before = await contents(source)
    report, wish, last = await round_trip(source, target, folder)
    assert last.outcome is Outcome.DONE, (last, wish.report)
    assert report.is_exact
    assert report.keys == wish.report.written == len(before)
    assert await contents(target) == before
    assert await contents(source) == before
    again = (await round_trip(source, target, folder))[1]
    assert again.report.equal == len(before), again.report


@pytest.mark.parametrize(("source", "target"), [("1.22", "1.40"), ("1.40", "1.22")])
def test_between_the_two_versions(source: str, target: str, tmp_path: Path) -> None:
    _check_all(source, target, tmp_path, 14)


@pytest.mark.redis_server
@pytest.mark.parametrize(("source", "target"), [("redis", "redis"), ("1.22", "redis"), ("redis", "1.40")])
def test_with_a_real_redis(source: str, target: str, tmp_path: Path) -> None:
    _check_all(source, target, tmp_path, 14)
