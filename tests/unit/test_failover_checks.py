"""What speaks for and against a promotion: judged from recorded INFOs of real servers, one thing changed at a time."""

from dataclasses import replace

import pytest

from dfly_tui.errors import DflyError, DockerFailed, Timeout, Unreachable
from dfly_tui.models.operation import Finding, Verdict, worst
from dfly_tui.models.world import Seen, World
from dfly_tui.operations.failover.candidates import ranked
from dfly_tui.operations.failover.checks import Pair, promotion_findings
from dfly_tui.operations.failover.emergency import LastSeen, loss_text
from dfly_tui.settings import FailoverSettings
from tests.support.fakes import NOW, config, container_info, observation, snapshot

VERSIONS = ("v1.22.2", "v1.40.1")
OLD, NEW = "v1.40.1-primary", "v1.40.1-replica"
LINE = "ip=127.0.0.1,port=6379,state=online,lag=1"


def primary(recording: str = OLD, /, **fields: object) -> Seen:
    base = Seen(config("alpha", url="redis://127.0.0.1:17379", group="main"), None, at=NOW)
    return replace(base, snapshot=snapshot(recording, **{"tcp_port": 17379, **fields}))


def replica(recording: str = NEW, /, name: str = "beta", port: int = 17380, **fields: object) -> Seen:
    taken = snapshot(recording, **{"tcp_port": port, **fields})
    return Seen(config(name, url=f"redis://127.0.0.1:{port}", group="main"), taken, at=NOW)


def judged(
    old: Seen | None = None, new: Seen | None = None, *others: Seen, now: float = NOW, **limits: object
) -> dict[str, Finding]:
    """The findings by their code; of several with the same code, the gravest."""
    first, second = old or primary(), new or replica()
    pair = Pair(
        World([first, second, *others]), first, second, FailoverSettings.model_validate(limits), now=now
    )  # fmt: skip
    found: dict[str, Finding] = {}
    for finding in promotion_findings(pair):
        if finding.code not in found or worst([finding, found[finding.code]]) is finding.verdict:
            found[finding.code] = finding
    return found


def verdicts(found: dict[str, Finding]) -> dict[str, Verdict]:
    """Those that are not as they should be."""
    return {code: each.verdict for code, each in found.items() if each.verdict is not Verdict.PASS}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_pair_can_be_switched_over(version: str) -> None:
    found = judged(primary(f"{version}-primary"), replica(f"{version}-replica"))
    assert Verdict.BLOCK not in verdicts(found).values(), verdicts(found)


def test_a_redis_is_not_switched_over_by_a_command_it_does_not_have() -> None:
    found = judged(primary("redis-7.0-primary"), replica("redis-7.0-replica"))
    assert (found["takeover"].verdict, found["takeover"].value) == (Verdict.BLOCK, "no, it is redis")
    assert "takeover" not in judged(), "nothing is said where all is as it should be"


BLOCKS: list[tuple[str, Seen | None, Seen | None]] = [
    ("loading", None, replica(loading=1)),
    ("stable", None, replica(master_sync_in_progress=1, slave_repl_offset=None)),
    ("stable", None, replica(master_link_status="down", slave_repl_offset=None)),
    ("last-io", None, replica(master_last_io_seconds_ago=6)),
    ("last-io", None, replica(master_last_io_seconds_ago=None)),
    ("lineage", None, replica(master_replid="0" * 40)),
    ("lineage", primary(master_replid=None), replica(master_replid=None)),
    ("follows", None, replica(master_port=1, master_replid="1" * 40)),
    ("saving", primary(saving=1), None),
    ("saving", None, replica(saving=1)),
    ("capacity", primary(used_memory=1 << 30), replica(maxmemory=1 << 30)),
]


@pytest.mark.parametrize(("code", "old", "new"), BLOCKS)
def test_what_blocks(code: str, old: Seen | None, new: Seen | None) -> None:
    assert verdicts(judged(old, new)).get(code) is Verdict.BLOCK


WARNS: list[tuple[str, Seen | None, Seen | None]] = [
    ("version", None, replica(dragonfly_version="df-v1.39.0")),
    ("threads", primary(thread_count=2), replica(thread_count=4)),
    ("cache-mode", primary(cache_mode="cache"), replica(cache_mode="store")),
    ("fence", None, None),
    ("fence", replace(primary(), container_error=DockerFailed("no engine", "")), None),
    ("replicaof-flag", None, replace(replica(), container=container_info(command=("dragonfly", "--replicaof=x:1")))),
    ("snapshot", primary(last_saved_file=""), replica(last_saved_file="")),
]


@pytest.mark.parametrize(("code", "old", "new"), WARNS)
def test_what_warns(code: str, old: Seen | None, new: Seen | None) -> None:
    found = judged(old, new)
    assert found[code].verdict is Verdict.WARN
    assert found[code].advice


def test_the_ones_that_pass_when_they_are_asked() -> None:
    saved = primary(last_saved_file="/data/x-summary.dfs", last_success_save=1_767_322_000)
    found = judged(replace(saved, container=container_info(restart_policy="always")), replica(maxmemory=0))
    assert "restart policy always" in found["fence"].value
    assert found["snapshot"].verdict is Verdict.PASS
    assert found["capacity"].value == "none"


def test_an_instance_that_does_not_answer_says_why() -> None:
    gone = replace(primary(), snapshot=None, error=Unreachable("nobody there", "is it on?"))
    found = judged(gone)
    assert (found["reachable"].verdict, found["reachable"].advice) == (Verdict.BLOCK, "is it on?")
    assert "stable" not in found
    assert "not read yet" in judged(None, replace(replica(), snapshot=None))["reachable"].value


def test_stale_numbers_authorise_nothing() -> None:
    assert judged(now=NOW + 3)["fresh"].verdict is Verdict.BLOCK


def test_two_primaries_block() -> None:
    other = replica(OLD, name="gamma", port=3)
    found = judged(None, None, other)
    assert (found["one-primary"].verdict, found["one-primary"].value) == (Verdict.BLOCK, "alpha, gamma")
    assert "stop the other" in found["one-primary"].advice


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(None, Verdict.PASS), (0.5, Verdict.PASS), (1.0, Verdict.PASS), (1.1, Verdict.BLOCK)]
)
def test_lag_is_judged_in_seconds(seconds: float | None, verdict: Verdict) -> None:
    found = judged(None, replace(replica(), lag_seconds=seconds))
    assert found["lag"].verdict is verdict
    assert "1 records" in found["lag"].value


def test_a_lag_that_cannot_be_told_warns() -> None:
    lines = {f"slave{at}": f"ip=10.0.0.{at},port=17380,state=online,lag=0" for at in range(2)}
    two = primary(connected_slaves=2, **lines)
    assert judged(two)["lag"].verdict is Verdict.WARN


def test_a_candidate_that_leads_itself_does_not_follow() -> None:
    found = judged(None, replica(OLD))
    assert found["follows"].value == "leads itself"


def candidates(*replicas: Seen) -> list[str]:
    return [each.name for each in ranked(World([primary(), *replicas]), "alpha")]


def test_the_one_in_sync_and_furthest_is_the_best() -> None:
    stable = replica(name="stable", slave_repl_offset=5)
    further = replica(name="further", port=2, slave_repl_offset=9)
    down = replica(name="down", port=3, master_link_status="down", slave_repl_offset=99)
    assert candidates(down, stable, further) == ["further", "stable", "down"]


def test_then_who_heard_last_then_priority_then_room() -> None:
    assert candidates(
        replica(name="small", maxmemory=1 << 20),
        replica(name="deaf", port=2, master_last_io_seconds_ago=4),
        replica(name="meant", port=3, slave_priority=10),
        replica(name="big", port=4, maxmemory=1 << 40),
    ) == ["meant", "big", "small", "deaf"]


BARRED: list[tuple[Seen, str]] = [
    (replace(replica(), snapshot=None, error=Timeout("silent", "")), "silent"),
    (replica(OLD), "it is a primary"),
    (replica(loading=1), "not whole"),
    (replica(master_replid="0" * 40), "another primary"),
    (replica(slave_priority=0), "priority is 0"),
]


@pytest.mark.parametrize(("seen", "why"), BARRED)
def test_who_cannot_be_promoted_and_why(seen: Seen, why: str) -> None:
    good = replica(name="good", port=2)
    best, worst_one = ranked(World([primary(), seen, good]), "alpha")
    assert (best.name, best.barred) == ("good", "")
    assert why in worst_one.barred


def test_reasons_are_what_is_known() -> None:
    bare = replica(slave_repl_offset=None, master_last_io_seconds_ago=None, slave_priority=None)
    (full,) = ranked(World([primary(), replica()]), "alpha")
    (little,) = ranked(World([primary(), bare]), "alpha")
    assert {"offset 3", "heard 0 s ago", "priority 100"} <= set(full.reasons)
    assert [reason.split()[0] for reason in little.reasons] == ["link", "limit"]
    (leading,) = ranked(World([primary(), replica(OLD)]), "alpha")
    assert leading.reasons == ()


def test_what_is_lost_is_told_as_far_as_it_is_known() -> None:
    assert "not known" in loss_text("alpha", None, None)
    unseen = "not known, as nobody saw how far the replica was behind; if it kept up, every write alpha acknowledged"
    assert loss_text("alpha", 4, None) == f"{unseen} in the last 5 s"
    full = LastSeen(1, lag_records=7, lag_seconds=2.0, writes_per_second=100.0, lag_seconds_ago=3)
    told = loss_text("alpha", 4, full)
    assert "in the last 7 s, some 700 at its last known rate; 7 records were not confirmed 3 s ago" in told
    for little in LastSeen(3), LastSeen(3, lag_seconds=1.0), LastSeen(3, lag_seconds_ago=4):
        assert "when alpha was last read, 5 s ago; if it kept up" in loss_text("alpha", 4, little.later(2))
    behind = LastSeen(seconds_ago=3, lag_seconds=2.0, lag_seconds_ago=70.5)
    assert loss_text("alpha", 4, behind) == "every write alpha acknowledged in the last 1 m 13 s"
    assert loss_text("alpha", None, behind.later(3600)).endswith("in the last 1 h 2 m")


class TestWorld:
    def test_what_the_pollers_saw_last(self) -> None:
        good, lost = config("good"), config("lost")
        world = World.polled(
            [
                observation(snapshot(OLD), configured=good, age=1.0, lag_seconds=0.5),
                observation(snapshot(OLD), configured=lost, error=Unreachable("gone", "")),
            ]
        )
        assert (world["good"].leads, world["good"].at, world["good"].lag_seconds) == (True, NOW - 1.0, 0.5)
        assert world["lost"].snapshot is None
        assert isinstance(world["lost"].error, DflyError)
        assert [seen.name for seen in world.primaries] == ["good"]

    @pytest.mark.parametrize(
        ("lines", "records"),
        [
            ({"slave0": "ip=172.17.0.3,port=6379,state=online,lag=4"}, 4),
            ({"slave0": LINE, "slave1": "ip=172.17.0.3,port=17380,state=online,lag=5"}, 5),
            ({"slave0": "ip=9.9.9.9,port=17380,state=online,lag=6",
              "slave1": "ip=127.0.0.1,port=17380,state=online,lag=7"}, 7),
            ({"slave0": "ip=9.9.9.9,port=17380,state=online,lag=6",
              "slave1": "ip=8.8.8.8,port=17380,state=online,lag=7"}, None),
        ],
    )  # fmt: skip
    def test_a_primary_s_line_about_a_replica(self, lines: dict[str, str], records: int | None) -> None:
        """The only one; else by its port; else by its address; never by a guess."""
        old, new = primary(**lines, connected_slaves=len(lines)), replica()
        line = World([old, new]).as_primary_sees(old, new)
        assert (line.lag_records if line else None) == records

    def test_who_follows_nobody_we_know(self) -> None:
        silent = replace(replica(), snapshot=None)
        world = World([primary(), silent])
        assert world.primary_of(silent) is None
        assert world.primary_of(primary()) is None
        assert world.as_primary_sees(primary(), silent) is None
