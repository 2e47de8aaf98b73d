"""A set read back: what is found wrong, what is recorded, what cannot be told."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.clients import rdb_file
from dfly_tui.clients.rdb_file import read_rdb
from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.errors import NotSupported, StoreFailed
from dfly_tui.models.backup import Proof, ProofLevel
from dfly_tui.models.snapshots import SnapshotFormat
from dfly_tui.operations.backup.verify import verify
from tests.support.backed import STORE, Backed, backed
from tests.support.real_rdb import KEYS, real_rdb


@pytest.fixture
async def at() -> AsyncIterator[Backed]:
    async with backed({"copy_to": [STORE]}) as at:
        await at.back_up()
        yield at


async def verified(at: Backed, base: str = "", store: str | None = None, **more: Any) -> Proof:
    async with at.scene() as scene:
        return await verify(scene, await scene.chosen(base or at.record.base, store, readable=False), **more)


async def test_a_set_that_is_as_it_was(at: Backed) -> None:
    told: list[tuple[int, int]] = []
    proof = await verified(at, told=lambda done, total: told.append((done, total)))
    assert (proof.ok, proof.level, proof.store) == (True, ProofLevel.CHECKSUMS, "instance")
    assert "each is what was recorded" in proof.text
    assert told[-1] == (at.record.size_bytes, at.record.size_bytes)
    assert at.record.proofs[-1] == proof
    assert not at.record.is_broken


async def test_the_copy_is_compared_too(at: Backed) -> None:
    assert (await verified(at, store=STORE)).ok
    path = at.copies / f"{at.record.base}-0001.dfs"
    path.write_bytes(path.read_bytes()[:-1])
    proof = await verified(at, store=STORE)
    assert (proof.ok, proof.store) == (False, STORE)
    assert f"{path.name} has" in proof.text


@pytest.mark.parametrize("part", ["0000", "0001", "summary"])
async def test_a_flipped_bit_is_found_and_recorded(at: Backed, part: str) -> None:
    path = at.folder / f"{at.record.base}-{part}.dfs"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    proof = await verified(at, store="instance")
    assert (proof.ok, at.record.is_broken) == (False, True)
    assert f"{path.name} does not have the content it was recorded with" in proof.text


async def test_a_set_that_lost_its_last_shard_is_not_whole(at: Backed) -> None:
    """Nothing in the names that are left tells of it."""
    (at.folder / f"{at.record.base}-0001.dfs").unlink()
    proof = await verified(at, store="instance")
    assert (proof.ok, proof.level) == (False, ProofLevel.COMPLETE)
    assert proof.text == f"1 of 3 files are gone: {at.record.base}-0001.dfs"
    async with at.scene() as scene:
        chosen = await scene.chosen(at.record.base)
    assert (chosen.store.name, chosen.found.is_complete) == ("nas", True)


async def test_a_missing_shard(at: Backed) -> None:
    (at.folder / f"{at.record.base}-0000.dfs").unlink()
    proof = await verified(at, store="instance")
    assert (proof.ok, proof.level, proof.text) == (False, ProofLevel.COMPLETE, "shard 0000 is missing")


async def test_one_of_the_server_is_recorded_as_it_is_now(at: Backed) -> None:
    await at.ask("SAVE", "DF", "nightly")
    first = await verified(at, "nightly")
    assert first.ok
    assert "nothing to compare with" in first.text
    record = at.catalogue.find(("nightly", SnapshotFormat.DF))
    assert record is not None
    assert (record.who, all(file.sha256 for file in record.files)) == ("cron", True)
    assert "each is what was recorded" in (await verified(at, "nightly")).text


async def test_a_store_that_does_not_answer_says_nothing_of_the_set(
    at: Backed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(*_: Any) -> AsyncIterator[bytes]:
        yield b"REDIS"
        raise StoreFailed("the line is cut")

    monkeypatch.setattr(FolderStore, "read", cut)
    before = at.record
    with pytest.raises(StoreFailed, match="the line is cut"):
        await verified(at)
    assert at.record == before


# --- RDB


@pytest.mark.redis_server
async def test_an_rdb_file_of_redis_is_read_to_its_end(at: Backed) -> None:
    await real_rdb(at.folder / "redis.rdb")
    proof = await verified(at, "redis")
    assert proof.ok, proof.text
    assert f"{sum(KEYS.values())} keys in it" in proof.text


@pytest.mark.redis_server
@pytest.mark.parametrize("harm", ["truncated", "flipped", "other", "none"])
async def test_an_rdb_file_that_is_damaged(at: Backed, harm: str) -> None:
    """Without any record: the file itself tells."""
    path = at.folder / "redis.rdb"
    await real_rdb(path)
    data = bytearray(path.read_bytes())
    if harm == "truncated":
        del data[len(data) // 2 :]
    elif harm == "flipped":
        data[data.index(b"x" * 8 if b"x" * 8 in data else b"number") + 2] ^= 1
    others = {"other": b"REDIS0009 is what it says it is", "none": b"nothing of the kind"}
    path.write_bytes(others.get(harm, data))
    proof = await verified(at, "redis")
    assert not proof.ok, proof.text
    assert "cannot be read to its end" in proof.text


@pytest.mark.redis_server
async def test_an_rdb_file_with_fewer_keys_than_were_recorded(at: Backed) -> None:
    await real_rdb(at.folder / "redis.rdb")
    await verified(at, "redis")
    record = at.catalogue.find(("redis", SnapshotFormat.RDB))
    assert record is not None
    at.catalogue.keep(record.model_copy(update={"keys": {0: 5000}}))
    proof = await verified(at, "redis")
    assert not proof.ok
    assert "keys were recorded" in proof.text


@pytest.mark.redis_server
async def test_without_the_parser_only_the_bytes_are_compared(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing(_: Path) -> None:
        raise NotSupported("rdb-py is not installed", "install dfly-tui[rdb]")

    monkeypatch.setattr("dfly_tui.operations.backup.verify.read_rdb", missing)
    await real_rdb(at.folder / "redis.rdb")
    proof = await verified(at, "redis")
    assert proof.ok
    assert "what is in it was not looked at" in proof.text


@pytest.mark.redis_server
async def test_an_encrypted_rdb_file_is_decrypted_where_the_key_is(tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    subprocess.run(["age-keygen", "-o", str(key)], check=True, capture_output=True)  # noqa: ASYNC221
    public = subprocess.run(["age-keygen", "-y", str(key)], check=True, capture_output=True, text=True).stdout  # noqa: ASYNC221
    options = {"copy_to": [STORE], "encrypt": "age", "recipients": [public.strip()], "format": "rdb"}
    async with backed(options) as at:
        await real_rdb(tmp_path / "plain.rdb")
        subprocess.run(  # noqa: ASYNC221
            ["age", "-r", public.strip(), "-o", str(at.copies / "redis.rdb.age"), str(tmp_path / "plain.rdb")],
            check=True,
        )
        blind = await verified(at, "redis", STORE)
        assert blind.ok
        assert "the key to it is not here" in blind.text
        at.options["identity_file"] = str(key)
        seeing = await verified(at, "redis", STORE)
        assert f"{sum(KEYS.values())} keys in it" in seeing.text


@pytest.mark.redis_server
async def test_the_parser_is_stopped_in_time(tmp_path: Path) -> None:
    await real_rdb(tmp_path / "redis.rdb")
    with pytest.raises(StoreFailed, match="not read in time"):
        await read_rdb(tmp_path / "redis.rdb", seconds=0.001)


async def test_no_rdb_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.rdb").write_bytes(b"\x1b[31mnothing of the kind")
    found = await read_rdb(tmp_path / "a.rdb")
    assert (found.version, found.counts) == (0, {})
    assert "Not a valid RDB file" in found.error


async def test_a_parser_that_falls_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(StoreFailed, match="ended without a word"):
        await read_rdb(tmp_path / "a.rdb")


def test_a_machine_without_the_parser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rdb", None)
    assert rdb_file._main(str(tmp_path / "a.rdb")) == rdb_file._NO_PARSER
