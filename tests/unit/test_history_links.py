"""The lag of each replica, kept by its primary's history."""

import math

import pytest

from dfly_tui.errors import Unreachable
from dfly_tui.models.info import Info
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.instruments import LINK_PREFIX, link_columns, link_lag
from dfly_tui.models.reading import Reading
from dfly_tui.models.replication import ReplicaSeen
from dfly_tui.pollers.history import MOST_LINKS, StatusHistory
from tests.support.fakes import changed_info, recorded_info
from tests.support.fleet import WALL


class Past:
    """A history, and the primary it is of."""

    def __init__(self, recording: str = "v1.40.1-primary") -> None:
        self.history = StatusHistory(200)
        self._recording = recording
        self._seq = 0
        self.seen: InstanceSnapshot

    def see(self, at: float, **fields: object) -> None:
        """Read once, with some fields changed."""
        self._seq += 1
        text = changed_info(recorded_info(self._recording), {"thread_count": 1, **fields})
        self.seen = InstanceSnapshot.from_info(Info.parse(text), taken_at=WALL)
        self.history.note(Reading(seq=self._seq, value=self.seen, value_at=at), at)

    def fail(self, at: float) -> None:
        """A read fails."""
        self._seq += 1
        self.history.note(Reading(seq=self._seq, error=Unreachable("gone"), failures=1), at)

    def replica(self, port: int) -> ReplicaSeen:
        return next(each for each in self.seen.replication.replicas if each.port == port)

    def seconds(self, port: int | None = None) -> float | None:
        replicas = self.seen.replication.replicas
        return self.history.link_seconds(self.replica(port) if port else replicas[0])

    def before(self) -> float | None:
        return self.history.last_link_seconds(self.seen.replication.replicas[0])


def line(lag: int, port: int = 17380) -> str:
    return f"ip=127.0.0.1,port={port},state=online,lag={lag}"


def test_each_replica_has_its_own_lag() -> None:
    past = Past()
    for second in range(10):
        past.see(second, keyspace_mutations=100 * second, slave0=line(201), slave1=line(51, 17381), connected_slaves=2)
    assert past.seconds(17380) == pytest.approx(2.0)
    assert past.seconds(17381) == pytest.approx(0.5)
    _, counted = past.history.series.window(link_columns(past.replica(17381))[0], 0.0)
    assert list(counted) == [51.0] * 10


def test_a_count_that_falls_with_each_acknowledgement_is_no_lag() -> None:
    past = Past()
    for second in range(10):
        past.see(second, keyspace_mutations=500 * second, slave0=line(1000 if second % 2 else 1))
    assert past.seconds() == 0.0


def test_a_replica_of_an_idle_primary_that_has_everything_is_not_behind() -> None:
    past = Past()
    for second in range(5):
        past.see(second, keyspace_mutations=7, slave0=line(1))
    assert past.seconds() == 0.0


def test_a_hanging_replica_of_an_idle_primary_shows() -> None:
    past = Past()
    for second in range(5):
        past.see(second, keyspace_mutations=7, slave0=line(21))
    assert past.seconds() == pytest.approx(20.0)


def test_no_time_without_a_rate() -> None:
    past = Past()
    past.see(0, slave0=line(900))
    assert past.seconds() is None
    assert past.before() is None


def test_what_was_known_last_is_kept_when_the_primary_goes() -> None:
    past = Past()
    for second in range(5):
        past.see(second, keyspace_mutations=100 * second, slave0=line(201))
    past.fail(5)
    assert past.seconds() is None
    assert past.before() == pytest.approx(2.0)


def test_redis_lag_is_in_bytes_and_in_the_time_its_stream_takes() -> None:
    past = Past("redis-7.0-primary")
    for second in range(5):
        sent = 10_000 * (second + 1)
        past.see(
            second, master_repl_offset=sent, slave0=f"ip=127.0.0.1,port=6380,state=online,offset={sent - 5000},lag=0"
        )
    assert link_lag(past.seen, past.seen.replication.replicas[0]) == 5000
    assert past.seconds() == pytest.approx(0.5)


def test_the_pings_of_an_idle_redis_are_no_lag_to_speak_of() -> None:
    past = Past("redis-7.0-primary")
    for second in range(5):
        past.see(second, master_repl_offset=660, slave0="ip=127.0.0.1,port=6380,state=online,offset=646,lag=1")
    seconds = past.seconds()
    assert seconds is not None
    assert seconds < 0.3


def test_addresses_that_come_and_go_do_not_fill_the_memory() -> None:
    past = Past()
    for second in range(200):
        past.see(second, keyspace_mutations=second, slave0=line(5, port=1000 + second))
    kept = [name for name in past.history.series.names if name.startswith(LINK_PREFIX)]
    assert len(kept) <= MOST_LINKS
    assert link_columns(past.seen.replication.replicas[0])[0] in kept
    assert not math.isnan(past.history.series.latest(kept[-1]))
