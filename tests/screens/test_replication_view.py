"""What the replication screen says of an instance, without a screen."""

from datetime import timedelta

import pytest

from dfly_tui.models.health import Observation
from dfly_tui.settings import FailoverSettings
from screens.replication_link import entries_of
from screens.replication_view import View, last_worlds_of, picture, worlds_of
from tests.support.fakes import changed_info, recorded_info
from tests.support.fleet import NOW, WALL, judged, observed
from widgets.lines import line_text
from widgets.sheet import entry_lines
from widgets.topology import Topology

PRIMARY, REPLICA = recorded_info("v1.40.1-primary"), recorded_info("v1.40.1-replica")
ADDRESSES = {"workhorse": "redis://127.0.0.1:17379", "nas": "redis://127.0.0.1:17380"}


def member(name: str, text: str = "", role: str | None = None, replica_of: str | None = None) -> Observation:
    """An instance of the group `main` that answers with this INFO."""
    text = text or (PRIMARY if name == "workhorse" else REPLICA)
    seen = observed(name, text.encode())
    links = {"url": ADDRESSES.get(name, "redis://10.0.0.9:6379"), "role": role, "replica_of": replica_of}
    return seen.model_copy(update={"config": seen.config.model_copy(update={"group": "main", **links})})


def view_of(*members: Observation, lag: float | None = 0.5) -> View:
    statuses = judged(*members)
    worlds = worlds_of(statuses, lambda leader, line: lag)
    by_name = {status.name: status for status in statuses}
    last = last_worlds_of(statuses, worlds)
    return View(worlds, last, by_name, {}, FailoverSettings(), NOW, lambda leader, line: None)


def sheet(name: str, *members: Observation) -> str:
    entries = entries_of(view_of(*members), name, everything=False)
    return "\n".join(line_text(line).rstrip() for line in entry_lines(entries, 200))


def drawn(*members: Observation) -> list[str]:
    topology = Topology()
    topology.show(picture(view_of(*members), ""), None)
    return [line_text(line).rstrip() for line in topology.lines(160, 40)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"psync_attempts": 3, "psync_successes": 1}, "partial resyncs: 1 of 3 tried; the others were full"),
        ({"psync_attempts": 0, "psync_successes": 0}, "no partial resync was tried"),
    ],
)
def test_resyncs(fields: dict[str, int], words: str) -> None:
    assert words in sheet("nas", member("workhorse"), member("nas", changed_info(REPLICA, fields)))


def test_a_version_that_counts_no_resyncs() -> None:
    primary, replica = recorded_info("v1.22.2-primary"), recorded_info("v1.22.2-replica")
    told = sheet("nas", member("workhorse", primary), member("nas", replica))
    assert "resyncs are not counted: with this version each is a full one" in told


def test_a_redis_whose_primary_is_not_ours() -> None:
    told = sheet("nas", member("nas", recorded_info("redis-7.0-replica")))
    assert "resyncs are counted by the primary" in told
    assert "– (no list of a primary we know shows this replica)" in told
    assert "✖ no: it follows nobody that we know" in told
    assert "follows  127.0.0.1:6379, not configured; heard 1 s ago" in told


def test_an_instance_that_follows_itself() -> None:
    itself = changed_info(REPLICA, {"master_port": 17380})
    assert "follows  itself; heard 0 s ago" in sheet("nas", member("nas", itself.replace("e26827", "ffffff")))
    assert "✖ nas                   follows itself" in "\n".join(drawn(member("nas", itself)))


@pytest.mark.parametrize(("connected", "words"), [(0, "none is connected"), (2, "2 connected; the server hides which")])
def test_a_primary_without_a_list(connected: int, words: str) -> None:
    lines = [line for line in PRIMARY.splitlines() if not line.startswith("slave0")]
    text = changed_info("\r\n".join(lines), {"connected_slaves": connected})
    assert f"replicas {words}" in sheet("workhorse", member("workhorse", text), member("nas", role="replica"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [(0, "snapshot of 2 h ago, nothing changed since"), (4500, "snapshot of 2 h ago; 4.50k changes since: if it")],
)
def test_how_much_is_saved(changes: int, words: str) -> None:
    saved = int((WALL - timedelta(hours=2)).timestamp())
    fields = {
        "last_success_save": saved, "last_saved_file": "/data/dump.dfs", "rdb_changes_since_last_success_save": changes,
    }  # fmt: skip
    assert words in sheet("workhorse", member("workhorse", changed_info(PRIMARY, fields)))


def test_a_role_that_is_not_known() -> None:
    told = sheet("workhorse", member("workhorse", changed_info(PRIMARY, {"role": "owner"}), role="primary"))
    assert "role     not known; should be a primary" in told


def test_a_primary_that_should_be_a_replica() -> None:
    told = sheet("nas", member("nas", PRIMARY, "replica", "workhorse"), member("workhorse", role="primary"))
    assert "leads    workhorse too. Find out which one the applications write to, and stop the other" in told
    assert "should be a replica" in told


def test_those_that_cannot_be_told_apart_are_called_so() -> None:
    """Behind NAT all replicas come from one address with one port."""
    line = "ip=172.19.0.1,port=17380,state=online,lag=1"
    listed = "\r\n".join(f"slave{number}:{line}" for number in range(3))
    text = changed_info(PRIMARY, {"slave0": line}).replace(f"slave0:{line}", listed)
    picture_lines = drawn(member("workhorse", text), member("nas"), member("third"))
    assert sum("perhaps not configured" in line for line in picture_lines) == 3


def test_the_light_is_that_of_the_wizards_checks() -> None:
    view = view_of(member("workhorse"), member("nas"), lag=2.0)
    assert [finding.code for finding in view.findings("nas") if finding.verdict == "block"] == ["lag"]
    assert view.findings("workhorse") == ()
