"""The steps of a restore. Up to the release of the writers each can be taken back."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dfly_tui.clients import writer
from dfly_tui.clients.container_writer import start_text, stop_text
from dfly_tui.clients.stores.container import ContainerStore
from dfly_tui.clients.throwaway import FixedPassword
from dfly_tui.errors import DflyError, OutcomeUnknown, ServerError
from dfly_tui.models.backup import Proof, ProofLevel
from dfly_tui.models.operation import Finding, Verdict, passed, required
from dfly_tui.models.replication import LinkState
from dfly_tui.models.snapshots import SnapshotFormat, listing
from dfly_tui.operations.access import Hands
from dfly_tui.operations.backup.attempt import Attempt, counts_differ, told_of_counts
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.backup.fitting import Server
from dfly_tui.operations.backup.restore_back import WayBack
from dfly_tui.operations.backup.saving import Saving
from dfly_tui.operations.failover.steps import cli_line
from dfly_tui.operations.plan import Act, Hopeless, Step, Verify
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, count_text

PAUSE_SECONDS = 120
"""Writers wait no longer than that after this program was killed."""
STOP_SECONDS = 60
SYNC_SECONDS = 900.0
NEWER = timedelta(seconds=1)
ANSWER_SECONDS = 15.0


@dataclass
class Restoring:
    """A restore under way.

    Attributes:
        base: What the set is called among the server's own.
        safety: What the snapshot is called that is made of what is there now.
        stop_seconds: How long it may take to end: it saves before it does.
        tried: The try in a throw-away server that goes before; None without one.
        replicas: How many follow it.
    """

    chosen: Chosen
    server: Server
    back: WayBack
    base: str
    safety: str
    stop_seconds: int = STOP_SECONDS
    tried: Attempt | None = None
    replicas: int = 0
    _hands: Hands | None = None
    _held_at: float | None = None
    _stopped_at: datetime | None = None
    _keys_read: int = 0
    _keys: dict[int, int] = field(default_factory=dict)
    _seconds: float | None = None

    @property
    def name(self) -> str:
        return self.back.name

    @property
    def config(self) -> InstanceConfig:
        return self.back.needs.access.configs[self.name]

    @property
    def _is_there(self) -> bool:
        """Whether the set lies among the server's own."""
        return self.chosen.store is self.back.needs.instance_store

    def before(self) -> tuple[Step, ...]:
        """What is done while it still serves: all that takes long."""
        pause = (self._pause(),) if self.server.ends_pauses else ()
        return (self._stage(), *pause, *self._save())

    def change(self) -> tuple[Step, ...]:
        """What is done while it does not serve."""
        return (self._stop(), self._swap(), self._start(), self.loaded(), self.compared(), self.release())

    def after(self) -> tuple[Step, ...]:
        """What is left once the restored data is served."""
        return (self.back.tidy(), *((self._synced(),) if self.replicas else ()))

    def _stage(self) -> Act:
        store, chosen, unstage = self.back.needs.instance_store, self.chosen, self.back.unstage()

        async def run(hands: Hands) -> str:
            await self.back.switch.prepare()
            if self.tried is None:  # it would have been read for that
                for file in chosen.found.files if self._is_there else (chosen.looked_for,):
                    await chosen.check(file)
            try:
                for file in chosen.others:
                    name = chosen.name_in(self.base, file)
                    if self._is_there:
                        await self.back.switch.keep_aside(file.name, name)
                    else:
                        await chosen.send(file, store, name)
            except DflyError as error:
                with suppress(DflyError):
                    await unstage.run(hands)
                if isinstance(error, OutcomeUnknown):  # whatever is there nobody loads
                    raise ServerError(error.detail, error.hint) from None
                raise
            return f"{len(chosen.others)} files are there; without the last one nobody loads them"

        how = "give other names to" if self._is_there else "copy"
        what = f"{len(chosen.others)} files of the set in" if self._is_there else f"{len(chosen.others)} files to"
        line = f"{how} {what} {store.address}, as {safe(self.base, limit=80)}-…"
        return Act(
            id="stage", title=f"bring {chosen.found.shown} to {self.name}, but for the file that makes it be loaded",
            target=self.name, commands=(line,) if chosen.others else (), run=run,
            undo=unstage,
        )  # fmt: skip

    def _pause(self) -> Act:
        words = writer.pause_writes_words(PAUSE_SECONDS * 1000)

        async def run(hands: Hands) -> str:
            await hands.dragonflies[self.name].pause_writes(PAUSE_SECONDS * 1000)
            return f"writes wait, for {PAUSE_SECONDS} s at most"

        return Act(
            id="pause", title=f"pause clients' writes on {self.name}", target=self.name,
            commands=(cli_line(self.config, words),), run=run, undo=self.back.resume(),
        )  # fmt: skip

    def _save(self) -> tuple[Act, Verify]:
        """A snapshot of what is there now, under a name of its own."""
        # In the format that a start looks for: should it not save when it is stopped, this is what comes back.
        rdb, seconds = self.server.loads_rdb_only, self.back.needs.settings.save_seconds
        saving = Saving(self.back.needs.access, self.name, self.safety, rdb, seconds)

        async def probe() -> Finding:
            found = await saving.look()
            return await self._is_whole(found.title) if found.verdict is Verdict.PASS else found

        return saving.act(), replace(saving.verify(), probe=probe)

    async def _is_whole(self, title: str) -> Finding:
        sets = listing(await self.back.needs.instance_store.files()).sets
        found = next((each for each in sets if each.base == self.safety), None)
        value = "not there" if found is None else "; ".join(found.problems) or bytes_text(found.size_bytes)
        return required(found is not None and found.is_complete, "saved", title, value)

    def _stop(self) -> Act:
        docker, paused = self.back.docker, self.server.ends_pauses
        resume = self.back.resume().commands if paused else ()

        async def run(hands: Hands) -> str:
            if paused:
                # One whose clients wait for the end of a pause neither saves nor ends (dragonfly#8270).
                await self.back.resume().run(hands)
            await hands.containers[self.name].stop(self.stop_seconds)
            now = await self.back.life()
            self._stopped_at = now.ended_at
            if now.was_killed:
                return f"it was killed after {self.stop_seconds} s: what was written after {self.safety} is not saved"
            return "it saved what was there, and ended"

        async def holds() -> bool | None:
            return not (await self.back.life()).runs

        return Act(
            id="stop", title=f"stop {self.name}, which saves what is there once more", target=self.name,
            commands=(*resume, stop_text(docker, self.stop_seconds)), run=run, holds=holds,
            settle_seconds=2.0 * self.stop_seconds, undo=self.back.start_again(),
        )  # fmt: skip

    def _swap(self) -> Act:
        """Put the one file there that makes a start load the set."""
        chosen, switch, name = self.chosen, self.back.switch, self.back.file
        file = chosen.looked_for
        sizes: list[int] = []

        async def run(hands: Hands) -> str:
            sizes[:] = [await chosen.size(file)]
            if self.back.aside:
                await switch.keep_aside(await self.back.own(), self.back.aside)
            at = await self._newest()
            # An engine that sends a file of a container takes none for it meanwhile.
            at_once = not (self._is_there and isinstance(chosen.store, ContainerStore))
            try:
                await chosen.send(file, switch, name, modified_at=at, at_once=at_once)
            except OutcomeUnknown:
                raise
            except DflyError:
                with suppress(DflyError):
                    await self.back.withdraw().run(hands)
                raise
            return f"{safe(name, limit=120)} is the newest now"

        async def holds() -> bool | None:
            if not sizes or self.back.aside:
                return None
            found = await switch.look(name)
            return found is not None and found.size_bytes == sizes[0]

        store = self.back.needs.instance_store
        return Act(
            id="swap", title="put the last file there: the next start loads the set", target=self.name,
            commands=(f"copy {safe(file.name, limit=120)} to {store.address} as {safe(name, limit=120)}",), run=run,
            holds=holds, undo=self.back.withdraw(),
        )  # fmt: skip

    async def _newest(self) -> datetime:
        """A time later than that of all files that are there, by the clock of whoever wrote them."""
        stopped_at = self._stopped_at or self.back.needs.access.clock.now()
        return max(stopped_at, await self.back.switch.newest() or stopped_at) + NEWER

    def _start(self) -> Act:
        words = writer.pause_writes_words(PAUSE_SECONDS * 1000)
        held = (cli_line(self.config, words),) if self.server.ends_pauses else ()
        begun: list[bool] = []

        async def run(hands: Hands) -> str:
            begun.append(True)
            self._hands = hands
            await hands.containers[self.name].start()
            return f"{self.name} runs again"

        async def holds() -> bool | None:
            return (await self.back.life()).runs if begun else None

        return Act(
            id="start", title=f"start {self.name} with the set", target=self.name,
            commands=(start_text(self.back.docker), *held), run=run, holds=holds, undo=self.back.kill(),
        )  # fmt: skip

    def loaded(self) -> Verify:
        """It loaded this very file."""
        title, name = f"{self.name} has loaded the set", self.back.file

        async def probe() -> Finding:
            now = await self.back.life()
            log = now.log
            wrong = now.end or log.failure
            if log.is_empty:
                wrong = "it found nothing to load, and is empty"
            elif log.file is not None and log.name != name:
                wrong = f"it loads {safe(log.name, limit=120)}"
            if wrong:
                raise Hopeless(wrong, "")
            await self._hold_writers()
            seen = await self.back.seen()
            if seen is None or seen.persistence.loading is not False or not (log.is_finished or not now.tells):
                keys = count_text(seen.keys if seen is not None else None)
                return required(False, "loaded", title, f"loading: {keys} keys")
            self._keys_read, self._seconds = log.keys_read or 0, log.seconds
            self._keys = {space.database: space.keys for space in seen.keyspaces if space.keys}
            how = f"its log names {safe(name, limit=120)}" if log.is_finished else "its log cannot be read"
            return passed("loaded", title, f"{count_text(sum(self._keys.values()))} keys; {how}")

        return Verify(
            id="loaded-set", title=title, probe=probe, timeout_seconds=self.back.needs.settings.load_seconds, long=True
        )

    async def _hold_writers(self) -> None:
        """What is written before all was looked at would be lost if it is taken back."""
        now = self.back.needs.access.clock.monotonic()
        if not self.server.ends_pauses or self._hands is None:
            return
        if self._held_at is not None and now - self._held_at < PAUSE_SECONDS / 2:
            return
        try:
            await self._hands.dragonflies[self.name].pause_writes(PAUSE_SECONDS * 1000)
            self._held_at = now
        except DflyError:
            return  # it does not answer yet

    def compared(self) -> Verify:
        """What it has is what was recorded."""
        title = "its keys are those that were saved"

        async def probe() -> Finding:
            record, tried = self.chosen.record, self.tried
            wanted: dict[int, int] = record.keys if record is not None else {}
            wrong = counts_differ(wanted or (tried.keys if tried is not None else {}), self._keys, self._keys_read)
            if not self._keys:
                wrong = wrong or "it is empty"  # and its replicas would be, too
            if wrong:
                raise Hopeless(wrong, "")
            text = told_of_counts(wanted, self._keys)
            if record is not None and record.samples:
                needs = self.back.needs
                password = FixedPassword(await needs.access.password(self.name))
                different = await needs.samples_differ(self.config, password, record.samples)
                if len(different) * 10 > len(record.samples):
                    raise Hopeless(f"{len(different)} of {len(record.samples)} sampled keys differ: {different[0]}", "")
                text += f"; {len(record.samples) - len(different)} of {len(record.samples)} sampled keys are the same"
            return passed("compared", title, text)

        return Verify(id="compared-set", title=title, probe=probe, timeout_seconds=ANSWER_SECONDS)

    def release(self) -> Act:
        """Let the writers in: from here on there is no way back."""
        resume = self.back.resume()

        async def run(hands: Hands) -> str:
            text = await resume.run(hands) if self.server.ends_pauses else "clients write again"
            proof = Proof(
                level=ProofLevel.RESTORED, at=self.back.needs.access.clock.now(), ok=True, seconds=self._seconds,
                store=self.chosen.store.name, text=f"restored into {self.name}", keys=self._keys,
            )  # fmt: skip
            try:
                self.back.needs.add_proof(self.chosen.found, self.chosen.record, proof)
            except (DflyError, OSError) as error:
                return f"{text}; that it was restored could not be written down: {error}"
            return text

        return Act(
            id="release", title=f"let clients write to {self.name}", target=self.name,
            commands=resume.commands if self.server.ends_pauses else (), run=run, final=True,
            left_to_do=f"writers may be paused for up to {PAUSE_SECONDS} s more",
        )  # fmt: skip

    def _synced(self) -> Verify:
        """Those that follow it have its data now, by a full synchronization."""

        async def probe() -> Finding:
            seen = await self.back.seen()
            lines = seen.replication.replicas if seen is not None else ()
            stable = [line for line in lines if line.state is LinkState.STABLE]
            value = f"{len(stable)} of {self.replicas}"
            return required(len(stable) >= self.replicas, "synced", "replicas are in sync again", value)

        line = cli_line(self.config, ["INFO", "REPLICATION"])
        return Verify(
            id="synced", title="its replicas have the restored data", probe=probe, timeout_seconds=SYNC_SECONDS,
            every_seconds=1.0, long=True, left_to_do=f"see that the replicas are in sync again: {line}",
        )  # fmt: skip


def restored_files(chosen: Chosen, server: Server, base: str) -> tuple[str, tuple[str, ...]]:
    """What the files of a set are called with the server: the one it is found by, and the others."""
    file = chosen.name_in(base, chosen.looked_for)
    if server.is_exact and chosen.found.format is SnapshotFormat.RDB:
        file = server.dbfilename
    return file, tuple(chosen.name_in(base, each) for each in chosen.others)
