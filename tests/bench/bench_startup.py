"""How long until something is on the screen, beside a bare Textual program, dolphie and iredis."""

import os
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.common import LIVE, above, bare_app, console_script, empty_home, live_servers, report
from tests.support.pty_app import PtyApp

TARGETS = {
    "version_seconds": 0.12,
    "first_paint_seconds": 0.6,
    "first_live_seconds": 0.9,
    "first_live_cpu_seconds": 0.8,
}
PEERS = ("dolphie", "iredis")
ROUNDS = 5


def best_run(command: Sequence[str], environ: Mapping[str, str]) -> float:
    """Seconds of the fastest of some runs to the end."""

    def once() -> float:
        began = time.perf_counter()
        subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        return time.perf_counter() - began

    return round(min(once() for _ in range(ROUNDS)), 3)


def dashboard(url: str, environ: Mapping[str, str]) -> dict[str, float]:
    """The best of three starts on a live server."""
    runs = []
    for _ in range(3):
        with PtyApp([*console_script(), "--url", url], environ=environ) as app:
            paint = app.wait_for("instance")
            live = app.wait_for(LIVE)
            runs.append((live, paint, app.cpu_seconds()))
    live, paint, cpu = min(runs)
    return {
        "first_paint_seconds": round(paint, 3),
        "first_live_seconds": round(live, 3),
        "first_live_cpu_seconds": round(cpu, 2),
    }


def bare(environ: Mapping[str, str]) -> float:
    """First paint of a bare Textual program."""

    def once() -> float:
        with bare_app(environ) as app:
            return app.wait_for("ready")

    return round(min(once() for _ in range(3)), 3)


def peers(url: str, environ: Mapping[str, str]) -> dict[str, object]:
    """The same of programs that people use today, or why it could not be measured."""
    try:
        folder = installed_peers()
    except (OSError, subprocess.SubprocessError) as error:
        return {"skipped": f"dolphie and iredis could not be installed: {error}"}
    port = url.rpartition(":")[2]
    with PtyApp([str(folder / "iredis"), "-h", "127.0.0.1", "-p", port], environ=environ) as iredis:
        prompt = iredis.wait_for(f"127.0.0.1:{port}.*>")
    return {
        "iredis_version_seconds": best_run([str(folder / "iredis"), "--version"], environ),
        "iredis_prompt_seconds": round(prompt, 3),
        # Without a MySQL server dolphie shows its connect dialog, no data.
        "dolphie_version_seconds": best_run([str(folder / "dolphie"), "--version"], environ),
        "dolphie_first_paint_seconds": dolphie_dialog(folder, environ),
    }


def dolphie_dialog(folder: Path, environ: Mapping[str, str]) -> float | str:
    """Until its connect dialog shows."""
    with PtyApp([str(folder / "dolphie")], environ=environ) as app:
        try:
            return round(app.wait_for("(?i)connect|submit", 15), 3)
        except AssertionError:
            return "its dialog did not show"


def installed_peers() -> Path:
    """The folder of the peers' programs; made once, in the user's cache."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dfly-tui" / "bench-peers"
    programs = home / "bin"
    if not all((programs / peer).exists() for peer in PEERS):
        venv.create(home, with_pip=True, clear=True)
        subprocess.run(
            [programs / "python", "-m", "pip", "-qq", "install", *PEERS], check=True, timeout=300, stdout=sys.stderr
        )
    return programs


def main() -> None:
    with empty_home() as environ, live_servers() as urls:
        ours = {"version_seconds": best_run([*console_script(), "--version"], environ), **dashboard(urls[0], environ)}
        report(
            "startup",
            above(ours, TARGETS),
            **ours,
            bare_first_paint_seconds=bare(environ),
            peers=peers(urls[0], environ),
        )


if __name__ == "__main__":
    main()
