"""`snapshot_cron` as Dragonfly takes it: what croncpp itself answered, and what a person is told."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfly_tui.clock import local_zone
from dfly_tui.errors import DflyError
from dfly_tui.models.cron import BadCron, Cron, both_nodes
from dfly_tui.models.server_zone import zone_of

DATA = Path(__file__).parents[1] / "data" / "cron"
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def zone(name: str) -> tzinfo:
    """A zone as it was when the data were recorded, whatever this machine knows."""
    if name == "UTC":
        return UTC
    with (DATA / f"{name}.tzif").open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def rows(name: str) -> list[list[str]]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.split("\n") if line and not line.startswith("# ")]


def taken(expression: str) -> str:
    """What it was taken for, as the recording has it."""
    try:
        cron = Cron(expression)
    except BadCron as problem:
        return f"ERR {problem.server}"
    due = cron._due
    sets = (due.minutes, due.hours, due.days, {month + 1 for month in due.months}, due.weekdays)
    sizes = (60, 24, 31, 12, 7)
    return " ".join(
        "*" if len(each) == size else ",".join(map(str, sorted(each))) for each, size in zip(sets, sizes, strict=True)
    )


def test_an_expression_is_taken_as_croncpp_takes_it() -> None:
    recorded = dict(rows("fields.tsv"))
    assert {expression: taken(expression) for expression in recorded} == recorded


def test_the_next_run_is_the_one_croncpp_finds() -> None:
    wrong = []
    for name, asked, expression, answer in rows("next.tsv"):
        there, after = zone(name), datetime.fromtimestamp(int(asked), UTC)
        answers = answer.split()
        runs = [int(each) for each in answers if each.isdigit()]
        ended = answer in {"hang", "crash"}  # in the course of three
        found = [int(run.timestamp()) for run in Cron(expression).next_runs(after, there, 3 if ended else len(answers))]
        if found != runs if not ended else len(found) == 3:
            wrong.append((name, asked, expression, runs, found))
    assert not wrong


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("* * * * *", True),
        ("4 3 2 1 5", True),  # 2 January 2026 is a Friday
        ("*/2 3 * * *", True),
        ("0,4 1-5 * * *", True),
        ("5 3 * * *", False),
        ("4 3 2 1 0", False),
        ("4 3 2 * 0", False),  # crontab would take either day
        ("4/3 * * * *", True),
        ("", False),
    ],
)
def test_due_in_a_minute(expression: str, due: bool) -> None:
    assert Cron(expression).is_due(NOW) is due


@pytest.mark.parametrize(
    ("expression", "what", "instead"),
    [
        ("bad cron", "five fields are needed", "0 2 * * *"),
        ("@daily", "@daily is not taken", "write 0 0 * * *"),
        ("0 30 2 * * *", "not 6", "no seconds, and no year: 30 2 * * *"),
        ('"0 2 * * *"', "does not begin with a quote", "leave the quotes away"),
        ("0 2 * * 7", "day of week “7”", "Sunday is 0"),
        ("0 2 * * FRI-MON", "goes backwards", "5-6,0-1"),
        ("0 22-2 * * *", "hour “22-2”", "22-23,0-2"),
        ("0 2 L * *", "day of month “L”", "there is no L here"),
        ("60 * * * *", "minute “60”", "0 to 59"),
        ("0 2 0 * *", "too low", "1 to 31"),
        ("0 2 * foo *", "is no number", "JAN to DEC"),
        ("*/0 * * * *", "step of 0", "1 or more"),
        ("1, * * * *", "ends with a comma", "leave it away"),
        ("* * * * \x1b[31m", "“\\x1b[31m”", "SUN to SAT"),
        ("x * * * *", "minute “x”", "a range 1-5"),
    ],
)
def test_a_refusal_says_which_field_and_what_instead(expression: str, what: str, instead: str) -> None:
    with pytest.raises(DflyError) as raised:
        Cron(expression)
    assert what in str(raised.value)
    assert instead in raised.value.hint


def test_what_the_server_takes_for_something_else_is_said() -> None:
    assert Cron("300 2 * * MONDAY").remarks == (
        "minute: “300” is taken for 44", "day of week: “MONDAY”: “1DAY” is taken for 1",
    )  # fmt: skip
    assert Cron("0 2 * * mon").remarks == ()


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 2 * * *", "At 02:00"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("0 14 * * MON-FRI", "At 14:00, Monday through Friday"),
        ("30 2 1 * 1", "At 02:30, on day 1 of the month, but only when that is Monday"),
        ("0 2 1-7 * 6,0", "At 02:00, between day 1 and 7 of the month, but only when that is Sunday or Saturday"),
        ("0 */30 * * *", "At 00:00"),  # there is no hour 30
        ("*/25 * * * *", "At 0, 25, and 50 minutes past the hour"),
        ("0 0 31 2 *", "At 00:00, on day 31 of the month, only in February – a day that never comes"),
        ("", "Never by itself"),
    ],
)
def test_in_words(expression: str, words: str) -> None:
    assert Cron(expression).words == words


def test_a_time_the_clock_jumps_over_is_left_out_and_one_that_comes_twice_is_run_twice() -> None:
    berlin = zone("Berlin")

    def runs(after: datetime) -> list[str]:
        return [f"{run:%d %H:%M %z}" for run in Cron("30 2 * * *").next_runs(after, berlin, 3)]

    assert runs(datetime(2026, 3, 28, 23, tzinfo=UTC)) == ["30 02:30 +0200", "31 02:30 +0200", "01 02:30 +0200"]
    assert runs(datetime(2026, 10, 24, 20, tzinfo=UTC)) == ["25 02:30 +0200", "25 02:30 +0100", "26 02:30 +0100"]


def test_before_the_clock_is_put_forward_a_daily_schedule_saves_without_pause() -> None:
    berlin = zone("Berlin")
    cron, before = Cron("0 2 * * *"), datetime(2026, 3, 25, 12, tzinfo=UTC)
    runs = cron.next_runs(before, berlin, 5)
    assert [f"{run:%d.%m.}" for run in runs] == ["26.03.", "27.03.", "28.03."]
    assert cron.stuck_at(before, berlin) == runs[-1]
    in_between = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert cron.stuck_at(in_between, berlin) == in_between
    assert cron.stuck_at(before, UTC) is None
    assert Cron("*/15 * * * *").stuck_at(before, berlin) is None
    assert Cron("").stuck_at(before, berlin) is None
    # One that seldom runs is not asked in the day before.
    assert Cron("0 4 1 1 *").stuck_at(before, berlin) is None


def test_a_day_that_never_comes_is_no_run_and_no_endless_search() -> None:
    never = Cron("0 0 31 2 *")
    assert never.next_runs(NOW, UTC, 5) == ()
    assert never.is_impossible
    assert never.stuck_at(NOW, UTC) == NOW
    assert never.shortest_gap() is None
    # Monday, 29 February comes in 2044: the server does not look that far.
    rare = Cron("0 0 29 2 1")
    assert not rare.is_impossible
    assert rare.stuck_at(NOW, UTC) == NOW
    assert Cron("").next_runs(NOW, UTC, 5) == ()


_FIELD = st.lists(st.integers(0, 59), min_size=1, max_size=4, unique=True)


@settings(max_examples=40, deadline=None)
@given(
    minutes=_FIELD, hours=st.lists(st.integers(0, 23), max_size=3), weekday=st.integers(-1, 6), day=st.integers(0, 31),
    after=st.integers(1_767_225_600, 1_830_000_000), name=st.sampled_from(["UTC", "Berlin", "Cairo"]),
)  # fmt: skip
def test_every_run_fits_the_expression(
    minutes: list[int], hours: list[int], weekday: int, day: int, after: int, name: str
) -> None:
    text = f"{','.join(map(str, minutes))} {','.join(map(str, hours)) or '*'} {day or '*'} * "
    cron = Cron(text + (str(weekday) if weekday >= 0 else "*"))
    asked = datetime.fromtimestamp(after, UTC)
    runs = cron.next_runs(asked, zone(name), 4)
    # croncpp gives up looking for a day that both fields allow after a year, and takes whatever day it has come to.
    assert all(run.second == 0 and (cron.is_due(run) or (day and weekday >= 0)) for run in runs)
    instants = [asked, *(run.astimezone(UTC) for run in runs)]
    assert all(earlier < later for earlier, later in pairwise(instants))
    gap = cron.shortest_gap()
    if name == "UTC" and gap is not None:
        assert all(later - earlier >= gap for earlier, later in pairwise(instants[1:]))


@pytest.mark.parametrize(
    ("expression", "gap"),
    [
        ("*/5 * * * *", timedelta(minutes=5)),
        ("*/7 * * * *", timedelta(minutes=4)),
        ("0 2,14 * * *", timedelta(hours=12)),
        ("0 1,23 * * *", timedelta(hours=2)),
        ("0 2 * * 1,3", timedelta(days=2)),
        ("0 2 1 * *", timedelta(days=28)),
        ("0 2 29 2 *", timedelta(days=1461)),
        ("", None),
    ],
)
def test_the_least_time_between_two_runs(expression: str, gap: timedelta | None) -> None:
    assert Cron(expression).shortest_gap() == gap


def test_a_save_that_takes_longer_than_the_gap() -> None:
    cron = Cron("*/5 * * * *")
    assert cron.overlap(299) == ""
    assert cron.overlap(301) == "a save takes 5 m 1 s, and the next is due after 5 m"
    assert Cron("").overlap(1e9) == ""


def test_two_nodes_that_save_in_the_same_minute() -> None:
    schedules = {"a": Cron("0 2 * * *"), "b": Cron("0 */2 * * *"), "c": Cron("30 2 * * *"), "d": Cron("")}
    assert both_nodes(schedules) == (("a", "b"),)
    assert not Cron("0 2 30 * *").meets(Cron("0 2 * 2 *"))
    assert Cron("*/30 * * * *") == Cron("0,30 * * * *")
    assert len({Cron("0 2 * * *"), Cron("0 2 * * ?")}) == 1
    assert repr(Cron("0 2 * * *")) == "Cron('0 2 * * *')"


BEGAN = datetime(2026, 11, 23, 4, 24, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "text", "proven"),
    [
        ("/data/dump-2026-11-23T04:24:58-summary.dfs", "UTC, as its file names show", True),
        ("dump-2026-11-23T05:24:59", "UTC+01:00, as its file names show", True),
        ("/2026-11-23T09:54:58/dump-2026-11-22T22:24:58-summary.dfs", "UTC-06:00, as its file names show", True),
        ("dump-2026-11-23T09:54:58", "UTC+05:30, as its file names show", True),
        ("dump-2026-11-23T04:31:00", "UTC, which is assumed: no file name shows its clock", False),
        ("dump-2026-11-20T04:24:58", "UTC, which is assumed: no file name shows its clock", False),
        ("dump-2026-99-23T04:24:58", "UTC, which is assumed: no file name shows its clock", False),
        ("dump", "UTC, which is assumed: no file name shows its clock", False),
        (None, "UTC, which is assumed: no file name shows its clock", False),
    ],
)
def test_the_servers_zone_is_seen_by_its_file_names(name: str | None, text: str, proven: bool) -> None:
    found = zone_of(name, BEGAN)
    assert (found.text, found.proven) == (text, proven)


def test_the_zone_of_this_machine_is_taken_where_it_fits() -> None:
    berlin = zone("Berlin")
    found = zone_of("dump-2026-11-23T05:24:58", BEGAN, here=berlin)
    assert found.zone is berlin
    assert found.text == "UTC+01:00 as here, as its file names show"
    assert zone_of("dump-2026-11-23T04:24:58", BEGAN, here=berlin).zone is UTC
    assert zone_of("dump-2026-11-23T07:24:58", BEGAN, here=berlin).zone == timezone(timedelta(hours=3))
    assert zone_of("dump-2026-11-23T04:24:58", None, here=berlin).proven is False


def test_the_zone_of_this_machine(tmp_path: Path) -> None:
    july = datetime(2026, 7, 1, tzinfo=UTC)
    assert july.astimezone(local_zone({}, DATA / "Berlin.tzif")).utcoffset() == timedelta(hours=2)
    assert july.astimezone(local_zone({"TZ": "No/Such"}, DATA / "Berlin.tzif")).utcoffset() == timedelta(hours=2)
    assert local_zone({}, tmp_path / "none") is UTC
    assert local_zone({"TZ": "../../etc/passwd"}, tmp_path / "none") is UTC
