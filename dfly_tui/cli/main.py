"""The console script `dfly-tui`: finds the command, runs it, and turns errors into messages and exit codes.

Nothing heavy is imported here, and of the commands only the one asked for: `--version` must answer at once.
"""

import argparse
import difflib
import gc
import io
import os
import resource
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from dfly_tui import __version__
from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.errors import BadInput, Bug, ConfigError, DflyError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "status": ("dfly_tui.cli.status", "how every instance is, problems first"),
    "check": ("dfly_tui.cli.check", "one line and an exit code for Nagios, Icinga, Sensu, …"),
    "metrics": ("dfly_tui.cli.metrics", "current values from /metrics"),
    "replication": ("dfly_tui.cli.replication", "who follows whom, how far behind, and who is safe to promote"),
    "failover": ("dfly_tui.cli.failover", "change the roles of a group: switchover, failover, rejoin, swap back"),
    "backup": ("dfly_tui.cli.backup", "snapshots: saved, copied, verified, kept, tried and restored"),
    "keys": ("dfly_tui.cli.keys", "look into the databases of an instance: namespaces, keys, values"),
    "config": ("dfly_tui.cli.config", "write, check or find the configuration file"),
    "demo": ("dfly_tui.cli.demo", "the dashboard on simulated servers: nothing needed, nothing touched"),
    "lab": ("dfly_tui.cli.lab", "simulated servers to try things on"),
}
"""Command → the module with its `add_parser(subparsers)` and `run(args) -> int`, and its line in the help."""

MOST_FILES = 4096
PLUGIN_UNKNOWN = 3
"""What a monitoring plugin ends with when it could not tell."""


class UsageError(DflyError):
    """The command line is wrong."""

    code, title = "usage", "Usage"


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command; without one, the dashboard.

    Args:
        argv: Arguments without the program's name; the process' own when None.
        environ: The environment; the process' own when None. Commands find it as `args.environ`.

    Returns:
        The exit code, see `ExitCode`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    command = _command_of(words)
    _never_fail_to_print()
    try:
        return _tried(command, words, environ)
    except OSError as error:
        # A full disk behind stdout, no file descriptors left: nothing that a traceback would explain better.
        try:
            _complain(command, DflyError(error.strerror or str(error)))
            sys.stdout.flush()
        except OSError:
            _write_nowhere()
        return PLUGIN_UNKNOWN if command == "check" else ExitCode.FAILED
    except Exception as bug:
        if command != "check":
            raise
        # Uncaught it would end with 1, which a monitoring system takes for a warning about the servers.
        traceback.print_exc()
        return _complain(command, Bug(f"{type(bug).__name__}: {bug}"))


def _tried(command: str | None, words: list[str], environ: Mapping[str, str] | None) -> int:
    try:
        # The one place that looks at the process' environment; everything else is given it.
        code = _run(command, words, os.environ if environ is None else environ)  # noqa: TID251
        sys.stdout.flush()
    except SystemExit as done:  # argparse, after --help or --version
        return int(done.code or 0)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _write_nowhere()
        return ExitCode.READER_GONE
    except DflyError as error:
        return _complain(command, error)
    return code


def _run(command: str | None, words: list[str], environ: Mapping[str, str]) -> int:
    if command is not None and command not in COMMANDS:
        close = difflib.get_close_matches(command, COMMANDS, n=1)
        raise UsageError(f"there is no command {command!r}{f'; did you mean {close[0]}?' if close else ''}", _HINT)
    module = import_module(COMMANDS[command][0]) if command else None
    args = _parser(command, module, environ).parse_args(words)
    _more_files()
    return int(module.run(args)) if module else _dashboard(args)


def _parser(command: str | None, module: ModuleType | None, environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser of one command; the others are only named in its help."""
    parser = _Parser(
        prog="dfly-tui", description="A terminal cockpit for DragonflyDB. Without a command: the dashboard."
    )
    parser.add_argument("--version", action="version", version=f"dfly-tui {__version__}")
    parser.set_defaults(environ=environ)
    _add_global_options(parser, suppress=False)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=_CommandParser)
    for name, (_, summary) in COMMANDS.items():
        if module is not None and name == command:
            module.add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    return parser


_HINT = "dfly-tui --help lists commands and options"
_GLOBAL_OPTIONS: Mapping[str, dict[str, Any]] = {
    "--config": {"metavar": "FILE", "type": Path, "help": "the configuration file (see: dfly-tui config path)"},
    "--url": {"metavar": "URL", "help": "look at this one instance instead: redis://host:port, or host:port"},
    "--read-only": {"action": "store_true", "help": "allow no changes"},
    "--dry-run": {"action": "store_true", "help": "show what would be done and do nothing"},
    "--theme": {"metavar": "NAME", "help": "colour theme of the dashboard"},
    "--refresh": {"metavar": "SECONDS", "type": float, "help": "time between two reads"},
    "--low-bandwidth": {"action": "store_true", "help": "paint less, for slow connections"},
}
_TAKE_A_VALUE = tuple(name for name, how in _GLOBAL_OPTIONS.items() if "metavar" in how)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"{self.prog} --help")


class _CommandParser(_Parser):
    """Global options are understood behind the command, too; a command's own option of that name wins."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(**{"conflict_handler": "resolve", **options})
        _add_global_options(self, suppress=True)


def _add_global_options(parser: argparse.ArgumentParser, *, suppress: bool) -> None:
    group = parser.add_argument_group("options of every command")
    for name, how in _GLOBAL_OPTIONS.items():
        group.add_argument(name, **(how | {"default": argparse.SUPPRESS} if suppress else how))


def _command_of(words: Sequence[str]) -> str | None:
    """The first word that is neither an option nor an option's value."""
    rest = iter(words)
    for word in rest:
        if word in _TAKE_A_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


def _dashboard(args: argparse.Namespace) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):  # Textual paints on stderr
        raise UsageError("the dashboard needs a terminal", "dfly-tui status prints the same to a pipe or a file")
    from dfly_tui.app import run_dashboard
    from dfly_tui.cli.read import settings_from
    from dfly_tui.paths import Paths
    from dfly_tui.settings_load import CONFIG_VARIABLE, config_path

    settings = settings_from(args, args.environ, instances=False)
    # The app learns from its environment which file was asked for.
    environ = {**args.environ, CONFIG_VARIABLE: str(config_path(args.config, args.environ))}
    gc.freeze()  # code stays: a collection that walks through it makes a key press wait twice as long
    return run_dashboard(settings, Paths.from_env(args.environ), environ)


def _complain(command: str | None, error: DflyError) -> int:
    if command == "check":
        # A monitoring system reads one line from stdout, and 1 or 2 would mean that the servers have a problem.
        print(f"DRAGONFLY UNKNOWN - {' '.join(str(error).split()).replace('|', '/')}")
        return PLUGIN_UNKNOWN
    print(f"dfly-tui: {error}", file=sys.stderr)
    if error.hint:
        print(f"  hint: {error.hint}", file=sys.stderr)
    return ExitCode.USAGE if isinstance(error, BadInput | ConfigError | UsageError) else ExitCode.FAILED


def _more_files() -> None:
    """A hundred instances need several hundred descriptors; some systems grant 256 until they are asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def _write_nowhere() -> None:
    """What stdout still holds cannot be written, and the interpreter would try once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _never_fail_to_print() -> None:
    """A terminal that is not UTF-8 gets escapes instead of a traceback; a stream that was closed (`>&-`) swallows."""
    sys.stdin = sys.stdin or Path(os.devnull).open()  # noqa: SIM115
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
