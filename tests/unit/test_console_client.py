"""The console's reader and writer: what reaches the server, what comes back, and what is hidden of it."""

import asyncio

import pytest

from dfly_tui.clients.console import ConsoleReader, ConsoleWriter, shown_line
from dfly_tui.clients.console_masks import masked_reply
from dfly_tui.clients.console_replies import ReplyDecoder
from dfly_tui.clients.redact import MASK
from dfly_tui.errors import (
    AuthFailed,
    DflyError,
    NotAServer,
    OutcomeUnknown,
    Refused,
    ServerError,
    Timeout,
    Unreachable,
)
from dfly_tui.models.console import ReplyKind, reply_lines, split_line
from dfly_tui.settings import InstanceConfig
from tests.support.clock import FakeClock
from tests.support.eventually import eventually
from tests.support.lab import Client, lab
from tests.support.proxy import Proxy
from tests.support.respd import DROP, HANG, Cut, Respd, Script, array, bulk
from tests.support.secrets import Password
from tests.support.servers import running_redis

SECRET = "hush-hush-57"
GET = b"*6\r\n+GET\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n"
SCAN = b"*6\r\n+SCAN\r\n:-2\r\n*1\r\n+readonly\r\n:0\r\n:0\r\n:0\r\n"
SET = b"*6\r\n+SET\r\n:-3\r\n*1\r\n+write\r\n:1\r\n:1\r\n:1\r\n"
TABLE = array(GET, SCAN, SET)


def config_of(url: str | int) -> InstanceConfig:
    return InstanceConfig(name="one", url=f"redis://127.0.0.1:{url}" if isinstance(url, int) else url)


def reader_of(url: str | int, password: Password | None = None, timeout: float = 5.0) -> ConsoleReader:
    return ConsoleReader(config_of(url), password or Password(), timeout_seconds=timeout)


def writer_of(url: str | int, password: Password | None = None) -> ConsoleWriter:
    return ConsoleWriter(config_of(url), password or Password(), clock=FakeClock(), timeout_seconds=5.0)


async def came(server: Respd) -> bool:
    return server.count("GET") == 1


async def said(reader: ConsoleReader, line: str) -> list[str]:
    return [*reply_lines(await reader.ask(split_line(line)))]


def sent(server: Respd) -> list[list[str]]:
    """What the server received, but for the greeting."""
    return [words for words in server.received if words[0] != "HELLO" and words[1:2] != ["SETNAME"]]


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
async def test_reading_the_lab(flavour: str) -> None:
    async with lab(flavour=flavour) as server:
        async with Client(server.port) as client:
            await client("SET", "user:1", "größe")
            await client("RPUSH", "list", "a", "b")
            await client("SELECT", 3)
            await client("SET", "there", "x")
        reader = reader_of(server.port)
        table = await reader.learn()
        assert {"GET", "FLUSHALL", "ACL SETUSER"} <= set(table.known)
        assert await said(reader, "get user:1") == ['"größe"']
        assert await said(reader, "lrange list 0 -1") == ['1) "a"', '2) "b"']
        assert await said(reader, "get list") == [
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value"
        ]
        assert (await reader.select(3)).text == b"OK"
        assert reader.database == 3
        assert await said(reader, "get there") == ['"x"']
        assert (await reader.select(99)).kind is ReplyKind.ERROR
        assert reader.database == 3
        await reader.aclose()
        assert await said(reader, "get there") == ['"x"'], "a new connection goes to the same database"
        await reader.aclose()


@pytest.mark.redis_server
async def test_reading_a_redis() -> None:
    async with running_redis() as server:
        async with Client(server.port) as client:
            await client("HSET", "h", "a", 1)
            client.send("RPUSH", "many", *range(20_000))
            await client.answer()
        reader = reader_of(server.port)
        table = await reader.learn()
        assert table.known["CONFIG GET"].flags >= {"admin"}
        assert await said(reader, "hgetall h") == ['1# "a" => "1"']
        many = await said(reader, "lrange many 0 -1")
        assert many[-1] == "… cut: 5,000 of 20,000 were read"
        assert await said(reader, "llen many") == ["(integer) 20000"], "the connection is a new one"
        await reader.aclose()


async def test_what_changes_something_is_not_sent_by_the_reader() -> None:
    async with Respd({"COMMAND": TABLE}) as server:
        reader = reader_of(server.url)
        await reader.learn()
        for line in ("set a b", "flushall", "nosuch", "monitor", "eval x 0", "auth x", "config set a b"):
            with pytest.raises(Refused):
                await reader.ask(split_line(line))
        assert sent(server) == [["COMMAND"]]
        await reader.aclose()


async def test_before_the_server_told_its_commands_nothing_is_read() -> None:
    async with Respd({"GET": bulk("x")}) as server:
        reader = reader_of(server.url)
        with pytest.raises(Refused):
            await reader.ask((b"GET", b"a"))
        assert sent(server) == []


@pytest.mark.parametrize("answer", [b"-NOPERM no\r\n", b"-ERR unknown command `COMMAND`\r\n"])
async def test_a_server_that_does_not_tell_its_commands(answer: bytes) -> None:
    async with Respd({"COMMAND": answer}) as server:
        reader = reader_of(server.url)
        table = await reader.learn()
        assert not table.known
        assert "does not tell its commands" in table.untold


async def test_a_server_that_is_away_or_silent() -> None:
    with pytest.raises(Unreachable):
        await reader_of(1).learn()
    async with Respd({"COMMAND": HANG}) as server:
        with pytest.raises(Timeout):
            await reader_of(server.url, timeout=0.05).learn()
    async with Respd({"COMMAND": b"-LOADING busy\r\n"}) as server:
        with pytest.raises(DflyError):
            await reader_of(server.url).learn()


@pytest.mark.parametrize(
    "hostile", [array(b":1\r\n"), array(array(bulk("x"))), b":1\r\n", array(array(*[b"*0\r\n"] * 6)), b"%0\r\n"]
)
async def test_a_command_table_that_is_none(hostile: bytes) -> None:
    async with Respd({"COMMAND": hostile}) as server:
        reader = reader_of(server.url)
        await reader.learn()
        with pytest.raises(Refused):
            await reader.ask((b"GET", b"a"))


async def test_an_idle_connection_that_was_closed_is_opened_again() -> None:
    script: Script = {"COMMAND": TABLE, "GET": [bulk("1"), DROP, bulk("2")]}
    async with Respd(script) as server:
        reader = reader_of(server.url)
        await reader.learn()
        assert await said(reader, "get a") == ['"1"']
        assert await said(reader, "get a") == ['"2"']
        await reader.aclose()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400\r\n", b"*1\r\n$?\r\n", Cut(b"$100\r\nabc"), DROP])
async def test_answers_that_are_none(answer: bytes | Cut) -> None:
    async with Respd({"COMMAND": TABLE, "GET": answer}) as server:
        reader = reader_of(server.url)
        await reader.learn()
        with pytest.raises((NotAServer, Unreachable)):
            await reader.ask((b"GET", b"a"))


async def test_an_answer_nobody_asked_for_is_not_taken_for_the_next() -> None:
    async with Respd({"COMMAND": TABLE, "GET": [bulk("1") + bulk("odd"), bulk("2")]}) as server:
        reader = reader_of(server.url)
        await reader.learn()
        assert await said(reader, "get a") == ['"1"']
        assert await said(reader, "get a") == ['"2"']
        await reader.aclose()


async def test_huge_answers_are_cut_and_the_next_is_right() -> None:
    endless = b"*1000000\r\n" + b"$3\r\nabc\r\n" * 100_000
    large = b"$524288000\r\n" + b"x" * (17 << 20)
    async with Respd({"COMMAND": TABLE, "GET": [endless, large, bulk("2")]}) as server:
        reader = reader_of(server.url)
        await reader.learn()
        assert (await said(reader, "get a"))[-1] == "… cut: 5,000 of 1,000,000 were read"
        [line] = await said(reader, "get a")
        assert line.endswith("… cut: 64 KiB of 500 MiB")
        assert await said(reader, "get a") == ['"2"']
        await reader.aclose()


async def test_giving_up_leaves_no_answer_behind() -> None:
    async with Respd({"COMMAND": TABLE, "GET": [HANG, bulk("2")]}) as server:
        reader = reader_of(server.url)
        await reader.learn()
        task = asyncio.ensure_future(reader.ask((b"GET", b"a")))
        await eventually(lambda: came(server))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await said(reader, "get a") == ['"2"']
        await reader.aclose()


class TestNames:
    async def test_all_of_them(self) -> None:
        async with lab(flavour="1.40") as server:
            async with Client(server.port) as client:
                for number in range(30):
                    await client("SET", f"user:{number}", "x")
                await client("SET", "us*r", "x")
            reader = reader_of(server.port)
            found = await reader.names_beginning(b"user:1", most=100)
            assert sorted(found.names) == sorted(b"user:%d" % number for number in (1, *range(10, 20)))
            assert found.is_complete
            assert (await reader.names_beginning(b"us*", most=9)).names == [b"us*r"]
            some = await reader.names(b"user:*", most=5)
            assert len(some.names) == 5
            assert not some.is_complete
            await reader.aclose()

    async def test_a_server_with_nothing_but_cursors_is_left_alone_after_a_while(self) -> None:
        async with Respd({"SCAN": array(bulk("7"), b"*0\r\n")}) as server:
            reader = reader_of(server.url)
            found = await reader.names(b"x*", most=10)
            assert not found.names
            assert not found.is_complete
            assert 10 <= server.count("SCAN") <= 50
            await reader.aclose()

    @pytest.mark.parametrize(
        ("answer", "error"), [(b"-NOPERM no\r\n", DflyError), (b":1\r\n", NotAServer), (array(bulk("0")), NotAServer)]
    )
    async def test_what_is_no_page(self, answer: bytes, error: type[DflyError]) -> None:
        async with Respd({"SCAN": answer}) as server:
            reader = reader_of(server.url)
            with pytest.raises(error):
                await reader.names(b"x*", most=10)
            await reader.aclose()


class TestWriter:
    async def test_a_write_is_sent_once_to_the_right_database(self) -> None:
        async with lab(flavour="1.40") as server, Proxy(server.port, lambda: None) as proxy:
            reply = await writer_of(proxy.port).send((b"SET", b"a", b"\xff\x00"), database=3)
            assert reply.text == b"OK"
            assert len(proxy.sent("SET")) == 1
            async with Client(server.port) as client:
                await client("SELECT", 3)
                assert await client("GET", "a") == "\udcff\x00"

    @pytest.mark.parametrize("answer", [DROP, Cut(b"$5\r\nab"), b"nonsense\r\n"])
    async def test_no_answer_is_an_unknown_outcome_and_nothing_is_sent_again(self, answer: bytes | Cut) -> None:
        async with Respd({"SET": answer}) as server:
            with pytest.raises(OutcomeUnknown) as caught:
                await writer_of(server.url).send((b"SET", b"a", b"b"), database=0)
            assert server.count("SET") == 1
            assert "SET a b" in caught.value.detail
            assert "look" in caught.value.hint

    async def test_silence_is_an_unknown_outcome(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("dfly_tui.clients.console.PATIENCE_SECONDS", 0.05)
        async with Respd({"CONFIG SET": HANG}) as server:
            with pytest.raises(OutcomeUnknown) as caught:
                await writer_of(server.url).send(split_line(f"config set requirepass {SECRET}"), database=0)
            assert server.count("CONFIG") == 1
            assert SECRET not in str(caught.value)

    async def test_a_server_that_does_not_let_us_in_gets_nothing(self) -> None:
        password = Password("wrong")
        async with Respd({"HELLO": b"-WRONGPASS no\r\n"}) as server:
            with pytest.raises(AuthFailed):
                await writer_of(server.url, password).send((b"SET", b"a", b"b"), database=0)
            assert server.count("SET") == 0
        assert password.forgotten == 1

    async def test_a_database_that_is_not_there_gets_nothing(self) -> None:
        async with Respd({"SELECT": b"-ERR DB index is out of range\r\n"}) as server:
            with pytest.raises(ServerError):
                await writer_of(server.url).send((b"SET", b"a", b"b"), database=99)
            assert server.count("SET") == 0

    async def test_a_password_that_is_refused_now_is_forgotten(self) -> None:
        password = Password()
        async with Respd({"SET": b"-NOAUTH Authentication required.\r\n"}) as server:
            reply = await writer_of(server.url, password).send((b"SET", b"a", b"b"), database=0)
            assert reply.kind is ReplyKind.ERROR
        assert password.forgotten == 1

    async def test_a_server_that_repeats_a_secret(self) -> None:
        echo = f"-ERR unknown command 'CONFIG', with args beginning with: 'SET' 'requirepass' '{SECRET}'\r\n"
        async with Respd({"CONFIG": echo.encode()}) as server:
            reply = await writer_of(server.url).send(split_line(f"config set requirepass {SECRET}"), database=0)
            assert SECRET not in str(reply)


def hidden(line: str, raw: bytes) -> str:
    decoder = ReplyDecoder()
    assert decoder.feed(raw)
    assert decoder.reply is not None
    return "\n".join(reply_lines(masked_reply(split_line(line), decoder.reply)))


class TestSecrets:
    def test_settings(self) -> None:
        items = (bulk("maxmemory"), bulk("1gb"), bulk("requirepass"), bulk(SECRET), bulk("masterauth"), bulk(""))
        for raw in (array(*items), b"%3\r\n" + b"".join(items)):
            shown = hidden("config get *", raw)
            assert SECRET not in shown
            assert MASK in shown
            assert "1gb" in shown

    def test_slow_commands(self) -> None:
        entry = array(b":1\r\n", b":2\r\n", b":3\r\n", array(bulk("AUTH"), bulk(SECRET)), bulk("c"), bulk("n"))
        shown = hidden("slowlog get", array(entry, array(b":1\r\n")))
        assert SECRET not in shown
        assert "AUTH" in shown

    def test_users(self) -> None:
        rule = f"user bob on #{'ab' * 32} >{SECRET} ~* +@all"
        shown = hidden("acl list", array(bulk(rule)))
        assert "abab" not in shown
        assert SECRET not in shown
        assert "~* +@all" in shown
        raw = array(
            bulk("flags"), array(bulk("on")), bulk("passwords"), array(bulk("ab" * 32)), bulk("keys"), bulk("~*")
        )
        shown = hidden("ACL GETUSER bob", raw)
        assert "abab" not in shown
        assert '"on"' in shown

    def test_what_is_no_secret_is_left_alone(self) -> None:
        assert hidden("get requirepass", bulk(SECRET)) == f'"{SECRET}"'
        assert hidden("acl setuser bob on", b"-ERR bob on\r\n") == "(error) ERR bob on"

    def test_a_secret_repeated_in_an_error(self) -> None:
        shown = hidden(f"acl setuser bob >{SECRET}", f"-ERR Error in ACL SETUSER modifier '>{SECRET}'\r\n".encode())
        assert SECRET not in shown

    def test_a_line_for_a_record(self) -> None:
        assert shown_line(split_line(f"config set requirepass {SECRET}")) == f"config set requirepass {MASK}"
        assert shown_line(split_line('set a "b c"')) == 'set a "b c"'
        assert shown_line((b"SET", b"a", b"x" * 1000))[-1] == "…"


async def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfly_tui.clients.console.PATIENCE_SECONDS", 0.05)
    async with Respd({"COMMAND": TABLE, "GET": HANG}) as server:
        reader = reader_of(server.url)
        await reader.learn()
        with pytest.raises(Timeout, match="GET"):
            await reader.ask((b"GET", b"a"))
    async with Respd({"HELLO": HANG}) as server:
        with pytest.raises(Timeout):
            await reader_of(server.url, timeout=0.05).learn()
