"""`dfly-tui lab`: simulated servers to try things on, each in a process of its own."""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dfly_tui.errors import ConfigError

if TYPE_CHECKING:
    from dfly_tui.lab.options import LabOptions

FLAVOURS = ("1.22", "1.40")
STOP_SECONDS = 5.0
"""How long a server may take to end before it is killed."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser("lab", help="simulated servers to try things on")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="port to listen on (default: any free one)")
    parser.add_argument("--replica-port", type=_port, metavar="N", help="start a replica, too; 0 for any free port")
    parser.add_argument("--admin-port", type=_port, metavar="N", help="listen on an admin port, too")
    parser.add_argument("--flavour", choices=FLAVOURS, help="which Dragonfly to imitate (default 1.40)")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the password")
    parser.add_argument("--keys", type=int, default=0, metavar="N", help="keys to begin with (default 0)")
    parser.add_argument("--traffic", action="store_true", help="invent clients that read and write")
    parser.add_argument(
        "--data-dir", "--dir", type=Path, metavar="DIR", help="where snapshots live (default: a temporary place)"
    )
    parser.add_argument("--replicaof", type=_address, metavar="HOST:PORT", help="follow this primary")
    parser.add_argument("--maxmemory", default="1gb", metavar="SIZE", help="memory limit (default 1gb)")
    parser.add_argument("--snapshot-cron", default="", metavar="CRON", help="when to save by itself, five fields")
    parser.add_argument("--dbfilename", default="dump-{timestamp}", metavar="NAME", help="name of snapshots")
    parser.add_argument("--nodf_snapshot_format", action="store_true", help="save in Redis's format by itself")
    parser.add_argument("--proactor_threads", type=_threads, default=2, metavar="N", help="shards (default 2)")
    parser.add_argument("--name", default="lab", help="name in what is printed")
    parser.add_argument("--exit-with-stdin", action="store_true", help=argparse.SUPPRESS)
    for flag in ("--logtostderr", "--dbnum"):  # a Dragonfly is given these, too
        parser.add_argument(flag, nargs="?", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the servers until told to end.

    Returns:
        0, also after a takeover or SHUTDOWN.
    """
    if args.replica_port is not None:
        return _Pair(args).run()
    with ExitStack() as stack:
        folder = args.data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dfly-tui-lab-")))
        options, keeps = _options(args, folder, args.environ), args.data_dir is not None
        return asyncio.run(_serve(options, watch_stdin=args.exit_with_stdin, keeps=keeps))


def _options(args: argparse.Namespace, folder: Path, environ: Mapping[str, str]) -> "LabOptions":
    from dfly_tui.lab.options import LabOptions, bytes_of
    from dfly_tui.models.cron import BadCron, Cron

    try:
        maxmemory = bytes_of(args.maxmemory)
        Cron(args.snapshot_cron)
    except BadCron as problem:
        raise ConfigError(f"--snapshot-cron: {problem.detail}", problem.hint) from None
    except ValueError as problem:
        raise ConfigError(str(problem)) from None
    return LabOptions(
        name=args.name,
        host=args.host,
        port=args.port,
        admin_port=args.admin_port,
        flavour=args.flavour or environ.get("DFLY_flavour") or FLAVOURS[-1],
        password=_password(args.password_file) or environ.get("DFLY_requirepass") or None,
        data_dir=folder,
        replicaof=args.replicaof,
        keys=args.keys,
        traffic=args.traffic,
        maxmemory_bytes=maxmemory,
        dbfilename=args.dbfilename,
        snapshot_cron=args.snapshot_cron,
        df_snapshot_format=not args.nodf_snapshot_format,
        shards=args.proactor_threads,
    )


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        raise ConfigError(f"cannot read {file}: {problem.strerror}") from None
    if not lines or not lines[0]:
        raise ConfigError(f"{file} is empty", "its first line is the password")
    return lines[0]


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65536:
        raise ValueError(text)
    return number


def _threads(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1024:
        raise ValueError(text)
    return number


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host or "127.0.0.1", _port(port)


async def _serve(options: "LabOptions", *, watch_stdin: bool, keeps: bool) -> int:
    """One server, until a signal, SHUTDOWN, a takeover, or the end of stdin.

    Args:
        keeps: Its data outlives it: a signal makes it save first.
    """
    from dfly_tui.clock import SystemClock
    from dfly_tui.lab.server import LabServer
    from dfly_tui.lab.snapshot import Damaged

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    signalled = False

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    def heard() -> None:
        nonlocal signalled
        signalled = not ended.done()
        end(0)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, heard)
    server = LabServer(options, clock=SystemClock(), rng=random.Random(), on_exit=end)  # noqa: S311 - no secrets
    try:
        await server.start()
    except (OSError, Damaged) as problem:
        await server.stop()
        raise ConfigError(f"{options.name}: {problem}") from None
    if watch_stdin:
        await _watch_stdin(end)
    _announce({"name": options.name, "port": server.port, "pid": os.getpid(), "flavour": options.flavour})
    code = await ended
    if signalled and keeps:
        await server.save_at_end()
    await server.stop()
    return code


async def _watch_stdin(end: Callable[[int], None]) -> None:
    """End when whoever started us is gone: its end of the pipe closes with it."""

    class Watch(asyncio.Protocol):
        def eof_received(self) -> bool:
            end(0)
            return False

    await asyncio.get_running_loop().connect_read_pipe(Watch, sys.stdin)


def _announce(server: dict[str, object]) -> None:
    print(json.dumps(server), flush=True)


class _Pair:
    """A primary and its replica as two processes of which each may end alone, as in a takeover."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._children: list[subprocess.Popen[str]] = []

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        try:
            args = self._args
            traffic = ["--traffic"] if args.traffic else []
            primary = self._start("primary", args.port, ["--keys", str(args.keys), *traffic])
            self._start("replica", args.replica_port, ["--replicaof", f"{args.host}:{primary}"])
            for child in self._children:
                code = child.wait()
                print(f"process {child.pid} ended with code {code}", file=sys.stderr)
        except KeyboardInterrupt:
            pass
        finally:
            self._stop()
        return 0

    def _start(self, role: str, port: int, more: list[str]) -> int:
        """Start one and wait until it accepts connections; returns its port."""
        args = self._args
        name = role if args.name == "lab" else f"{args.name}-{role}"
        command = [sys.executable, "-P", "-m", "dfly_tui.cli.main", "lab", "--exit-with-stdin", "--name", name]
        command += ["--host", args.host, "--port", str(port), "--proactor_threads", str(args.proactor_threads), *more]
        command += ["--flavour", args.flavour] if args.flavour else []
        command += ["--maxmemory", args.maxmemory, "--dbfilename", args.dbfilename]
        command += [f"--snapshot-cron={args.snapshot_cron}"] if args.snapshot_cron else []
        command += ["--password-file", str(args.password_file)] if args.password_file else []
        command += ["--nodf_snapshot_format"] if args.nodf_snapshot_format else []
        command += ["--data-dir", str(args.data_dir / role)] if args.data_dir else []
        child = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
        )
        self._children.append(child)
        line = child.stdout.readline() if child.stdout else ""
        if not line:
            raise ConfigError(f"the {role} did not start", "its own words are above")
        server = json.loads(line)
        _announce(server)
        return int(server["port"])

    def _stop(self) -> None:
        for child in self._children:
            if child.stdin is not None:
                child.stdin.close()
            child.terminate()
        for child in self._children:
            with suppress(KeyboardInterrupt):
                try:
                    child.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
            if child.stdout is not None:
                child.stdout.close()


def _interrupt(number: int, frame: object) -> None:
    del number, frame
    raise KeyboardInterrupt
