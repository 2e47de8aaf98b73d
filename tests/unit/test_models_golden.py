"""INFO and ROLE of both real versions, every recorded reply: nothing lost, nothing misread."""

import re

import hiredis
import pytest

from dfly_tui.models.info import Info
from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.replication import LinkState, Role, RoleReply
from tests.support.clock import START
from tests.support.golden import VERSIONS, Exchange, exchanges


def text_of(exchange: Exchange) -> str:
    """The reply's text."""
    parser = hiredis.Reader()
    parser.feed(exchange.raw)
    reply = parser.gets()
    assert isinstance(reply, bytes)
    return reply.decode()


def recorded(version: str, *sections: str) -> list[str]:
    """Every INFO text, or only those of the named sections."""
    found = exchanges(version, "INFO", *sections)
    return [text_of(each) for each in found if each.raw[:1] in (b"$", b"=")]


def printed(text: str, key: str) -> str | None:
    """What the server printed behind a key, found without our parser."""
    found = re.search(rf"^{key}:(.*)\r$", text, re.MULTILINE)
    return found.group(1) if found else None


def snapshot(text: str) -> InstanceSnapshot:
    return InstanceSnapshot.from_info(Info.parse(text), taken_at=START)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_line_of_every_info_comes_back_as_it_was(version: str) -> None:
    texts = recorded(version)
    assert len(texts) > 200
    for text in texts:
        rendered = Info.parse(text).render()
        assert [line for line in rendered.split("\r\n") if line] == [line for line in text.split("\r\n") if line]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sections_are_those_of_the_facts(version: str) -> None:
    text = max(recorded(version, "ALL"), key=len)
    names = {section.name for section in Info.parse(text).sections}
    assert names >= {
        "Server", "Clients", "Memory", "Stats", "Tiered", "Persistence", "Transaction", "Replication", "Commandstats",
        "Modules", "Search", "Errorstats", "Keyspace", "Cpu", "Cluster",
    }  # fmt: skip
    assert ("ACL" in {name.upper() for name in names}) is (version == "1.40.1")


@pytest.mark.parametrize("version", VERSIONS)
def test_numbers_are_the_printed_ones(version: str) -> None:
    for text in recorded(version, "ALL"):
        seen = snapshot(text)
        assert seen.flavour is Flavour.DRAGONFLY
        assert seen.version == version
        numbers = {
            "tcp_port": seen.tcp_port, "thread_count": seen.thread_count, "uptime_in_seconds": seen.uptime_seconds,
            "connected_clients": seen.connected_clients, "blocked_clients": seen.blocked_clients,
            "max_clients": seen.max_clients, "used_memory": seen.used_memory_bytes,
            "used_memory_peak": seen.used_memory_peak_bytes, "used_memory_rss": seen.rss_bytes,
            "maxmemory": seen.max_memory_bytes, "total_commands_processed": seen.commands_total,
            "keyspace_hits": seen.hits_total, "keyspace_misses": seen.misses_total,
            "rdb_changes_since_last_success_save": seen.persistence.changes_since_snapshot,
        }  # fmt: skip
        assert {key: str(value) for key, value in numbers.items()} == {key: printed(text, key) for key in numbers}
        assert seen.cache_mode is (printed(text, "cache_mode") == "cache")
        assert seen.keys == sum(int(keys) for keys in re.findall(r"^db\d+:keys=(\d+),", text, re.MULTILINE))
        assert seen.expiring_keys == sum(
            int(found) for found in re.findall(r"^db\d+:.*expires=(\d+)", text, re.MULTILINE)
        )


@pytest.mark.parametrize("version", VERSIONS)
def test_before_the_first_save_there_is_no_snapshot(version: str) -> None:
    """The server prints its own start time as the last save then (facts §1.7)."""
    for text in recorded(version, "PERSISTENCE"):
        kept = snapshot("# Server\r\ndragonfly_version:df-v" + version + "\r\n" + text).persistence
        if printed(text, "last_saved_file"):
            assert kept.last_snapshot_at is not None
            assert kept.last_snapshot_at.timestamp() == int(printed(text, "last_success_save") or 0)
        else:
            assert kept.last_snapshot_at is None
        assert kept.loading is (printed(text, "loading") == "1")
        assert kept.saving is (printed(text, "saving") == "1")
        assert (kept.last_failed_at is not None) is (printed(text, "last_failed_save") not in ("0", None))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_replication_state_is_known(version: str) -> None:
    states: set[LinkState] = set()
    for text in recorded(version, "REPLICATION"):
        seen = snapshot(text).replication
        assert seen.role is {"master": Role.PRIMARY, "slave": Role.REPLICA}[printed(text, "role") or ""]
        replicas = re.findall(r"^slave\d+:ip=(.+),port=(\d+),state=(\w+),lag=(\d+)\r$", text, re.MULTILINE)
        assert [(each.host, str(each.port)) for each in seen.replicas] == [found[:2] for found in replicas]
        for each, (_, _, state, lag) in zip(seen.replicas, replicas, strict=True):
            assert each.lag_records == (int(lag) if state == "online" else None)
            assert each.offset is None
            states.add(each.state)
        if seen.role is Role.REPLICA:
            assert seen.primary is not None
            assert (seen.primary.host, str(seen.primary.port)) == ("127.0.0.1", printed(text, "master_port"))
            assert seen.primary.up is (printed(text, "master_link_status") == "up")
            assert seen.primary.last_io_seconds is None or seen.primary.last_io_seconds < 3600
            states.add(seen.primary.state)
        else:
            assert seen.primary is None
    assert states >= {LinkState.STABLE, LinkState.FULL_SYNC, LinkState.DOWN}
    assert LinkState.UNKNOWN not in states


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_role(version: str) -> None:
    found = []
    for each in exchanges(version, "ROLE"):
        parser = hiredis.Reader()
        parser.feed(each.raw)
        role = RoleReply.from_reply(parser.gets())
        found.append((role.role, role.primary_port, role.state, [(seen.port, seen.state) for seen in role.replicas]))
    assert (Role.PRIMARY, None, None, []) in found
    assert (Role.PRIMARY, None, None, [(17380, LinkState.FULL_SYNC)]) in found
    assert (Role.PRIMARY, None, None, [(17380, LinkState.STABLE)]) in found
    assert (Role.REPLICA, 17379, LinkState.FULL_SYNC, []) in found
    assert (Role.REPLICA, 17379, LinkState.STABLE, []) in found
    assert (Role.REPLICA, 17379, LinkState.CONNECTING, []) in found
    assert all(role is not None and state is not LinkState.UNKNOWN for role, _, state, _ in found)


@pytest.mark.parametrize("version", VERSIONS)
def test_histograms_error_texts_and_cpu_times_are_not_bent(version: str) -> None:
    """The places where redis-py's parser goes wrong (facts §0.12)."""
    for text in recorded(version, "ALL"):
        info = Info.parse(text)
        assert info.text("tx_with_freq") == printed(text, "tx_with_freq")
        seconds, _, micros = (printed(text, "used_cpu_user") or "").partition(".")
        assert info.cpu_seconds("used_cpu_user") == pytest.approx(int(seconds) + int(micros) / 1e6)
        assert len(info.all("module")) == 2
        for message, times in info.section("Errorstats").items():
            assert times.isdigit(), message
