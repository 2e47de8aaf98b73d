"""Whole databases: filled with anything, and read back by the plainest commands there are."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.connection import Command
from dfly_tui.clock import Clock, SystemClock
from dfly_tui.errors import DflyError
from dfly_tui.models.keys import KeyFilter
from dfly_tui.models.operation import Event
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import Confirmer, GivenAnswer
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.keys.export import Exporter, ExportReport, Wanted
from dfly_tui.operations.keys.export_file import ExportFile
from dfly_tui.operations.keys.import_ import KeyImport
from dfly_tui.operations.keys.import_report import Existing
from dfly_tui.operations.keys.place import desk_of, look_at, run
from dfly_tui.operations.keys.trash import Trash
from dfly_tui.paths import Paths
from dfly_tui.settings import Environment, InstanceConfig, Settings
from tests.support.secrets import Password
from tests.support.values import fill

DAY_MS = 86_400_000
any_bytes = st.binary(max_size=20) | st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass"))
some_bytes = any_bytes.filter(bool)
scores = st.floats(allow_nan=False).map(lambda score: score + 0.0)


def _stream(name: bytes, entries: Sequence[Sequence[tuple[bytes, bytes]]], deleted: set[int]) -> list[Command]:
    """A stream with a group, of which the first entries are pending and some of those deleted."""
    if not entries:
        return [("XGROUP", "CREATE", name, "g", "0", "MKSTREAM")]
    found: list[Command] = []
    for at, fields in enumerate(entries, 1):
        found.append(("XADD", name, f"{at * 7}-{at}", *(word for pair in fields for word in pair)))
    found += [
        ("XGROUP", "CREATE", name, b"g\xff", "0"),
        ("XGROUP", "CREATECONSUMER", name, b"g\xff", "idle"),
        ("XREADGROUP", "GROUP", b"g\xff", b"c\x00", "COUNT", 2, "STREAMS", name, ">"),
    ]
    return found + [("XDEL", name, f"{at * 7}-{at}") for at in sorted(deleted) if at <= len(entries)]


def _commands(name: bytes, key: tuple[str, Any, int | None]) -> list[Command]:
    kind, value, days = key
    match kind:
        case "string":
            found: list[Command] = [("SET", name, value)]
        case "hash":
            found = [("HSET", name, *(word for pair in value.items() for word in pair))]
        case "list":
            found = [("RPUSH", name, *value)]
        case "set":
            found = [("SADD", name, *value)]
        case "zset":
            found = [("ZADD", name, *(word for member, score in value.items() for word in (repr(score), member)))]
        case _:
            found = _stream(name, *value)
    return found + ([] if days is None else [("PEXPIREAT", name, _now_ms() + days * DAY_MS + 12345)])


def _now_ms() -> int:
    return int(SystemClock().now().timestamp() * 1000)


_pairs = st.lists(st.tuples(any_bytes, any_bytes), min_size=1, max_size=3)
_values = st.one_of(
    st.tuples(st.just("string"), any_bytes),
    st.tuples(st.just("hash"), st.dictionaries(any_bytes, any_bytes, min_size=1, max_size=4)),
    st.tuples(st.just("list"), st.lists(any_bytes, min_size=1, max_size=5)),
    st.tuples(st.just("set"), st.sets(any_bytes, min_size=1, max_size=5)),
    st.tuples(st.just("zset"), st.dictionaries(any_bytes, scores, min_size=1, max_size=5)),
    st.tuples(st.just("stream"), st.tuples(st.lists(_pairs, max_size=4), st.sets(st.integers(1, 4), max_size=2))),
)
databases = st.dictionaries(
    some_bytes, st.tuples(_values, st.none() | st.integers(1, 900)), min_size=1, max_size=8
).map(lambda keys: [word for name, (value, days) in keys.items() for word in _commands(name, (*value, days))])
"""Commands that fill an empty database."""


async def contents(url: str, database: int = 0) -> dict[bytes, object]:
    """Everything in a database, by name."""
    config = InstanceConfig(name="one", url=url)
    async with BulkLane(config, Password(), timeout_seconds=20, database=database) as lane:
        names: list[Any] = (await lane.ask(("KEYS", "*")))[0]  # type: ignore[assignment]
        return {name: await _content(lane, name) for name in names}


async def _content(lane: BulkLane, name: bytes) -> object:
    async def ask(*words: bytes | str | int) -> Any:
        [reply] = await lane.ask(words)
        if isinstance(reply, DflyError):
            raise reply
        return reply

    kind = await ask("TYPE", name)
    value: object
    match kind:
        case b"string":
            value = await ask("GET", name)
        case b"list":
            value = await ask("LRANGE", name, 0, -1)
        case b"set":
            value = frozenset(await ask("SMEMBERS", name))
        case b"hash":
            value = _as_dict(await ask("HGETALL", name))
        case b"zset":
            value = {
                member: float(score)
                for member, score in _as_dict(await ask("ZRANGE", name, 0, -1, "WITHSCORES")).items()
            }
        case b"stream":
            value = await _stream_content(ask, name)
        case b"ReJSON-RL":
            value = await ask("JSON.GET", name)
        case _:
            value = await ask("DUMP", name)
    return kind, await ask("PEXPIRETIME", name), value


async def _stream_content(ask: Any, name: bytes) -> object:
    groups = []
    for listed in await ask("XINFO", "GROUPS", name):
        group = _as_dict(listed)
        consumers = {_as_dict(each)[b"name"] for each in await ask("XINFO", "CONSUMERS", name, group[b"name"])}
        pending = [
            (entry, consumer, count)
            for entry, consumer, _, count in await ask("XPENDING", name, group[b"name"], "-", "+", 10_000)
        ]
        groups.append((group[b"name"], group[b"last-delivered-id"], consumers, pending))
    info = _as_dict(await ask("XINFO", "STREAM", name))
    return await ask("XRANGE", name, "-", "+"), sorted(groups, key=lambda group: group[0]), info[b"last-generated-id"]


def _as_dict(reply: Any) -> dict[Any, Any]:
    if isinstance(reply, dict):
        return reply
    if reply and isinstance(reply[0], list):
        return dict(reply)
    return dict(zip(reply[::2], reply[1::2], strict=True))


async def empty(*urls: str) -> None:
    """Empty servers."""
    for url in urls:
        await fill(url, [("FLUSHALL",)])


def instance(url: str, environment: Environment = Environment.LAB, name: str = "one") -> InstanceConfig:
    """An instance that may be changed, unless its environment forbids."""
    return InstanceConfig(name=name, url=url, environment=environment)


async def export(url: str, path: Path, wanted: Wanted | None = None, **options: Any) -> ExportReport:
    """Export to a file, in the way of everybody else."""
    wish = KeyFilter() if wanted is None else wanted
    return await exporter(url, wish, **options).to_file(path, overwrite=True)


def exporter(url: str, wanted: Wanted, *, clock: Clock | None = None, database: int = 0, **options: Any) -> Exporter:
    options = {"timeout_seconds": 5, **options}
    return Exporter(instance(url), Password(), wanted, database=database, clock=clock or SystemClock(), **options)


@asynccontextmanager
async def importing(
    url: str,
    path: Path,
    home: Path,
    existing: Existing = Existing.FAIL,
    *,
    database: int = 0,
    clock: Clock | None = None,
    environment: Environment = Environment.LAB,
    read_only: bool = False,
    trash: Trash | None = None,
    run_id: str = "run1",
) -> AsyncIterator["Importing"]:
    """An import that is ready to be inspected and run."""
    clock = clock or SystemClock()
    config = instance(url, environment)
    settings = Settings.model_validate({"instances": (config,), "defaults": {"read_only": read_only}})
    guard = Guard(clock, settings)
    async with Access([config], lambda _: Password(), guard=guard, clock=clock, timeout_seconds=5) as access:
        kept = trash or Trash(home / "trash", clock=clock)
        place = await look_at(access, config.name, database, trash=kept, run=run_id)
        yield Importing(access, KeyImport(place, ExportFile(path), existing), home)


class Importing:
    """One import."""

    def __init__(self, access: Access, wish: KeyImport, home: Path) -> None:
        self.access, self.wish, self.home = access, wish, home

    async def run(self, confirmer: Confirmer | None = None, *, dry_run: bool = False) -> Event:
        """Inspect, plan, run; the last event."""
        if self.wish.contents is None:
            await self.wish.inspect()
        plan = self.wish.plan()
        paths = Paths(self.home / "config", self.home / "state")
        audit = Audit(paths.audit_file, clock=self.access.clock)
        yes = confirmer or GivenAnswer(yes=True, names=[self.wish.place.instance])
        desk = desk_of(plan, self.access, yes, audit, paths, dry_run=dry_run)
        self.events = [event async for event in run(plan, desk)]
        return self.events[-1]


async def round_trip(source: str, target: str, folder: Path) -> tuple[ExportReport, KeyImport, Event]:
    """From one server to another."""
    path = folder / "keys.jsonl"
    report = await export(source, path)
    async with importing(target, path, folder) as importing_:
        last = await importing_.run()
        return report, importing_.wish, last
