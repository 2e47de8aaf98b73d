"""What is told of a process that ran, and times as engines write them."""

from datetime import UTC, datetime

import pytest

from dfly_tui.clients.container_log import _time, told
from dfly_tui.models.load_log import LogLine

AT = datetime(2026, 1, 2, tzinfo=UTC)


def lines(*words: str) -> list[LogLine]:
    return [LogLine(AT, each) for each in words]


def test_how_it_ended() -> None:
    assert told(lines("Loading /data/dump.rdb"), None)[:2] == (True, "")
    assert told(lines("one", "two"), 0).end == "it ended with code 0: one; two"
    assert told([], 139, "no such program").end == "it ended with code 139: no such program"
    assert not told([], 139).was_killed, "that it did itself"
    assert told([], 137).was_killed
    assert told([], -9).was_killed
    assert told(lines("x] Rdb load failed: bad"), 1).end == "it ended with code 1: Rdb load failed: bad"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-02T00:00:00Z", AT),
        ("2026-01-02T02:00:00.5+02:00", AT.replace(microsecond=500_000)),
        ("2026-01-02T00:00:00.123456789Z x", AT.replace(microsecond=123_456)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+09:00", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2026-13-02T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("never", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_times(text: str, at: datetime) -> None:
    assert _time(text) == at
