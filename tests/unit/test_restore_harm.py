"""Every command of a restore harmed in every way.

Afterwards the set is served, or what was there before, or the outcome says that this is not certain.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.errors import OutcomeUnknown, StoreFailed
from dfly_tui.operations.backup.restore import restore
from tests.support.hurry import hurried
from tests.support.proxy import Harm
from tests.support.restores import SPOTS, all_is_well, stage

HARMS = [
    pytest.param(spot, harm, id=f"{' '.join(spot[1])}-{harm.name}")
    for spot in SPOTS
    for harm in ((Harm.LOST, Harm.DROPPED, Harm.REFUSED) if spot[0] == "docker" else Harm)
]


@pytest.mark.parametrize(("spot", "harm"), HARMS)
@hurried
async def test_a_command_that_is_harmed(spot: tuple[str, tuple[str, ...]], harm: Harm) -> None:
    name, words = spot
    async with stage() as at:
        door = at.servers.door(name)
        door.chosen, door.harm = lambda sent: sent[: len(words)] == words, harm
        _, events = await at.restored()
        assert door.harm is None, "it was not sent"
        at.servers.servers["alpha"].faults.frozen = False
        await all_is_well(at, events)


class Unreliable(FolderStore):
    """A folder in which one write goes wrong.

    Attributes:
        at: Which one, beginning with 0.
        half: What is left of it when it does.
    """

    def __init__(self, path: Path, at: int, error: Exception) -> None:
        super().__init__("instance", path)
        self.at, self.error, self.written = at, error, 0

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        self.written += 1
        if self.written > self.at:
            raise self.error
        await super().write(name, content, size_bytes, modified_at=modified_at)


@pytest.mark.parametrize("error", [StoreFailed("no space left"), OutcomeUnknown("nobody knows")])
@pytest.mark.parametrize("number", [0, 1, 2])
@hurried
async def test_a_copy_that_fails(number: int, error: Exception) -> None:
    async with stage() as at:
        elsewhere = at.servers.state / "elsewhere"
        elsewhere.mkdir()
        for path in at.folder.glob("dump-1-*"):
            (elsewhere / path.name).write_bytes(path.read_bytes())
        store = Unreliable(at.folder, number, error)
        async with at.servers.access() as access:
            kept = at.kept(access)
            kept.instance_store = store
            chosen = await kept.chosen("dump-1", at.record, FolderStore("elsewhere", elsewhere))
            events = await at.servers.run(await restore(kept, chosen), access)
        assert store.written == number + 1
        await all_is_well(at, events)
