"""Time comes in through a `Clock`, so that tests decide what time it is. Nothing else asks the system."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Where the time comes from."""

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean anything."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of this clock."""


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def local_zone(environ: Mapping[str, str], file: Path = Path("/etc/localtime")) -> tzinfo:
    """The zone of this machine with its changes of the clock, which no `datetime` knows; UTC without one."""
    with suppress(ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        with suppress(KeyError):
            return ZoneInfo(environ["TZ"].removeprefix(":"))
        with file.open("rb") as compiled:
            return ZoneInfo.from_file(compiled, key="here")
    return UTC
