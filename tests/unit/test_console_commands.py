"""What a command is: by the COMMAND answers of the two recorded versions, of the lab and of a real redis-server."""

from collections.abc import AsyncIterator
from functools import cache

import hiredis
import pytest

from dfly_tui.clients.console import ConsoleReader, command_facts
from dfly_tui.models.console import split_line
from dfly_tui.models.console_commands import CommandClass, CommandFacts, CommandTable, Judgement, judge
from dfly_tui.models.console_risks import DANGERS, READS, REFUSALS, WRITES
from dfly_tui.settings import InstanceConfig
from tests.contract.recordings import load
from tests.support.lab import Client, lab
from tests.support.secrets import Password
from tests.support.servers import running_redis

READ, WRITE, DANGEROUS, REFUSED = CommandClass
VERSIONS = ("1.22", "1.40")
versions = pytest.mark.parametrize("version", VERSIONS)


@cache
def recorded(version: str) -> CommandTable:
    """What a real server of this version answered to COMMAND."""
    raw = next(each.raw for each in load(version, "01-fresh") if each.send == ("COMMAND",))
    reader = hiredis.Reader()
    reader.feed(raw)
    return CommandTable.of(command_facts(reader.gets()))


async def told_by(port: int) -> CommandTable:
    config = InstanceConfig(name="one", url=f"redis://127.0.0.1:{port}")
    reader = ConsoleReader(config, Password(), timeout_seconds=5.0)
    try:
        return await reader.learn()
    finally:
        await reader.aclose()


@pytest.fixture
async def redis_table() -> AsyncIterator[CommandTable]:
    async with running_redis() as server:
        yield await told_by(server.port)


def judged(line: str, table: CommandTable, *, spare: bool = False) -> Judgement:
    return judge(split_line(line), table, spare=spare)


EVERYWHERE = {
    READ: (
        "get a", "GET a", "hgetall h", "scan 0 match x*", "type a", "ping", "info all", "role", "time", "dbsize",
        "client list", "config get *", "acl list", "acl whoami", "slowlog get 10", "memory usage a", "command",
        "command info get", "xinfo stream s", "latency latest", "pubsub channels", "script exists abc", "echo info",
        "select 3", "xread count 2 streams a 0", "xread block 5000 streams a $", "dump a", "acl log 10",
        "debug object a", "lastsave",
    ),
    WRITE: (
        "set a b", "del a", "expire a 10", "hset h a b", "rename a b", "lpush l a", "publish ch x", "unlink a",
        "restore a 0 x replace", "xreadgroup group g c streams s >", "blpop q 5", "getex a persist", "slowlog reset",
        "script load x", "nosuchcommand", "client unpause", "xgroup create s g 0", "sort a store b",
        "bzpopmin z 0.5", "get2 a", "spop s 1000000", "latency reset", "memory decommit", "memory purge",
    ),
    DANGEROUS: (
        "keys *", "flushall", "flushdb async", "debug sleep 1", "debug populate 10", "debug reload", "config set a b",
        "config rewrite", "config resetstat", "shutdown nosave", "replicaof no one", "slaveof a 1", "repltakeover 5",
        "script flush", "eval x 0", "evalsha x 0", "eval_ro x 0", "fcall f 0", "migrate h 1 a 0 1", "acl setuser bob",
        "acl deluser bob", "acl load", "client kill id 1", "client pause 100", "swapdb 0 1", "dfly load x",
        "dflycluster config x", "module load x", "save", "bgsave", "addreplicaof h 1", "rm 0 match *", "failover",
        "acl log reset", "cluster reset hard", "function flush", "dflymigrate x",
    ),
    REFUSED: (
        "subscribe a", "psubscribe *", "ssubscribe a", "monitor", "multi", "exec", "discard", "watch a", "quit",
        "hello 3", "auth x", "auth u x", "client reply off", "client tracking on", "sync", "psync ? -1", "reset",
        "replconf x", "blpop q 0", "brpop q 0", "blmove a b left right 0", "brpoplpush a b 0", "bzpopmin z 0",
        "blmpop 0 1 q left", "bzmpop 0 1 z min", "xread block 0 streams a $", "wait 1 0",
        "xreadgroup group g c block 0 streams s >",
        "waitaof 1 1 0", "blpop q 0.0", "blpop q 0x0", "blpop q 0e5", "blpop q inf", "blpop q 0.0001",
        "blpop q 3600", "wait 1 9999999", "blpop q -1", "dfly flow a", "script debug yes", "readonly", "asking",
        "5 incr a", '"acl setuser" bob >x', '"" a', "sel\\x00ect 1", '"config|set" a b', "größe a",
    ),
}  # fmt: skip
EXPECTED = [(line, kind) for kind, lines in EVERYWHERE.items() for line in lines]


@versions
@pytest.mark.parametrize(("line", "kind"), EXPECTED)
def test_what_a_line_is_on_the_recorded_servers(version: str, line: str, kind: CommandClass) -> None:
    found = judged(line, recorded(version))
    assert found.kind is kind, found
    assert found.changes is (kind is not READ and found.name != "KEYS")
    if kind in {DANGEROUS, REFUSED}:
        assert len(found.consequence) > 15
    if kind is WRITE:
        assert found.why


@pytest.mark.redis_server
async def test_what_a_line_is_on_a_redis(redis_table: CommandTable) -> None:
    for line, kind in EXPECTED:
        assert judged(line, redis_table).kind is kind, line
    assert judged("object encoding a", redis_table).kind is READ
    assert judged("config help", redis_table).kind is READ
    assert judged("sort a", redis_table).kind is WRITE
    assert judged("restore-asking a 0 x", redis_table).kind is DANGEROUS


@versions
async def test_the_lab_is_judged_as_the_real_ones(version: str) -> None:
    async with lab(flavour=version) as server:
        table = await told_by(server.port)
    for line, kind in EXPECTED:
        assert judged(line, table).kind is kind, line
    assert set(recorded(version).known) <= set(table.known)


@versions
def test_no_command_that_the_server_calls_a_write_reads(version: str) -> None:
    for name, facts in recorded(version).known.items():
        found = judge(tuple(part.encode() for part in (*name.split(), "a", "b")), recorded(version), spare=False)
        if "write" in facts.flags:
            assert found.changes, name
        if found.kind is READ:
            assert facts.flags & {"readonly"} or name.split()[0] in {read.split()[0] for read in READS}, name


def test_what_only_1_22_says() -> None:
    assert "readonly" in recorded("1.22").known["XREADGROUP"].flags  # which is not so
    assert judged("sort a", recorded("1.22")).kind is READ
    assert judged("sort a", recorded("1.40")).kind is WRITE


@versions
@pytest.mark.parametrize(
    "line",
    [
        "flushall", "FlushDb async", "eval \"redis.call('FLUSHALL')\" 0", "eval \"redis.call('flush' .. 'db')\" 0",
        "script load \"return redis.call('flushdb')\"", "fcall f 0 flushall", "evalsha abc 0 FLUSHALL",
    ],
)  # fmt: skip
def test_nothing_empties_production(version: str, line: str) -> None:
    found = judged(line, recorded(version), spare=True)
    assert found.kind is REFUSED
    assert "production" in found.consequence
    assert judged(line, recorded(version), spare=False).kind in {DANGEROUS, WRITE}


def test_a_renamed_flushall_is_known_by_its_flags() -> None:
    flush = recorded("1.40").known["FLUSHALL"]
    renamed = CommandFacts("WIPE", flush.arity, flush.flags, flush.categories)
    table = CommandTable.of([renamed])
    assert judged("wipe", table, spare=True).kind is REFUSED
    assert judged("wipe", table, spare=False).kind is DANGEROUS


def test_an_unknown_server_is_not_trusted_with_anything() -> None:
    table = CommandTable(untold="the server does not tell its commands (NOPERM)")
    for line in ("get a", "ping", "info", "client list", "hgetall h"):
        found = judged(line, table)
        assert found.kind is WRITE
        assert "NOPERM" in found.why
    assert judged("keys *", table).kind is DANGEROUS
    assert judged("monitor", table).kind is REFUSED
    assert judged("select 1", table).kind is READ


def test_a_server_that_says_that_a_reading_command_writes_is_believed() -> None:
    table = CommandTable.of([CommandFacts("PING", flags=frozenset({"write"})), CommandFacts("X", flags=frozenset())])
    assert judged("ping", table).kind is WRITE
    assert judged("x", table).kind is WRITE
    marked = CommandTable.of([CommandFacts("TUNE", flags=frozenset({"admin"}))])
    assert judged("tune", marked).kind is DANGEROUS


def test_how_long_a_command_may_wait() -> None:
    table = recorded("1.40")
    assert judged("blpop a b 5", table).wait_seconds == 5
    assert judged("xread block 1500 streams a $", table).wait_seconds == 1.5
    assert judged("xread streams block 0", table).wait_seconds == 0
    assert judged("wait 1 2000", table).wait_seconds == 2
    assert judged("blmpop 0.5 1 q left", table).wait_seconds == 0.5
    assert judged("repltakeover 20", table).wait_seconds == 20
    assert judged("blpop", table).wait_seconds == 0
    assert judged("xread block", table).wait_seconds == 0


def test_keys_can_be_scanned_for() -> None:
    assert judged("keys user:*", recorded("1.40")).scan_for == b"user:*"
    assert judged("keys", recorded("1.40")).scan_for is None
    assert judged("flushall", recorded("1.40")).scan_for is None


def test_no_command_is_in_two_of_our_tables() -> None:
    assert not READS & WRITES
    assert not (READS | WRITES) & DANGERS.keys()
    assert not (READS | WRITES | DANGERS.keys()) & REFUSALS.keys()


@pytest.mark.redis_server
async def test_what_is_judged_to_read_changes_nothing(redis_table: CommandTable) -> None:
    """Every command of a real server, with arguments that make sense to it, or to none."""
    async with running_redis("--enable-debug-command", "yes") as server, Client(server.port) as client:
        for filling in FILL:
            assert not isinstance(await client(*filling.split()), hiredis.ReplyError), filling
        before, settings, users = await world(client)
        ran = 0
        for name, facts in redis_table.known.items():
            lines = [[*name.split(), *arguments] for arguments in arguments_of(facts) if name != "SELECT"]
            reading = [
                line for line in lines if judge(list(map(str.encode, line)), redis_table, spare=False).kind is READ
            ]
            for line in reading:
                client.send(*line)
            answers = [await client.answer() for _ in reading]
            ran += sum(not isinstance(answer, hiredis.ReplyError) for answer in answers)
        assert await world(client) == (before, settings, users)
        assert ran > 150


FILL = (
    "SET s value", "HSET h f v g w", "RPUSH l a b c", "SADD set a b", "ZADD z 1 a 2 b", "XADD x 1-1 f v",
    "XGROUP CREATE x g 0", "GEOADD geo 1 1 a", "PFADD hll a", "PFCOUNT hll", "SET n 5",
)  # fmt: skip
"""PFCOUNT keeps, in the key, the count it made first."""
KEYS = ("s", "h", "l", "set", "z", "x", "geo", "hll", "n")


def arguments_of(facts: CommandFacts) -> list[list[str]]:
    """Some arguments of about the right number: each key with what often follows."""
    count = max(0, abs(facts.arity) - 1 - facts.name.count(" "))
    tails: tuple[list[str], ...] = (["0", "1"], ["a", "b"], ["1", "s", "l"], ["STORE", "s2"], ["f", "x"], [])
    return [[], *([key, *tail][:number] for key in KEYS for tail in tails for number in {count, count + 1, count + 2})]


async def world(client: Client) -> tuple[object, object, object]:
    """What a read must not change."""
    settings = await client("CONFIG", "GET", "*")
    return await client("DEBUG", "DIGEST"), settings, await client("ACL", "LIST")
