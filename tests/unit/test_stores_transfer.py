"""Files copied from store to store, and which store is whose."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dfly_tui.clients.stores.container import ContainerStore
from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clients.stores.open import instance_store, store_of
from dfly_tui.clients.stores.s3 import S3Store
from dfly_tui.clients.stores.transfer import sum_of, transfer
from dfly_tui.clock import SystemClock
from dfly_tui.errors import Refused, SecretError, StoreFailed
from dfly_tui.models.backup import FileSum
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import DockerConfig, InstanceConfig
from dfly_tui.settings_backup import BackupSettings, StoreConfig
from tests.support.stores import some_bytes

DATA = some_bytes(3_000_001)


@pytest.fixture
def stores(tmp_path: Path) -> tuple[FolderStore, FolderStore]:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    (tmp_path / "here" / "a.rdb").write_bytes(DATA)
    return FolderStore("instance", tmp_path / "here"), FolderStore("nas", tmp_path / "there")


def sum_for(name: str, data: bytes) -> FileSum:
    return FileSum(name=name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


async def flipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Stands for an encryption."""
    async for piece in pieces:
        yield piece.translate(bytes(range(255, -1, -1)))
    yield b"end"


async def test_a_copy_and_its_sums(stores: tuple[FolderStore, FolderStore], tmp_path: Path) -> None:
    told: list[int] = []
    done = await transfer(stores[0], "a.rdb", stores[1], told=told.append)
    assert done.read == done.written == sum_for("a.rdb", DATA)
    assert (tmp_path / "there" / "a.rdb").read_bytes() == DATA
    assert told == sorted(told)
    assert told[-1] == len(DATA)
    with pytest.raises(Refused):
        await transfer(stores[0], "a.rdb", stores[1])


async def test_a_copy_that_is_encrypted(stores: tuple[FolderStore, FolderStore], tmp_path: Path) -> None:
    hidden = DATA.translate(bytes(range(255, -1, -1))) + b"end"
    done = await transfer(stores[0], "a.rdb", stores[1], target_name="a.rdb.age", coder=flipped)  # type: ignore[arg-type]
    assert (done.read, done.written) == (sum_for("a.rdb", DATA), sum_for("a.rdb.age", hidden))
    assert (tmp_path / "there" / "a.rdb.age").read_bytes() == hidden
    assert await sum_of(stores[0], "a.rdb", coder=flipped) == (  # type: ignore[arg-type]
        sum_for("a.rdb", DATA),
        sum_for("a.rdb", hidden),
    )


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (sum_for("a.rdb", DATA[:-1]), "has 3000001 bytes, not the 3000000 it was recorded with"),
        (sum_for("a.rdb", DATA[:-1] + b"!"), "does not have the content it was recorded with"),
    ],
)
async def test_nothing_is_kept_of_what_is_not_as_it_was(
    stores: tuple[FolderStore, FolderStore], tmp_path: Path, expected: FileSum, words: str
) -> None:
    with pytest.raises(StoreFailed, match=words) as caught:
        await transfer(stores[0], "a.rdb", stores[1], expected=expected, size_bytes=len(DATA))
    assert "another copy" in caught.value.hint
    assert list((tmp_path / "there").iterdir()) == []


async def test_one_that_is_as_it_was_or_was_never_read(stores: tuple[FolderStore, FolderStore]) -> None:
    for name, expected in (("b", sum_for("a.rdb", DATA)), ("c", FileSum(name="a.rdb", size_bytes=len(DATA)))):
        done = await transfer(stores[0], "a.rdb", stores[1], target_name=name, expected=expected)
        assert done.written == sum_for(name, DATA)


async def test_sums_alone(stores: tuple[FolderStore, FolderStore]) -> None:
    assert (await sum_of(stores[0], "a.rdb")).read == sum_for("a.rdb", DATA)
    with pytest.raises(StoreFailed, match="is not there"):
        await sum_of(stores[0], "b.rdb")


BUCKET = StoreConfig(
    name="minio", url="s3://backups/copies", endpoint="https://minio.example:9000", access_key="a", password_env="S3"
)


def secret_of(config: StoreConfig) -> PasswordSource:
    return PasswordSource(config, environ={})


class TestWhichStore:
    async def of(self, directory: str, **settings: object) -> object:
        docker = settings.pop("docker", None)
        config = InstanceConfig.model_validate({"name": "alpha", "url": "redis://alpha:6379", "docker": docker})
        backup = BackupSettings.model_validate(settings)
        return await instance_store(
            config, backup, None, directory, stores=[BUCKET], secret_of=secret_of, clock=SystemClock()
        )

    def test_those_of_the_configuration(self) -> None:
        assert isinstance(store_of(BUCKET, secret_of), S3Store)
        folder = store_of(StoreConfig(name="nas", url="/mnt/nas"), secret_of)
        assert isinstance(folder, FolderStore)
        assert (folder.name, folder.address) == ("nas", "/mnt/nas")

    async def test_a_secret_key_that_cannot_be_had(self) -> None:
        with pytest.raises(SecretError, match="S3 is not set"):
            await store_of(BUCKET, secret_of).files()

    async def test_where_the_configuration_says(self) -> None:
        for folder in ("/data", "s3://backups/alpha"):
            store = await self.of(folder, folder="/srv/alpha", docker={"container": "alpha"})
            assert isinstance(store, FolderStore)
            assert (store.name, store.address) == ("instance", "/srv/alpha")

    async def test_a_bucket_with_the_keys_that_are_known_for_it(self) -> None:
        store = await self.of("s3://backups/alpha")
        assert isinstance(store, S3Store)
        assert (store.name, store.address) == ("instance", "s3://backups/alpha")
        assert "--endpoint-url https://minio.example:9000" in store.read_text("a")
        other = await self.of("s3://other")
        assert isinstance(other, S3Store)
        assert other.read_text("a") == "aws s3 cp s3://other/a ."

    async def test_in_its_container(self) -> None:
        store = await self.of("/data", docker=DockerConfig(container="alpha", host="ssh://nas").model_dump())
        assert isinstance(store, ContainerStore)
        assert store.address == "container alpha:/data"
        assert store.read_text("a b") == "docker -H ssh://nas cp 'alpha:/data/a b' ."
        assert store.remove_text("a") == "docker -H ssh://nas exec alpha rm -f -- /data/a"

    @pytest.mark.parametrize(
        ("folder", "words"),
        [
            ("/data", "nobody knows where"),
            ("gs://bucket", "cannot read"),
            ("https://a.blob.core.windows.net/b", "cannot read"),
            ("s3://a\x1b[31m", "is no bucket"),
            ("s3:///a", "is no bucket"),
        ],
    )
    async def test_no_way_to_it(self, folder: str, words: str) -> None:
        with pytest.raises(StoreFailed, match=words) as caught:
            await self.of(folder)
        assert "\x1b" not in str(caught.value)
