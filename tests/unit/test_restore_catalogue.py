"""A restore as it is begun from the catalogue: what was recorded is compared, and what was proven is written down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dfly_tui.models.backup import BackupRecord, ProofLevel, Sample
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.backup.restore import Wish, restore
from dfly_tui.operations.backup.samples import take
from dfly_tui.operations.backup.scene import Backups, opened
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import Settings
from dfly_tui.settings_backup import StoreConfig
from tests.support.backups import QUICK
from tests.support.group import outcome
from tests.support.hurry import hurried
from tests.support.restores import Stage, stage, told_all


def no_secret(store: StoreConfig) -> PasswordSource:
    raise AssertionError("no store has one")


@asynccontextmanager
async def catalogued(at: Stage) -> AsyncIterator[Backups]:
    """A set of two keys whose values were sampled; afterwards the server has another one."""
    backup = QUICK.model_copy(update={"folder": str(at.folder)})
    configs = [config.model_dump() for config in at.servers.configs]
    settings = Settings.model_validate({"instances": configs, "backup": backup.model_dump()})
    async with (
        at.servers.access() as access,
        opened(
            access, "alpha", settings, plan_id=at.kept(access).plan_id, who="somebody", environ={},
            folder=at.servers.state / "backups", secret_of=no_secret,
        ) as scene,
    ):  # fmt: skip
        samples = await take(scene.keys)
        assert len(samples) == 2
        assert await at.ask("SAVE", "DF", "dump-2") == "OK"
        assert await at.ask("FLUSHALL") == "OK"
        assert await at.ask("SET", "another", "1") == "OK"
        keep(scene, at.record.model_copy(update={"base": "dump-2", "keys": {0: 2}, "samples": samples, "files": ()}))
        yield scene


def keep(scene: Backups, record: BackupRecord) -> None:
    scene.catalogue.keep(record)


async def run(at: Stage, scene: Backups) -> tuple[str, Outcome | None]:
    events = await at.servers.run(await restore(scene, await scene.chosen("dump-2"), Wish()), scene.access)
    return told_all(events), outcome(events)


@hurried
async def test_its_keys_hold_what_they_held() -> None:
    async with stage() as at, catalogued(at) as scene:
        text, end = await run(at, scene)
        assert end is Outcome.DONE, text
        assert "2 of 2 sampled keys are the same" in text
        assert await at.keys() == 2
        record = (await scene.chosen("dump-2")).record
        assert record is not None
        proof = record.last_proof(ProofLevel.RESTORED)
        assert proof is not None
        assert (proof.text, proof.keys) == ("restored into alpha", {0: 2})


@hurried
async def test_a_key_that_holds_something_else() -> None:
    async with stage() as at, catalogued(at) as scene:
        record = (await scene.chosen("dump-2")).record
        assert record is not None
        wrong = Sample(database=0, name_hex=b"later".hex(), kind="string", digest="0")
        keep(scene, record.model_copy(update={"samples": (wrong,)}))
        text, end = await run(at, scene)
        assert end is Outcome.UNDONE, text
        assert "1 of 1 sampled keys differ: later in database 0 holds something else" in text
        assert await at.ask("GET", "another") == "1"
