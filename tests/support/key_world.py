"""Changes of keys of one server, with everything real but the person who says yes."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connection import Reply
from dfly_tui.clients.key_edit import Edit, Seen
from dfly_tui.clients.key_writer import KeyWriter
from dfly_tui.clients.replies import items, pairs, raw
from dfly_tui.clock import Clock, SystemClock
from dfly_tui.models.operation import Confirmation, Event, Outcome, Verdict
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import Confirmer
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.keys.edit import KeyEdit
from dfly_tui.operations.keys.place import Place, desk_of, look_at, run
from dfly_tui.operations.keys.trash import Limits, Trash
from dfly_tui.operations.plan import Plan
from dfly_tui.paths import Paths
from dfly_tui.settings import Defaults, InstanceConfig, Settings
from tests.support.secrets import Password
from tests.support.values import config_of

Digest = dict[bytes, tuple[str, int | None, object]]


class Says:
    """A person with an answer; what they were asked is written down."""

    def __init__(self, answer: bool = True, before: Callable[[], object] = lambda: None) -> None:
        self.asked: list[Confirmation] = []
        self._answer = answer
        self._before = before

    async def confirm(self, question: Confirmation) -> bool:
        self.asked.append(question)
        found = self._before()
        if hasattr(found, "__await__"):
            await found
        return self._answer


@dataclass
class Result:
    """A run that ended."""

    events: list[Event]

    @property
    def outcome(self) -> Outcome | None:
        return self.events[-1].outcome

    @property
    def left(self) -> tuple[str, ...]:
        return self.events[-1].follow_ups

    @property
    def texts(self) -> str:
        return "\n".join(event.text for event in self.events)

    @property
    def blocked(self) -> str:
        found = [each for event in self.events for each in event.findings if each.verdict is Verdict.BLOCK]
        return "\n".join(f"{each.code}: {each.title}: {each.value}" for each in found)

    @property
    def warned(self) -> str:
        found = [each for event in self.events for each in event.findings if each.verdict is Verdict.WARN]
        return "\n".join(f"{each.code}: {each.title}: {each.value} {each.advice}" for each in found)


@dataclass
class World:
    """One server whose keys are changed."""

    config: InstanceConfig
    access: Access
    trash: Trash
    audit: Audit
    paths: Paths
    clock: Clock
    settings: Settings
    runs: "count[int]" = field(default_factory=lambda: count(1))

    async def place(self, database: int = 0) -> Place:
        return await look_at(
            self.access, self.config.name, database, trash=self.trash, run=f"20260102-030405-{next(self.runs):04}"
        )

    async def can(self) -> Capabilities:
        return (await self.place()).server.capabilities

    async def run(self, plan: Plan, confirmer: Confirmer | None = None, *, dry_run: bool = False) -> Result:
        desk = desk_of(plan, self.access, confirmer or Says(), self.audit, self.paths, dry_run=dry_run)
        return Result([event async for event in run(plan, desk)])

    async def edit(
        self, edit: Edit, seen: Seen | None = None, confirmer: Confirmer | None = None, *, dry_run: bool = False
    ) -> Result:
        job = await KeyEdit.prepare(await self.place(), edit, seen)
        return await self.run(job.plan(), confirmer, dry_run=dry_run)

    def writer(self, timeout: float = 5.0) -> KeyWriter:
        return KeyWriter(self.config, Password(), clock=self.clock, timeout_seconds=timeout)

    async def seen(self, edit: Edit) -> Seen:
        return await self.access.key_looker(self.config.name).look(0, edit)

    @property
    def audited(self) -> str:
        return self.paths.audit_file.read_text() if self.paths.audit_file.exists() else ""

    @property
    def journals(self) -> list[Path]:
        return sorted(self.paths.key_journal_dir.glob("*.jsonl"))


@asynccontextmanager
async def world(
    url: str, *, limits: Limits | None = None, clock: Clock | None = None, timeout: float = 5.0,
    read_only: bool = False, **options: object,
) -> AsyncIterator[World]:  # fmt: skip
    """A world with a state folder of its own."""
    config, clock = config_of(url, **options), clock or SystemClock()
    settings = Settings(defaults=Defaults(read_only=read_only), instances=(config,))
    with TemporaryDirectory() as folder:
        paths = Paths(Path(folder) / "config", Path(folder) / "state")
        access = Access(
            [config], lambda _: Password(), guard=Guard(clock, settings), clock=clock, timeout_seconds=timeout
        )
        async with access:
            yield World(
                config, access, Trash(paths.trash_dir, clock=clock, limits=limits),
                Audit(paths.audit_file, clock=clock, who="oncall", host="bastion"), paths, clock, settings,
            )  # fmt: skip


async def ask(url: str, *commands: Sequence[bytes | str | int], database: int = 0) -> list[Reply]:
    """Ask a server directly; errors come as values."""
    async with BulkLane(config_of(url), Password(), timeout_seconds=20, database=database) as lane:
        return await lane.ask(*commands)


async def digest(url: str, database: int = 0) -> Digest:
    """Everything in a database: name → type, expiry, value in a form that equals only itself."""
    async with BulkLane(config_of(url), Password(), timeout_seconds=20, database=database) as lane:
        names: list[bytes] = []
        cursor = b"0"
        while True:
            [reply] = await lane.ask(("SCAN", cursor, "COUNT", 1000))
            cursor, found = raw(items(reply)[0]), items(items(reply)[1])
            names += [raw(name) for name in found]
            if cursor == b"0":
                break
        digests: Digest = {}
        for name in sorted(set(names)):
            kind, expires = await lane.ask(("TYPE", name), ("PEXPIRETIME", name))
            at = expires if isinstance(expires, int) and expires >= 0 else None
            digests[name] = raw(kind).decode(), at, await _value(lane, name, raw(kind).decode())
        return digests


async def _value(lane: BulkLane, name: bytes, kind: str) -> object:
    match kind:
        case "string":
            return await _one(lane, "GET", name)
        case "hash":
            return {raw(field): raw(value) for field, value in pairs(await _one(lane, "HGETALL", name))}
        case "list":
            return items(await _one(lane, "LRANGE", name, 0, -1))
        case "set":
            return frozenset(raw(member) for member in items(await _one(lane, "SMEMBERS", name)))
        case "zset":
            return [
                (raw(member), raw(score))
                for member, score in pairs(await _one(lane, "ZRANGE", name, 0, -1, "WITHSCORES"))
            ]
        case "stream":
            groups = [dict(pairs(group)) for group in items(await _one(lane, "XINFO", "GROUPS", name))]
            kept = [[(key, group[key]) for key in group if raw(key) in {b"name", b"pending"}] for group in groups]
            return await _one(lane, "XRANGE", name, "-", "+"), kept
        case "ReJSON-RL":
            return await _one(lane, "JSON.GET", name)
    return await _one(lane, "DUMP", name)


async def _one(lane: BulkLane, *words: bytes | str | int) -> Reply:
    [reply] = await lane.ask(words)
    return reply
