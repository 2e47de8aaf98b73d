"""Copies of a set: off this machine, encrypted, whole or not at all."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clients.stores.port import Space
from dfly_tui.errors import BadInput, DflyError, OutcomeUnknown, Refused, StoreFailed
from dfly_tui.models.operation import Event, Outcome, Verdict
from dfly_tui.models.snapshots import Encryption, listing
from dfly_tui.operations.backup.copy import copy
from dfly_tui.operations.confirmer import Deny
from tests.support.backed import STORE, Backed, backed
from tests.support.group import outcome, told
from tests.support.servers import missing


@pytest.fixture
async def at() -> AsyncIterator[Backed]:
    """With a backup that is not copied."""
    async with backed({"copy_to": [STORE]}) as at:
        await at.back_up(copies=False)
        yield at


async def copied(at: Backed, base: str = "", **more: Any) -> list[Event]:
    async with at.scene(**more) as scene:
        plan = await copy(scene, await scene.chosen(base or at.record.base, "instance"), [STORE])
        return await at.servers.run(plan, scene.access)


def finding(events: list[Event], code: str) -> Any:
    return {found.code: found for event in events for found in event.findings}[code]


async def names(at: Backed) -> list[str]:
    return sorted(path.name.removeprefix(at.record.base) for path in at.copies.iterdir())


async def test_a_set_is_copied_later(at: Backed) -> None:
    assert list(at.copies.iterdir()) == []
    events = await copied(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert await names(at) == ["-0000.dfs", "-0001.dfs", "-summary.dfs", ".manifest.json"]
    assert [each.store for each in at.record.copies] == [STORE]
    assert {file.sha256 for file in at.record.copies[0].files} == {file.sha256 for file in at.record.files}


async def test_one_that_is_there_is_not_overwritten(at: Backed) -> None:
    await copied(at)
    before = {path.name: path.stat().st_mtime_ns for path in at.copies.iterdir()}
    events = await copied(at)
    assert outcome(events) is Outcome.BLOCKED, told(events)
    assert finding(events, f"absent-{STORE}").value == "a whole one is there"
    assert {path.name: path.stat().st_mtime_ns for path in at.copies.iterdir()} == before


async def test_half_a_set_is_not_copied(at: Backed) -> None:
    (at.folder / f"{at.record.base}-0000.dfs").unlink()
    with pytest.raises(Refused, match="shard 0000 is missing"):
        await copied(at)


async def test_a_set_the_server_made_by_itself_is_recorded_when_it_is_copied(at: Backed) -> None:
    await at.ask("SAVE", "DF", "nightly")
    events = await copied(at, "nightly")
    assert outcome(events) is Outcome.DONE, told(events)
    record = at.catalogue.find(("nightly", at.record.format))
    assert record is not None
    assert (record.who, [each.store for each in record.copies]) == ("cron", [STORE])


async def test_nothing_is_copied_without_a_yes(at: Backed) -> None:
    async with at.scene() as scene:
        plan = await copy(scene, await scene.chosen(at.record.base), [STORE])
        events = await at.servers.run(plan, scene.access, Deny())
    assert (outcome(events), list(at.copies.iterdir())) == (Outcome.DECLINED, [])


async def test_a_damaged_file_is_not_copied_and_nothing_of_it_is_left(at: Backed) -> None:
    path = at.folder / f"{at.record.base}-0001.dfs"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    events = await copied(at)
    assert outcome(events) is Outcome.INCOMPLETE, told(events)
    assert "damaged or replaced" in told(events)
    assert list(at.copies.iterdir()) == []
    assert at.record.copies == ()


async def test_a_store_that_fails_in_the_middle_keeps_nothing(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    write = FolderStore.write

    async def failing(store: FolderStore, name: str, *rest: Any, **more: Any) -> None:
        if name.endswith("-0001.dfs"):
            raise StoreFailed("the line is cut")
        await write(store, name, *rest, **more)

    monkeypatch.setattr(FolderStore, "write", failing)
    events = await copied(at)
    assert outcome(events) is Outcome.INCOMPLETE, told(events)
    assert any(f"backup copy alpha {at.record.base} --to {STORE}" in line for line in events[-1].follow_ups)
    assert (list(at.copies.iterdir()), at.record.copies) == ([], ())


async def test_a_store_that_does_not_say_whether_it_took_it(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(*_: Any, **__: Any) -> None:
        raise OutcomeUnknown("no answer", "look there")

    monkeypatch.setattr(FolderStore, "write", silent)
    events = await copied(at)
    assert outcome(events) is Outcome.INCOMPLETE, told(events)
    assert "nobody knows whether nas took it" in told(events)
    assert at.record.copies == ()


async def test_what_the_store_lists_is_compared(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    write = FolderStore.write

    async def cut_short(store: FolderStore, name: str, *rest: Any, **more: Any) -> None:
        await write(store, name, *rest, **more)
        if name.endswith("-0001.dfs"):
            (store.path / name).write_bytes(b"")

    monkeypatch.setattr(FolderStore, "write", cut_short)
    events = await copied(at)
    assert outcome(events) is Outcome.INCOMPLETE, told(events)
    assert "as it was sent" in told(events)
    assert (list(at.copies.iterdir()), at.record.copies) == ([], ())


async def test_a_manifest_that_cannot_be_written_is_no_harm(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    write = FolderStore.write

    async def failing(store: FolderStore, name: str, *rest: Any, **more: Any) -> None:
        if name.endswith(".json"):
            raise StoreFailed("the disk is full")
        await write(store, name, *rest, **more)

    monkeypatch.setattr(FolderStore, "write", failing)
    events = await copied(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert "without a manifest: the disk is full" in told(events)


async def test_a_catalogue_that_cannot_be_written(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with at.scene() as scene:
        plan = await copy(scene, await scene.chosen(at.record.base), [STORE])
        monkeypatch.setattr("dfly_tui.operations.backup.catalogue.write_private", full)
        events = await at.servers.run(plan, scene.access)
    assert outcome(events) is Outcome.INCOMPLETE, told(events)
    assert "it is copied, and the catalogue could not be written" in told(events)


async def test_a_store_that_is_down_does_not_keep_the_backup_from_being_made() -> None:
    async with backed({"copy_to": [STORE]}) as at:
        at.copies.rmdir()
        _, events = await at.back_up()
        assert outcome(events) is Outcome.INCOMPLETE, told(events)
        assert finding(events, f"store-{STORE}").verdict is Verdict.WARN
        assert [each.is_complete for each in await at.sets()] == [True]
        assert at.record.copies == ()


@pytest.mark.parametrize(("free", "ended"), [(100, Outcome.BLOCKED), (None, Outcome.DONE)])
async def test_room_in_the_store(at: Backed, monkeypatch: pytest.MonkeyPatch, free: int | None, ended: Outcome) -> None:
    async def space(_: FolderStore) -> Space | None:
        return None if free is None else Space(free, 1 << 40)

    monkeypatch.setattr(FolderStore, "space", space)
    events = await copied(at)
    assert outcome(events) is ended, told(events)


async def test_a_store_that_is_not_configured(at: Backed) -> None:
    async with at.scene() as scene:
        chosen = await scene.chosen(at.record.base)
        with pytest.raises(BadInput, match="are not copied to 'tape'"):
            await copy(scene, chosen, ["tape"])


# --- encrypted


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A private key of age in a file, and the public one."""
    if shutil.which("age-keygen") is None:
        missing("age is not installed", "DFLY_REQUIRE_CRYPT")
    path = tmp_path_factory.mktemp("age") / "key.txt"
    subprocess.run(["age-keygen", "-o", str(path)], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", str(path)], check=True, capture_output=True, text=True)
    return path, public.stdout.strip()


async def test_an_encrypted_copy_tells_nothing_and_comes_back(identity: tuple[Path, str]) -> None:
    path, public = identity
    options = {"copy_to": [STORE], "encrypt": "age", "recipients": [public], "identity_file": str(path)}
    async with backed(options, keys=0) as at:
        await at.ask("SET", "the-name-of-a-key", "what it holds")
        _, events = await at.back_up()
        assert outcome(events) is Outcome.DONE, told(events)
        assert await names(at) == ["-0000.dfs.age", "-0001.dfs.age", "-summary.dfs.age", ".manifest.json"]
        for file in at.copies.iterdir():
            data = file.read_bytes()
            assert b"the-name-of-a-key" not in data
            assert b"the-name-of-a-key".hex().encode() not in data
        assert at.record.copies[0].encryption is Encryption.AGE
        assert len(at.record.samples) == 1
        async with at.scene() as scene:
            chosen = await scene.chosen(at.record.base, STORE)
            for each in chosen.found.files:
                back = FolderStore("back", at.servers.state)
                await chosen.send(each, back, chosen.name_in("back", each))
        for original in at.folder.glob(f"{at.record.base}*"):
            name = original.name.replace(at.record.base, "back")
            assert (at.servers.state / name).read_bytes() == original.read_bytes()


async def test_without_the_program_nothing_is_copied(identity: tuple[Path, str], tmp_path: Path) -> None:
    options = {"copy_to": [STORE], "encrypt": "age", "recipients": [identity[1]]}
    async with backed(options) as at:
        await at.back_up(copies=False)
        events = await copied(at, environ={"PATH": str(tmp_path)})
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert finding(events, "encryption").advice == "install age"


async def test_what_is_encrypted_is_not_read_without_the_key(identity: tuple[Path, str]) -> None:
    options = {"copy_to": [STORE], "encrypt": "age", "recipients": [identity[1]]}
    async with backed(options) as at:
        await at.back_up()
        async with at.scene() as scene:
            with pytest.raises(DflyError, match="private key"):
                await scene.chosen(at.record.base, STORE)
            assert (await scene.chosen(at.record.base, STORE, readable=False)).coder is None


async def test_a_copy_may_be_copied_as_it_is(identity: tuple[Path, str]) -> None:
    """From one store to another, without the key."""
    options = {"copy_to": [STORE], "encrypt": "age", "recipients": [identity[1]]}
    async with backed(options) as at:
        await at.back_up()
        second = at.servers.state / "second"
        second.mkdir()
        async with at.scene() as scene:
            chosen = await scene.chosen(at.record.base, STORE, readable=False)
            object.__setattr__(scene, "others", (*scene.others, FolderStore("second", second)))
            plan = await copy(scene, chosen, ["second"])
            events = await at.servers.run(plan, scene.access)
        assert outcome(events) is Outcome.DONE, told(events)
        for name in ("-0000.dfs.age", "-summary.dfs.age"):
            file = f"{at.record.base}{name}"
            assert (second / file).read_bytes() == (at.copies / file).read_bytes()
        found = listing([each async for each in _files(second)]).sets
        assert [each.encryption for each in found] == [Encryption.AGE]


async def _files(folder: Path) -> AsyncIterator[Any]:
    for file in await FolderStore("second", folder).files():
        yield file
