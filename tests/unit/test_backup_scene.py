"""Where an instance's backups are, which set is meant, what is known of it, and one look at all of that."""

import json
import multiprocessing
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.errors import BadInput, DflyError, StoreFailed
from dfly_tui.models.backup import BackupRecord, ProofLevel
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.snapshots import Encryption, SnapshotFormat, SnapshotSet, listing
from dfly_tui.operations.backup import scene as scenes
from dfly_tui.operations.backup.catalogue import Catalogue, adopted
from dfly_tui.operations.backup.look import look_at
from dfly_tui.operations.backup.samples import differ, take
from dfly_tui.operations.backup.scene import MOST_PROOFS
from tests.support.backed import STORE, Backed, backed
from tests.support.lab import Client
from tests.support.sets import NOW, files_of, proof, record_of

DF = SnapshotFormat.DF


@pytest.fixture
async def at() -> AsyncIterator[Backed]:
    async with backed({"copy_to": [STORE]}) as at:
        await at.back_up()
        yield at


def a_set(base: str = "dump-1", **more: Any) -> SnapshotSet:
    return listing(files_of(base, NOW)).sets[0].model_copy(update=more)


# --- the catalogue


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    kept = Catalogue(tmp_path, "alpha")
    assert kept.records() == ()
    later, earlier = record_of("b", NOW), record_of("a", NOW.replace(hour=1))
    for each in (later, earlier):
        kept.keep(each)
    assert Catalogue(tmp_path, "alpha").records() == (earlier, later)
    assert Catalogue(tmp_path, "beta").records() == ()


@pytest.mark.parametrize(
    "name",
    ["dump-2026-11-23T04:24:58", "a b", "a_b", "../../etc/passwd", ".hidden", "ü" * 200, "[red]", "a%2Eb", "a.b"],
)
def test_any_name_has_a_file_of_its_own(tmp_path: Path, name: str) -> None:
    kept = Catalogue(tmp_path, name)
    mine, other = record_of(name, NOW, instance=name), record_of("another", NOW, instance=name)
    kept.keep(mine)
    kept.keep(other)
    assert kept.find((name, DF)) == mine
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.glob("*.json"))) == 2


def test_names_that_look_alike_are_told_apart(tmp_path: Path) -> None:
    kept, names = Catalogue(tmp_path, "alpha"), ["a.b", "a%2Eb", "a b", "a_b", "A.B", "x" * 300, "x" * 301]
    for name in names:
        kept.keep(record_of(name, NOW))
    assert {record.base for record in kept.records()} == set(names)


def test_files_are_for_nobody_else(tmp_path: Path) -> None:
    kept = Catalogue(tmp_path / "backups", "alpha")
    kept.keep(record_of("a", NOW))
    assert kept.folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept.folder.iterdir())


def test_a_damaged_file_is_told_of_and_hides_nothing(tmp_path: Path) -> None:
    kept = Catalogue(tmp_path, "alpha")
    kept.keep(record_of("a", NOW))
    (kept.folder / "b.df.backup.json").write_text('{"half": ')
    (kept.folder / "c.df.backup.json").mkdir()
    found = kept.read()
    assert [record.base for record in found.records] == ["a"]
    assert len(found.unreadable) == 2
    assert all("b.df" in line or "c.df" in line for line in found.unreadable)


def test_what_is_gone_in_the_middle_is_no_record(tmp_path: Path) -> None:
    kept = Catalogue(tmp_path, "alpha")
    kept.keep(record_of("a", NOW))
    (kept.folder / "b.df.backup.json").symlink_to("nowhere")
    assert [record.base for record in kept.read().records] == ["a"]


def test_one_that_was_removed_is_not_found(tmp_path: Path) -> None:
    kept = Catalogue(tmp_path, "alpha")
    kept.keep(record_of("a", NOW, removed_at=NOW))
    assert kept.find(("a", DF)) is None
    assert len(kept.records()) == 1


def test_the_same_name_in_the_other_format_is_another_set(tmp_path: Path) -> None:
    kept = Catalogue(tmp_path, "alpha")
    df, rdb = record_of("a", NOW), record_of("a", NOW).model_copy(update={"format": SnapshotFormat.RDB})
    kept.keep(df)
    kept.keep(rdb)
    assert (kept.find(("a", DF)), kept.find(("a", SnapshotFormat.RDB))) == (df, rdb)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="no text"):
        Catalogue(tmp_path, "alpha").keep(record_of("\udcff", NOW))


def _add_proofs(folder: Path) -> None:
    kept = Catalogue(folder, "alpha")
    for _ in range(25):
        kept.change(("a", DF), lambda known: _with_proof(known or record_of("a", NOW)))


def _with_proof(record: BackupRecord) -> BackupRecord:
    return record.model_copy(update={"proofs": (*record.proofs, proof(NOW))})


def test_two_programs_lose_nothing_of_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    programs = [context.Process(target=_add_proofs, args=(tmp_path,)) for _ in range(2)]
    for program in programs:
        program.start()
    for program in programs:
        program.join(60)
    record = Catalogue(tmp_path, "alpha").find(("a", DF))
    assert record is not None
    assert len(record.proofs) == 50


def test_a_set_nobody_recorded_is_adopted() -> None:
    record = adopted("alpha", a_set())
    assert (record.base, record.began_at, len(record.files), record.who) == ("dump-1", NOW, 2, "cron")
    assert adopted("alpha", a_set(encryption=Encryption.AGE)).files == ()


# --- which set is meant


async def test_a_set_is_found_where_it_is_whole(at: Backed) -> None:
    (at.folder / f"{at.record.base}-0000.dfs").unlink()
    async with at.scene() as scene:
        assert (await scene.chosen(at.record.base)).store.name == STORE
        assert (await scene.chosen(at.record.base, "instance")).found.problems
        assert (await scene.chosen("", newest=True)).store.name == STORE


async def test_the_newest_is_taken_where_it_was_saved(at: Backed) -> None:
    """Its copy was written later, and is no newer."""
    async with at.scene() as scene:
        assert (await scene.chosen("", newest=True)).store.name == "instance"
        assert (await scene.chosen("", STORE, newest=True)).store.name == STORE


async def test_the_newest_whole_one(at: Backed) -> None:
    await at.ask("SAVE", "DF", "later")
    await at.ask("SAVE", "RDB", "latest")
    async with at.scene() as scene:
        assert (await scene.chosen("", newest=True)).found.base == "latest"
        assert (await scene.chosen("", newest=True, kind=DF)).found.base == "later"


@pytest.mark.parametrize(
    ("base", "more", "said"),
    [("nothing", {}, "there is no set nothing of alpha in instance, nas"),
     ("", {"newest": True, "store": "tape"}, "tape"),
     ("", {"newest": True, "kind": SnapshotFormat.RDB}, "there is no whole set of alpha")],
)  # fmt: skip
async def test_one_that_is_not_there(at: Backed, base: str, more: dict[str, Any], said: str) -> None:
    async with at.scene() as scene:
        with pytest.raises(BadInput, match=said):
            await scene.chosen(base, **more)


async def test_no_way_to_its_own_folder() -> None:
    async with backed(seeing=False) as at, at.scene() as scene:
        assert scene.stores == ()
        with pytest.raises(DflyError, match="nobody knows where this machine sees"):
            await scene.chosen("a")
        with pytest.raises(DflyError, match="nobody knows where this machine sees"):
            scene.store("instance")


async def test_what_was_proven_is_kept_and_the_oldest_forgotten(at: Backed) -> None:
    async with at.scene() as scene:
        chosen = await scene.chosen(at.record.base)
        for _ in range(MOST_PROOFS + 5):
            scene.add_proof(chosen.found, chosen.record, proof(NOW))
        scene.add_proof(a_set("unknown"), None, proof(NOW, level=ProofLevel.COMPLETE))
    assert len(next(each for each in at.records if each.base != "unknown").proofs) == MOST_PROOFS
    unknown = at.catalogue.find(("unknown", DF))
    assert unknown is not None
    assert [each.level for each in unknown.proofs] == [ProofLevel.COMPLETE]


async def test_a_set_is_pinned_and_let_go(at: Backed) -> None:
    async with at.scene() as scene:
        found = (await scene.chosen(at.record.base)).found
        scene.pin(found, "before the upgrade")
        assert at.record.pinned == "before the upgrade"
        scene.pin(found, None)
    assert at.record.pinned is None


async def test_what_retention_is_decided_by(at: Backed) -> None:
    async with at.scene() as scene:
        pruning = scene.pruning()
        assert [store.name for store in pruning.stores] == ["instance", STORE]
        assert tuple(pruning.records()) == at.records


# --- samples


async def test_sampled_keys_are_compared_by_what_they_hold() -> None:
    async with backed(keys=0) as at:
        await at.ask("SET", "text", "1")
        await at.ask("HSET", "hash", "a", "1", "b", "2")
        await at.ask("SET", "gone", "1")
        async with at.scene() as scene:
            samples = await take(scene.keys)
            assert await differ(scene.keys, samples) == ()
            await at.ask("DEL", "hash", "gone")
            await at.ask("HSET", "hash", "b", "2", "a", "1")  # in another order
            await at.ask("APPEND", "text", "2")
            said = sorted(await differ(scene.keys, samples))
        assert said == ["gone in database 0 is missing", "text in database 0 holds something else"]


async def test_keys_that_expire_or_are_large_are_no_samples() -> None:
    async with backed(keys=0) as at:
        await at.ask("SET", "soon", "1", "EX", "100")
        await at.ask("SET", "large", "x" * 200_000)
        await at.ask("SET", "small", "x")
        async with at.scene() as scene:
            assert [bytes.fromhex(each.name_hex) for each in await take(scene.keys)] == [b"small"]


async def test_databases_share_the_samples() -> None:
    async with backed(keys=0) as at, Client(at.servers.servers["alpha"].port, at.servers.password) as client:
        for database in (0, 3):
            await client("SELECT", database)
            for number in range(100):
                await client("SET", f"key:{number}", "x")
        async with at.scene() as scene:
            samples = await take(scene.keys)
    assert Counter(sample.database for sample in samples) == {0: 32, 3: 32}


async def test_many_keys_that_do_not_fit_are_not_all_looked_at() -> None:
    async with backed(keys=0) as at:
        for number in range(2500):
            await at.ask("SET", f"soon:{number}", "1", "EX", "100")
        async with at.scene() as scene:
            assert await take(scene.keys) == ()


async def test_keys_of_a_restored_server_are_compared(at: Backed) -> None:
    async with at.scene() as scene:
        config = at.servers.configs[0]
        samples = await take(scene.keys)
        password = scene.access._passwords["alpha"]
        assert await scene.samples_differ(config, password, samples) == ()
        await at.ask("FLUSHALL")
        assert len(await scene.samples_differ(config, password, samples)) == len(samples)


# --- one look


async def test_one_look(at: Backed) -> None:
    await at.ask("CONFIG", "SET", "snapshot_cron", "0 * * * *")
    async with at.scene() as scene:
        seen = await look_at(scene)
    assert [(store.name, len(store.files or ())) for store in seen.stores] == [("instance", 3), (STORE, 4)]
    assert seen.stores[0].free_bytes
    assert seen.records == at.records
    assert (seen.cron, seen.dbfilename) == ("0 * * * *", "dump-{timestamp}")


async def test_a_look_while_the_server_is_down(at: Backed) -> None:
    await at.servers.kill("alpha")
    async with at.scene() as scene:
        seen = await look_at(scene)
    assert seen.cron is None
    assert seen.stores[0].files


async def test_a_store_that_is_down_hides_none_of_the_others(at: Backed) -> None:
    for path in at.copies.iterdir():
        path.unlink()
    at.copies.rmdir()
    async with at.scene() as scene:
        seen = await look_at(scene)
    assert seen.stores[0].files
    assert seen.stores[1].files is None
    assert "is not there" in seen.stores[1].problem


async def test_a_look_without_a_way_to_its_folder() -> None:
    async with backed(seeing=False) as at, at.scene() as scene:
        seen = await look_at(scene)
    assert seen.stores[0].files is None
    assert "set backup.folder" in seen.stores[0].advice


async def test_a_catalogue_that_cannot_be_read(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    async with at.scene() as scene:
        monkeypatch.setattr(Path, "is_dir", refused)
        seen = await look_at(scene)
    assert seen.records == ()
    assert "Permission denied" in seen.unreadable[0]


@pytest.mark.parametrize(
    ("command", "folder"),
    [(("dragonfly", "--dir=/data", "--port=1"), "/data"), (("dragonfly", "-dir", "/srv"), "/srv"), (("--dir",), ""),
     (("dragonfly", "dir=/no"), ""), ((), "")],
)  # fmt: skip
def test_where_a_server_that_is_down_would_save(command: tuple[str, ...], folder: str) -> None:
    container = ContainerInfo(
        name="a", id="1", image="dragonfly", state="exited", restart_policy="no", restarts=0, command=command
    )
    assert scenes._folder_of(container) == folder
    assert scenes._folder_of(None) == ""


def test_the_record_is_plain_json(tmp_path: Path) -> None:
    """Whoever has nothing but the file can read it."""
    kept = Catalogue(tmp_path, "alpha")
    kept.keep(record_of("a", NOW, why="before the upgrade"))
    (path,) = kept.folder.glob("*.json")
    assert json.loads(path.read_text())["why"] == "before the upgrade"


async def test_the_schedule_is_noted_for_whoever_does_not_ask(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    await at.ask("CONFIG", "SET", "snapshot_cron", "0 3 * * *")
    async with at.scene():
        assert at.catalogue.cron == "0 3 * * *"
    async with at.scene():
        assert at.catalogue.cron == "0 3 * * *"
    (at.catalogue.folder / "snapshot_cron").write_bytes(b"\xff")
    assert at.catalogue.cron is None

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dfly_tui.operations.backup.catalogue.write_private", full)
    async with at.scene() as scene:
        assert scene.told
