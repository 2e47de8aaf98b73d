"""The program is killed at every command of a restore: the next one takes it back, or finishes it."""

import asyncio
from pathlib import Path

import pytest

from tests.support.hurry import hurried
from tests.support.proxy import Harm
from tests.support.restores import RDB, SPOTS, come_to_an_end, stage

NAMES = [" ".join(words) for _, words in SPOTS]


@pytest.mark.parametrize("options", [{}, RDB], ids=["beside", "exact"])
@pytest.mark.parametrize("arrives", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("name", "words"), SPOTS, ids=NAMES)
@hurried
async def test_the_program_is_killed(
    name: str, words: tuple[str, ...], arrives: bool, options: dict[str, object]
) -> None:
    async with stage("RDB" if options else "DF", **options) as at:
        servers, kept_files = at.servers, dict[Path, bytes]()
        door = servers.door(name)

        def kill() -> None:
            kept_files.update({path: path.read_bytes() for path in servers.journals.glob("*")})
            running.cancel()
            for each in servers.doors:
                asyncio.get_running_loop().call_soon(each.cut)

        door.chosen = lambda sent: sent[: len(words)] == words
        door.harm, door.struck = Harm.SILENT if arrives else Harm.LOST, kill
        running = asyncio.ensure_future(at.restored())
        await asyncio.wait({running})
        assert running.cancelled(), "the command was not sent"
        door.struck = lambda: None
        await asyncio.sleep(150)  # a step that was begun goes on until it notices that it is cut off; a pause ends
        for path, data in kept_files.items():
            path.write_bytes(data)
        for each in servers.doors:
            each.mend()
        await come_to_an_end(at)
