"""The writer against the lab in both flavours, and against servers that fail at the worst moment.

What counts is what the server received: every command once, or not at all.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dfly_tui.clients import writer as words
from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.writer import DragonflyWriter
from dfly_tui.errors import (
    AuthFailed,
    DflyError,
    NotSupported,
    OutcomeUnknown,
    Refused,
    ServerError,
    Timeout,
    Unreachable,
)
from dfly_tui.models.replication import Role
from dfly_tui.settings import InstanceConfig
from tests.support.clock import FakeClock
from tests.support.eventually import eventually
from tests.support.lab import Client, in_sync, lab, pair
from tests.support.respd import DROP, HANG, OK, Cut, Respd, Script
from tests.support.secrets import Password

FLAVOURS = ("1.22", "1.40")
both = pytest.mark.parametrize("flavour", FLAVOURS)
SECRET = "hush-hush-57"


def writer_of(
    url: str | int, password: Password | str | None = None, *, username: str | None = None, timeout: float = 5.0
) -> DragonflyWriter:
    url = f"redis://127.0.0.1:{url}" if isinstance(url, int) else url
    source = password if isinstance(password, Password) else Password(password)
    config = InstanceConfig(name="one", url=url, username=username)
    return DragonflyWriter(config, source, clock=FakeClock(), timeout_seconds=timeout)


def reader_of(port: int) -> DragonflyReader:
    config = InstanceConfig(name="one", url=f"redis://127.0.0.1:{port}")
    return DragonflyReader(config, Password(), clock=FakeClock(), timeout_seconds=5.0)


def sent(server: Respd) -> list[list[str]]:
    """What the server received, but for the greeting."""
    return [line for line in server.received if line[0] not in {"HELLO", "AUTH"} and line[1:2] != ["SETNAME"]]


async def role_of(port: int) -> Role | None:
    reader = reader_of(port)
    try:
        return (await reader.role()).role
    finally:
        await reader.aclose()


@both
class TestLab:
    async def test_attach_and_detach(self, flavour: str) -> None:
        async with lab(flavour=flavour, keys=20) as primary, lab(flavour=flavour) as other:
            writer = writer_of(other.port)
            await writer.replicate("127.0.0.1", primary.port)
            await eventually(lambda: in_sync(other))
            assert await role_of(other.port) is Role.REPLICA
            await writer.replicate_nobody()
            assert await role_of(other.port) is Role.PRIMARY
            await writer.replicate_nobody()  # nothing happens on a primary

    async def test_a_primary_that_is_not_there_is_a_refusal(self, flavour: str) -> None:
        async with lab(flavour=flavour) as server:
            with pytest.raises(ServerError) as caught:
                await writer_of(server.port).replicate("127.0.0.1", 1)
            words = {"1.22": "could not connect to master", "1.40": "replication cancelled"}
            assert words[flavour] in caught.value.detail

    async def test_a_takeover(self, flavour: str) -> None:
        async with pair(flavour=flavour, keys=20) as (_, replica):
            await writer_of(replica.port).take_over(5)
            assert await role_of(replica.port) is Role.PRIMARY

    async def test_a_takeover_that_is_refused(self, flavour: str) -> None:
        async with pair(flavour=flavour) as (primary, replica):
            assert replica.follower is not None
            await primary.stop()
            await eventually(lambda: _is_down(replica.port))
            with pytest.raises(DflyError) as caught:
                await writer_of(replica.port).take_over(1)
            assert not isinstance(caught.value, OutcomeUnknown)

    async def test_writes_wait_while_paused(self, flavour: str) -> None:
        async with lab(flavour=flavour) as server, Client(server.port) as client:
            writer = writer_of(server.port)
            await writer.pause_writes(60_000)
            client.send("SET", "x", "1")
            answer = asyncio.ensure_future(client.answer())
            assert (await reader_of_once(server.port, "x")) is None
            assert not answer.done()
            if flavour == "1.22":
                with pytest.raises(NotSupported):
                    await writer.resume_writes()
                answer.cancel()
                with suppress(asyncio.CancelledError):
                    await answer
            else:
                await writer.resume_writes()
                assert await answer == "OK"

    async def test_the_login_for_the_primary(self, flavour: str) -> None:
        async with (
            lab(flavour=flavour, password=SECRET, keys=5) as primary,
            lab(flavour=flavour) as other,
            Client(other.port) as client,
        ):
            writer = writer_of(other.port)
            await writer.set_primary_login(None, SECRET)
            await writer.replicate("127.0.0.1", primary.port)
            await eventually(lambda: in_sync(other))
            await writer.set_primary_login("repl", None)
            assert await client("CONFIG", "GET", "masterauth") == ["masterauth", ""]
            assert await client("CONFIG", "GET", "masteruser") == ["masteruser", "repl"]

    async def test_a_few_settings(self, flavour: str) -> None:
        async with lab(flavour=flavour) as server, Client(server.port) as client:
            writer = writer_of(server.port)
            await writer.set_setting("snapshot_cron", "0 2 * * *")
            assert await client("CONFIG", "GET", "snapshot_cron") == ["snapshot_cron", "0 2 * * *"]
            with pytest.raises(ServerError):
                await writer.set_setting("snapshot_cron", "bad cron")
            with pytest.raises(Refused):
                await writer.set_setting("maxmemory", "1")

    async def test_a_snapshot_under_a_name_of_its_own(self, flavour: str, tmp_path: Path) -> None:
        async with lab(flavour=flavour, keys=5, data_dir=tmp_path) as server:
            writer = writer_of(server.port)
            await writer.begin_save("before-switchover_1")

            async def saved() -> bool:
                return (tmp_path / "before-switchover_1-summary.dfs").exists()

            await eventually(saved)
            server.faults.save_seconds = 30.0
            await writer.begin_save("slow")
            with pytest.raises(ServerError) as caught:
                await writer.begin_save("second")
            assert "SAVING" in caught.value.detail

    async def test_a_canary(self, flavour: str) -> None:
        async with lab(flavour=flavour) as server, Client(server.port) as client:
            writer = writer_of(server.port)
            await writer.put_canary("dfly-tui:canary", "1", 60)
            assert await reader_of_once(server.port, "dfly-tui:canary") == "1"
            assert 0 < await client("TTL", "dfly-tui:canary") <= 60
            with pytest.raises(ServerError):
                await writer.put_canary("dfly-tui:canary", "2", 60)
            assert await client("GET", "dfly-tui:canary") == "1"
            await writer.delete_canary("dfly-tui:canary")
            assert await reader_of_once(server.port, "dfly-tui:canary") is None
            await writer.delete_canary("dfly-tui:canary")

    async def test_a_canary_on_a_replica_is_refused(self, flavour: str) -> None:
        async with pair(flavour=flavour) as (_, replica):
            with pytest.raises(ServerError) as caught:
                await writer_of(replica.port).put_canary("k", "v", 60)
            assert "primary" in caught.value.hint

    async def test_a_client_is_disconnected(self, flavour: str) -> None:
        async with lab(flavour=flavour) as server, Client(server.port) as client, Client(server.port) as bystander:
            await client("CLIENT", "SETNAME", "app")
            lines = (await bystander("CLIENT", "LIST")).splitlines()
            [address] = [line.split("addr=")[1].split()[0] for line in lines if "name=app " in line]
            await writer_of(server.port).disconnect_client(address)
            with pytest.raises(ConnectionResetError):
                await client("PING")
            assert await bystander("PING") == "PONG"
            await writer_of(server.port).disconnect_client(address)  # it is gone: no matter


async def _is_down(port: int) -> bool:
    async with Client(port) as client:
        return (await client.info("REPLICATION"))["master_link_status"] == "down"


async def reader_of_once(port: int, key: str) -> str | None:
    reader = reader_of(port)
    try:
        return await reader.text_of(key)
    finally:
        await reader.aclose()


Change = Callable[[DragonflyWriter], Awaitable[None]]

CHANGES: list[tuple[Change, list[tuple[str, ...]]]] = [
    (lambda w: w.replicate("10.0.0.1", 6379), [("REPLICAOF", "10.0.0.1", "6379")]),
    (lambda w: w.replicate_nobody(), [("REPLICAOF", "NO", "ONE")]),
    (lambda w: w.take_over(5), [("REPLTAKEOVER", "5")]),
    (lambda w: w.pause_writes(3000), [("CLIENT", "PAUSE", "3000", "WRITE")]),
    (lambda w: w.resume_writes(), [("CLIENT", "UNPAUSE")]),
    (lambda w: w.set_setting("dbfilename", "x"), [("CONFIG", "SET", "dbfilename", "x")]),
    (lambda w: w.begin_save("x"), [("BGSAVE", "DF", "x")]),
    (lambda w: w.put_canary("k", "v", 60), [("SET", "k", "v", "EX", "60", "NX")]),
    (lambda w: w.delete_canary("k"), [("DEL", "k")]),
    (lambda w: w.disconnect_client("1.2.3.4:5"), [("CLIENT", "KILL", "ADDR", "1.2.3.4:5")]),
    (
        lambda w: w.set_primary_login("repl", SECRET),
        [("CONFIG", "SET", "masteruser", "repl"), ("CONFIG", "SET", "masterauth", SECRET)],
    ),
]
every_change = pytest.mark.parametrize(
    ("change", "lines"), CHANGES, ids=[" ".join(lines[-1][:3]) for _, lines in CHANGES]
)
NO_OTHER_WAITS = ("REPLICATE_SECONDS", "TAKEOVER_MARGIN_SECONDS", "PAUSE_SECONDS")


@every_change
class TestSentOnce:
    async def test_what_is_sent(self, change: Change, lines: list[tuple[str, ...]]) -> None:
        async with Respd({"*": OK}) as server:
            await change(writer_of(server.url))
            assert sent(server) == [list(line) for line in lines]
            assert server.connections == len(lines)  # each on a connection of its own

    async def test_a_connection_lost_instead_of_an_answer(self, change: Change, lines: list[tuple[str, ...]]) -> None:
        for lost in (DROP, Cut(b"+O"), Cut(b"HTTP/1.1 200 OK\r\n")):
            async with Respd({"*": lost}) as server:
                with pytest.raises(OutcomeUnknown) as caught:
                    await change(writer_of(server.url))
                assert sent(server) == [list(lines[0])]
                assert lines[0][0] in caught.value.detail
                assert str(server.port) in caught.value.detail
                assert "look again" in caught.value.hint

    async def test_no_answer(
        self, change: Change, lines: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in NO_OTHER_WAITS:
            monkeypatch.setattr(words, name, -10.0)
        async with Respd({"*": HANG}) as server:
            with pytest.raises(OutcomeUnknown):
                await change(writer_of(server.url, timeout=0.15))
            assert sent(server) == [list(lines[0])]

    async def test_a_refusal_is_sent_once_too(self, change: Change, lines: list[tuple[str, ...]]) -> None:
        async with Respd({"*": b"-ERR not now\r\n"}) as server:
            with pytest.raises(ServerError) as caught:
                await change(writer_of(server.url))
            assert caught.value.detail == "not now"
            assert sent(server) == [list(lines[0])]

    async def test_cancelled_while_waiting(self, change: Change, lines: list[tuple[str, ...]]) -> None:
        async with Respd({"*": HANG}) as server:

            async def arrived() -> bool:
                return len(sent(server)) == 1

            task = asyncio.ensure_future(change(writer_of(server.url)))
            await eventually(arrived)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert sent(server) == [list(lines[0])]


LOGIN_FAILURES: list[tuple[Script, type[DflyError]]] = [
    ({"HELLO": DROP}, Unreachable),
    ({"HELLO": HANG}, Timeout),
    ({"HELLO": b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"}, AuthFailed),
]


@pytest.mark.parametrize(("script", "kind"), LOGIN_FAILURES, ids=["dropped", "hanging", "refused"])
async def test_when_the_login_fails_nothing_is_sent(script: Script, kind: type[DflyError]) -> None:
    async with Respd({"*": OK, **script}) as server:
        password = Password(SECRET)
        with pytest.raises(kind):
            await writer_of(server.url, password, timeout=0.3).take_over(5)
        assert sent(server) == []
        assert password.forgotten == (1 if kind is AuthFailed else 0)


async def test_nobody_listens() -> None:
    with pytest.raises(Unreachable):
        await writer_of(1).replicate_nobody()


async def test_an_answer_that_is_not_ok_is_not_taken_for_one() -> None:
    async with Respd({"*": b"+QUEUED\r\n"}) as server:
        with pytest.raises(OutcomeUnknown) as caught:
            await writer_of(server.url).replicate_nobody()
    assert "QUEUED" in caught.value.detail


async def test_a_server_that_is_frozen_before_the_login_gets_nothing() -> None:
    async with lab() as server, Client(server.port) as client:
        writer = writer_of(server.port, timeout=0.3)
        await client("DEBUG", "LAB", "frozen", "on")
        with pytest.raises(Timeout):
            await writer.put_canary("k", "v", 60)
        server.faults.frozen = False
        assert await client("EXISTS", "k") == 0


class TestSecrets:
    @pytest.mark.parametrize(
        "answer",
        [DROP, HANG, b"-ERR what is %b\r\n" % SECRET.encode(), b"+%b\r\n" % SECRET.encode(), b"-NOPERM\r\n"],
        ids=["drop", "hang", "echo", "not OK", "refused"],
    )
    async def test_the_password_is_in_no_error_and_no_log(
        self, answer: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with Respd({"CONFIG SET MASTERUSER ": OK, "CONFIG SET": answer}) as server:
            writer = writer_of(server.url, timeout=0.2)
            with pytest.raises(DflyError) as caught:
                await writer.set_primary_login(None, SECRET)
            assert ["CONFIG", "SET", "masterauth", SECRET] in server.received
        error: BaseException | None = caught.value
        while error is not None:
            assert SECRET not in f"{error!r} {error} {getattr(error, 'hint', '')}"
            error = None if error.__suppress_context__ else error.__context__
        assert SECRET not in caplog.text
        assert SECRET not in repr(writer)

    @pytest.mark.parametrize("password", ["two words", 'quo"te', "apo'strophe", "back\\slash", "tab\t", "é"])
    async def test_a_password_that_cannot_work_is_not_sent(self, password: str) -> None:
        async with Respd({"*": OK}) as server:
            with pytest.raises(Refused) as caught:
                await writer_of(server.url).set_primary_login(None, password)
            assert sent(server) == []
        assert password not in str(caught.value) + caught.value.hint

    def test_what_is_shown_hides_it(self) -> None:
        shown = words.primary_login_words("repl")
        assert shown[0] == ("CONFIG", "SET", "masteruser", "repl")
        assert shown[1][:3] == ("CONFIG", "SET", "masterauth")
        assert set(shown[1][3]) == {"•"}


@pytest.mark.parametrize("basename", ["", "../x", "a b", "x.rdb", "{timestamp}", "x\n"])
async def test_names_of_snapshots_that_the_server_would_not_take(basename: str) -> None:
    async with Respd({"*": OK}) as server:
        with pytest.raises(Refused):
            await writer_of(server.url).begin_save(basename)
        assert sent(server) == []
