import random

import pytest

from dfly_tui.clients.connect import InstanceClients
from dfly_tui.errors import DockerFailed, Unreachable
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.health import State
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.metrics import MetricsPage
from dfly_tui.models.reading import Freshness
from dfly_tui.pollers.hub import Hub
from dfly_tui.settings import Defaults, InstanceConfig, Settings
from tests.support.clock import FakeClock, settle
from tests.support.fakes import (
    FakeContainers,
    FakeMetrics,
    FakeReader,
    config,
    container_info,
    empty_page,
    snapshot,
)


class Case:
    """A hub over instances that answer by script."""

    def __init__(self, *configs: InstanceConfig, docker: bool = False, **defaults: object) -> None:
        self.clock = FakeClock()
        self.readers: dict[str, FakeReader] = {}
        self.pages: dict[str, FakeMetrics] = {}
        self.containers: dict[str, FakeContainers] = {}
        self.docker = docker
        self.docker_says: ContainerInfo | BaseException = container_info()
        self.answers: list[InstanceSnapshot | BaseException] = [snapshot()]
        settings = Settings(defaults=Defaults.model_validate(defaults), instances=configs)
        self.hub = Hub(settings, self.open, clock=self.clock, rng=random.Random(1))

    def open(self, instance: InstanceConfig) -> InstanceClients:
        self.readers[instance.name] = FakeReader(self.answers)
        self.pages[instance.name] = FakeMetrics([empty_page()])
        if self.docker:
            self.containers[instance.name] = FakeContainers([self.docker_says])
        return InstanceClients(
            reader=self.readers[instance.name],
            metrics=self.pages[instance.name],
            containers=self.containers.get(instance.name),
        )


async def test_nothing_is_asked_before_somebody_looks() -> None:
    case = Case(config("a"), config("b"), docker=True)
    await case.clock.advance(10.0)
    assert [reader.calls for reader in case.readers.values()] == [0, 0]
    assert [status.state for status in case.hub.statuses()] == [State.UNKNOWN] * 2
    await case.hub.aclose()


async def test_every_instance_is_read_and_changes_are_told() -> None:
    case = Case(config("a"), config("b"), docker=True)
    told = 0

    def changed() -> None:
        nonlocal told
        told += 1

    leave = case.hub.subscribe(changed)
    await case.clock.advance(2.0)
    assert [reader.calls for reader in case.readers.values()] == [3, 3]
    assert [each.calls for each in case.containers.values()] == [1, 1]
    assert told == 8
    assert [(status.name, status.state) for status in case.hub.statuses()] == [("a", State.OK), ("b", State.OK)]
    leave()
    leave()
    await case.clock.advance(30.0)
    calls = case.readers["a"].calls
    await case.clock.advance(30.0)
    assert case.readers["a"].calls == calls
    await case.hub.aclose()


async def test_metrics_pages_are_read_only_while_somebody_looks_at_them() -> None:
    case = Case(config("a"), config("b"))
    case.hub.subscribe(lambda: None)
    seen: list[MetricsPage | None] = []
    await case.clock.advance(4.0)
    assert case.pages["a"].calls == 0
    case.hub["a"].page.subscribe(lambda reading: seen.append(reading.value))
    await case.clock.advance(4.0)
    assert (len(seen), case.pages["b"].calls) == (3, 0)
    assert len(case.hub["a"].page_history.series) == 3
    await case.hub.aclose()


async def test_history_is_there_for_a_screen_that_opens_late() -> None:
    case = Case(config("a"))
    case.hub.subscribe(lambda: None)
    await case.clock.advance(20.0)
    times, used = case.hub["a"].history.series.window("used", 1010.0)
    assert list(times) == [1010.0 + second for second in range(11)]
    assert set(used) == {151195280.0}
    await case.hub.aclose()


async def test_one_instance_down_does_not_hold_up_the_others() -> None:
    case = Case(config("down"), config("up"))
    case.readers["down"].hang = True
    case.hub.subscribe(lambda: None)
    await case.clock.advance(120.0)
    assert case.readers["up"].calls == 121
    assert [status.name for status in case.hub.statuses()] == ["down", "up"]
    assert case.hub.statuses()[0].reasons[0].code == "timeout"
    await case.hub.aclose()


async def test_killed_and_started_again_recovers_by_itself() -> None:
    case, refused = Case(), Unreachable("refused")
    case.answers = [snapshot(uptime_in_seconds=50), refused, refused, refused, snapshot(uptime_in_seconds=1)]
    case.hub.add(config("a"))
    case.hub.subscribe(lambda: None)
    states = []
    for _ in range(14):
        await case.clock.advance(1.0)
        states.append(case.hub.statuses()[0].state)
    assert State.CRITICAL in states
    assert states[-1] is State.OK
    await case.hub.aclose()


async def test_lag_and_refusals_reach_the_verdict() -> None:
    case = Case()
    frozen = [
        snapshot(
            thread_count=1,
            keyspace_mutations=100 * second,
            oom_rejections=5 * second,
            slave0=f"ip=10.0.0.2,port=6379,state=online,lag={100 * second}",
        )
        for second in range(41)
    ]
    case.answers = [*frozen]
    case.hub.add(config("a"))
    case.hub.subscribe(lambda: None)
    await case.clock.advance(40.0)
    (status,) = case.hub.statuses()
    assert status.observation.lag_seconds == pytest.approx(40.0)
    assert [reason.code for reason in status.reasons] == ["lag", "oom"]
    await case.hub.aclose()


@pytest.mark.parametrize("hours", [-5, 5])
async def test_a_wall_clock_that_jumps_changes_neither_age_nor_rate_nor_verdict(hours: int) -> None:
    case = Case()
    case.answers = [
        snapshot(
            thread_count=1,
            total_commands_processed=100 * number,
            keyspace_mutations=100 * number,
            uptime_in_seconds=1000 + number,
            slave0="ip=10.0.0.2,port=6379,state=online,lag=250",
        )
        for number in range(30)
    ]
    case.hub.add(config("a"))
    leave = case.hub.subscribe(lambda: None)
    await case.clock.advance(5.0)
    before = case.hub.statuses()[0]
    case.clock.jump(hours * 3600)
    await case.clock.advance(5.0)
    (after,) = case.hub.statuses()
    assert (after.freshness, after.reasons) == (before.freshness, before.reasons)
    assert after.freshness is Freshness.FRESH
    assert after.observation.lag_seconds == before.observation.lag_seconds == pytest.approx(2.5)
    times, rates = case.hub["a"].history.series.window("commands", 0.0)
    assert list(times) == sorted(times)
    assert list(rates[1:]) == pytest.approx([100.0] * 10)
    leave()
    await case.hub.aclose()


async def test_pause_holds_for_all_and_for_instances_added_later() -> None:
    case = Case(config("a"), docker=True)
    case.hub.subscribe(lambda: None)
    await settle()
    case.hub.pause(True)
    assert case.hub.paused
    case.hub.add(config("late"))
    case.hub.subscribe(lambda: None)
    await case.clock.advance(60.0)
    assert case.readers["a"].calls == 1
    assert case.readers["late"].calls == 1  # a newcomer sees what there is, once
    assert [status.reasons for status in case.hub.statuses()] == [(), ()]
    case.hub.refresh_now()
    await case.clock.advance(60.0)
    assert case.readers["a"].calls == 2
    case.hub.pause(False)
    await case.clock.advance(2.0)
    assert case.readers["a"].calls == 5
    await case.hub.aclose()


async def test_another_interval_holds_for_all_and_metrics_never_below_two_seconds() -> None:
    case = Case(config("a"), config("b", refresh_seconds=30.0))
    case.hub.subscribe(lambda: None)
    case.hub["a"].page.subscribe(lambda _: None)
    await settle()
    case.hub.set_interval(0.5)
    await case.clock.advance(4.0)
    assert case.hub.interval == 0.5
    assert case.readers["a"].calls == case.readers["b"].calls == 1 + 9
    assert case.pages["a"].calls == 1 + 3
    await case.hub.aclose()


async def test_a_slow_instance_keeps_enough_points_for_a_chart() -> None:
    case = Case(config("a", refresh_seconds=3600.0))
    case.hub.subscribe(lambda: None)
    await case.clock.advance(12 * 3600.0)
    assert len(case.hub["a"].history.series) == 13
    await case.hub.aclose()


async def test_docker_that_fails_is_one_warning() -> None:
    case = Case(docker=True)
    case.docker_says = DockerFailed("no such container: a")
    case.hub.add(config("a"))
    case.hub.subscribe(lambda: None)
    await case.clock.advance(3.0)
    (status,) = case.hub.statuses()
    assert [(reason.code, reason.state) for reason in status.reasons] == [("docker", State.WARNING)]
    await case.hub.aclose()


async def test_closing_stops_every_read_and_closes_every_connection() -> None:
    case = Case(config("a"), config("b"), docker=True)
    case.readers["a"].hang = True
    case.hub.subscribe(lambda: None)
    await case.clock.advance(1.0)
    await case.hub.aclose()
    for fakes in (case.readers, case.pages, case.containers):
        assert [fake.closed for fake in fakes.values()] == [True, True]
    assert case.readers["a"].running == 0
    calls = case.readers["b"].calls
    await case.clock.advance(30.0)
    assert case.readers["b"].calls == calls
