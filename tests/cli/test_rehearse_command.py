"""`dfly-tui failover rehearse`: what a trainee sees of each fault, and that nothing is left behind."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.cli.support import heeds_ctrl_c, process_environ
from tests.support.eventually import eventually

SECONDS = 120.0
"""Several processes on a busy machine; most end within ten."""
SOON = """
import sys
from dfly_tui.cli import rehearse
from dfly_tui.cli.main import main
short = {"lag_sample_seconds": 0.05, "watch_seconds": 0.3, "return_seconds": 1.0}
rehearse.LIMITS, rehearse.NOTICED_AFTER_SECONDS = rehearse.LIMITS.model_copy(update=short), 0.5
sys.exit(main())
"""
"""The program, which gives a trainee less time to read."""


def words(fault: str, replicas: int = 1) -> list[str]:
    return [sys.executable, "-P", "-c", SOON, "failover", "rehearse", "--fault", fault, "--replicas", str(replicas)]


def rehearsed(home: Path, *command: str) -> tuple[int, str]:
    """The exit code and all that was printed, where nobody is at the terminal; and nothing is left behind."""
    ran = subprocess.run(
        command, env={**process_environ(home), "TMPDIR": str(home)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert list(home.iterdir()) == [], "no folder, no journal, no report"
    left = [each.info["cmdline"] for each in psutil.process_iter(["cmdline"]) if str(home) in str(each.info)]
    assert left == [], "no server"
    for trouble in ("Traceback", "Warning"):
        assert trouble not in ran.stdout, ran.stdout
    return ran.returncode, ran.stdout


ALL_IN_ORDER = ["$ dfly-tui failover run", "$ dfly-tui failover rejoin", "$ dfly-tui failover swap-back"]
SEEN = {
    "none": (6, [
        "{new} takes over from one: done", "{other} follows {new}: done", "left to do: when one is back",
        "Somebody started the old primary again", "one follows {new}: done", "one takes over from {new}: done",
        "{other} follows one: done", *ALL_IN_ORDER,
    ]),
    "primary-frozen": (6, [
        "the primary is frozen now", "ok   one is gone, as seen from more than one side: we: No answer",
        "WARN what is lost at most: not known", "one is cut off: done", "promote two: done",
        "Somebody started the old primary again", "one follows two: done", "one takes over from two: done",
        *ALL_IN_ORDER,
    ]),
    "network-cut": (3, [
        "STOP one is gone: two heard it 0 s ago", "only this machine cannot reach it", "that may be right",
        "blocked: two is promoted, as one is gone",
    ]),
    "replica-lagging": (3, ["two hangs now", "nobody can be promoted: two: No answer", "that may be right"]),
    "wrong-masterauth": (3, ["nobody can be promoted: two:", "is its masterauth right?", "that may be right"]),
    "restart-always": (6, [
        "two takes over from one: done", "it came back as a primary, and now follows two", "done: two takes over",
        "one takes over from two: done",
    ]),
}  # fmt: skip


@pytest.mark.parametrize("fault", SEEN)
def test_what_a_trainee_sees(tmp_path: Path, fault: str) -> None:
    code, told = SEEN[fault]
    replicas = 2 if fault == "none" else 1
    got, printed = rehearsed(tmp_path, *words(fault, replicas), "--yes")
    assert got == code, printed
    new, other = ("three", "two") if "three takes over from one" in printed else ("two", "three")
    for line in (f"{replicas + 1} simulated servers of v1.40; nothing of yours is touched", f"fault: {fault}:", *told):
        assert line.format(new=new, other=other) in printed, line
    starts = [printed.find(line) for line in ALL_IN_ORDER if line in printed]
    assert starts == sorted(starts)


def test_nobody_says_yes(tmp_path: Path) -> None:
    code, printed = rehearsed(tmp_path, *words("none"))
    assert code == 4, printed
    assert "nobody is at the terminal to confirm" in printed
    assert "takes over from one: done" not in printed


@pytest.mark.parametrize(
    "how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda how: how.name
)
async def test_a_rehearsal_that_is_ended_leaves_no_server(tmp_path: Path, how: signal.Signals) -> None:
    """Not even the one that is stopped, which cannot notice that we are gone."""
    process = await asyncio.create_subprocess_exec(
        *words("primary-frozen"), "--yes", env={**process_environ(tmp_path), "TMPDIR": str(tmp_path)},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        preexec_fn=heeds_ctrl_c,
    )  # fmt: skip
    servers: list[psutil.Process] = []

    async def one_is_stopped() -> bool:
        servers[:] = psutil.Process(process.pid).children()
        return [server.status() for server in servers].count(psutil.STATUS_STOPPED) == 1

    try:
        await eventually(one_is_stopped, within=SECONDS)
        assert len(servers) == 2
    finally:
        process.send_signal(how)
        await process.communicate()
        _, alive = await asyncio.to_thread(psutil.wait_procs, servers, 10)
        for server in alive:
            server.kill()
    assert not alive
    if how is not signal.SIGKILL:
        assert process.returncode == 130
        assert list(tmp_path.iterdir()) == []
