"""Views: declarations, patterns, cells and their order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dfly_tui.errors import ConfigError
from dfly_tui.models.view import (
    MISSING_CELL,
    Cell,
    Facts,
    Heading,
    KeyPattern,
    Row,
    Told,
    View,
    arrange,
    as_before,
    parse_time,
    row_of,
)
from dfly_tui.models.view_text import ttl_words
from dfly_tui.settings import Settings
from dfly_tui.settings_views import SHIPPED_VIEWS, ViewConfig
from dfly_tui.view_words import Column, ColumnKind, parse_column, pattern_parts
from tests.support.configs import load_from, write_config
from tests.support.hostile import harmless

WORKFLOWS, AGENTS, SESSIONS, QUEUES = map(View.of, SHIPPED_VIEWS)
VALUES = st.binary(min_size=1, max_size=12).filter(lambda value: b":" not in value)


def text(told: str) -> Cell:
    return Cell(Told.TEXT, told)


def row(name: bytes, view: View = WORKFLOWS, *, ttl_ms: int = -1, at: float = 0.0, **fields: str) -> Row:
    key = view.key(name)
    assert key is not None
    facts = Facts("hash", Cell(Told.TTL, number=ttl_ms), fields={field: text(value) for field, value in fields.items()})
    return row_of(view, key, facts, read_at=at)


def listed(
    view: View, rows: list[Row], *, sort: int | None = None, descending: bool = False, wanted: str = ""
) -> list[str]:
    found = arrange(view, rows, sort=sort, descending=descending, wanted=wanted)
    return [view.heading_words(item) if isinstance(item, Heading) else item.cells[0].text for item in found]


@given(issue=VALUES, phase=VALUES, agent=VALUES)
def test_a_name_made_of_a_pattern_fits_it_whatever_its_bytes(issue: bytes, phase: bytes, agent: bytes) -> None:
    pattern = KeyPattern.parse("tef:state:{issue}:{phase}:{agent}", ":")
    name = b"tef:state:" + b":".join([issue, phase, agent])
    assert pattern.match(name) == {"issue": issue, "phase": phase, "agent": agent}
    assert pattern.match(name + b":more") is None
    assert pattern.match(b"x" + name) is None
    assert pattern.match(name.rpartition(b":")[0]) is None


@given(st.binary(max_size=40))
def test_a_name_fits_only_where_it_can_be_put_together_again(name: bytes) -> None:
    pattern = KeyPattern.parse("a{x}b::{y}", "::")
    found = pattern.match(name)
    if found is not None:
        assert name == b"a" + found["x"] + b"b::" + found["y"]
        assert all(found.values())
        assert b"::" not in found["x"]


@pytest.mark.parametrize("name", [b"tef:state::planning:agent", b"tef:state:a:b:", b"tef:state", b"", b"\xff"])
def test_a_part_that_is_empty_is_none(name: bytes) -> None:
    assert WORKFLOWS.key(name) is None


def test_a_megabyte_of_delimiters_is_refused_at_once() -> None:
    assert WORKFLOWS.key(b"tef:state:" + b":" * 1_000_000) is None


def test_globs() -> None:
    pattern = KeyPattern.parse("tef:state:{issue}:{phase}:{agent}", ":")
    assert pattern.glob() == b"tef:state:*"
    assert pattern.glob({"issue": b"LAW-1"}) == b"tef:state:LAW-1:*"
    assert pattern.glob({"issue": b"a*[b]?\\"}) == rb"tef:state:a\*\[b\]\?\\:*"
    assert pattern.glob({"phase": b"qa"}) == b"tef:state:*:qa:*"
    assert KeyPattern.parse("job[{id}]{{x}}:end", ":").glob() == rb"job\[*\]{x}:end"


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a:{b", "write {{ or }} for a brace itself"),
        ("a:b}", "write {{ or }}"),
        ("{a}:{a}", "stands in it twice"),
        ("{a}{b}", "need a delimiter between them"),
        ("{}", "is no name"),
        ("{a!r}", "is no name"),
        ("{a.b}", "is no name"),
    ],
)
def test_a_pattern_that_means_nothing(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("{", r"\{")):
        pattern_parts(pattern, ":")


def test_columns() -> None:
    assert parse_column("agent", ("agent",)) == Column(ColumnKind.PLACEHOLDER, ("agent",), "agent")
    assert parse_column("field:a:b as Name", ()) == Column(ColumnKind.FIELD, ("a:b",), "Name")
    assert parse_column("since: a , b", ()) == Column(ColumnKind.SINCE, ("a", "b"), "age")
    assert parse_column("ttl", ("ttl",)).kind is ColumnKind.PLACEHOLDER
    for wrong in ("agent", "field:", "since:a,,b", "TTL", ""):
        with pytest.raises(ValueError, match="is no column; there are issue, field:NAME"):
            parse_column(wrong, ("issue",))


def test_shipped_views_are_of_what_the_agents_keep() -> None:
    key = WORKFLOWS.key(b"tef:state:LAW-123:planning:planning-agent")
    assert key is not None
    assert key.group == (b"LAW-123", b"planning")
    assert WORKFLOWS.heading_words(Heading(key, 3)) == "LAW-123 · planning · 3 agents"
    assert WORKFLOWS.heading_words(Heading(key, 1)) == "LAW-123 · planning · 1 agent"
    assert WORKFLOWS.pattern_of_first_group(key) == b"tef:state:LAW-123:*"
    assert WORKFLOWS.fields == ("status", "completed_at", "timestamp")
    assert AGENTS.key(b"agent:planning:state:LAW-123")
    session = SESSIONS.key(b"session:42")
    assert session is not None
    assert SESSIONS.pattern_of_first_group(session) is None
    assert QUEUES.key(b"queue:jobs")


def test_a_configured_view_replaces_a_shipped_one_of_its_name() -> None:
    own = ViewConfig(name="queues", patterns=("q/{name}",), delimiter="/", columns=("name", "length"))
    more = ViewConfig(name="Locks", patterns=("lock:{name}", "{name}:lock"), columns=("name", "ttl"))
    views = Settings(views=(more, own)).all_views
    assert [view.name for view in views] == ["Workflows", "Agents", "Sessions", "queues", "Locks"]
    assert views[3] is own
    locks = View.of(more)
    assert [key.values for name in (b"lock:a", b"b:lock") if (key := locks.key(name))] == [(b"a",), (b"b",)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("patterns = ['a:{b}']\ncolumns = ['c']", ":4: views[0].columns[0]: c is no column; there are b, field:NAME"),
        ("patterns = ['a:b']\ncolumns = ['ttl']", ":3: views[0].patterns[0]: a placeholder is missing, such as"),
        ("patterns = ['a:{b']\ncolumns = ['ttl']", ":3: views[0].patterns[0]: expected '}' before end of string"),
        ("patterns = ['{a}{b}']\ncolumns = ['ttl']", ":3: views[0].patterns[0]: {a} and {b} need a delimiter"),
        ("patterns = 'a:{b}'\ncolumns = ['ttl']", ":3: views[0].patterns: should be a list"),
        ("patterns = ['a:{b}']\ncolumns = ['b', 'b']", ":4: views[0].columns[1]: two columns are called b"),
        ("patterns = ['a:{b}']\ncolumns = ['b']\ngroup_by = ['c']", ":5: views[0].group_by[0]: c is not a placeholder"),
        (
            "patterns = ['a:{b}']\ncolumns = ['b']\nsort = 'c'",
            ":5: views[0].sort: there is no such column; there are b",
        ),
        ("patterns = ['a:{b}']\ncolums = ['b']", ":4: views[0].colums: unknown key; did you mean columns?"),
        ("patterns = ['a:{b}']\ncolumns = ['b']\nrefresh_seconds = 0.1", ":5: views[0].refresh_seconds"),
        ("patterns = ['a:{b}', 'c:{d}']\ncolumns = ['b']", ":4: views[0].columns[0]: b is no column"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, lines: str, said: str) -> None:
    path = write_config(tmp_path, f"[[views]]\nname = 'mine'\n{lines}\n")
    with pytest.raises(ConfigError) as caught:
        load_from(path)
    assert said in caught.value.detail


def test_two_views_of_one_name() -> None:
    one = ViewConfig(name="Mine", patterns=("a:{b}",), columns=("b",))
    with pytest.raises(ValidationError, match="two views are called mine"):
        Settings(views=(one, one.model_copy(update={"name": "mine"})))


def test_groups_and_rows_are_in_the_order_of_the_numbers_in_their_names() -> None:
    names = [b"LAW-10:qa:b", b"LAW-9:qa:a10", b"LAW-9:qa:a9", b"LAW-9:action:z", b"law-1:qa:x", b"LAW-010:qa:c"]
    rows = [row(b"tef:state:" + name) for name in names]
    assert listed(WORKFLOWS, rows) == [
        "LAW-9 · action · 1 agent", "z", "LAW-9 · qa · 2 agents", "a9", "a10",
        "LAW-010 · qa · 1 agent", "c", "LAW-10 · qa · 1 agent", "b", "law-1 · qa · 1 agent", "x",
    ]  # fmt: skip


@given(st.lists(st.tuples(VALUES, VALUES, VALUES), unique=True, max_size=20))
def test_each_group_has_one_heading_and_all_rows_are_listed(keys: list[tuple[bytes, bytes, bytes]]) -> None:
    rows = [row(b"tef:state:" + b":".join(values)) for values in keys]
    found = arrange(WORKFLOWS, rows, sort=0, descending=True)
    headings = [item.key.group for item in found if isinstance(item, Heading)]
    assert sorted(headings) == sorted({values[:2] for values in keys})
    assert {item.key.name for item in found if isinstance(item, Row)} == {item.key.name for item in rows}
    assert sum(item.rows for item in found if isinstance(item, Heading)) == len(rows)


def test_sorting_by_a_column_keeps_what_is_not_known_last() -> None:
    times = {"old": "2026-01-01T00:00:00", "new": "2026-01-02T00:00:00Z", "none": ""}
    rows = [row(b"tef:state:i:p:" + name.encode(), timestamp=time) for name, time in times.items()]
    assert rows[2].cells[2].told is Told.TROUBLE
    assert listed(WORKFLOWS, rows, sort=2)[1:] == ["new", "old", "none"]
    assert listed(WORKFLOWS, rows, sort=2, descending=True)[1:] == ["old", "new", "none"]
    ttls = [row(b"tef:state:i:p:%d" % ttl, ttl_ms=ttl) for ttl in (5000, -1, 200)]
    assert listed(WORKFLOWS, ttls, sort=3)[1:] == ["200", "5000", "-1"]


def test_a_filter_looks_into_names_and_cells() -> None:
    rows = [row(b"tef:state:LAW-1:qa:one", status="Failed"), row(b"tef:state:LAW-2:qa:two", status="done")]
    assert listed(WORKFLOWS, rows, wanted="fail") == ["LAW-1 · qa · 1 agent", "one"]
    assert listed(WORKFLOWS, rows, wanted="law-2") == ["LAW-2 · qa · 1 agent", "two"]
    assert listed(WORKFLOWS, rows, wanted="x") == []


def test_the_first_time_that_is_there_tells_the_age() -> None:
    done = row(b"tef:state:i:p:a", timestamp="2026-01-01T00:00:00", completed_at="2026-01-01T00:01:00")
    going = row(b"tef:state:i:p:b", timestamp="2026-01-01T00:00:00")
    assert (done.cells[2].number or 0) - (going.cells[2].number or 0) == 60
    assert row(b"tef:state:i:p:c").cells[2] == MISSING_CELL


@pytest.mark.parametrize("wrong", ["", "yesterday", "0", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+10:00"])
def test_what_is_no_time(wrong: str) -> None:
    assert parse_time(wrong) is None


def test_times_with_and_without_a_zone() -> None:
    assert parse_time("2026-01-02T03:04:05") == parse_time("2026-01-02T04:04:05+01:00") == 1767323045
    assert parse_time(" 2026-01-02T03:04:05.5Z ") == 1767323045.5


@pytest.mark.parametrize(
    ("left_ms", "words"), [(-1, "∞"), (-2, "gone"), (0, "expired"), (999, "999 ms"), (61_500, "1 m 1 s")]
)
def test_times_to_live(left_ms: int, words: str) -> None:
    assert ttl_words(left_ms) == words


def test_a_row_that_says_the_same_is_the_same() -> None:
    old = row(b"tef:state:i:p:a", ttl_ms=10_000, at=100.0, status="on")
    assert as_before(old, row(b"tef:state:i:p:a", ttl_ms=8_100, at=102.0, status="on")) is old
    extended = row(b"tef:state:i:p:a", ttl_ms=10_000, at=102.0, status="on")
    assert as_before(old, extended) is extended
    changed = row(b"tef:state:i:p:a", ttl_ms=8_000, at=102.0, status="off")
    assert as_before(old, changed) is changed


@given(st.binary(min_size=1, max_size=30))
def test_whatever_a_name_holds_is_harmless(name: bytes) -> None:
    key = SESSIONS.key(b"session:" + name)
    if key is not None:
        assert harmless(row_of(SESSIONS, key, Facts("hash"), read_at=0.0).cells[0].text)
    grouped = AGENTS.key(b"agent:" + name + b":state:1")
    if grouped is not None:
        assert harmless(AGENTS.heading_words(Heading(grouped, 1)))
