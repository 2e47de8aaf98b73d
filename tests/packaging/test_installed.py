"""What people install: the wheel's content, a start from an awkward folder, nothing heavy before it is needed."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("dfly_tui", "screens", "themes", "widgets")
HEAVY = (
    "textual",
    "rich",
    "pydantic",
    "redis",
    "hiredis",
    "httpx",
    "docker",
    "prometheus_client",
    "asyncio",
    "tomlkit",
)


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run this Python with our packages on its path and not the folder it is started from."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The wheel: path → content."""
    folder = tmp_path_factory.mktemp("wheel")
    # The build backend directly: no network, no environment of its own.
    build = f"import hatchling.build; print(hatchling.build.build_wheel({str(folder)!r}))"
    built = python("-c", build)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def test_the_wheel_has_every_module_style_sheet_and_data_file(wheel_files: dict[str, bytes]) -> None:
    ours = {path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    expected = {str(path.relative_to(ROOT)) for path in ours if "__pycache__" not in path.parts}
    assert {"dfly_tui/py.typed", "themes/base.tcss"} <= expected
    assert expected <= wheel_files.keys()


def test_the_wheel_has_nothing_but_the_four_packages(wheel_files: dict[str, bytes]) -> None:
    top = {name.split("/")[0] for name in wheel_files if ".dist-info/" not in name}
    assert top == set(PACKAGES)


def test_the_wheel_brings_the_command(wheel_files: dict[str, bytes]) -> None:
    entry_points = next(content for name, content in wheel_files.items() if name.endswith("entry_points.txt"))
    assert b"dfly-tui = dfly_tui.cli.main:main" in entry_points


@pytest.mark.parametrize("arguments", [["--version"], ["status", "--help"]], ids=["version", "help"])
def test_it_starts_in_a_folder_with_packages_of_the_same_names(tmp_path: Path, arguments: list[str]) -> None:
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the wrong package')")
    ran = python("-m", "dfly_tui.cli.main", *arguments, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "dfly-tui" in ran.stdout


def modules_after(statement: str) -> set[str]:
    """The top-level names of all that is loaded once a statement has run."""
    ran = python("-c", f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))")
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split())


def test_the_command_line_loads_nothing_heavy() -> None:
    assert modules_after("import dfly_tui.cli.main").isdisjoint(HEAVY)


@pytest.mark.parametrize("command", ["status", "check", "metrics", "config", "lab", "demo"])
def test_a_headless_command_knows_nothing_of_the_screen(command: str) -> None:
    loaded = modules_after(f"import dfly_tui.cli.{command}")
    assert loaded.isdisjoint({"textual", "widgets", "screens", "themes"})
