"""What a dashboard that is left open costs: CPU, terminal traffic and memory at 120×40, one reading a second."""

from collections.abc import Mapping

from tests.bench.common import (
    LIVE,
    above,
    bare_app,
    configuration,
    console_script,
    cost,
    empty_home,
    live_servers,
    report,
)
from tests.support.pty_app import PtyApp

SITUATIONS = {
    "status": ((), "", 20.0),
    "metrics": ((), "2", 10.0),
    "low_bandwidth": (("--low-bandwidth",), "", 10.0),
    "paused": ((), "p", 6.0),
    "help_open": ((), "?", 6.0),
    "jump_open": ((), ":", 6.0),
}
"""Name → (options, keys, seconds measured)."""
WARM_UP_SECONDS = 4.0
MOST_BYTES = {"status": 5000, "metrics": 5000, "low_bandwidth": 1000, "paused": 0, "help_open": 300, "jump_open": 300}
MOST_CPU_PERCENT = 3.0
MOST_RSS_MIB = 75.0


def measured(config: str, environ: Mapping[str, str], situation: str) -> dict[str, float]:
    options, keys, seconds = SITUATIONS[situation]
    with PtyApp([*console_script(), "--config", config, *options], environ=environ) as app:
        app.wait_for(LIVE)
        if keys:
            app.press(keys)
        app.pump(WARM_UP_SECONDS)
        return cost(app, app.pump(seconds))


def missed(situation: str, found: Mapping[str, float]) -> list[str]:
    targets = {
        "bytes_per_second": MOST_BYTES[situation], "cpu_percent": MOST_CPU_PERCENT, "rss_mib": MOST_RSS_MIB
    }  # fmt: skip
    return [f"{situation} {words}" for words in above(found, targets)]


def main() -> None:
    with empty_home() as environ, live_servers() as urls:
        config = str(configuration(environ, urls))
        found = {situation: measured(config, environ, situation) for situation in SITUATIONS}
        with bare_app(environ) as app:
            app.wait_for("live")
            app.pump(1.0)
            floor = cost(app, app.pump(10.0))
    report(
        "dashboard", [words for name, values in found.items() for words in missed(name, values)], **found, bare=floor
    )


if __name__ == "__main__":
    main()
