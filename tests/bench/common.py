"""What the benchmarks share: a home of their own, servers to watch, a line of JSON at the end."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.pty_app import DFLY_TUI, PtyApp, Traffic

ROOT = Path(__file__).parents[2]
LIVE = "● fresh"
"""On the screen once the dashboard shows live numbers."""


def report(bench: str, missed: list[str], **measured: object) -> None:
    """Print the one line of a benchmark; `missed` names the targets that were not met."""
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    print(json.dumps({"bench": bench, **machine, **measured, "missed": missed}), flush=True)


def above(measured: Mapping[str, float], targets: Mapping[str, float]) -> list[str]:
    """The targets (upper bounds) that were not met, in words."""
    return [f"{name}: {measured[name]} > {most}" for name, most in targets.items() if measured[name] > most]


@contextmanager
def empty_home() -> Iterator[dict[str, str]]:
    """An environment whose home folder is new, so that nobody's settings count."""
    with TemporaryDirectory() as home:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "DFLY_", "TEXTUAL"))}
        yield {**kept, "HOME": home, "PYTHONPATH": str(ROOT)}


@contextmanager
def live_servers() -> Iterator[list[str]]:
    """URLs of a lab primary with traffic and of its replica."""
    command = [*DFLY_TUI, "lab", "--port", "0", "--replica-port", "0", "--keys", "10000", "--traffic"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ) as lab:
        assert lab.stdout is not None
        try:
            yield [f"redis://127.0.0.1:{json.loads(lab.stdout.readline())['port']}" for _ in range(2)]
        finally:
            lab.terminate()


def configuration(home: Mapping[str, str], urls: list[str]) -> Path:
    """A configuration file that lists these servers."""
    path = Path(home["HOME"]) / "bench.toml"
    path.write_text("\n".join(f'[[instances]]\nname = "cache-{at:03}"\nurl = "{url}"' for at, url in enumerate(urls)))
    return path


def bare_app(environ: Mapping[str, str]) -> PtyApp:
    """The floor: a plain Textual program with 8 boxes and 4 of Textual's own sparklines, at 1 Hz."""
    return PtyApp([sys.executable, "-P", "-m", "tests.bench.bare"], environ=environ)


def cost(app: PtyApp, traffic: Traffic) -> dict[str, float]:
    """CPU, terminal traffic and memory over a window."""
    return {
        "cpu_percent": round(traffic.cpu_percent, 2),
        "bytes_per_second": round(traffic.bytes_per_second, 1),
        "sgr_share": round(traffic.sgr_bytes / max(1, traffic.written_bytes), 2),
        "rss_mib": round(app.rss_bytes() / 2**20, 1),
    }


def console_script() -> list[str]:
    """`dfly-tui` as installed, else through the interpreter."""
    script = shutil.which("dfly-tui", path=str(Path(sys.executable).parent))
    return [script] if script else list(DFLY_TUI)
