"""One try to load a set in a throw-away server, and to find in it what was recorded of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.stores.transfer import NotAsRecorded
from dfly_tui.clients.throwaway import BASE, Throwaway
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, OutcomeUnknown, ServerError, Timeout, Unreachable
from dfly_tui.models.backup import Proof, ProofLevel, Sample
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.operation import Finding, passed, required
from dfly_tui.operations.access import Hands
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.plan import Act, Hopeless, Verify
from dfly_tui.settings import InstanceConfig
from dfly_tui.units import bytes_text, count_text, duration_text

ANSWER_SECONDS = 30.0
FEW = 10
SHARE = 0.01
"""So many keys, and this part of all, may have come or gone between the count and the save; of few keys a tenth."""

Differ = Callable[[InstanceConfig, PasswordProvider, Sequence[Sample]], Awaitable[Sequence[str]]]
"""Reads sampled keys of a server again; tells of those that are not as they were, each in a few words."""


@dataclass
class Attempt:
    """A throw-away server, and what became of the set in it.

    Attributes:
        keep: Where a proof is put, be it good or bad.
        differ: Compares the sampled keys.
        load_seconds: What loading may take.
        loaded_seconds: What it took; None before.
        keys: Per database, as they were counted; empty before.
        text: What was found, in a sentence.
    """

    chosen: Chosen
    throwaway: Throwaway
    target: str
    clock: Clock
    load_seconds: float
    keep: Callable[[Proof], None]
    differ: Differ
    loaded_seconds: float | None = None
    keys: dict[int, int] = field(default_factory=dict)
    text: str = ""
    _keys_read: int = 0
    _reader: DragonflyReader | None = None
    _began: float = 0.0

    def steps(self, *, final: bool = True) -> tuple[Act, Verify, Verify, Act, Act]:
        """To load it, to see that it is loaded, to compare it, to write down what was proven, and to clean up.

        Args:
            final: Nothing follows that could be taken back: what is not cleaned up then is left to do.
        """
        return self._start(), self._loaded(), self._compared(), self._proven(final), self._cleaned()

    def _start(self) -> Act:
        async def run(hands: Hands) -> str:
            try:
                await self.throwaway.create()
                for file in self.chosen.found.files:
                    await self.chosen.send(file, self.throwaway, self.chosen.name_in(BASE, file))
                self._began = self.clock.monotonic()
                await self.throwaway.start()
            except OutcomeUnknown as error:
                # Whatever it did, nothing of it is wanted any more.
                await self.throwaway.remove()
                raise ServerError(f"given up and removed: {error.detail}", error.hint) from None
            except NotAsRecorded as error:
                await self.throwaway.remove()
                self._refute(error.detail)
            except DflyError:
                await self.throwaway.remove()
                raise
            size = bytes_text(self.chosen.found.size_bytes)
            return f"{len(self.chosen.found.files)} files, {size}, were put into it"

        return Act(
            id="try", title=f"start a throw-away server with {self.chosen.found.shown}", target=self.target,
            commands=self.throwaway.commands, run=run, undo=self._cleaned(),
        )  # fmt: skip

    def _loaded(self) -> Verify:
        async def probe() -> Finding:
            life = await self.throwaway.look()
            title, log = "the throw-away server has loaded it", life.log
            wrong = log.failure or life.end or ("it found no snapshot to load" if log.is_empty else "")
            if "memory" in wrong.lower():
                raise Hopeless(f"the throw-away server has too little memory: {wrong}", "raise drill_memory_bytes")
            if life.was_killed and not log.failure:
                raise Hopeless(f"the throw-away server was ended from outside: {wrong}", "this says nothing of the set")
            if wrong:
                self._refute(wrong)
            if not log.is_finished:
                return required(False, "loaded", title, await self._progress())
            seen = await self._look()
            if seen is None or seen.persistence.loading:
                return required(False, "loaded", title, "loaded, but it does not answer yet")
            self.loaded_seconds = log.seconds or self.clock.monotonic() - self._began
            self._keys_read = log.keys_read or 0
            self.keys = {space.database: space.keys for space in seen.keyspaces if space.keys}
            total = count_text(sum(self.keys.values()))
            return passed("loaded", title, f"{total} keys in {duration_text(self.loaded_seconds)}")

        return Verify(id="loaded", title="it loads the set", probe=probe, timeout_seconds=self.load_seconds, long=True)

    def _compared(self) -> Verify:
        async def probe() -> Finding:
            record, title = self.chosen.record, "what it loaded is what was recorded"
            wrong = counts_differ(record.keys, self.keys, self._keys_read) if record is not None else ""
            if wrong:
                self._refute(wrong)
            self.text = told_of_counts(record.keys if record is not None else {}, self.keys)
            samples = record.samples if record is not None else ()
            if samples:
                config, password = await self.throwaway.open()
                different = await self.differ(config, password, samples)
                if len(different) * 10 > len(samples):
                    self._refute(f"{len(different)} of {len(samples)} sampled keys differ: {'; '.join(different[:3])}")
                self.text += f"; {len(samples) - len(different)} of {len(samples)} sampled keys are as they were"
            return passed("compared", title, self.text)

        return Verify(
            id="compared", title="its keys are those that were saved", probe=probe, timeout_seconds=ANSWER_SECONDS
        )

    def _proven(self, final: bool) -> Act:
        async def run(hands: Hands) -> str:
            text, unwritten = f"a restore takes about {duration_text(self.loaded_seconds)}", self._kept(True, self.text)
            if unwritten and final:
                raise ServerError(unwritten, "try it again")
            return f"{text}; {unwritten}" if unwritten else text

        return Act(
            id="prove", title="write down that it was restored", target=self.target, commands=(), run=run, final=final,
            left_to_do="what was proven was not written down: try it again",
        )  # fmt: skip

    def _cleaned(self) -> Act:
        async def run(hands: Hands) -> str:
            if self._reader is not None:
                await self._reader.aclose()
            await self.throwaway.remove()
            return "nothing of it is left"

        line = self.throwaway.remove_text
        return Act(
            id="clean", title="remove the throw-away server", target=self.target, commands=(line,), run=run,
            left_to_do=f"remove the throw-away server: {line}",
        )  # fmt: skip

    def _refute(self, why: str) -> NoReturn:
        """It is proven that the set is no good."""
        unwritten = self._kept(False, why)
        wrong = f"{self.chosen.shown} was not restored: {why}{f'; {unwritten}' if unwritten else ''}"
        raise Hopeless(wrong, "choose another set, and find out why")

    def _kept(self, ok: bool, text: str) -> str:
        """Write down what was proven; returns why it could not be."""
        proof = Proof(
            level=ProofLevel.RESTORED, at=self.clock.now(), ok=ok, store=self.chosen.store.name, text=text,
            seconds=self.loaded_seconds, keys=self.keys,
        )  # fmt: skip
        try:
            self.keep(proof)
        except (DflyError, OSError) as error:
            return f"what was proven could not be written down: {error}"
        return ""

    async def _progress(self) -> str:
        """How far it is: the server itself tells no fraction (facts §1.7), but grows."""
        seen, waited = await self._look(), duration_text(self.clock.monotonic() - self._began)
        if seen is None or not seen.persistence.loading:
            return f"it starts: {waited}"
        return f"loading: {count_text(seen.keys)} keys, {bytes_text(seen.used_memory_bytes)}, {waited}"

    async def _look(self) -> InstanceSnapshot | None:
        """What it says of itself; None while nobody can talk to it."""
        try:
            if self._reader is None:
                config, password = await self.throwaway.open()
                self._reader = DragonflyReader(config, password, clock=self.clock, timeout_seconds=ANSWER_SECONDS)
            return await self._reader.snapshot()
        except (Unreachable, Timeout):
            return None


def counts_differ(recorded: Mapping[int, int], found: Mapping[int, int], keys_read: int) -> str:
    """Why these are not the keys that were recorded, in a few words; empty when they are.

    Keys that have expired since are read and not kept (dragonfly#3858): what the log says was read counts, too. A few
    more or less came or went between the count and the save.
    """
    wanted, there = sum(recorded.values()), sum(found.values())
    may = max(wanted * SHARE, min(FEW, wanted // 10))
    if wanted - max(there, keys_read) > may:
        return f"{count_text(wanted)} keys were recorded, {count_text(there)} are there"
    if recorded and there - wanted > may + wanted * SHARE:
        return f"{count_text(wanted)} keys were recorded, but {count_text(there)} are there: files of several sets?"
    if wanted - there <= may:
        for database, keys in recorded.items():
            if keys and not found.get(database) and keys > may:
                return f"database {database} had {count_text(keys)} keys and has none"
    return ""


def told_of_counts(recorded: Mapping[int, int], found: Mapping[int, int]) -> str:
    """The keys in a sentence."""
    there, wanted = sum(found.values()), sum(recorded.values())
    words = f"{count_text(there)} keys in {len(found)} {'database' if len(found) == 1 else 'databases'}"
    if not recorded:
        return f"{words}; how many there should be was not recorded"
    if there < wanted:
        return f"{words}, {count_text(wanted - there)} fewer than recorded: expired since, or gone before it was saved"
    return f"{words}, as recorded" if there == wanted else f"{words}, {count_text(there - wanted)} more than recorded"
