"""Restores that were cut off: what is offered for them."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from dfly_tui.errors import Refused
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.backup.restore_resume import finish, resume, situation, take_back
from dfly_tui.operations.journal import records
from tests.support.backups import QUICK
from tests.support.group import outcome, told
from tests.support.hurry import hurried
from tests.support.restores import stage


class TestCutOff:
    @hurried
    async def test_one_that_was_released_is_finished_and_no_other(self) -> None:
        async with stage() as at:
            await at.restored()
            record = next(iter(records(at.servers.journals)))
            before = replace(record, steps={"fence": "done"})
            async with at.servers.access() as access:
                kept = at.kept(access)
                assert (await situation(kept, record)).restored
                with pytest.raises(Refused, match="clients write to it again"):
                    await take_back(kept, record)
                with pytest.raises(Refused, match="was not proven"):
                    await finish(kept, before)
                assert (await resume(kept, record)).kind == "finish"
                bare = at.servers.configs[0].model_copy(update={"docker": None})
                access.configs["alpha"] = bare
                with pytest.raises(Refused, match="no container in the configuration"):
                    await resume(kept, record)

    def test_hooks_are_run_or_named(self, tmp_path: Path) -> None:
        async def run() -> None:
            async with stage() as at:
                hooks = {"restore_hook_before": "true", "restore_hook_after": f"touch {tmp_path}/after"}
                at.settings = QUICK.model_copy(update=hooks)
                await at.restored(environ={"PATH": os.environ["PATH"]})
                (tmp_path / "after").unlink()
                record = next(iter(records(at.servers.journals)))
                async with at.servers.access() as access:
                    kept = at.kept(access, environ={"PATH": os.environ["PATH"]})
                    unhooked = replace(record, steps={**record.steps, "hook-after": "intended"})
                    plan = await finish(kept, unhooked)
                    assert "hook-after" in [act.id for act in plan.acts]
                    events = await at.servers.run(plan, access)
                    assert outcome(events) is Outcome.DONE, told(events)
                    assert (tmp_path / "after").exists()
                    assert "hook-after" not in [act.id for act in (await finish(at.kept(access), record)).acts]
                    at.folder.joinpath(record.plan.facts["file"]).unlink()
                    back = await take_back(at.kept(access), replace(record, steps={"hook-before": "done"}))
                    assert any("take back by hand what it did: true" in note for note in back.notes)

        asyncio.run(run())

    @hurried
    async def test_a_container_without_a_policy(self) -> None:
        async with stage() as at:
            at.box.policy = {"Name": "no", "MaximumRetryCount": 0}
            async with at.servers.access() as access:
                _, plan = await at.plan(access)
                assert "fence" not in [act.id for act in plan.acts]
                events = await at.servers.run(plan, access)
                assert outcome(events) is Outcome.DONE, told(events)
                record = next(iter(records(at.servers.journals)))
                plan = await finish(at.kept(access), record)
                assert "restore-policy" not in [act.id for act in plan.acts]
                with pytest.raises(Refused):
                    await take_back(at.kept(access), record)
                plan = await take_back(at.kept(access), replace(record, steps={"fence": "done"}))
                assert "restore-policy" not in [act.id for act in plan.acts]
