"""A backup now: what is checked, saved, proven, recorded and copied, and what is said when it fails."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clients.stores.port import Space
from dfly_tui.errors import NotSupported, ServerError, StoreFailed
from dfly_tui.models.backup import BackupRecord, ProofLevel
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.info import Info
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.operation import Outcome, Verdict
from dfly_tui.models.snapshots import SnapshotFormat, loaded_at_start
from dfly_tui.models.world import Seen
from dfly_tui.operations.backup import now
from dfly_tui.operations.backup.now import backup
from dfly_tui.operations.backup.now_checks import ready_findings
from dfly_tui.operations.backup.saving import progress_text
from dfly_tui.operations.confirmer import Deny
from dfly_tui.settings import InstanceConfig
from tests.support.backed import Backed, backed, finding, while_saving
from tests.support.group import outcome, told
from tests.support.proxy import Harm
from tests.support.servers import running_redis
from tests.support.sets import NOW


@pytest.fixture(params=["1.22", "1.40"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_backup_is_saved_read_recorded_and_copied(flavour: str) -> None:
    async with backed({"copy_to": ["nas"]}, flavour=flavour) as at:
        await at.ask("SET", "x", "1")
        scene, events = await at.back_up("before the upgrade")
        record = at.record
        assert outcome(events) is Outcome.DONE, told(events)
        assert (record.instance, record.format, record.why) == ("alpha", SnapshotFormat.DF, "before the upgrade")
        assert (record.who, record.run) == ("somebody@somewhere", scene.plan_id)
        assert record.version is not None
        assert record.version.startswith(flavour)
        assert record.keys == {0: 51}
        assert [file.name.removeprefix(record.base) for file in record.files] == [
            "-0000.dfs", "-0001.dfs", "-summary.dfs",
        ]  # fmt: skip
        for file in record.files:
            assert (at.folder / file.name).stat().st_size == file.size_bytes
            assert (at.copies / file.name).read_bytes() == (at.folder / file.name).read_bytes()
        assert [copy.store for copy in record.copies] == ["nas"]
        assert {proof.level for proof in record.proofs if proof.ok} == {ProofLevel.COMPLETE, ProofLevel.CHECKSUMS}


async def test_the_manifest_explains_the_copy_when_this_machine_is_lost() -> None:
    async with backed({"copy_to": ["nas"]}) as at:
        await at.back_up("why not")
        text = (at.copies / f"{at.record.base}.manifest.json").read_text()
        assert BackupRecord.model_validate_json(text) == at.record


@pytest.mark.parametrize(
    ("dbfilename", "kind"), [("dump-{timestamp}", "DF"), ("dump", "DF"), ("nightly-{Y}-{m}", "DF"), ("dump", "RDB")]
)
async def test_a_start_of_the_server_finds_it(dbfilename: str, kind: str) -> None:
    async with backed(dbfilename=dbfilename) as at:
        _, events = await at.back_up(kind=SnapshotFormat(kind.lower()))
        async with at.scene() as scene:
            files = await scene.instance_store.files()
        assert outcome(events) is Outcome.DONE, told(events)
        found = loaded_at_start(dbfilename, files)
        assert found is not None
        assert found.name.startswith(at.record.base)


@pytest.mark.parametrize("dbfilename", ["", "what.is.this", "50%-dump", "{timestamp}[x]"])
async def test_a_name_by_which_nothing_is_found_is_warned_of(dbfilename: str) -> None:
    async with backed(dbfilename=dbfilename) as at:
        _, events = await at.back_up()
        assert outcome(events) is Outcome.DONE, told(events)
        assert finding(events, "name").verdict is Verdict.WARN
        assert at.record.base.startswith("dfly-tui-")


async def test_an_rdb_file_is_written_where_the_server_looks_for_one() -> None:
    async with backed(dbfilename="dump.rdb", df_snapshot_format=False) as at:
        _, events = await at.back_up()
        assert outcome(events) is Outcome.DONE, told(events)
        assert (at.record.format, len(at.record.files)) == (SnapshotFormat.RDB, 1)


async def test_the_format_that_is_configured_is_written() -> None:
    async with backed({"format": "rdb"}) as at:
        await at.back_up()
        assert at.record.format is SnapshotFormat.RDB


async def test_keys_are_sampled_and_those_that_change_meanwhile_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backed(keys=0) as at:
        for name in ("still", "restless", "gone"):
            await at.ask("SET", name, "1")
        await at.ask("SET", "expires", "1", "EX", 100)

        async def meanwhile() -> None:
            await at.ask("SET", "restless", "2")
            await at.ask("DEL", "gone")

        while_saving(monkeypatch, at, meanwhile)
        _, events = await at.back_up()
        assert outcome(events) is Outcome.DONE, told(events)
        assert [bytes.fromhex(sample.name_hex) for sample in at.record.samples] == [b"still"]


async def test_a_user_who_may_not_read_keys_backs_up_all_the_same() -> None:
    async with backed() as at:
        at.servers.proxies["alpha"].chosen = lambda words: words[0] == "SCAN"
        at.servers.proxies["alpha"].harm = Harm.REFUSED
        _, events = await at.back_up()
        assert outcome(events) is Outcome.DONE, told(events)
        assert at.record.samples == ()
        assert "none of them sampled" in told(events)


async def test_nothing_is_sent_before_the_yes() -> None:
    async with backed({"copy_to": ["nas"]}) as at:
        async with at.scene() as scene:
            plan = await backup(scene)
            dry = await at.servers.run(plan, scene.access, dry_run=True)
            no = await at.servers.run(plan, scene.access, Deny())
        assert (outcome(dry), outcome(no)) == (Outcome.PLANNED, Outcome.DECLINED)
        assert at.servers.proxies["alpha"].sent("BGSAVE") == []
        assert (await at.sets(), at.records, list(at.copies.iterdir())) == ((), (), [])


async def test_the_save_is_sent_once(flavour: str) -> None:
    async with backed(flavour=flavour) as at:
        await at.back_up()
        assert len(at.servers.proxies["alpha"].sent("BGSAVE")) == 1


@pytest.mark.parametrize("harm", [Harm.LOST, Harm.DROPPED, Harm.SILENT])
async def test_an_answer_that_does_not_come_is_settled_by_looking(harm: Harm) -> None:
    async with backed() as at:
        proxy = at.servers.proxies["alpha"]
        proxy.chosen, proxy.harm = lambda words: words[0] == "BGSAVE", harm
        _, events = await at.back_up()
        assert outcome(events) is (Outcome.FAILED if harm is Harm.LOST else Outcome.DONE), told(events)
        assert len(at.records) == (0 if harm is Harm.LOST else 1)
        assert len(proxy.sent("BGSAVE")) == 1


# --- room and memory


@pytest.mark.parametrize(
    ("free", "verdict"), [(1 << 40, Verdict.PASS), (20_000, Verdict.WARN), (100, Verdict.BLOCK), (None, Verdict.WARN)]
)
async def test_room_for_twice_the_last_set(monkeypatch: pytest.MonkeyPatch, free: int | None, verdict: Verdict) -> None:
    async with backed() as at:
        await at.back_up()  # some 15 kB

        async def space(_: FolderStore) -> Space | None:
            return None if free is None else Space(free, 1 << 41)

        monkeypatch.setattr(FolderStore, "space", space)
        _, events = await at.back_up()
        assert finding(events, "room").verdict is verdict, told(events)
        assert outcome(events) is (Outcome.BLOCKED if verdict is Verdict.BLOCK else Outcome.DONE)


async def test_a_server_that_is_nearly_full_is_warned_of() -> None:
    async with backed(keys=10) as at:
        server = at.servers.servers["alpha"]
        await at.ask("CONFIG", "SET", "maxmemory", server.used_memory + 1000)
        _, events = await at.back_up()
        assert finding(events, "memory").verdict is Verdict.WARN
        assert outcome(events) is Outcome.DONE, told(events)


async def test_a_last_save_that_failed_is_told_with_what_to_do() -> None:
    async with backed() as at:
        faults = at.servers.servers["alpha"].faults
        faults.disk_full = True
        with pytest.raises(Exception, match="No space"):
            await _saved(at)
        faults.disk_full = False
        _, events = await at.back_up()
        last = finding(events, "last")
        assert (last.verdict, outcome(events)) == (Verdict.WARN, Outcome.DONE)
        assert "No space left" in last.value
        assert "make room" in last.advice


async def _saved(at: Backed) -> None:
    reply = await at.ask("SAVE")
    if isinstance(reply, Exception):
        raise reply


async def test_a_replica_is_backed_up_with_a_warning() -> None:
    async with backed(replicas=1, name="beta") as at:
        _, events = await at.back_up()
        assert finding(events, "role").verdict is Verdict.WARN
        assert (outcome(events), at.record.instance) == (Outcome.DONE, "beta"), told(events)


@pytest.mark.redis_server
async def test_redis_is_not_backed_up_from_here() -> None:
    async with running_redis() as redis, backed() as at:
        at.servers.configs = (at.servers.configs[0].model_copy(update={"url": f"redis://127.0.0.1:{redis.port}"}),)
        at.servers.password = None
        async with at.scene() as scene:
            with pytest.raises(NotSupported, match="only Dragonfly"):
                await backup(scene)


async def test_a_backup_that_was_made_before_is_not_touched() -> None:
    async with backed() as at:
        await at.back_up("first")
        first = at.record
        before = {path.name: path.read_bytes() for path in at.folder.iterdir()}
        await at.back_up("second")
        assert {name: (at.folder / name).read_bytes() for name in before} == before
        assert first in at.records
        assert len(at.records) == 2
        assert at.records[1].began_at - at.records[0].began_at < timedelta(minutes=1)


async def test_keys_that_cannot_be_read_again_are_no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backed() as at:

        async def refused(*_: Any) -> Any:
            raise ServerError("NOPERM")

        monkeypatch.setattr(now, "again", refused)
        _, events = await at.back_up()
        assert (outcome(events), at.record.samples) == (Outcome.DONE, ()), told(events)


async def test_a_server_that_goes_away_before_the_yes() -> None:
    async with backed() as at:
        async with at.scene() as scene:
            plan = await backup(scene)
            await at.servers.kill("alpha")
            events = await at.servers.run(plan, scene.access)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert finding(events, "reachable").value


async def test_a_server_that_goes_away_with_the_answer() -> None:
    async with backed() as at:
        proxy = at.servers.proxies["alpha"]
        proxy.chosen, proxy.harm = lambda words: words[0] == "BGSAVE", Harm.LOST

        def cut() -> None:
            asyncio.get_running_loop().call_soon(proxy.cut)

        proxy.struck = cut
        async with at.scene() as scene:
            plan = await backup(scene)
            mending = asyncio.get_running_loop().call_later(3, proxy.mend)
            events = await at.servers.run(plan, scene.access)
            mending.cancel()
        assert outcome(events) is Outcome.FAILED, told(events)
        assert at.records == ()


def test_memory_is_judged_by_the_container_too() -> None:
    found = {each.title: each for each in ready_findings(_seen(), {}, "base", SnapshotFormat.DF, NOW)}
    assert found["memory below the container's limit"].verdict is Verdict.WARN
    assert "memory below maxmemory" not in found
    assert found["a start of the server finds it"].value == "not known: CONFIG GET is not answered"


def _seen() -> Seen:
    info = Info.parse("# Server\r\ndragonfly_version:df-v1.40.1\r\n# Memory\r\nused_memory_rss:950\r\n")
    container = ContainerInfo(
        name="a", id="1", image="d", state="running", restart_policy="no", restarts=0, memory_limit_bytes=1000
    )
    snapshot = InstanceSnapshot.from_info(info, taken_at=NOW)
    return Seen(config=InstanceConfig(name="a", url="redis://a"), snapshot=snapshot, container=container)


def test_a_save_that_does_not_tell_how_far_it_is() -> None:
    info = Info.parse("# Server\r\ndragonfly_version:df-v1.22.2\r\n# Persistence\r\nsaving:1\r\n")
    assert progress_text(InstanceSnapshot.from_info(info, taken_at=NOW)) == "0%"


async def test_a_store_that_says_nothing_of_its_room_or_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backed({"copy_to": ["nas"]}) as at:

        async def unknown(_: FolderStore) -> None:
            return None

        monkeypatch.setattr(FolderStore, "writable", unknown)
        _, events = await at.back_up()
        assert finding(events, "writable").value == "not known before it is tried"
        assert outcome(events) is Outcome.DONE, told(events)


async def test_files_that_cannot_be_listed_for_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backed({"copy_to": ["nas"]}) as at:
        files = FolderStore.files

        async def failing(store: FolderStore) -> Any:
            if store.name == "instance":
                raise StoreFailed("the disk does not answer")
            return await files(store)

        monkeypatch.setattr(FolderStore, "files", failing)
        _, events = await at.back_up()
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert "the disk does not answer" in told(events)
