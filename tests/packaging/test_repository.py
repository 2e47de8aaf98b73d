"""Promises of the repository that no other tool looks after."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest_textual_snapshot

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def test_the_lock_pins_every_dependency() -> None:
    optional = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *optional["dev"], *optional["demo"], *optional["keyring"]]
    names = {re.split(r"[\[<>=~! ]", line)[0] for line in wanted} - {"dfly-tui"}
    locked = {line.split("==")[0] for line in LOCK.splitlines() if "==" in line}
    assert names <= locked, "run `make lock`"


def test_the_lock_names_no_place_to_download_from() -> None:
    assert "://" not in LOCK


def test_make_explains_itself() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in ("demo", "test", "check", "bench", "pictures", "lock", "clean"):
        assert re.search(rf"^  make {target} +\S", shown, re.MULTILINE)


def test_the_scripts_are_valid_shell() -> None:
    for script in sorted((ROOT / ".ci").iterdir()):
        shell = "bash" if "bash" in script.read_text("utf-8").splitlines()[0] else "sh"
        subprocess.run([shell, "-n", str(script)], check=True)
        assert script.stat().st_mode & 0o111, f"{script.name} is not executable"


def test_the_snapshot_report_tells_no_environment_variables() -> None:
    fields = [
        "snapshot",
        "actual",
        "test_name",
        "path",
        "line_number",
        "app",
        "docstring",
        "app_path",
        "snapshot_exists",
    ]
    told = pytest_textual_snapshot.SvgSnapshotDiff(environment={"PASSWORD": "x"}, **dict.fromkeys(fields))
    assert told.environment == {}
