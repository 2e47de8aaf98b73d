"""`dfly-tui backup schedule`: when the server saves by itself, shown, set, paused, resumed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.backups import Desk, backed_up, configure
from tests.cli.support import PROGRAM, Cli, process_environ
from tests.support.proxy import Harm

NIGHTLY = "0 2 * * *"


@pytest.fixture
async def desk(cli: Cli, tmp_path: Path) -> AsyncIterator[Desk]:
    async with backed_up(cli, tmp_path, snapshot_cron=NIGHTLY) as made:
        yield made


async def test_a_schedule_is_shown_set_paused_and_resumed(desk: Desk) -> None:
    shown = await desk("schedule", "alpha")
    assert shown.out.splitlines()[0] == "alpha: 0 2 * * *: at 02:00"
    result = await desk("schedule", "alpha", "set", "0 */6 * * *", "--yes")
    assert (result.code, await desk.cron()) == (0, "0 */6 * * *"), result.err
    assert "by hand: a restart forgets it" in result.out
    result = await desk("schedule", "alpha", "pause", "2h", "--yes")
    assert (result.code, await desk.cron()) == (0, ""), result.err
    document = json.loads((await desk("schedule", "alpha", "show", "--json")).out)
    assert (document["schema"], document["cron"], document["paused_cron"]) == (1, "", "0 */6 * * *")
    result = await desk("schedule", "alpha", "resume", "--yes")
    assert (result.code, await desk.cron()) == (0, "0 */6 * * *"), result.err
    document = json.loads((await desk("schedule", "alpha", "--json")).out)
    assert (document["words"], len(document["next_runs"]), document["paused_until"]) == ("every 6 hours", 5, None)
    assert (await desk("schedule", "alpha", "resume", "--yes")).code == 3
    assert (await desk("schedule", "alpha", "set", "", "--yes")).code == 0
    assert await desk.cron() == ""


async def test_a_schedule_by_both_clocks(desk: Desk) -> None:
    """The server's files are named in UTC, and whoever asks is in Tokyo."""
    assert await desk.ask("SAVE") == "OK"
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "backup", "schedule", "alpha",
        env=process_environ(desk.home) | {"SECRET": desk.servers.password or "", "TZ": "Asia/Tokyo"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err
    runs = [line for line in out.decode().splitlines() if " 02:00 UTC" in line]
    assert len(runs) == 5
    assert all(line.endswith(" 11:00 here") for line in runs)


async def test_an_answer_that_does_not_come_while_the_server_goes_is_unknown(desk: Desk) -> None:
    proxy = desk.servers.proxies["alpha"]
    proxy.chosen, proxy.harm, proxy.struck = (lambda words: words[:2] == ("CONFIG", "SET")), Harm.LOST, proxy.cut
    result = await desk("schedule", "alpha", "set", "0 4 * * *", "--yes")
    assert result.code == 5, result.err
    assert "CONFIG GET snapshot_cron" in result.out


async def test_a_day_that_never_comes_is_blocked(desk: Desk) -> None:
    result = await desk("schedule", "alpha", "set", "0 0 31 2 *", "--yes")
    assert (result.code, await desk.cron()) == (3, NIGHTLY), result.err


async def test_production_asks_for_its_name(desk: Desk) -> None:
    configure(desk.cli, desk.servers, desk.home, environment="production")
    assert (await desk("schedule", "alpha", "set", "", "--yes")).code == 4
    assert await desk.cron() == NIGHTLY
    result = await desk("schedule", "alpha", "set", "", "--yes", "--confirm", "alpha")
    assert (result.code, await desk.cron()) == (0, ""), result.err
