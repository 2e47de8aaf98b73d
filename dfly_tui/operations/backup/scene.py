"""An instance and all that has to do with its backups: what the plans, the screen and the command line begin with."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path

from dfly_tui.clients.crypt import Coder, decryptor
from dfly_tui.clients.key_codec import KeyCodec
from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.stores.names import INSTANCE
from dfly_tui.clients.stores.open import SecretOf, instance_store, store_of
from dfly_tui.clients.stores.port import Store
from dfly_tui.errors import BadInput, DflyError
from dfly_tui.models.backup import BackupRecord, Proof, Sample
from dfly_tui.models.backup_view import files_gone
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.snapshots import Encryption, SnapshotFormat, SnapshotSet, listing
from dfly_tui.operations.access import Access
from dfly_tui.operations.backup.catalogue import Catalogue, adopted
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.backup.pauses import Pauses
from dfly_tui.operations.backup.prune import Pruning
from dfly_tui.operations.backup.samples import Where, differ
from dfly_tui.operations.backup.schedule import Scheduling
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.settings_backup import BackupSettings
from dfly_tui.text import safe

MOST_PROOFS = 60
"""Of a set; older ones are forgotten."""
SAMPLE_SECONDS = 10.0


@dataclass(frozen=True)
class Backups:
    """An instance whose backups are looked at or worked on.

    Attributes:
        own: Where its own snapshots lie, or why this machine has no way to them.
        others: The stores it is copied to.
        told: What CONFIG GET says; empty while it does not answer.
        pauses: Schedules that are paused.
        here: The zone of this machine.
    """

    access: Access
    name: str
    settings: BackupSettings
    plan_id: str
    who: str
    environ: Mapping[str, str]
    catalogue: Catalogue
    own: Store | DflyError
    others: tuple[Store, ...]
    told: Mapping[str, str]
    pauses: Pauses
    here: tzinfo = UTC

    @property
    def instance_store(self) -> Store:
        """Where its own snapshots lie; raises `DflyError` where this machine has no way to them."""
        if isinstance(self.own, DflyError):
            raise self.own
        return self.own

    @property
    def stores(self) -> tuple[Store, ...]:
        """All that can be looked into, its own first."""
        return self.others if isinstance(self.own, DflyError) else (self.own, *self.others)

    def store(self, name: str) -> Store:
        """One of them.

        Raises:
            DflyError: There is none of that name, or no way to it.
        """
        if name == INSTANCE:
            return self.instance_store
        found = next((store for store in self.others if store.name == name), None)
        if found is None:
            known = ", ".join([INSTANCE, *(store.name for store in self.others)])
            raise BadInput(f"backups of {safe(self.name)} are not copied to {safe(name)!r}", f"stores: {known}")
        return found

    async def chosen(
        self,
        base: str,
        store: str | None = None,
        kind: SnapshotFormat | None = None,
        newest: bool = False,
        readable: bool = True,
    ) -> Chosen:
        """A set as it lies in a store, with what is known of it.

        Args:
            store: Default: the first it lies whole in, its own before others.
            kind: Needed where there are two of that name.
            newest: Take the newest whole one, whatever it is called.
            readable: It has to be decrypted; else it is taken as it lies there where the key is not here.

        Raises:
            DflyError: There is no such set, or a store does not answer.
        """
        places = [self.store(store)] if store is not None else self.stores or (self.instance_store,)
        found: list[tuple[Store, SnapshotSet]] = []
        for place in places:
            found += [
                (place, each)
                for each in await self._sets(place)
                if (each.base == base or (newest and each.is_complete)) and kind in {None, each.format}
            ]
        whole = [pair for pair in found if pair[1].is_complete]
        if not found:
            what = "there is no whole set" if newest else f"there is no set {safe(base, limit=120)}"
            where = ", ".join(place.name for place in places)
            raise BadInput(f"{what} of {safe(self.name)} in {where}", f"dfly-tui backup list {safe(self.name)}")
        place, each = _newest(whole) if newest else (whole or found)[0]
        record = self.catalogue.find((each.base, each.format))
        return Chosen(place, each, record, self._coder(each, readable))

    async def _sets(self, place: Store) -> list[SnapshotSet]:
        """What lies in a store; a set is not whole where files are gone that were recorded."""
        records = {(each.base, each.format): each for each in self.catalogue.records() if each.removed_at is None}
        found = []
        for each in listing(await place.files()).sets:
            gone = files_gone(each, records.get((each.base, each.format)), place.name)
            found.append(each.model_copy(update={"problems": (gone,)}) if gone and each.is_complete else each)
        return found

    def _coder(self, found: SnapshotSet, needed: bool) -> Coder | None:
        """What decrypts it; raises `DflyError` when nothing can and it is needed."""
        identity = self.settings.identity_file
        if found.encryption is None or (found.encryption is Encryption.AGE and identity is None and not needed):
            return None
        return decryptor(found.encryption, Path(identity).expanduser() if identity else None, self.environ)

    def add_proof(self, found: SnapshotSet, record: BackupRecord | None, proof: Proof) -> None:
        """Write down what was proven of a set; one that had no record gets one. Raises OSError or `DflyError`."""

        def changed(known: BackupRecord | None) -> BackupRecord:
            now = known or record or adopted(self.name, found)
            return now.model_copy(update={"proofs": (*now.proofs, proof)[-MOST_PROOFS:]})

        self.catalogue.change((found.base, found.format), changed)

    def pin(self, found: SnapshotSet, why: str | None) -> None:
        """Keep a set whatever retention says, or no longer. Raises OSError or `DflyError`."""

        def changed(known: BackupRecord | None) -> BackupRecord:
            return (known or adopted(self.name, found)).model_copy(update={"pinned": why})

        self.catalogue.change((found.base, found.format), changed)

    async def samples_differ(
        self, config: InstanceConfig, password: PasswordProvider, samples: Sequence[Sample]
    ) -> Sequence[str]:
        """Which of the sampled keys another server does not have as they were, each in a few words."""
        reader = KeyReader(config, password, clock=self.access.clock, timeout_seconds=SAMPLE_SECONDS)
        try:
            return await differ(
                Where(
                    reader,
                    lambda database, server: KeyCodec(config, password, database=database, capabilities=server),
                ),
                samples,
            )
        finally:
            await reader.aclose()

    @property
    def keys(self) -> Where:
        """What reads its keys."""
        return Where(self.access.key_reader(self.name), partial(self.access.key_codec, self.name))

    def scheduling(self) -> Scheduling:
        """What its schedule is changed with."""
        return Scheduling(self.access, self.name, self.plan_id, self.who, self.pauses, self.here)

    def pruning(self) -> Pruning:
        """What retention is decided by."""
        return Pruning(
            self.access, self.name, self.settings, self.plan_id, self.stores, self.catalogue.records,
            self.catalogue.keep, self.here,
        )  # fmt: skip


@asynccontextmanager
async def opened(
    access: Access,
    name: str,
    settings: Settings,
    *,
    plan_id: str,
    who: str,
    environ: Mapping[str, str],
    folder: Path,
    secret_of: SecretOf,
    here: tzinfo = UTC,
) -> AsyncIterator[Backups]:
    """Look where an instance's backups are, and hang up afterwards. What cannot be reached says so when it is asked.

    Args:
        folder: Of the catalogue (`Paths.backups_dir`).
        secret_of: Where a store's secret key comes from.
    """
    config = access.configs[name]
    backup = settings.backup_of(config)
    try:
        told = await access.reader(name).config()
    except DflyError:
        told = {}
    container = await access.container(name)
    known = container if isinstance(container, ContainerInfo) else None
    async with AsyncExitStack() as stack:
        own: Store | DflyError
        try:
            store = await instance_store(
                config, backup, known, told.get("dir") or _folder_of(known),
                stores=settings.stores, secret_of=secret_of, clock=access.clock,
            )  # fmt: skip
            stack.push_async_callback(store.aclose)
            own = store
        except DflyError as error:
            own = error
        others = tuple(store_of(store, secret_of) for store in settings.stores if store.name in backup.copy_to)
        for store in others:
            stack.push_async_callback(store.aclose)
        catalogue, pauses = Catalogue(folder, name), Pauses(folder)
        if told and catalogue.folder.is_dir():
            with suppress(OSError):  # it is only missed by who looks without asking the server
                catalogue.note_cron(told.get("snapshot_cron", ""))
        yield Backups(access, name, backup, plan_id, who, environ, catalogue, own, others, told, pauses, here)


def _newest(found: Sequence[tuple[Store, SnapshotSet]]) -> tuple[Store, SnapshotSet]:
    """The set that was saved last, where it lies first: a copy of it was written later, and is no newer."""
    first = {(each.base, each.format): (store, each) for store, each in reversed(found)}
    return max(first.values(), key=lambda pair: pair[1].written_at)


def _folder_of(container: ContainerInfo | None) -> str:
    """Where a server that does not answer would save, by its command line."""
    words = list(container.command) if container is not None else []
    for at, word in enumerate(words):
        flag, _, value = word.lstrip("-").partition("=")
        if word.startswith("-") and flag == "dir":
            return value or next(iter(words[at + 1 :]), "")
    return ""
