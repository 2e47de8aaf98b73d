"""Which store an instance has, and which those of the configuration are."""

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from dfly_tui.clients.stores.container import ContainerStore
from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clients.stores.mounts import mount_of
from dfly_tui.clients.stores.names import INSTANCE
from dfly_tui.clients.stores.port import Store
from dfly_tui.clients.stores.s3 import S3Store
from dfly_tui.clock import Clock
from dfly_tui.errors import StoreFailed
from dfly_tui.models.container import ContainerInfo
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import InstanceConfig
from dfly_tui.settings_backup import BackupSettings, StoreConfig
from dfly_tui.text import safe

S3_SECONDS = 60.0
"""For a request, and for each piece of an answer; a bucket far away takes its time."""
DOCKER_SECONDS = 30.0

SecretOf = Callable[[StoreConfig], PasswordSource]
"""Where a store's secret key comes from."""


def store_of(config: StoreConfig, secret_of: SecretOf) -> Store:
    """A store of the configuration. Nothing is opened or sent.

    Args:
        secret_of: Such as `lambda store: PasswordSource(store, environ=environ)`.
    """
    if config.is_s3:
        return S3Store(config.name, config, secret=secret_of(config).get, timeout_seconds=S3_SECONDS)
    return FolderStore(config.name, Path(config.url))


async def instance_store(
    config: InstanceConfig,
    backup: BackupSettings,
    container: ContainerInfo | None,
    folder: str,
    *,
    stores: Sequence[StoreConfig],
    secret_of: SecretOf,
    clock: Clock,
) -> Store:
    """Where a server's own snapshots lie.

    That is where the configuration says this machine sees them, or else wherever the server's `dir` leads: a bucket; a
    folder of this machine that is mounted into its container; a folder in its container.

    Args:
        backup: `Settings.backup_of(config)`.
        container: What Docker says of it; None where nobody knows.
        folder: The server's `dir`.
        stores: Of the configuration: one in the same bucket has the endpoint and the keys for it.

    Raises:
        StoreFailed: This machine has no way to it.
        DockerFailed: The engine does not answer.
    """
    if backup.folder is not None:
        return FolderStore(INSTANCE, Path(backup.folder))
    if folder.startswith("s3://"):
        there = _bucket(folder, stores)
        return S3Store(INSTANCE, there, secret=secret_of(there).get, timeout_seconds=S3_SECONDS)
    if "://" in folder:
        raise StoreFailed(
            f"the snapshots of {safe(config.name)} lie in {safe(folder, limit=200)}, which dfly-tui cannot read",
            "set backup.folder if this machine sees them as files; S3 is read by itself",
        )
    if config.docker is None:
        raise StoreFailed(
            f"nobody knows where this machine sees {safe(folder or '.', limit=200)} of {safe(config.name)}",
            "set backup.folder, or docker if it runs in a container",
        )
    mount = None if container is None else await mount_of(config.docker, container, folder, DOCKER_SECONDS)
    return mount or ContainerStore(config.docker, folder, clock=clock, timeout_seconds=DOCKER_SECONDS)


def _bucket(url: str, stores: Sequence[StoreConfig]) -> StoreConfig:
    """A bucket that a server writes to, with what the configuration knows of it."""
    try:
        there = StoreConfig(name=INSTANCE, url=url)
    except ValueError:
        raise StoreFailed(
            f"the server's dir {safe(url, limit=200)} is no bucket", "expected s3://bucket/prefix"
        ) from None
    bucket = urlsplit(url).netloc
    known = next((each for each in stores if each.is_s3 and urlsplit(each.url).netloc == bucket), there)
    return known.model_copy(update={"url": url})
