"""`dfly-tui failover rehearse`: the walkthrough on simulated servers, with a fault to choose, as training for on-call.

Nothing configured is touched, and nothing is left behind: servers, journal and reports live in a temporary folder.
"""

import argparse
import asyncio
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.failover_talk import talk
from dfly_tui.clock import SystemClock
from dfly_tui.errors import ConfigError, Refused
from dfly_tui.paths import Paths
from dfly_tui.settings import Defaults, FailoverSettings, InstanceConfig, Settings

FAULTS = {
    "none": "all is well: a planned switchover",
    "primary-frozen": "the primary takes connections and answers nothing: an emergency promotion",
    "network-cut": "we cannot reach the primary, its replicas can: nothing may be promoted",
    "replica-lagging": "the replica hangs and falls behind: the checks have to notice",
    "wrong-masterauth": "the replica's password for the primary is wrong: its link is down",
    "restart-always": "something starts the old primary again, as a writable one with old data",
}
GROUP = "rehearsal"
NAMES = ("one", "two", "three")
SYNC_SECONDS = 20.0
NOTICED_AFTER_SECONDS = 7.0
"""Replicas are witnesses that their primary is gone once they heard nothing for five seconds."""
FREEZE_AFTER_SECONDS = 15.0
"""With the dashboard the fault comes while one looks."""
LIMITS = FailoverSettings(
    takeover_seconds=5, lag_sample_seconds=0.5, cooldown_seconds=0.0, watch_seconds=5.0, return_seconds=10.0
)


def add_options(action: argparse.ArgumentParser) -> None:
    """The options of this action."""
    told = "; ".join(f"{name}: {words}" for name, words in FAULTS.items())
    action.add_argument("--fault", choices=FAULTS, default="none", help=told)
    action.add_argument("--replicas", type=int, choices=(1, 2), default=2, help="how many replicas (default 2)")
    action.add_argument("--flavour", choices=("1.22", "1.40"), default="1.40", help="which Dragonfly to imitate")
    action.add_argument("--dashboard", action="store_true", help="in the dashboard, with the wizard")
    action.add_argument("--yes", action="store_true", help="answer all questions with yes, to see it run")


def rehearse(args: argparse.Namespace) -> int:
    """Start the servers, bring the fault about, and run the plans that fit."""
    with (
        _ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="dfly-tui-rehearsal-") as folder,
        _Theatre(args, Path(folder)) as theatre,
    ):
        paths = Paths(Path(folder) / "config", Path(folder) / "state")
        settings = Settings(instances=theatre.configs(), failover=LIMITS, defaults=Defaults(timeout_seconds=1.0))
        talk(f"{len(theatre.configs())} simulated servers of v{args.flavour}; nothing of yours is touched.")
        talk(f"fault: {args.fault}: {FAULTS[args.fault]}")
        if args.dashboard:
            return _dashboard(args, settings, paths, theatre)
        theatre.bring_about()
        return _walk(args, settings, paths, theatre)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """To be told to end, or to lose the terminal, is as Ctrl-C: nothing is left behind."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    heard = threading.current_thread() is threading.main_thread()  # only there signals are
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP) if heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _dashboard(args: argparse.Namespace, settings: Settings, paths: Paths, theatre: "_Theatre") -> int:
    from dfly_tui.app import run_dashboard

    fault = threading.Timer(FREEZE_AFTER_SECONDS, theatre.bring_about)
    fault.daemon = True
    fault.start()
    try:
        return run_dashboard(settings, paths, args.environ)
    finally:
        fault.cancel()


def _walk(args: argparse.Namespace, settings: Settings, paths: Paths, theatre: "_Theatre") -> int:
    """Change the roles, bring the old primary back, and swap back; each only where it makes sense."""
    code = _play("run", args, settings, paths)
    if code not in {ExitCode.DONE, ExitCode.INCOMPLETE}:
        talk(f"\nIt ended with code {code}, and that may be right: read above what the checks said.")
        return code
    if theatre.start_again("one"):
        talk("\nSomebody started the old primary again, on its own.")
        code = _play("rejoin", args, settings, paths)
    return code or _play("swap-back", args, settings, paths)


def _play(action: str, args: argparse.Namespace, settings: Settings, paths: Paths) -> int:
    """One action, as the command of that name would run it."""
    from dfly_tui.cli.failover import Action, refused

    talk(f"\n$ dfly-tui failover {action} --group {GROUP}")
    everything = [word for name in NAMES for word in (name, f"{name} is off")]
    words = argparse.Namespace(
        **{**vars(args), "action": action, "group": GROUP, "to": None, "confirm": everything,
           "override_cooldown": True, "give_up": False},
    )  # fmt: skip
    try:
        return asyncio.run(Action(words, settings, paths, keeps_report=False).run())
    except Refused as error:
        return refused(error, as_json=args.json)


class _Theatre:
    """The simulated servers, each in a process of its own that ends with ours."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self._args = args
        self._folder = folder
        self._ports: dict[str, int] = {}
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._closing = False
        self._supervisor: threading.Thread | None = None
        self._names = NAMES[: args.replicas + 1]

    def __enter__(self) -> "_Theatre":
        try:
            for name in self._names:
                wrong = self._args.fault == "wrong-masterauth" and name != "one"
                self._start(name, follow=None if name == "one" else "one", password_file=self._password(wrong=wrong))
            for name in self._names[1:]:
                self._await_sync(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        for name in list(self._running):
            self._end(name)
        if self._supervisor is not None:
            self._supervisor.join()
            self._end("one")  # it may have been started again just now

    def _end(self, name: str) -> None:
        """End a server, be it stopped or gone already."""
        process = self._running[name]
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def configs(self) -> tuple[InstanceConfig, ...]:
        """How the servers are configured, the first as the intended primary."""

        def secret(name: str) -> dict[str, str]:
            return {"password_file": str(self._password(wrong=name != "one"))} if self._locked else {}

        return tuple(
            InstanceConfig.model_validate(
                {
                    "name": name, "url": f"redis://127.0.0.1:{self._ports[name]}", "group": GROUP, **secret(name),
                    **({"role": "primary"} if name == "one" else {"role": "replica", "replica_of": "one"}),
                }
            )
            for name in self._names
        )  # fmt: skip

    def bring_about(self) -> None:
        """Let the fault happen."""
        match self._args.fault:
            case "primary-frozen":
                self._freeze("one", "the primary is frozen now; its replicas need some seconds to notice")
            case "replica-lagging":
                for name in self._names[1:]:
                    self._freeze(name, f"{name} hangs now")
            case "network-cut":
                self._ask("one", "DEBUG", "LAB", "refuse", "on")
            case "restart-always":
                self._supervisor = threading.Thread(target=self._restart, daemon=True)
                self._supervisor.start()

    def start_again(self, name: str) -> bool:
        """Start a server that ended or hangs, on its own, with the data of its last snapshot; whether it had to be."""
        process = self._running[name]
        if self._args.fault == "restart-always" or (process.poll() is None and self._args.fault != "primary-frozen"):
            return False
        self._end(name)
        self._start(name, follow=None, password_file=self._password(wrong=False))
        return True

    def _freeze(self, name: str, words: str) -> None:
        self._running[name].send_signal(signal.SIGSTOP)
        talk(f"{words}.")
        if not self._args.dashboard:
            asyncio.run(SystemClock().sleep(NOTICED_AFTER_SECONDS))

    def _await_sync(self, name: str) -> None:
        """Wait until a replica is in sync; those with a wrong password never are."""
        clock = SystemClock()
        until = clock.monotonic() + SYNC_SECONDS
        while not self._locked and b"online" not in self._ask(name, "ROLE"):
            if clock.monotonic() > until:
                raise ConfigError(f"the simulated replica {name} did not get in sync", "try `dfly-tui lab` to see why")
            asyncio.run(clock.sleep(0.1))

    def _ask(self, name: str, *words: str) -> bytes:
        """Send a server one line; the lab's own switches and ROLE need no more."""
        with socket.create_connection(("127.0.0.1", self._ports[name]), timeout=5.0) as line:
            line.sendall(f"{' '.join(words)}\r\n".encode())
            answer: bytes = line.recv(4096)
            return answer

    def _restart(self) -> None:
        """As `restart: always` does."""
        self._running["one"].wait()
        if not self._closing:
            self._end("one")
            self._start("one", follow=None, password_file=self._password(wrong=False))

    @property
    def _locked(self) -> bool:
        return bool(self._args.fault == "wrong-masterauth")

    def _password(self, *, wrong: bool) -> Path | None:
        """A file with the servers' password; none where no password is needed."""
        if not self._locked:
            return None
        path = self._folder / ("other-password" if wrong else "password")
        if not path.exists():
            path.write_text("something else\n" if wrong else "rehearsal\n")
            path.chmod(0o600)
        return path

    def _start(self, name: str, *, follow: str | None, password_file: Path | None) -> None:
        command = [sys.executable, "-P", "-m", "dfly_tui.cli.main", "lab", "--exit-with-stdin", "--name", name]
        command += ["--flavour", self._args.flavour, "--port", str(self._ports.get(name, 0))]
        command += ["--data-dir", str(self._folder / name)]
        command += ["--replicaof", f"127.0.0.1:{self._ports[follow]}"] if follow else ["--keys", "1000", "--traffic"]
        command += ["--password-file", str(password_file)] if password_file else []
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**self._args.environ, "PYTHONUNBUFFERED": "1"},
            process_group=0,  # Ctrl-C is for us alone; and should we be killed, one that hangs ends all the same
        )  # fmt: skip
        self._running[name] = process
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise ConfigError("a simulated server did not start", "try `dfly-tui lab` to see why")
        self._ports[name] = int(json.loads(line)["port"])
