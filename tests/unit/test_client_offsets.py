"""What the reader gives an operation to decide by: offsets, the server's clock, one value, its own name."""

from datetime import UTC, datetime

import pytest

from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.errors import NotAServer, ServerError
from dfly_tui.settings import InstanceConfig
from tests.support.clock import FakeClock
from tests.support.eventually import eventually
from tests.support.lab import Client, lab, pair
from tests.support.respd import OK, Cut, Respd, array, bulk
from tests.support.secrets import Password

both = pytest.mark.parametrize("flavour", ["1.22", "1.40"])


def reader_of(url: str | int) -> DragonflyReader:
    url = f"redis://127.0.0.1:{url}" if isinstance(url, int) else url
    return DragonflyReader(InstanceConfig(name="one", url=url), Password(), clock=FakeClock(), timeout_seconds=5.0)


@both
async def test_a_replica_catches_up_offset_by_offset(flavour: str) -> None:
    async with pair(flavour=flavour) as (primary, replica), Client(primary.port) as client:
        ahead, behind = reader_of(primary.port), reader_of(replica.port)
        before = await ahead.journal_offsets()
        for number in range(20):
            await client("SET", f"key:{number}", "x")
        written = await ahead.journal_offsets()
        assert len(written) == 2
        assert sum(written) == sum(before) + 20

        async def caught_up() -> bool:
            return await behind.executed_offsets() == written

        await eventually(caught_up)
        with pytest.raises(ServerError) as caught:
            await ahead.executed_offsets()
        assert "master" in caught.value.detail
        await ahead.aclose()
        await behind.aclose()


@both
async def test_the_servers_clock_is_near_ours(flavour: str) -> None:
    async with lab(flavour=flavour) as server:
        reader = reader_of(server.port)
        seen = await reader.server_time()
        await reader.aclose()
    assert abs((datetime.now(UTC) - seen).total_seconds()) < 30


async def test_times_and_offsets_as_recorded() -> None:
    """v1.40.1, recordings 01 and 09."""
    answers = {
        "TIME": b"*2\r\n:1795406991\r\n:955114\r\n",
        "DFLY REPLICAOFFSET": b"*2\r\n:1431\r\n:573\r\n",
        "DEBUG REPLICA": b"*2\r\n$5\r\nSYNC1\r\n*2\r\n:1349\r\n:566\r\n",
    }
    async with Respd(answers) as server:
        reader = reader_of(server.url)
        assert await reader.server_time() == datetime(2026, 11, 23, 4, 9, 51, 955114, UTC)
        assert await reader.journal_offsets() == (1431, 573)
        assert await reader.executed_offsets() == (1349, 566)
        await reader.aclose()


@pytest.mark.parametrize(
    "answer", [OK, array(), array(bulk("x")), array(b":1\r\n", bulk("x")), array(array(), array())]
)
async def test_offsets_that_are_none_are_an_error(answer: bytes) -> None:
    """Two empty answers would be equal, and equal means caught up."""
    async with Respd({"DFLY": answer, "DEBUG": answer, "TIME": answer}) as server:
        reader = reader_of(server.url)
        for ask in (reader.journal_offsets, reader.executed_offsets, reader.server_time):
            with pytest.raises(NotAServer):
                await ask()
        await reader.aclose()


@both
async def test_a_value_and_its_absence(flavour: str) -> None:
    async with lab(flavour=flavour) as server, Client(server.port) as client:
        reader = reader_of(server.port)
        assert await reader.text_of("k") is None
        await client("SET", "k", "v\x1b[2J")
        assert await reader.text_of("k") == "v\\x1b[2J"
        await client("DEL", "k")
        await client("RPUSH", "k", "v")
        with pytest.raises(ServerError):
            await reader.text_of("k")
        await reader.aclose()


async def test_its_name_outlives_the_connection() -> None:
    async with Respd({"GET": [b"$-1\r\n", Cut(), b"$-1\r\n"]}) as server:
        reader = reader_of(server.url)
        await reader.text_of("k")
        await reader.present_as("dfly-tui:switchover")
        await reader.text_of("k")  # the connection is lost and made again
        await reader.aclose()
    names = [line[2] for line in server.received if line[:2] == ["CLIENT", "SETNAME"]]
    assert names == ["dfly-tui", "dfly-tui:switchover", "dfly-tui:switchover"]


@both
async def test_a_name_the_server_refuses_is_not_kept(flavour: str) -> None:
    async with lab(flavour=flavour) as server, Client(server.port) as client:
        reader = reader_of(server.port)
        with pytest.raises(ServerError):
            await reader.present_as("two words")
        await reader.aclose()
        await reader.role()
        assert "name=dfly-tui " in await client("CLIENT", "LIST")
        await reader.aclose()
