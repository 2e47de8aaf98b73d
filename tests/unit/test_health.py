import pytest

from dfly_tui.errors import (
    AuthFailed,
    Bug,
    ConfigError,
    DflyError,
    DockerFailed,
    Loading,
    SecretError,
    Timeout,
    Unreachable,
)
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.health import Reason, State, assess
from dfly_tui.models.reading import Freshness, Reading
from tests.support.clock import START
from tests.support.fakes import NOW, config, container_info, observation, snapshot
from tests.support.verdicts import HOUR, LIMITS, codes, judge, only_reason, saved


@pytest.mark.parametrize(
    "recording",
    [
        "v1.22.2-primary",
        "v1.22.2-replica",
        "v1.40.1-primary",
        "v1.40.1-replica",
        "redis-7.0-primary",
        "redis-7.0-replica",
    ],
)
def test_the_recorded_servers_are_healthy(recording: str) -> None:
    recent = {"rdb_last_save_time": saved(1)} if recording.startswith("redis") else {}
    status = judge(observation(snapshot(recording, **recent)))
    assert status.reasons == ()
    assert status.state is State.OK
    assert status.freshness is Freshness.FRESH


def test_before_the_first_read_the_state_is_unknown() -> None:
    status = judge(observation())
    assert (status.state, status.freshness, status.reasons) == (State.UNKNOWN, Freshness.PENDING, ())
    assert status.snapshot is None
    assert status.lag_records is None


# --- contact


def test_a_refused_connection_warns_and_the_third_is_critical() -> None:
    refused = Unreachable("10.0.0.1:6379 refused the connection", "is it running?")
    once = judge(observation(snapshot(), error=refused, failures=1))
    lost = judge(observation(snapshot(), error=refused, failures=3))
    assert (once.state, once.freshness) == (State.WARNING, Freshness.STALE)
    assert (lost.state, lost.freshness) == (State.CRITICAL, Freshness.LOST)
    assert lost.reasons[0] == Reason(
        code="unreachable",
        text="Unreachable: 10.0.0.1:6379 refused the connection",
        advice="is it running?",
        state=State.CRITICAL,
    )


def test_a_refused_password_is_critical_from_the_start() -> None:
    reason = only_reason(observation(error=AuthFailed("WRONGPASS", "check password_env")))
    assert (reason.code, reason.text, reason.state) == ("auth", "Password refused: WRONGPASS", State.CRITICAL)


def test_a_server_that_answers_loading_is_asked_to_wait_for_and_is_no_outage() -> None:
    reason = only_reason(observation(error=Loading("Dragonfly is loading the dataset"), failures=9))
    assert (reason.code, reason.state) == ("loading", State.WARNING)


def test_old_numbers_are_said_to_be_old() -> None:
    reason = only_reason(observation(snapshot(), age=5.0))
    assert (reason.code, reason.text, reason.state) == ("stale", "no news for 5 s", State.WARNING)
    assert reason.advice


def test_paused_is_no_alarm() -> None:
    item = observation(snapshot(), age=500.0)
    paused = item.model_copy(update={"status": item.status.model_copy(update={"paused": True})})
    status = judge(paused)
    assert (status.reasons, status.freshness) == ((), Freshness.STALE)


def test_what_was_seen_of_a_lost_instance_no_longer_counts() -> None:
    full = snapshot(used_memory=1 << 30)
    assert codes(observation(full, error=Timeout("no answer"), failures=2)) == ["memory", "timeout"]
    assert codes(observation(full, error=Timeout("no answer"), failures=3)) == ["timeout"]


# --- container


def test_a_container_that_ended_is_critical() -> None:
    info = container_info(state="exited", exit_code=137, oom_killed=True)
    reason = only_reason(observation(snapshot(), container=Reading(seq=1, value=info, value_at=NOW)))
    assert reason.text == "container dragonfly is exited (exit code 137, killed for lack of memory)"
    assert reason.advice == "docker logs --tail 50 dragonfly"
    assert reason.state is State.CRITICAL


def test_a_container_that_never_ran_has_no_exit_code() -> None:
    info = container_info(state="created")
    reason = only_reason(observation(snapshot(), container=Reading(seq=1, value=info, value_at=NOW)))
    assert reason.text == "container dragonfly is created"


def test_a_failing_health_check_warns() -> None:
    info = container_info(health="unhealthy")
    reason = only_reason(observation(snapshot(), container=Reading(seq=1, value=info, value_at=NOW)))
    assert (reason.code, reason.state) == ("container-health", State.WARNING)
    assert reason.advice == "docker inspect --format '{{json .State.Health}}' dragonfly"


def test_a_docker_that_cannot_be_asked_warns_unless_it_was_asked_before() -> None:
    failed = DockerFailed("no such container: dragonfly", "check docker.container")
    never = observation(snapshot(), container=Reading(seq=1, error=failed, failures=1))
    assert only_reason(never).text == "Docker not available: no such container: dragonfly"
    once = Reading[ContainerInfo](seq=2, value=container_info(), value_at=NOW, error=failed, failures=1)
    assert judge(observation(snapshot(), container=once)).reasons == ()


def test_a_running_container_is_shown_and_gives_no_reason() -> None:
    status = judge(observation(snapshot(), container=Reading(seq=1, value=container_info(), value_at=NOW)))
    assert status.reasons == ()
    assert status.container == container_info()


# --- loading and replication


def test_loading_a_file() -> None:
    reason = only_reason(observation(snapshot(loading=1, db0="keys=1200000,expires=0,avg_ttl=-1")))
    assert (reason.code, reason.text) == ("loading", "loading its data set, 1.20M keys so far")
    assert reason.state is State.WARNING


def test_a_full_sync_is_one_warning_and_no_alarm_about_lag() -> None:
    replica = snapshot("v1.40.1-replica", master_sync_in_progress=1, slave_repl_offset=None, loading=1)
    reason = only_reason(observation(replica))
    assert reason.code == "full-sync"
    assert reason.text == "full sync from 127.0.0.1:17379 is running, 1.00M keys so far"
    primary = snapshot(slave0="ip=127.0.0.1,port=17380,state=full_sync,lag=0")
    assert judge(observation(primary)).reasons == ()


@pytest.mark.parametrize("version", ["v1.22.2", "v1.40.1"])
def test_a_link_that_is_down_is_critical(version: str) -> None:
    seen = snapshot(f"{version}-replica", master_link_status="down", master_last_io_seconds_ago=12)
    reason = only_reason(observation(seen))
    assert reason.text == "link to its primary 127.0.0.1:17379 is down, last heard 12 s ago"
    assert (reason.code, reason.state) == ("link-down", State.CRITICAL)


def test_a_link_that_never_stood_says_nothing_of_when() -> None:
    seen = snapshot("v1.40.1-replica", master_link_status="down", master_last_io_seconds_ago=-1)
    assert only_reason(observation(seen)).text == "link to its primary 127.0.0.1:17379 is down"


def test_the_wrapped_age_that_v1_22_prints_under_load_is_now() -> None:
    seen = snapshot("v1.22.2-replica", master_last_io_seconds_ago=18446744073)
    assert judge(observation(seen)).reasons == ()
    assert seen.replication.primary
    assert seen.replication.primary.last_io_seconds == 0


@pytest.mark.parametrize(("silent", "expected"), [(10, []), (29, []), (30, ["primary-silent"])])
def test_a_primary_not_heard_over_a_standing_link(silent: int, expected: list[str]) -> None:
    assert codes(observation(snapshot("v1.40.1-replica", master_last_io_seconds_ago=silent))) == expected


def test_a_silent_primary_in_words() -> None:
    reason = only_reason(observation(snapshot("redis-7.0-replica", master_last_io_seconds_ago=95)))
    assert reason.text == "heard nothing from its primary 127.0.0.1:6379 for 1 m 35 s"
    assert reason.state is State.WARNING


@pytest.mark.parametrize("state", ["preparation", "full_sync", "online", "stable_sync"])
def test_the_stages_of_a_replica_do_not_alarm(state: str) -> None:
    assert judge(observation(snapshot(slave0=f"ip=10.0.0.2,port=6379,state={state},lag=0"))).reasons == ()


def test_a_cancelled_replication_warns() -> None:
    reason = only_reason(observation(snapshot(slave0="ip=10.0.0.2,port=6379,state=cancelled,lag=0")))
    assert reason.text == "the replication to 10.0.0.2:6379 was cancelled"
    assert (reason.code, reason.state) == ("replica-cancelled", State.WARNING)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(4.99, State.OK), (5.0, State.WARNING), (29.9, State.WARNING), (30.0, State.CRITICAL)],
)
def test_lag_in_seconds(seconds: float, expected: State) -> None:
    assert judge(observation(snapshot(), lag_seconds=seconds)).state is expected


def test_lag_in_words() -> None:
    reason = only_reason(observation(snapshot(), lag_seconds=42.0))
    assert (reason.code, reason.text) == ("lag", "a replica is about 42 s behind")


def test_the_worst_lag_of_those_in_sync_is_shown() -> None:
    seen = snapshot(
        slave0="ip=10.0.0.2,port=6379,state=online,lag=3",
        slave1="ip=10.0.0.3,port=6379,state=online,lag=77",
        slave2="ip=10.0.0.4,port=6379,state=full_sync,lag=0",
    )
    assert judge(observation(seen)).lag_records == 77
    assert judge(observation(snapshot("v1.40.1-replica"))).lag_records is None


def test_an_empty_primary_that_just_started_and_has_replicas() -> None:
    fields: dict[str, object] = {"uptime_in_seconds": 20, "db0": "keys=0,expires=0,avg_ttl=-1", "db3": None}
    reason = only_reason(observation(snapshot(**fields)))
    assert (reason.code, reason.state) == ("empty-primary", State.CRITICAL)
    assert "REPLICAOF NO ONE" in reason.advice
    assert codes(observation(snapshot(**fields, slave0=None))) == []
    assert codes(observation(snapshot(**fields | {"uptime_in_seconds": 600}))) == []
    assert codes(observation(snapshot(**fields | {"db0": "keys=1,expires=0,avg_ttl=-1"}))) == []


# --- memory and clients


@pytest.mark.parametrize(
    ("used", "expected"),
    [(799, State.OK), (800, State.WARNING), (919, State.WARNING), (920, State.CRITICAL), (1200, State.CRITICAL)],
)
def test_memory_of_its_limit(used: int, expected: State) -> None:
    assert judge(observation(snapshot(used_memory=used, maxmemory=1000))).state is expected


def test_memory_in_words() -> None:
    reason = only_reason(observation(snapshot(used_memory=15 << 29, maxmemory=8 << 30)))
    assert reason.text == "memory at 93.8%: 7.50 GiB of 8 GiB"
    assert (
        reason.advice == "raise maxmemory or delete keys; at the limit it starts refusing writes with “Out of memory”"
    )


@pytest.mark.parametrize(
    ("recording", "fields"),
    [
        ("v1.22.2-primary", {"cache_mode": "cache", "maxmemory_policy": "eviction"}),
        ("v1.40.1-primary", {"cache_mode": "cache", "maxmemory_policy": "eviction"}),
        ("redis-7.0-primary", {"maxmemory_policy": "allkeys-lru", "rdb_last_save_time": saved(1)}),
    ],
)
def test_a_full_cache_is_as_it_should_be_until_it_refuses(recording: str, fields: dict[str, object]) -> None:
    cache = snapshot(recording, **fields, used_memory=999, maxmemory=1000, uptime_in_seconds=99 * HOUR)
    assert judge(observation(cache)).reasons == ()
    assert codes(observation(cache, refused_per_second=1.0)) == ["oom"]


def test_redis_that_evicts_only_keys_with_a_ttl_can_be_full() -> None:
    seen = snapshot("redis-7.0-primary", maxmemory_policy="volatile-lru", used_memory=999, maxmemory=1000,
                    rdb_last_save_time=saved(1))  # fmt: skip
    assert codes(observation(seen)) == ["memory"]


def test_no_limit_is_no_alarm() -> None:
    assert judge(observation(snapshot(maxmemory=0))).reasons == ()


def test_thresholds_of_the_instance_win() -> None:
    strict = config(thresholds={"memory_warning": 0.1, "memory_critical": 0.14})
    assert judge(observation(snapshot(), configured=strict)).state is State.CRITICAL


def test_refused_writes_are_critical() -> None:
    reason = only_reason(observation(snapshot(), refused_per_second=12.0))
    assert reason.text == "refuses writes with “Out of memory”: 12 a second"
    assert (reason.code, reason.state) == ("oom", State.CRITICAL)
    assert judge(observation(snapshot(), refused_per_second=0.0)).reasons == ()


@pytest.mark.parametrize(("connected", "expected"), [(79, []), (80, ["clients"])])
def test_clients_of_their_limit(connected: int, expected: list[str]) -> None:
    assert codes(observation(snapshot(connected_clients=connected, max_clients=100))) == expected
    assert codes(observation(snapshot("redis-7.0-primary", connected_clients=connected, maxclients=100,
                                      rdb_last_save_time=saved(1)))) == expected  # fmt: skip


def test_clients_in_words() -> None:
    reason = only_reason(observation(snapshot(connected_clients=63000, max_clients=64000)))
    assert reason.text == "63000 of 64000 client connections used"


# --- the rest


def test_where_nothing_tells_of_changes_or_clients_nothing_is_claimed() -> None:
    bare = snapshot(rdb_changes_since_last_success_save=None, last_saved_file="", uptime_in_seconds=99 * HOUR,
                    max_clients=None)  # fmt: skip
    assert judge(observation(bare)).reasons == ()


# --- order


def test_problems_come_first_and_otherwise_the_configured_order() -> None:
    fine, full, fuller = (
        snapshot(),
        snapshot(used_memory=900, maxmemory=1000),
        snapshot(used_memory=990, maxmemory=1000),
    )
    items = [
        observation(value, configured=config(name))
        for name, value in [("a", fine), ("b", full), ("c", None), ("d", fuller), ("e", fine), ("f", full), ("g", None)]
    ]
    statuses = assess(items, LIMITS, now=NOW, wall=START)
    assert [status.name for status in statuses] == ["d", "b", "f", "c", "g", "a", "e"]


def test_the_worst_reason_comes_first() -> None:
    seen = snapshot(connected_clients=99, max_clients=100, used_memory=990, maxmemory=1000)
    status = judge(observation(seen))
    assert [reason.code for reason in status.reasons] == ["memory", "clients"]
    assert status.state is State.CRITICAL


def test_every_reason_says_what_to_do() -> None:
    """A reason without advice leaves the person on call alone."""
    bad = snapshot(
        connected_clients=99, max_clients=100, used_memory=990, maxmemory=1000, last_failed_save=saved(1),
        last_error="disk full", slave0="ip=10.0.0.2,port=6379,state=cancelled,lag=0", uptime_in_seconds=400_000,
    )  # fmt: skip
    item = observation(bad, age=9.0, lag_seconds=99.0, refused_per_second=3.0,
                       configured=config(role="replica", replica_of="nas"))  # fmt: skip
    reasons = judge(item).reasons
    assert len(reasons) == 9
    assert all(reason.text and reason.advice for reason in reasons)


def test_an_incomplete_info_gets_no_green_light() -> None:
    reason = only_reason(observation(snapshot(used_memory=None, role=None)))
    assert (reason.code, reason.state) == ("incomplete", State.WARNING)
    assert reason.text == "INFO came incomplete: it tells no role and no used memory"


@pytest.mark.parametrize("error", [SecretError("NAS_PW is not set"), ConfigError("no ca_file"), Bug("TypeError")])
def test_what_keeps_us_from_asking_says_nothing_about_the_server(error: DflyError) -> None:
    assert judge(observation(error=error)).state is State.UNKNOWN
