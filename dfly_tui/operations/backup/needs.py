"""What a drill and a restore need to know of an instance and of the catalogue."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.stores.port import Store
from dfly_tui.models.backup import BackupRecord, Proof, Sample
from dfly_tui.models.snapshots import SnapshotSet
from dfly_tui.operations.access import Access
from dfly_tui.settings import InstanceConfig
from dfly_tui.settings_backup import BackupSettings


class Needs(Protocol):
    """An instance whose backups are tried or restored."""

    @property
    def access(self) -> Access: ...
    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> BackupSettings: ...
    @property
    def plan_id(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def environ(self) -> Mapping[str, str]: ...
    @property
    def instance_store(self) -> Store: ...

    def add_proof(self, found: SnapshotSet, record: BackupRecord | None, proof: Proof) -> None:
        """Write down what was proven of a set; one that had no record gets one."""
        ...

    async def samples_differ(
        self, config: InstanceConfig, password: PasswordProvider, samples: Sequence[Sample]
    ) -> Sequence[str]:
        """Which of the sampled keys are not as they were, each in a few words."""
        ...
