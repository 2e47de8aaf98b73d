"""The reader against scripted servers and the recorded replies of real ones."""

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any

import hiredis
import pytest

from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.errors import (
    AuthFailed,
    DflyError,
    Loading,
    NotAServer,
    NotPermitted,
    NotSupported,
    OutOfMemory,
    ServerError,
    Timeout,
    TlsFailed,
    TooManyClients,
    Unreachable,
)
from dfly_tui.models.instance import Flavour
from dfly_tui.models.replication import Role
from dfly_tui.settings import InstanceConfig
from tests.support.clock import START, FakeClock
from tests.support.eventually import eventually
from tests.support.golden import VERSIONS, exchanges
from tests.support.respd import DROP, HANG, OK, Cut, Delay, Respd, Script, array, bulk
from tests.support.secrets import Password

INFO = bulk("# Server\r\nredis_version:7.4.0\r\ndragonfly_version:df-v1.40.1\r\n# Replication\r\nrole:master\r\n")
ROLE = array(bulk("master"), array())
ANSWERS = {"INFO ALL": INFO, "ROLE": ROLE}


def reader_of(
    url: str, password: Password | str | None = None, *, username: str | None = None, timeout: float = 5.0
) -> DragonflyReader:
    source = password if isinstance(password, Password) else Password(password)
    config = InstanceConfig(name="one", url=url, username=username)
    return DragonflyReader(config, source, clock=FakeClock(), timeout_seconds=timeout)


async def failure(reader: DragonflyReader) -> DflyError:
    """What a snapshot fails with."""
    with pytest.raises(DflyError) as caught:
        await reader.snapshot()
    await reader.aclose()
    return caught.value


class TestConversation:
    async def test_it_greets_names_itself_and_asks_for_info_and_role(self) -> None:
        async with Respd(ANSWERS) as server:
            reader = reader_of(server.url)
            seen = await reader.snapshot()
            assert reader.resp3
            await reader.aclose()
        assert seen.version == "1.40.1"
        assert seen.role is Role.PRIMARY
        assert seen.role_reply is not None
        assert seen.taken_at == START
        assert server.received == [["HELLO", "3"], ["CLIENT", "SETNAME", "dfly-tui"], ["INFO", "ALL"], ["ROLE"]]

    async def test_a_second_look_uses_the_same_connection(self) -> None:
        async with Respd(ANSWERS) as server:
            reader = reader_of(server.url)
            await reader.snapshot()
            await reader.snapshot()
            await reader.aclose()
        assert server.connections == 1
        assert server.count("HELLO") == 1

    async def test_the_password_goes_with_hello_as_the_default_user(self) -> None:
        async with Respd(ANSWERS) as server:
            reader = reader_of(server.url, "s3cret")
            await reader.snapshot()
            await reader.aclose()
        assert server.received[0] == ["HELLO", "3", "AUTH", "default", "s3cret"]

    async def test_a_user_name_is_used(self) -> None:
        async with Respd(ANSWERS) as server:
            reader = reader_of(server.url, "s3cret", username="viewer")
            await reader.snapshot()
            await reader.aclose()
        assert server.received[0] == ["HELLO", "3", "AUTH", "viewer", "s3cret"]

    @pytest.mark.parametrize(
        "refusal",
        [
            b"-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `s3cret`, \r\n",
            b"-NOPERM this user has no permissions to run the 'hello' command\r\n",
            b"-NOPROTO unsupported protocol version\r\n",
        ],
    )
    async def test_without_hello_it_falls_back_to_resp2_and_auth(self, refusal: bytes) -> None:
        script: Script = {**ANSWERS, "HELLO": refusal, "AUTH": OK}
        async with Respd(script) as server:
            reader = reader_of(server.url, "s3cret")
            seen = await reader.snapshot()
            assert not reader.resp3
            await reader.aclose()
        assert seen.version == "1.40.1"
        assert ["AUTH", "s3cret"] in server.received
        assert server.received[-3:] == [["CLIENT", "SETNAME", "dfly-tui"], ["INFO", "ALL"], ["ROLE"]]

    async def test_a_refused_name_is_no_matter(self) -> None:
        async with Respd({**ANSWERS, "CLIENT SETNAME": b"-NOPERM no\r\n"}) as server:
            reader = reader_of(server.url)
            assert (await reader.snapshot()).version == "1.40.1"
            await reader.aclose()

    @pytest.mark.parametrize(
        "refusal", [b"-NOPERM user has no ACL permissions\r\n", b"-ERR unknown command `ROLE`\r\n"]
    )
    async def test_a_refused_role_is_left_out(self, refusal: bytes) -> None:
        async with Respd({**ANSWERS, "ROLE": refusal}) as server:
            reader = reader_of(server.url)
            seen = await reader.snapshot()
            await reader.aclose()
        assert seen.role_reply is None
        assert seen.role is Role.PRIMARY

    async def test_verbatim_text_is_read_as_info(self) -> None:
        text = b"txt:# Server\r\ndragonfly_version:df-v1.22.2\r\n"
        async with Respd({**ANSWERS, "INFO ALL": b"=%d\r\n%b\r\n" % (len(text), text)}) as server:
            reader = reader_of(server.url)
            assert (await reader.snapshot()).version == "1.22.2"
            await reader.aclose()

    async def test_calls_at_the_same_time_take_turns_on_one_connection(self) -> None:
        answers: Script = {
            **ANSWERS,
            "INFO ALL": Delay(0.05, INFO),
            "DBSIZE": b":7\r\n",
            "LASTSAVE": b":1700000000\r\n",
        }
        async with Respd(answers) as server:
            reader = reader_of(server.url)
            seen, size, saved = await asyncio.gather(reader.snapshot(), reader.database_size(), reader.last_save())
            await reader.aclose()
        assert (seen.version, size, saved) == ("1.40.1", 7, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))
        assert server.connections == 1

    async def test_closing_waits_for_the_call_under_way(self) -> None:
        async with Respd({**ANSWERS, "INFO ALL": Delay(0.05, INFO)}) as server:
            reader = reader_of(server.url)
            look = asyncio.create_task(reader.snapshot())
            await eventually(lambda: asked(server, 1))
            await reader.aclose()
            assert look.done()
            assert not reader.resp3
            assert (await look).version == "1.40.1"


class TestBadServers:
    async def test_nobody_listens(self) -> None:
        async with Respd() as server:
            url = server.url
        error = await failure(reader_of(url))
        assert isinstance(error, Unreachable)
        assert "refused the connection" in error.detail
        assert error.hint

    async def test_a_host_that_does_not_exist(self) -> None:
        error = await failure(reader_of("redis://no-such-host.invalid:6379"))
        assert isinstance(error, Unreachable)
        assert "no-such-host.invalid is not known" in error.detail
        assert "DNS" in error.hint

    @pytest.mark.parametrize("name", ["HELLO", "CLIENT SETNAME", "INFO ALL", "ROLE"])
    async def test_no_answer_in_time(self, name: str) -> None:
        async with Respd({**ANSWERS, name: HANG}) as server:
            error = await failure(reader_of(server.url, timeout=0.1))
        assert isinstance(error, Timeout)
        assert "within 100 ms" in error.detail

    async def test_after_no_answer_the_connection_is_not_used_again(self) -> None:
        """Or the late answer to one question would be read as the answer to the next."""
        late = Delay(0.15, bulk("# Server\r\ndragonfly_version:df-v0.0.1\r\n"))
        async with Respd({**ANSWERS, "INFO ALL": [late, INFO]}) as server:
            reader = reader_of(server.url, timeout=0.1)
            with pytest.raises(Timeout):
                await reader.snapshot()
            assert (await reader.snapshot()).version == "1.40.1"
            await reader.aclose()
        assert server.connections == 2

    async def test_after_a_cancelled_call_the_connection_is_not_used_again(self) -> None:
        async with Respd({**ANSWERS, "INFO ALL": [INFO, HANG, INFO]}) as server:
            reader = reader_of(server.url)
            await reader.snapshot()
            look = asyncio.create_task(reader.snapshot())
            await eventually(lambda: asked(server, 2))
            look.cancel()
            with pytest.raises(asyncio.CancelledError):
                await look
            assert (await reader.snapshot()).version == "1.40.1"
            await reader.aclose()
        assert server.connections == 2

    @pytest.mark.parametrize(
        ("greeting", "words"),
        [
            (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", ["an HTTP server", "HTTP/1.1 400 Bad Request"]),
            (b"<html><body>hello", ["an HTTP server", "<html><body>hello"]),
            (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", ["an SSH server", "SSH-2.0-OpenSSH_9.2p1"]),
            (b"\x00\x1b[31m\xff\xfegarbage", ["\\x00\\x1b[31m\\xff\\xfegarbage"]),
            (b"220 mail ESMTP\r\n", ["220 mail ESMTP"]),
        ],
    )
    async def test_something_else_answers(self, greeting: bytes, words: list[str]) -> None:
        async with Respd(greeting=greeting, speaks=False) as server:
            error = await failure(reader_of(server.url))
        assert isinstance(error, NotAServer)
        for word in words:
            assert word in error.detail
        assert "\x1b" not in error.detail

    async def test_an_echo_server(self) -> None:
        async with Respd({"HELLO": array(bulk("HELLO"), bulk("3"))}) as server:
            error = await failure(reader_of(server.url))
        assert isinstance(error, NotAServer)

    async def test_it_accepts_and_says_nothing(self) -> None:
        async with Respd(speaks=False) as server:
            error = await failure(reader_of(server.url, timeout=0.1))
        assert isinstance(error, Timeout)
        assert "took the connection but said nothing" in error.detail

    @pytest.mark.parametrize("stage", ["HELLO", "INFO ALL"])
    async def test_it_hangs_up(self, stage: str) -> None:
        async with Respd({**ANSWERS, stage: DROP}) as server:
            error = await failure(reader_of(server.url))
        assert isinstance(error, Unreachable)
        assert "closed the connection" in error.detail

    async def test_info_cut_in_the_middle(self) -> None:
        async with Respd({**ANSWERS, "INFO ALL": Cut(INFO[:40])}) as server:
            error = await failure(reader_of(server.url))
        assert isinstance(error, Unreachable)

    async def test_info_that_ends_early_gives_what_it_has(self) -> None:
        async with Respd(
            {**ANSWERS, "INFO ALL": bulk("# Server\r\ndragonfly_version:df-v1.40.1\r\nuptime_in_sec")}
        ) as server:
            reader = reader_of(server.url)
            seen = await reader.snapshot()
            await reader.aclose()
        assert (seen.version, seen.uptime_seconds, seen.keys, seen.used_memory_bytes) == ("1.40.1", None, None, None)

    @pytest.mark.parametrize("answer", [bulk(""), b"$-1\r\n", array(), b"+\r\n"])
    async def test_info_with_nothing_in_it(self, answer: bytes) -> None:
        async with Respd({**ANSWERS, "INFO ALL": answer}) as server:
            error = await failure(reader_of(server.url))
        assert isinstance(error, NotAServer)
        assert error.detail.endswith("answered INFO with nothing")

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (b"-LOADING Dragonfly is loading the dataset in memory\r\n", Loading),
            (b"-ERR Out of memory\r\n", OutOfMemory),
            (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", OutOfMemory),
            (b"-NOPERM default has no ACL permissions\r\n", NotPermitted),
            (b"-ERR unknown command `INFO`\r\n", NotSupported),
            (b"-ERR something new\r\n", ServerError),
        ],
    )
    async def test_info_refused(self, reply: bytes, kind: type[DflyError]) -> None:
        async with Respd({**ANSWERS, "INFO ALL": reply}) as server:
            assert type(await failure(reader_of(server.url))) is kind

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (Cut(b"-ERR max number of clients reached\r\n"), TooManyClients),
            (Cut(b"-ERR Bad TLS header, double check if you enabled TLS for your client.\r\n"), TlsFailed),
            (Cut(b"-DENIED Redis is running in protected mode\r\n"), NotPermitted),
            (b"-LOADING Redis is loading the dataset in memory\r\n", Loading),
        ],
    )
    async def test_refused_at_the_door(self, answer: bytes | Cut, kind: type[DflyError]) -> None:
        async with Respd({"HELLO": answer}) as server:
            error = await failure(reader_of(server.url))
        assert type(error) is kind
        assert error.hint

    async def test_a_tls_port_that_sends_an_alert(self) -> None:
        async with Respd(greeting=b"\x15\x03\x03\x00\x02\x02\x46", speaks=False) as server:
            error = await failure(reader_of(server.url))
        assert isinstance(error, TlsFailed)
        assert "rediss://" in error.hint


class TestPassword:
    @pytest.mark.parametrize(
        ("reply", "hint"),
        [
            (b"-WRONGPASS invalid username-password pair or user is disabled.\r\n", "check username"),
            (b"-NOAUTH HELLO must be called with the client already authenticated, otherwise\r\n", "wants a password"),
            (
                b"-ERR AUTH <password> called without any password configured for the default user.\r\n",
                "has no password",
            ),
        ],
    )
    async def test_refused(self, reply: bytes, hint: str) -> None:
        password = Password("s3cret")
        async with Respd({**ANSWERS, "HELLO": reply}) as server:
            error = await failure(reader_of(server.url, password))
        assert isinstance(error, AuthFailed)
        assert hint in error.hint
        assert "s3cret" not in str(error) + error.hint
        assert password.forgotten == 1

    async def test_refused_after_the_fall_back(self) -> None:
        script = {"HELLO": b"-ERR unknown command 'HELLO'\r\n", "AUTH": b"-ERR invalid password\r\n"}
        async with Respd(script) as server:
            error = await failure(reader_of(server.url, "s3cret"))
        assert isinstance(error, AuthFailed)

    async def test_a_rotated_password_is_read_again(self) -> None:
        password = Password("old")
        script = {**ANSWERS, "HELLO 3 AUTH DEFAULT OLD": b"-WRONGPASS invalid username-password pair\r\n"}
        async with Respd(script) as server:
            reader = reader_of(server.url, password)
            with pytest.raises(AuthFailed):
                await reader.snapshot()
            password.value = "new"
            assert (await reader.snapshot()).version == "1.40.1"
            await reader.aclose()
        assert server.received[-4] == ["HELLO", "3", "AUTH", "default", "new"]

    async def test_a_login_that_is_withdrawn_leads_to_a_new_one(self) -> None:
        password = Password("s3cret")
        async with Respd({**ANSWERS, "INFO ALL": [INFO, b"-NOAUTH Authentication required.\r\n", INFO]}) as server:
            reader = reader_of(server.url, password)
            await reader.snapshot()
            with pytest.raises(AuthFailed):
                await reader.snapshot()
            await reader.snapshot()
            await reader.aclose()
        assert password.forgotten == 1
        assert server.connections == 2

    async def test_it_is_asked_for_once_per_connection(self) -> None:
        password = Password("s3cret")
        async with Respd(ANSWERS) as server:
            reader = reader_of(server.url, password)
            await reader.snapshot()
            await reader.snapshot()
            assert "s3cret" not in repr(reader) + repr(vars(reader))
            await reader.aclose()
        assert password.asked == 1


class TestRecovery:
    async def test_a_server_that_comes_back_is_read_again(self) -> None:
        async with Respd(ANSWERS) as server:
            reader = reader_of(server.url)
            await reader.snapshot()
        with pytest.raises(Unreachable):
            await reader.snapshot()
        again = Respd(ANSWERS)
        again.port = server.port
        async with again:
            assert (await reader.snapshot()).version == "1.40.1"
            await reader.aclose()

    async def test_a_connection_closed_while_idle_is_opened_again_at_once(self) -> None:
        async with Respd({**ANSWERS, "INFO ALL": [INFO, DROP, INFO]}) as server:
            reader = reader_of(server.url)
            await reader.snapshot()
            assert (await reader.snapshot()).version == "1.40.1"
            await reader.aclose()
        assert server.connections == 2

    async def test_a_server_that_always_hangs_up_is_asked_once_per_look(self) -> None:
        async with Respd({**ANSWERS, "INFO ALL": DROP}) as server:
            reader = reader_of(server.url)
            for _ in range(3):
                with pytest.raises(Unreachable):
                    await reader.snapshot()
        assert server.connections == 3

    async def test_a_hundred_failures_leave_no_open_connection(self) -> None:
        async with Respd({**ANSWERS, "HELLO": Cut(b"-ERR no\r\n")}) as server:
            reader = reader_of(server.url)
            for _ in range(100):
                with pytest.raises(DflyError):
                    await reader.snapshot()
        gc.collect()  # an unclosed transport would warn here, and warnings are errors


class TestOtherQuestions:
    async def test_config_hides_what_is_secret(self) -> None:
        pairs = [
            ("requirepass", "s3cret"), ("masterauth", ""), ("maxmemory", "1.00GiB"), ("tls_key_file", "/etc/key.pem"),
            ("masteruser", "replicator"), ("s3_secret_key", "abc"), ("dbfilename", "dump\x1b[2J"),
        ]  # fmt: skip
        flat = array(*(bulk(word) for pair in pairs for word in pair))
        mapped = b"%%%d\r\n" % len(pairs) + b"".join(bulk(word) for pair in pairs for word in pair)
        for answer in (flat, mapped):
            async with Respd({"CONFIG GET": answer}) as server:
                reader = reader_of(server.url)
                settings = await reader.config()
                await reader.aclose()
            assert list(settings.items()) == [
                ("requirepass", "••••••"), ("masterauth", ""), ("maxmemory", "1.00GiB"),
                ("tls_key_file", "/etc/key.pem"), ("masteruser", "replicator"), ("s3_secret_key", "••••••"),
                ("dbfilename", "dump\\x1b[2J"),
            ]  # fmt: skip

    async def test_slowlog_hides_what_is_secret(self) -> None:
        entry = array(
            b":5\r\n", b":1795407895\r\n", b":37\r\n", array(bulk("AUTH"), bulk("s3cret")), bulk("1.2.3.4:5"), bulk("")
        )
        async with Respd({"SLOWLOG GET": array(entry)}) as server:
            reader = reader_of(server.url)
            (slow,) = await reader.slowlog(10)
            await reader.aclose()
        assert slow.command == ("AUTH", "••••••")
        assert slow.duration_seconds == pytest.approx(37e-6)
        assert slow.client == "1.2.3.4:5"
        assert server.received[-1] == ["SLOWLOG", "GET", "10"]

    async def test_an_error_reply_is_raised(self) -> None:
        async with Respd({"CONFIG GET": b"-NOPERM no\r\n"}) as server:
            reader = reader_of(server.url)
            with pytest.raises(NotPermitted):
                await reader.config()
            await reader.aclose()

    async def test_an_error_reply_does_not_cost_the_connection(self) -> None:
        async with Respd({**ANSWERS, "CONFIG GET": b"-NOPERM no\r\n"}) as server:
            reader = reader_of(server.url)
            with pytest.raises(NotPermitted):
                await reader.config()
            await reader.snapshot()
            await reader.aclose()
        assert server.connections == 1


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("resp", [2, 3])
class TestRecordings:
    """What the two real servers answered, in both protocols, read through a socket."""

    async def test_snapshot_of_every_recorded_info_all(self, version: str, resp: int) -> None:
        recorded = exchanges(version, "INFO", "ALL", resp=resp)
        role = exchanges(version, "ROLE")[0].raw
        hello = exchanges(version, "HELLO", "3" if resp == 3 else "2") or exchanges(version, "HELLO")
        assert len(recorded) >= 2
        for each in recorded:
            async with Respd({"INFO ALL": each.raw, "ROLE": role, "HELLO": hello[0].raw}) as server:
                reader = reader_of(server.url)
                seen = await reader.snapshot()
                await reader.aclose()
            assert seen.flavour is Flavour.DRAGONFLY
            assert seen.version == version
            assert seen.role is not None
            assert seen.max_memory_bytes == 1 << 30
            assert seen.persistence.loading is False
            assert [line for line in seen.info.render().split("\r\n") if line] == lines(each.raw)

    async def test_config_has_every_key_and_no_password(self, version: str, resp: int) -> None:
        each = exchanges(version, "CONFIG", "GET", "*", resp=resp)[0]
        async with Respd({"CONFIG GET": each.raw}) as server:
            reader = reader_of(server.url)
            settings = await reader.config()
            await reader.aclose()
        assert settings["requirepass"] == "••••••"
        assert settings["maxmemory"]
        decoded = decode(each.raw)
        assert list(settings) == [name.decode() for name in (decoded if resp == 3 else decoded[::2])]

    async def test_client_list_and_slowlog(self, version: str, resp: int) -> None:
        clients = [each for each in exchanges(version, "CLIENT", "LIST", resp=resp) if each.raw[:1] in b"$="]
        slow = exchanges(version, "SLOWLOG", "GET", resp=2)
        async with Respd({"CLIENT LIST": clients[0].raw, "SLOWLOG GET": slow[-1].raw}) as server:
            reader = reader_of(server.url)
            listed = await reader.client_list()
            entries = await reader.slowlog(5)
            await reader.aclose()
        assert len(listed) == decode(clients[0].raw).count(b"\n")
        assert all(client.id and client.address.startswith("127.0.0.1:") for client in listed)
        assert entries
        assert "s3cret" not in repr(entries)

    async def test_command_names(self, version: str, resp: int) -> None:
        each = exchanges(version, "COMMAND", resp=resp)
        whole = next(found for found in each if found.command == ("COMMAND",))
        async with Respd({"COMMAND": whole.raw}) as server:
            reader = reader_of(server.url)
            names = await reader.command_names()
            await reader.aclose()
        assert {"GET", "REPLTAKEOVER"} <= names
        assert ("COPY" in names) is (version == "1.40.1")
        assert "OBJECT" not in names


async def asked(server: Respd, times: int) -> bool:
    return server.count("INFO") >= times


def decode(raw: bytes) -> Any:
    parser = hiredis.Reader()
    parser.feed(raw)
    return parser.gets()


def lines(raw: bytes) -> list[str]:
    """What INFO printed, without the empty lines."""
    return [line for line in decode(raw).decode().split("\r\n") if line]
