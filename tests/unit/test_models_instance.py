import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.models.info import Info
from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.instruments import counters, gauges
from dfly_tui.models.replication import LinkState, Replication, Role, RoleReply, link_state_of, role_of
from tests.support.clock import START
from tests.support.fakes import observation, snapshot
from tests.support.hostile import harmless
from tests.support.verdicts import judge


def seen(text: str, role: RoleReply | None = None) -> InstanceSnapshot:
    return InstanceSnapshot.from_info(Info.parse(text), taken_at=START, role_reply=role)


@pytest.mark.parametrize(
    ("text", "flavour", "version"),
    [
        ("redis_version:7.4.0\r\ndragonfly_version:df-v1.40.1", Flavour.DRAGONFLY, "1.40.1"),
        ("redis_version:6.2.11\r\ndragonfly_version:df-v1.22.2-dev", Flavour.DRAGONFLY, "1.22.2-dev"),
        ("dragonfly_version:df-custom", Flavour.DRAGONFLY, "df-custom"),
        ("redis_version:7.0.15", Flavour.REDIS, "7.0.15"),
        ("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1", Flavour.VALKEY, "8.0.1"),
        ("", Flavour.REDIS, None),
    ],
)
def test_who_it_is(text: str, flavour: Flavour, version: str | None) -> None:
    assert (seen(text).flavour, seen(text).version) == (flavour, version)


def test_what_is_not_printed_is_none_and_never_zero() -> None:
    empty = seen("")
    assert {empty.used_memory_bytes, empty.keys, empty.expiring_keys, empty.hit_rate, empty.memory_fraction} == {None}
    assert {empty.role, empty.ops_per_second, empty.uptime_seconds, empty.max_memory_bytes, empty.cache_mode} == {None}
    assert empty.persistence.loading is None


def test_an_empty_keyspace_holds_no_keys() -> None:
    assert seen("# Keyspace\r\n").keys == 0
    assert seen("# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=-1\r\ndb2:keys=4,expires=0,avg_ttl=-1").keys == 7


def test_hits_per_database_of_the_newer_version() -> None:
    (space,) = seen("# Keyspace\r\ndb0:keys=3,expires=1,hits=5,misses=2,hit_ratio=71.43,avg_ttl=-1").keyspaces
    assert (space.database, space.keys, space.expiring, space.hits, space.misses) == (0, 3, 1, 5, 2)


def test_rates_and_limits() -> None:
    assert seen("keyspace_hits:3\r\nkeyspace_misses:1").hit_rate == 0.75
    assert seen("keyspace_hits:0\r\nkeyspace_misses:0").hit_rate is None
    assert seen("used_memory:50\r\nmaxmemory:200").memory_fraction == 0.25
    assert seen("used_memory:50\r\nmaxmemory:0").memory_fraction is None
    assert seen("instantaneous_ops_per_sec:-1").ops_per_second is None


def test_the_role_reply_helps_where_info_says_nothing() -> None:
    assert seen("", RoleReply(role=Role.REPLICA)).role is Role.REPLICA
    assert seen("role:master", RoleReply(role=Role.REPLICA)).role is Role.PRIMARY


def test_redis_has_other_names_for_its_snapshots() -> None:
    kept = seen("redis_version:7.0\r\nrdb_last_save_time:1700000000\r\nrdb_changes_since_last_save:4").persistence
    assert kept.last_snapshot_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert kept.changes_since_snapshot == 4
    assert seen("redis_version:7.0\r\nrdb_last_bgsave_status:err").persistence.last_error


@pytest.mark.parametrize("printed", ["0", "-5", "99999999999999999999", "x", ""])
def test_times_that_mean_never(printed: str) -> None:
    text = f"dragonfly_version:df-v1.40.1\r\nlast_failed_save:{printed}"
    assert seen(text).persistence.last_failed_at is None


def replication(text: str) -> Replication:
    return Replication.from_info(Info.parse("# Replication\r\n" + text))


def test_lag_counts_only_in_stable_sync() -> None:
    text = "role:master\r\nslave0:ip=10.0.0.2,port=6379,state={},lag=5"
    assert replication(text.format("online")).replicas[0].lag_records == 5
    assert replication(text.format("stable_sync")).replicas[0].lag_records == 5
    assert replication(text.format("full_sync")).replicas[0].lag_records is None
    assert replication("role:master\r\nslave0:ip=h,port=1,state=online,offset=9,lag=1").replicas[0].lag_records is None


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ("master_link_status:up\r\nmaster_sync_in_progress:0\r\nslave_repl_offset:5", LinkState.STABLE),
        ("master_link_status:up\r\nmaster_sync_in_progress:1", LinkState.FULL_SYNC),
        ("master_link_status:up\r\nmaster_sync_in_progress:0", LinkState.PREPARATION),
        ("master_link_status:down\r\nslave_repl_offset:5", LinkState.DOWN),
    ],
)
@pytest.mark.parametrize("word", ["slave", "replica"])
def test_the_stage_of_a_replicas_link(fields: str, state: LinkState, word: str) -> None:
    link = replication(f"role:{word}\r\nmaster_host:h\r\nmaster_port:1\r\n{fields}").primary
    assert link is not None
    assert link.state is state


@pytest.mark.parametrize(("printed", "known"), [("3", 3), ("-1", None), ("18446744073", 0), ("x", None)])
def test_last_io(printed: str, known: int | None) -> None:
    link = replication(f"role:slave\r\nmaster_last_io_seconds_ago:{printed}").primary
    assert link is not None
    assert link.last_io_seconds == known


def test_words_for_roles_and_states() -> None:
    assert [role_of(word) for word in ("master", "slave", "replica", "king")] == [
        Role.PRIMARY, Role.REPLICA, Role.REPLICA, None,
    ]  # fmt: skip
    assert link_state_of("stable_sync") is link_state_of("online") is LinkState.STABLE
    assert link_state_of("something new") is LinkState.UNKNOWN


def test_role_of_redis() -> None:
    primary = RoleReply.from_reply([b"master", 3129659, [[b"127.0.0.1", b"9001", b"3129242"]]])
    assert (primary.role, primary.replicas[0].port, primary.replicas[0].offset) == (Role.PRIMARY, 9001, 3129242)
    replica = RoleReply.from_reply([b"slave", b"127.0.0.1", 9000, b"connected", 3167038])
    assert (replica.role, replica.primary_port, replica.state) == (Role.REPLICA, 9000, LinkState.STABLE)


_JUNK: st.SearchStrategy[object] = st.recursive(
    st.none() | st.integers() | st.binary(max_size=8) | st.sampled_from([b"master", b"slave"]),
    lambda inner: st.lists(inner, max_size=5),
)


@given(_JUNK)
def test_no_role_reply_makes_it_raise(reply: object) -> None:
    RoleReply.from_reply(reply)


@given(st.text(max_size=60))
def test_hostile_words_cannot_harm_a_terminal(word: str) -> None:
    line = word.replace("\n", " ")
    found = seen(
        f"dragonfly_version:{line}\r\nlast_saved_file:{line}\r\nlast_error:{line}\r\nrole:slave\r\nmaster_host:{line}"
    )
    link = found.replication.primary
    assert link is not None
    assert all(harmless(text or "") for text in (found.version, found.persistence.last_error, link.host))


HUGE = "9" * 400
LONGER = "9" * 5000


@pytest.mark.parametrize("number", [HUGE, LONGER, "1e400", "nan", "-1", "0", "", "x"])
def test_numbers_no_server_has_are_not_known_and_harm_nothing(number: str) -> None:
    fields = (
        "uptime_in_seconds", "used_memory", "maxmemory", "max_clients", "connected_clients", "keyspace_hits",
        "instantaneous_ops_per_sec", "total_commands_processed", "used_cpu_sys", "used_cpu_user", "last_success_save",
        "last_failed_save", "rdb_changes_since_last_success_save", "master_last_io_seconds_ago",
    )  # fmt: skip
    seen = snapshot(**dict.fromkeys(fields, number), slave0=f"ip=h,port={number},state=online,lag={number}")
    assert seen.max_memory_bytes is None
    assert seen.max_clients is None
    assert all(math.isfinite(value) for value in (*gauges(seen).values(), *counters(seen).values()))
    assert judge(observation(seen)).name


def test_a_primary_with_absurdly_many_replicas_is_cut_short() -> None:
    entries = [[b"10.0.0.1", b"6379", b"online"]] * 50_000
    lines = "".join(f"slave{number}:ip=h,port=1,state=online,lag=0\r\n" for number in range(5000))
    reply = RoleReply.from_reply([b"master", entries])
    text = f"# Server\r\nredis_version:7\r\n# Replication\r\nrole:master\r\n{lines}"
    assert len(reply.replicas) == len(seen(text).replication.replicas) == 1000
