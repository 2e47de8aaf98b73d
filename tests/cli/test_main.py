"""The console script itself: what it loads, how it complains, how it ends."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from dfly_tui import __version__
from dfly_tui.cli.main import COMMANDS
from dfly_tui.paths import Paths
from dfly_tui.settings import Settings
from tests.cli.support import PROGRAM, Cli, process_environ

HEAVY = {"textual", "pydantic", "redis", "docker", "httpx", "rich", "asyncio"}


def modules_after(words: list[str], home: Path) -> set[str]:
    """The top-level modules that are loaded once a command is through."""
    program = (
        "import sys; from dfly_tui.cli.main import main; code = main(sys.argv[1:]);"
        "print(code, *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *words],
        env=process_environ(home),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split()[1:])


def test_version_loads_nothing_heavy(tmp_path: Path) -> None:
    assert modules_after(["--version"], tmp_path) & HEAVY == set()


@pytest.mark.parametrize("words", [["--url", "127.0.0.1:1", "status"], ["config", "check"]], ids=["status", "config"])
def test_headless_commands_load_no_screen_and_no_docker(tmp_path: Path, words: list[str]) -> None:
    loaded = modules_after(words, tmp_path)

    assert "pydantic" in loaded
    assert loaded & {"textual", "screens", "widgets", "docker"} == set()


def test_version_is_printed(cli: Cli) -> None:
    result = cli("--version")

    assert (result.code, result.out, result.err) == (0, f"dfly-tui {__version__}\n", "")


def test_help_lists_every_command(cli: Cli) -> None:
    result = cli("--help")

    assert result.code == 0
    listed = result.out.partition("COMMAND\n")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("    ") and line[4] != " "] == list(
        COMMANDS
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli: Cli, command: str) -> None:
    result = cli(command, "--help")

    assert result.code == 0
    assert result.out.startswith(f"usage: dfly-tui {command} ")


@pytest.mark.parametrize(
    ("words", "complaint", "hint"),
    [
        (["stats"], "there is no command 'stats'; did you mean status?", "dfly-tui --help"),
        (["xyzzy"], "there is no command 'xyzzy'", "dfly-tui --help"),
        (["--bogus"], "unrecognized arguments: --bogus", "dfly-tui --help"),
        (["--refresh", "soon", "status"], "argument --refresh: invalid float value: 'soon'", "dfly-tui --help"),
        (["status", "--json", "--watch"], "not allowed with argument --json", "dfly-tui status --help"),
        (["config"], "the following arguments are required: ACTION", "dfly-tui config --help"),
        ([], "the dashboard needs a terminal", "dfly-tui status"),
    ],
    ids=["typo", "unknown", "option", "value", "exclusive", "no-action", "no-terminal"],
)
def test_a_wrong_command_line_is_explained_on_stderr(cli: Cli, words: list[str], complaint: str, hint: str) -> None:
    result = cli(*words)

    assert (result.code, result.out) == (2, "")
    first, second = result.err.splitlines()
    assert first.startswith("dfly-tui: Usage: ")
    assert complaint in first
    assert second.startswith(f"  hint: {hint}")


@pytest.mark.parametrize(
    "words",
    [
        ["--config", "/x/c.toml", "config", "path"],
        ["config", "--config", "/x/c.toml", "path"],
        ["config", "path", "--config=/x/c.toml"],
    ],
    ids=["before", "between", "after"],
)
def test_global_options_stand_before_or_behind_the_command(cli: Cli, words: list[str]) -> None:
    assert cli(*words).out == "/x/c.toml\n"


def test_an_option_before_the_command_survives_one_behind_it(cli: Cli) -> None:
    result = cli("--refresh", "0", "config", "check", "--theme", "dfly-light")

    assert result.code == 2
    assert "--refresh: defaults.refresh_seconds" in result.err


def test_a_wrong_configuration_is_exit_code_2(cli: Cli) -> None:
    cli.config("[defaults]\nthem = 'x'\n")

    result = cli("status")

    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"dfly-tui: Configuration error: {cli.file}:2: defaults.them: unknown key; did you mean theme?\n"
    )


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)


def test_without_a_command_the_dashboard_gets_settings_paths_and_environment(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[Settings, Paths, Mapping[str, str]]] = []

    def run_dashboard(settings: Settings, paths: Paths, environ: Mapping[str, str]) -> int:
        opened.append((settings, paths, environ))
        return 0

    monkeypatch.setitem(sys.modules, "dfly_tui.app", SimpleNamespace(run_dashboard=run_dashboard))
    at_a_terminal(monkeypatch)

    result = cli("--url", "nas", "--read-only", "--dry-run", "--low-bandwidth", "--theme", "dfly-ansi")

    assert result.code == 0
    ((settings, paths, environ),) = opened
    assert [instance.name for instance in settings.instances] == ["nas:6379"]
    assert settings.defaults.model_dump(include={"read_only", "dry_run", "low_bandwidth", "theme"}) == {
        "read_only": True,
        "dry_run": True,
        "low_bandwidth": True,
        "theme": "dfly-ansi",
    }
    assert paths.config_file == cli.file
    assert environ["DFLY_TUI_CONFIG"] == str(cli.file)


def test_nothing_configured_opens_the_dashboard_all_the_same(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        sys.modules, "dfly_tui.app", SimpleNamespace(run_dashboard=lambda settings, *_: len(settings.instances))
    )
    at_a_terminal(monkeypatch)

    assert cli().code == 0


def test_ctrl_c_ends_it_quietly(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "dfly_tui.app", SimpleNamespace(run_dashboard=interrupted))
    at_a_terminal(monkeypatch)

    result = cli()

    assert (result.code, result.out, result.err) == (130, "", "")


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        done = subprocess.run(
            [*PROGRAM, "config", "path"],
            env=process_environ(tmp_path),
            stdout=theirs,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(theirs)

    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_without_unicode_gets_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "--url", "127.0.0.1:1", "status"],
        env={**process_environ(tmp_path), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "CRITICAL  127.0.0.1:1" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(("command", "code"), [("status", 1), ("check", 3), ("config path", 1)])
def test_a_full_disk_behind_stdout_gets_no_traceback(tmp_path: Path, command: str, code: int) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "--url", "127.0.0.1:1", *command.split()],
            env=process_environ(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == code
    assert done.stderr in ("dfly-tui: Something went wrong: No space left on device\n", "")


@pytest.mark.parametrize(("command", "code"), [("status", 1), ("check", 2), ("config path", 0), ("--version", 0)])
def test_closed_streams_change_nothing_but_what_is_seen(tmp_path: Path, command: str, code: int) -> None:
    done = subprocess.run(
        ["bash", "-c", 'exec "$@" <&- >&- 2>&-', "bash", *PROGRAM, "--url", "127.0.0.1:1", *command.split()],
        env=process_environ(tmp_path),
        check=False,
    )

    assert done.returncode == code


def test_a_low_soft_limit_of_files_is_raised(tmp_path: Path) -> None:
    instances = "".join(f"[[instances]]\nname = 'n{number}'\nurl = 'redis://127.0.0.1:1'\n" for number in range(40))
    (tmp_path / "c.toml").write_text(instances)
    done = subprocess.run(
        ["bash", "-c", 'ulimit -S -n 24; exec "$@"', "bash", *PROGRAM, "--config", str(tmp_path / "c.toml"), "status"],
        env=process_environ(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.count("refused the connection") == 40
    assert done.stderr == ""
