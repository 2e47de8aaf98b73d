"""`dfly-tui demo`: a primary, a replica and gentle traffic from the embedded lab, with the dashboard on top."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from dfly_tui.errors import ConfigError
from dfly_tui.paths import Paths
from dfly_tui.settings import InstanceConfig

SERVERS = 2


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser("demo", help="the dashboard on two simulated servers; needs nothing else")
    parser.add_argument("--flavour", choices=("1.22", "1.40"), default="1.40", help="which Dragonfly to imitate")
    parser.add_argument("--keys", type=int, default=2000, metavar="N", help="keys to begin with (default 2000)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start the lab in a process of its own, run the dashboard, stop the lab."""
    from dfly_tui.app import run_dashboard
    from dfly_tui.cli.read import settings_from

    settings = settings_from(args, args.environ, instances=False)
    with lab_servers(args.flavour, args.keys) as servers:
        settings = settings.model_copy(update={"instances": instances_of(servers)})
        return run_dashboard(settings, Paths.from_env(args.environ), args.environ)


@contextmanager
def lab_servers(flavour: str, keys: int) -> Iterator[list[Mapping[str, object]]]:
    """A lab primary with a replica, as long as the block runs.

    Yields:
        What the lab said of each server: name, port, pid, flavour.

    Raises:
        ConfigError: The lab did not start; its own words are in the detail.
    """
    command = [sys.executable, "-P", "-m", "dfly_tui.cli.main", "lab", "--traffic"]
    command += ["--flavour", flavour, "--keys", str(keys), "--port", "0", "--replica-port", "0"]
    with (
        tempfile.TemporaryFile("w+") as words,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, text=True) as lab,  # noqa: S603
    ):
        try:
            yield [_server(lab, words) for _ in range(SERVERS)]
        finally:
            lab.terminate()


def _server(lab: "subprocess.Popen[str]", words: IO[str]) -> Mapping[str, object]:
    """The next line of the lab, which comes once that server accepts connections."""
    line = lab.stdout.readline() if lab.stdout else ""
    if not line:
        words.seek(0)
        raise ConfigError(f"the lab did not start: {words.read().strip()}", "try `dfly-tui lab` to see why")
    server: Mapping[str, object] = json.loads(line)
    return server


def instances_of(servers: list[Mapping[str, object]]) -> tuple[InstanceConfig, ...]:
    """The configuration that watches the lab's primary and its replica."""
    primary, replica = (f"redis://127.0.0.1:{server['port']}" for server in servers)
    return (
        InstanceConfig(name="demo-primary", url=primary, group="demo", role="primary"),
        InstanceConfig(name="demo-replica", url=replica, group="demo", role="replica", replica_of="demo-primary"),
    )
