"""Every field a real server printed has a sentence, and a sentence is short enough for the line below a table."""

import tomllib
from importlib import resources
from pathlib import Path

import hiredis
import pytest

from dfly_tui.lab.info import MARK
from dfly_tui.models.explanations import explain
from dfly_tui.models.info import Info
from tests.support.golden import VERSIONS, exchanges

RECORDED = sorted((Path(__file__).parents[1] / "data" / "info").glob("*.txt"))
OF_REDIS_BUT_NOT_RECORDED = {
    "server_name", "valkey_version", "pubsub_clients", "aof_current_size", "loading_eta_seconds",
    "master_link_down_since_seconds", "master_sync_left_bytes", "io_thread_0", "unknown_FAILOVER",
}  # fmt: skip


def _data() -> dict[str, dict[str, str]]:
    text = (resources.files("dfly_tui.models.data") / "explanations.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def test_there_are_recordings() -> None:
    assert len(RECORDED) >= 8


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_recorded_field_is_explained(path: Path) -> None:
    lines = list(Info.parse(path.read_bytes()).lines())
    assert [(section, field) for section, field, _ in lines if not explain(field, section)] == []
    assert len(lines) > 100


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_that_appeared_at_any_time_is_explained(version: str) -> None:
    seen: set[tuple[str, str]] = set()
    for exchange in exchanges(version, "INFO"):
        parser = hiredis.Reader(encoding="utf-8")
        parser.feed(exchange.raw)
        reply = parser.gets()
        if isinstance(reply, str):
            seen |= {(section, field) for section, field, _ in Info.parse(reply).lines()}
    assert {("Persistence", "rdb_string"), ("Replication", "slave0"), ("Replication", "slave_repl_offset")} <= seen
    assert {(section, field) for section, field in seen if not explain(field, section)} == set()


def test_the_lab_says_what_it_is() -> None:
    assert "simulated" in explain(MARK.partition(":")[0])


@pytest.mark.parametrize("field", sorted(OF_REDIS_BUT_NOT_RECORDED))
def test_fields_that_appear_only_at_times(field: str) -> None:
    assert explain(field)


def test_sentences_are_short_and_whole() -> None:
    for table in _data().values():
        for field, sentence in table.items():
            assert 0 < len(sentence) <= 90, field
            assert sentence.endswith("."), field
            assert sentence == sentence.strip(), field
            assert sentence.isprintable(), field


def test_no_field_is_explained_twice() -> None:
    data = _data()
    assert [field for field in data["fields"] if "*" in field] == []
    assert [family for family in data["families"] if "*" not in family] == []
    for family in data["families"]:
        prefix = family.partition("*")[0].partition("[")[0]
        assert [field for field in data["fields"] if field.startswith(prefix) and field[len(prefix) :].isdigit()] == []


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("slave0", "lag"), ("slave12", "lag"), ("db0", "keys"), ("db15", "keys"), ("cmdstat_config|get", "Calls"),
        ("type_used_memory_ReJSON-RL", "type"), ("latency_percentiles_usec_get", "99"),
    ],
)  # fmt: skip
def test_families(field: str, word: str) -> None:
    assert word in explain(field)


@pytest.mark.parametrize("field", ["slave_repl_offset", "slave_priority", "slave_read_only"])
def test_a_family_takes_no_other_field(field: str) -> None:
    assert explain(field) not in ("", explain("slave0"))


@pytest.mark.parametrize("field", ["", "nonsense", "USED_MEMORY", "dbfoo", "slavery", "*", "slave[0-9]*"])
def test_an_unknown_field_has_no_explanation(field: str) -> None:
    assert explain(field) == ""


def test_an_error_text_is_explained_by_its_section() -> None:
    text = "-READONLY You can't write against a read only replica."
    assert explain(text) == ""
    assert "error" in explain(text, "Errorstats")
    assert explain("used_memory", "ERRORSTATS") == explain(text, "errorstats")
    assert explain("used_memory", "Memory") == explain("used_memory")


@pytest.mark.parametrize(
    ("field", "trap"),
    [
        ("last_success_save", "server's start"), ("rejected_connections", "-1"), ("instantaneous_input_kbps", "-1"),
        ("redis_version", "constant"), ("used_memory_peak_rss", "mistake"), ("slave0", "records"),
        ("master_link_status", "not yet"),
    ],
)  # fmt: skip
def test_the_traps_are_told(field: str, trap: str) -> None:
    assert trap in explain(field)
