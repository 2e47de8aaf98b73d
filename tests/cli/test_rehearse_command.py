"""`dfly-tui failover rehearse`: what a trainee sees of each fault, and that nothing is left behind."""

import subprocess
from pathlib import Path

import psutil
import pytest

from tests.cli.support import PROGRAM, process_environ

SECONDS = 120.0
"""Several processes on a busy machine; most end within ten."""


def rehearsed(home: Path, fault: str) -> tuple[int, str]:
    """The exit code and all that was printed, of a rehearsal with one replica, every question answered with yes."""
    ran = subprocess.run(
        [*PROGRAM, "failover", "rehearse", "--fault", fault, "--replicas", "1", "--yes"],
        env={**process_environ(home), "TMPDIR": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("network-cut", 3, ["blocked: two is promoted, as one is gone", "that may be right"]),
        ("replica-lagging", 1, ["two hangs now", "nobody can be promoted: two: No answer"]),
        ("wrong-masterauth", 1, ["nobody can be promoted: two: it holds the data of another primary"]),
        ("restart-always", 6, ["two takes over from one: done", "it came back as a primary, and now follows two"]),
    ],
)
def test_what_a_trainee_sees(tmp_path: Path, fault: str, code: int, said: list[str]) -> None:
    got, printed = rehearsed(tmp_path, fault)
    assert got == code, printed
    for words in ("2 simulated servers of v1.40; nothing of yours is touched", f"fault: {fault}:", *said):
        assert words in printed
    assert list(tmp_path.iterdir()) == [], "no folder, no journal, no report"
    left = [each.info["cmdline"] for each in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(each.info)]
    assert left == [], "no server"
