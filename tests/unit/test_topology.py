import pytest

from dfly_tui.errors import Timeout, Unreachable
from dfly_tui.models.health import InstanceStatus, Observation, Reason, State, assess
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.settings import Thresholds
from tests.support.clock import START
from tests.support.fakes import NOW, config, observation, snapshot

ID = "a" * 40
OTHER_ID = "b" * 40

WORKHORSE = config("workhorse", url="redis://workhorse:6379", group="main", role="primary")
NAS = config("nas", url="redis://nas:6379", group="main", role="replica", replica_of="workhorse")
SPARE = config("spare", url="redis://spare:6379", group="main", role="replica", replica_of="workhorse")


def primary(replid: str = ID, /, *, replicas: int = 1, **fields: object) -> InstanceSnapshot:
    """A primary with that many replicas in sync, of some age, with its data saved."""
    lines: dict[str, object] = {
        f"slave{number}": f"ip=172.18.0.{number},port=6379,state=online,lag=0" for number in range(replicas)
    }
    usual: dict[str, object] = {"slave0": None, "master_replid": replid, "uptime_in_seconds": 5000}
    return snapshot(**usual | {"connected_slaves": replicas} | lines | fields)


def replica(replid: str = ID, /, **fields: object) -> InstanceSnapshot:
    """A replica in sync, by default seen through an address that is in nobody's configuration."""
    usual: dict[str, object] = {"master_replid": replid, "master_host": "10.99.0.1", "master_port": 6379}
    return snapshot("v1.40.1-replica", **usual | fields)


def judge(*items: Observation) -> dict[str, InstanceStatus]:
    return {status.name: status for status in assess(items, Thresholds(), now=NOW, wall=START)}


def reasons(*items: Observation) -> dict[str, list[str]]:
    return {name: [reason.code for reason in status.reasons] for name, status in judge(*items).items()}


def seen(configured: object, value: InstanceSnapshot | None, **more: object) -> Observation:
    return observation(value, configured=configured, **more)  # type: ignore[arg-type]


def test_as_intended_there_is_nothing_to_say() -> None:
    assert reasons(seen(WORKHORSE, primary()), seen(NAS, replica())) == {"workhorse": [], "nas": []}


def test_instances_without_intentions_are_left_alone() -> None:
    found = reasons(seen(config("a"), primary(ID)), seen(config("b"), primary(OTHER_ID)), seen(config("c"), replica()))
    assert found == {"a": [], "b": [], "c": []}


# --- two primaries


def test_two_primaries_in_a_group_alarm_on_both() -> None:
    found = judge(seen(WORKHORSE, primary(replicas=1)), seen(NAS, primary(OTHER_ID, replicas=0)))
    assert found["workhorse"].reasons[0] == Reason(
        code="two-primaries",
        text="two primaries in group main: workhorse, nas",
        advice="each takes writes and they drift apart: stop clients of the wrong one before anything else",
        state=State.CRITICAL,
    )
    assert [reason.code for reason in found["nas"].reasons] == ["two-primaries", "wrong-role"]


@pytest.mark.parametrize(("count", "word"), [(3, "three"), (4, "4")])
def test_more_than_two_are_counted(count: int, word: str) -> None:
    configs = [config(f"p{number}", group="main") for number in range(count)]
    found = judge(*[seen(each, primary(f"{number}" * 40)) for number, each in enumerate(configs)])
    assert found["p0"].reasons[0].text.startswith(f"{word} primaries in group main: p0, p1, p2")


def test_primaries_of_different_groups_are_fine() -> None:
    found = reasons(seen(config("a", group="one"), primary(ID)), seen(config("b", group="two"), primary(OTHER_ID)))
    assert found == {"a": [], "b": []}


def test_a_primary_that_is_gone_is_not_a_second_one() -> None:
    """After a takeover the old primary's process exits: its last snapshot still says primary."""
    gone = seen(WORKHORSE, primary(replicas=2), error=Unreachable("refused"), failures=1)
    found = reasons(gone, seen(NAS, primary(OTHER_ID, replicas=0)))
    assert found == {"workhorse": ["unreachable"], "nas": ["wrong-role"]}


def test_a_primary_that_does_not_answer_may_still_take_writes() -> None:
    frozen = seen(WORKHORSE, primary(), error=Timeout("no answer"), failures=2)
    found = reasons(frozen, seen(NAS, primary(OTHER_ID, replicas=0)))
    assert found["nas"] == ["two-primaries", "wrong-role"]
    lost = seen(WORKHORSE, primary(), error=Timeout("no answer"), failures=3)
    assert reasons(lost, seen(NAS, primary(OTHER_ID, replicas=0)))["nas"] == ["wrong-role"]


# --- wrong role


def test_a_replica_that_came_back_as_a_primary() -> None:
    reason = judge(seen(NAS, primary(OTHER_ID)), seen(WORKHORSE, None))["nas"].reasons[0]
    assert (reason.code, reason.text) == ("wrong-role", "is a primary, should be a replica")
    assert "--replicaof" in reason.advice
    assert reason.state is State.CRITICAL


def test_after_a_switchover_the_advice_is_to_change_the_configuration() -> None:
    found = judge(seen(WORKHORSE, replica(OTHER_ID)), seen(NAS, primary(OTHER_ID)), seen(SPARE, None))
    assert found["workhorse"].reasons[0].text == "is a replica, should be a primary"
    for name in ("workhorse", "nas"):
        assert found[name].reasons[0].advice == "after a switchover, change the intended roles in the configuration"


def test_without_a_role_seen_nothing_is_claimed() -> None:
    assert reasons(seen(NAS, snapshot(role=None)))["nas"] == ["incomplete"]


# --- wrong primary


def test_the_same_data_is_the_right_primary_whatever_its_address() -> None:
    """Docker names, port mappings and tunnels: the replica's address of the primary is not ours."""
    for host, port in [("dragonfly-primary", 6379), ("172.18.0.2", 16379), ("127.0.0.1", 6379), ("::1", 6379)]:
        found = reasons(seen(WORKHORSE, primary()), seen(NAS, replica(master_host=host, master_port=port)))
        assert found["nas"] == [], host


def test_the_data_of_another_primary_is_an_alarm_even_at_the_same_port() -> None:
    other = config("archive", url="redis://archive:6379")
    found = judge(seen(WORKHORSE, primary(replicas=1)), seen(NAS, replica(OTHER_ID)), seen(other, primary(OTHER_ID)))
    (reason,) = found["nas"].reasons
    assert reason.code == "wrong-primary"
    assert reason.text == "replicates archive (10.99.0.1:6379), should replicate workhorse"
    assert reason.state is State.CRITICAL
    assert reason.advice


def test_the_data_of_a_stranger_is_an_alarm() -> None:
    (reason,) = judge(seen(WORKHORSE, primary()), seen(NAS, replica(OTHER_ID)))["nas"].reasons
    assert reason.text == "replicates 10.99.0.1:6379, should replicate workhorse"


@pytest.mark.parametrize(
    "fields",
    [
        {"master_link_status": "down"},
        {"master_sync_in_progress": 1, "slave_repl_offset": None},
        {"slave_repl_offset": None},
    ],
)
def test_a_replica_not_in_sync_is_not_judged_by_its_data(fields: dict[str, object]) -> None:
    found = reasons(seen(WORKHORSE, primary()), seen(NAS, replica(OTHER_ID, **fields)))
    assert "wrong-primary" not in found["nas"]


def test_a_primary_that_just_restarted_has_an_id_its_replica_does_not_know_yet() -> None:
    young = primary(OTHER_ID, uptime_in_seconds=3)
    assert reasons(seen(WORKHORSE, young), seen(NAS, replica(ID)))["nas"] == []


def test_what_a_primary_that_is_gone_held_is_no_evidence() -> None:
    gone = seen(WORKHORSE, primary(ID), error=Unreachable("refused"), failures=1)
    assert reasons(gone, seen(NAS, replica(OTHER_ID)))["nas"] == []


def test_with_the_primary_down_only_the_address_of_another_of_ours_is_evidence() -> None:
    down = seen(WORKHORSE, None, error=Unreachable("refused"), failures=5)
    other = seen(config("archive", url="redis://archive:6379"), None)
    by_name = replica(master_host="archive", master_link_status="up")
    unknown = replica(master_host="172.18.0.9", master_port=7000)
    right = replica(master_host="workhorse")
    assert reasons(down, other, seen(NAS, by_name))["nas"] == ["wrong-primary"]
    assert reasons(down, other, seen(NAS, unknown))["nas"] == []
    assert reasons(down, other, seen(NAS, right))["nas"] == []


def test_an_ipv6_address_is_recognised() -> None:
    down = seen(WORKHORSE, None)
    other = seen(config("archive", url="redis://[fd00::7]:6379"), None)
    assert reasons(down, other, seen(NAS, replica(master_host="fd00::7")))["nas"] == ["wrong-primary"]


# --- no replica


def test_a_primary_without_its_replica_warns() -> None:
    (reason,) = judge(seen(WORKHORSE, primary(replicas=0)), seen(NAS, None))["workhorse"].reasons
    assert reason.code == "no-replica"
    assert reason.text == "no replica is connected; expected nas"
    assert (reason.state, bool(reason.advice)) == (State.WARNING, True)


def test_one_of_two_replicas_missing() -> None:
    (reason,) = judge(seen(WORKHORSE, primary(replicas=1)), seen(NAS, replica()), seen(SPARE, None))[
        "workhorse"
    ].reasons
    assert reason.text == "only 1 of 2 replicas are connected; expected nas, spare"


@pytest.mark.parametrize("state", ["preparation", "full_sync", "online"])
def test_a_replica_on_its_way_is_connected(state: str) -> None:
    value = primary(slave0=f"ip=172.18.0.3,port=6379,state={state},lag=0")
    assert reasons(seen(WORKHORSE, value), seen(NAS, None))["workhorse"] == []


def test_a_cancelled_replica_is_not_connected() -> None:
    value = primary(slave0="ip=172.18.0.3,port=6379,state=cancelled,lag=0")
    assert reasons(seen(WORKHORSE, value), seen(NAS, None))["workhorse"] == ["replica-cancelled", "no-replica"]


def test_a_managed_service_shows_the_count_alone() -> None:
    assert reasons(seen(WORKHORSE, primary(replicas=0, connected_slaves=1)), seen(NAS, None))["workhorse"] == []


def test_a_redis_pair_is_judged_alike() -> None:
    lead = snapshot("redis-7.0-primary", rdb_changes_since_last_save=0)
    follow = snapshot("redis-7.0-replica", rdb_changes_since_last_save=0)
    assert reasons(seen(WORKHORSE, lead), seen(NAS, follow)) == {"workhorse": [], "nas": []}
    alone = snapshot("redis-7.0-primary", slave0=None, connected_slaves=0, rdb_changes_since_last_save=0)
    assert reasons(seen(WORKHORSE, alone), seen(NAS, follow))["workhorse"] == ["no-replica"]
