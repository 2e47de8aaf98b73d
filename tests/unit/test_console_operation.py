"""A line at the console: nothing is sent before the guard and a person allowed it, and what is sent is recorded."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dfly_tui.clients.redact import MASK
from dfly_tui.errors import BadInput, OutcomeUnknown, ReadOnly, Refused, Unreachable
from dfly_tui.models.console import ReplyKind
from dfly_tui.models.console_commands import CommandClass
from dfly_tui.models.operation import Confirmation, Level
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import Deny, GivenAnswer
from dfly_tui.operations.console import Console
from dfly_tui.operations.guard import Guard
from dfly_tui.settings import Defaults, InstanceConfig, Settings
from tests.support.clock import FakeClock
from tests.support.lab import lab
from tests.support.proxy import Harm, Proxy
from tests.support.respd import Respd, array, bulk
from tests.support.secrets import Password
from tests.support.servers import running_redis

YES = GivenAnswer(yes=True, names=["one"])
SECRET = "hush-hush-57"


class Asked:
    """Remembers the question and answers it, perhaps after something happened."""

    def __init__(self, answer: bool = True, meanwhile: object = None) -> None:
        self.questions: list[Confirmation] = []
        self._answer = answer
        self._meanwhile = meanwhile

    async def confirm(self, question: Confirmation) -> bool:
        self.questions.append(question)
        if callable(self._meanwhile):
            self._meanwhile()
        return self._answer


class Desk:
    """A console on a server behind a proxy that writes down what passes."""

    def __init__(
        self,
        port: int,
        folder: Path,
        *,
        environment: str = "lab",
        dry_run: bool = False,
        read_only: bool = False,
        proxy: Proxy | None = None,
    ) -> None:
        url = f"redis://127.0.0.1:{port}"
        config = InstanceConfig.model_validate({"name": "one", "url": url, "environment": environment})
        settings = Settings(defaults=Defaults(dry_run=dry_run, read_only=read_only), instances=(config,))
        self.clock = FakeClock()
        self.guard = Guard(self.clock, settings)
        self.audit = Audit(folder / "audit.jsonl", clock=self.clock, who="oncall", host="bastion")
        self.proxy = proxy
        self.console = Console(
            config, Password(), guard=self.guard, audit=self.audit, clock=self.clock, timeout_seconds=5, dry_run=dry_run
        )

    @property
    def passed(self) -> list[tuple[str, ...]]:
        """What reached the server, but for the greetings and the question for its commands."""
        assert self.proxy is not None
        greetings = {"HELLO", "CLIENT", "COMMAND"}
        return [words for words in self.proxy.commands if words[0].upper() not in greetings]

    @property
    def recorded(self) -> list[dict[str, object]]:
        if not self.audit.path.exists():
            return []
        return [json.loads(line) for line in self.audit.path.read_text().splitlines()]

    @property
    def outcomes(self) -> list[object]:
        return [each["outcome"] for each in self.recorded]


@pytest.fixture(params=["1.22", "1.40"])
async def proxy(request: pytest.FixtureRequest) -> AsyncIterator[Proxy]:
    async with lab(flavour=request.param, seed=1) as server, Proxy(server.port, lambda: None) as proxy:
        yield proxy


async def desk_of(proxy: Proxy, folder: Path, **options: object) -> Desk:
    desk = Desk(proxy.port, folder, proxy=proxy, **options)  # type: ignore[arg-type]
    await desk.console.reader.learn()
    return desk


async def test_a_read_goes_without_a_question_and_leaves_no_record(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path, environment="production")
    answer = await desk.console.run("get a", Deny())
    assert answer.reply is not None
    assert answer.reply.kind is ReplyKind.NIL
    assert desk.recorded == []
    await desk.console.aclose()


async def test_a_write_where_it_may_be_is_recorded_and_sent_once(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)
    answer = await desk.console.run("set a 'b c'", Deny())
    assert answer.reply is not None
    assert answer.reply.text == b"OK"
    assert desk.passed == [("set", "a", "b c")]
    assert desk.outcomes == ["intended", "done"]
    assert desk.recorded[0]["command"] == ["set", "a", "b c"]
    assert desk.recorded[0]["detail"] == "db0"
    assert desk.console.under_way == ""


@pytest.mark.parametrize("environment", ["production", "unknown"])
async def test_a_locked_instance_gets_not_one_byte(proxy: Proxy, tmp_path: Path, environment: str) -> None:
    desk = await desk_of(proxy, tmp_path, environment=environment)
    connections = len(proxy.sent("HELLO"))
    for line in ("set a b", "del a", "config set maxmemory 1", "eval x 0", "nosuch", "shutdown", "client kill id 1"):
        with pytest.raises(ReadOnly):
            await desk.console.run(line, YES)
    for line in ("flushall", "flushdb", "monitor", "subscribe a", "auth x", "multi", "blpop q 0"):
        with pytest.raises(Refused):
            await desk.console.run(line, YES)
    assert desk.passed == []
    assert len(proxy.sent("HELLO")) == connections
    assert desk.recorded == []


async def test_the_whole_program_is_read_only(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path, read_only=True)
    with pytest.raises(ReadOnly):
        await desk.console.run("set a b", YES)
    assert desk.passed == []


async def test_a_dry_run_sends_nothing_that_changes(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path, dry_run=True)
    with pytest.raises(Refused, match="would send set a b"):
        await desk.console.run("set a b", YES)
    assert (await desk.console.run("get a", YES)).reply is not None
    assert desk.passed == [("get", "a")]
    await desk.console.aclose()


async def test_what_is_dangerous_is_asked_about_and_a_no_sends_nothing(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)
    asked = Asked(answer=False)
    for line in ("flushall", "keys *", "config set maxmemory 1gb", 'eval "return 1" 0'):
        assert (await desk.console.run(line, asked)).reply is None
    assert desk.passed == []
    assert desk.recorded == []
    assert [question.level for question in asked.questions] == [Level.NAME, *[Level.BUTTON] * 3]
    assert "every key of every database" in asked.questions[0].consequence
    assert asked.questions[0].commands == ("flushall",)
    assert asked.questions[0].title == "FLUSHALL on one db0"


async def test_production_types_the_name_for_what_is_dangerous(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path, environment="production")
    desk.guard.unlock("one", 10)
    asked = Asked(answer=False)
    for line in ("config set maxmemory 1gb", "keys *", "set a b"):
        await desk.console.run(line, asked)
    assert [(question.level, question.token) for question in asked.questions] == [
        (Level.NAME, "one"), (Level.NAME, "one"), (Level.BUTTON, "one"),
    ]  # fmt: skip
    assert desk.passed == []
    with pytest.raises(Refused, match="production"):
        await desk.console.run("flushall", YES)
    await desk.console.run("set a b", YES)
    assert desk.passed == [("set", "a", "b")]


async def test_an_unlocking_that_ends_while_a_person_thinks(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path, environment="production")
    desk.guard.unlock("one", 10)
    with pytest.raises(ReadOnly):
        await desk.console.run("set a b", Asked(meanwhile=lambda: desk.guard.lock("one")))
    assert desk.passed == []
    assert desk.recorded == []


async def test_what_cannot_be_recorded_is_not_sent(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)
    desk.audit.path.mkdir()
    with pytest.raises(Refused, match="could not be recorded"):
        await desk.console.run("set a b", YES)
    assert desk.passed == []


async def test_a_record_that_fails_afterwards_is_told(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)

    def lose_the_log(words: tuple[str, ...]) -> None:
        if words[0] == "set":
            desk.audit.path.unlink()
            desk.audit.path.mkdir()

    proxy.arrived = lose_the_log
    answer = await desk.console.run("set a b", YES)
    assert "could not be recorded" in answer.warning
    assert answer.reply is not None


@pytest.mark.parametrize("harm", [Harm.DROPPED, Harm.LOST])
async def test_no_answer_is_an_unknown_outcome_sent_once_and_recorded(proxy: Proxy, tmp_path: Path, harm: Harm) -> None:
    desk = await desk_of(proxy, tmp_path)
    proxy.harm, proxy.chosen = harm, lambda words: words[0] == "set"
    with pytest.raises(OutcomeUnknown):
        await desk.console.run("set a b", YES)
    assert desk.passed == [("set", "a", "b")]
    assert desk.outcomes == ["intended", "unknown"]


async def test_giving_up_a_write_is_an_unknown_outcome(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)
    arrived = asyncio.Event()
    proxy.harm, proxy.chosen, proxy.struck = Harm.SILENT, lambda words: words[0] == "set", arrived.set
    task = asyncio.ensure_future(desk.console.run("set a b", YES))
    await asyncio.wait_for(arrived.wait(), 5)
    assert desk.console.under_way == "SET"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert desk.outcomes == ["intended", "unknown"]
    assert desk.console.under_way == ""


async def test_a_server_that_went_away_was_sent_nothing(tmp_path: Path) -> None:
    async with lab(flavour="1.40") as server:
        desk = Desk(server.port, tmp_path)
        await desk.console.reader.learn()
    with pytest.raises(Unreachable):
        await desk.console.run("set a b", YES)
    assert desk.outcomes == ["intended", "failed"]


async def test_the_servers_no_is_recorded_as_such(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)
    await desk.console.run("set a b", YES)
    answer = await desk.console.run("lpush a x", YES)
    assert answer.reply is not None
    assert answer.reply.kind is ReplyKind.ERROR
    assert desk.outcomes == ["intended", "done", "intended", "failed"]


async def test_no_secret_and_no_megabyte_is_recorded(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)
    await desk.console.run(f"config set masterauth {SECRET}", YES)
    await desk.console.run(f"acl setuser bob >{SECRET}", YES)
    await desk.console.run(f"set a {'x' * 100_000}", YES)
    await desk.console.run("rpush l " + "v " * 200, YES)
    text = desk.audit.path.read_text()
    assert SECRET not in text
    assert len(text) < 20_000
    assert MASK in str(desk.recorded[0]["command"])
    assert "more" in str(desk.recorded[-1]["command"])


async def test_select_changes_the_database_of_reads_and_writes(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)
    await desk.console.run("select 3", Deny())
    assert desk.console.database == 3
    await desk.console.run("set there x", Deny())
    assert desk.recorded[0]["detail"] == "db3"
    answer = await desk.console.run("get there", Deny())
    assert answer.reply is not None
    assert answer.reply.text == b"x"
    for line in ("select", "select x", "select -1", "select 1 2"):
        with pytest.raises(BadInput):
            await desk.console.run(line, Deny())
    await desk.console.aclose()


async def test_lines_that_are_none(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)
    for line in ("", "  ", 'get "a'):
        with pytest.raises(BadInput):
            await desk.console.run(line, YES)
    assert desk.console.judge_typed("") is None
    typed = desk.console.judge_typed('set a "half')
    assert typed is not None
    assert typed.kind is CommandClass.WRITE


async def test_help_of_a_dragonfly_is_our_own(proxy: Proxy, tmp_path: Path) -> None:
    desk = await desk_of(proxy, tmp_path)
    found = await desk.console.help("set")
    assert found is not None
    assert found.source == "redis-7.0"
    assert found.usage.startswith("SET key value")
    assert (await desk.console.help("nosuch")) is None
    ours = await desk.console.help("repltakeover")
    assert ours is not None
    assert ours.source == "ours"
    await desk.console.aclose()


@pytest.mark.redis_server
async def test_help_of_a_redis_is_its_own(tmp_path: Path) -> None:
    async with running_redis() as server:
        desk = Desk(server.port, tmp_path)
        await desk.console.reader.learn()
        for name in ("getex", "config set"):
            found = await desk.console.help(name)
            assert found is not None
            assert found.source == "the server"
            assert found.name == name.upper()
            assert desk.console.help_known(name.upper()) == found
        await desk.console.aclose()


async def test_help_when_the_server_is_away_is_our_own(tmp_path: Path) -> None:
    table = array(b"*6\r\n+GET\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n", bulk("odd"))
    async with Respd({"COMMAND": table}) as server:
        desk = Desk(server.port, tmp_path)
        await desk.console.reader.learn()
    found = await desk.console.help("get")
    assert found is not None
    assert found.source == "redis-7.0"
