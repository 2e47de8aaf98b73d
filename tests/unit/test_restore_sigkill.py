"""A program of its own that restores a set is killed (SIGKILL): the next one takes it back, or finishes it."""

from typing import Any

import pytest

from dfly_tui.operations.journal import records
from tests.support.proxy import Harm
from tests.support.restores import PASSWORD, RDB, Stage, come_to_an_end, stage
from tests.support.restoring import PATIENT_SECONDS, Told, ended, restoring

DF: dict[str, Any] = {}


def given(at: Stage, **more: Any) -> Told:
    config = at.servers.configs[0]
    at.servers.timeout_seconds = PATIENT_SECONDS
    return Told(config=config, password=PASSWORD, state=at.servers.state, folder=at.folder, record=at.record, **more)


def last(at: Stage) -> str:
    """What it had begun or done last."""
    record = next(iter(records(at.servers.journals)))
    return " ".join(list(record.steps.items())[-1])


@pytest.mark.parametrize(
    ("options", "flavour", "dies", "step"),
    [
        (DF, "1.40", {"dies_at": "saved done"}, "save done"),
        (DF, "1.22", {"dies_reading": "dump-1-summary.dfs"}, "swap intended"),
        (RDB, "1.40", {"dies_reading": "dump-1.rdb"}, "swap intended"),
        (RDB, "1.22", {"dies_at": "swap done"}, "swap done"),
        (DF, "1.40", {"dies_at": "loaded-set done"}, "start done"),
        (DF, "1.40", {"dies_at": "release done"}, "release done"),
    ],
)
async def test_it_kills_itself(options: dict[str, Any], flavour: str, dies: dict[str, str], step: str) -> None:
    async with stage("RDB" if options else "DF", flavour=flavour, **options) as at:
        await ended(await restoring(given(at, **dies)))
        assert last(at) == step
        await come_to_an_end(at)
        assert not [name for name in at.names() if name.endswith((".part", ".new"))]


async def test_it_kills_itself_while_it_copies() -> None:
    async with stage() as at:
        elsewhere = at.servers.state / "elsewhere"
        elsewhere.mkdir()
        for path in at.folder.glob("dump-1-*"):
            path.rename(elsewhere / path.name)
        await ended(await restoring(given(at, source=elsewhere, dies_reading="dump-1-0001.dfs")))
        assert last(at) == "stage intended"
        assert [name for name in at.names() if name.endswith("-0001.dfs.part")]
        await come_to_an_end(at)
        assert not [name for name in at.names() if name.endswith(".part")]


@pytest.mark.parametrize(
    ("options", "what", "harm", "step"),
    [(DF, "stop", Harm.LOST, "stop intended"), (RDB, "start", Harm.SILENT, "start intended")],
)
async def test_it_is_killed_when_the_engine_hears_of_it(
    options: dict[str, Any], what: str, harm: Harm, step: str
) -> None:
    async with stage("RDB" if options else "DF", **options) as at:
        process = await restoring(given(at))
        at.engine.chosen, at.engine.harm, at.engine.struck = lambda words: words[0] == what, harm, process.kill
        await ended(process)
        assert last(at) == step
        at.engine.struck = lambda: None
        await come_to_an_end(at)
