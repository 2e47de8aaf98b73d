"""The fleet as plain text."""

import io

import pytest
from rich.cells import cell_len

from dfly_tui.cli.table import fleet_table, summary, use_colour
from dfly_tui.errors import Unreachable
from dfly_tui.models.health import InstanceStatus, assess
from dfly_tui.settings import Thresholds
from tests.support.clock import START
from tests.support.fakes import NOW, config, observation, snapshot

IN_SYNC = {"master_link_status": "up", "master_sync_in_progress": 0, "slave_repl_offset": 7, "loading": 0}


def fleet() -> tuple[InstanceStatus, ...]:
    return assess(
        [
            observation(
                snapshot("v1.40.1-primary", used_memory=5 << 30, maxmemory=16 << 30, last_saved_file=""),
                configured=config("主 workhorse"),
            ),
            observation(snapshot("v1.40.1-replica", **IN_SYNC), configured=config("nas")),
            observation(error=Unreachable("refused", "start it"), configured=config("gone")),
        ],
        Thresholds(),
        now=NOW,
        wall=START,
    )


def test_problems_come_first_with_reason_and_advice() -> None:
    lines = fleet_table(fleet(), START)

    assert lines[1].split()[:4] == ["CRITICAL", "gone", "–", "lost"]
    assert lines[2:4] == ["    Unreachable: refused", "      → start it"]


def test_columns_are_aligned_whatever_the_script_of_a_name() -> None:
    lines = [line for line in fleet_table(fleet(), START) if not line.startswith(" ")]

    column = cell_len(lines[0].partition("ROLE")[0])
    assert [line_from(line, column).split()[0] for line in lines] == ["ROLE", "–", "primary", "replica"]
    assert "5 GiB of 16 GiB 31.2%" in lines[2]


def line_from(line: str, cells: int) -> str:
    """The rest of a line from a column on."""
    at = next(index for index in range(len(line)) if cell_len(line[:index]) == cells)
    return line[at:]


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_what_does_not_fit_is_left_out_from_the_right(width: int) -> None:
    rows = [line for line in fleet_table(fleet(), START, width=width) if not line.startswith(" ")]

    assert max(map(cell_len, rows)) <= width
    assert rows[0].startswith("STATE     NAME")
    assert "VERSION" not in rows[0]


def test_colour_is_only_added_to_the_words() -> None:
    plain, coloured = fleet_table(fleet(), START), fleet_table(fleet(), START, colour=True)

    assert not any("\x1b" in line for line in plain)
    assert "\x1b[1;31mCRITICAL\x1b[0m" in coloured[1]
    assert coloured[1].replace("\x1b[1;31m", "").replace("\x1b[0m", "") == plain[1]


def test_the_summary_counts_states_worst_first() -> None:
    assert summary(fleet()) == "3 instances: 1 critical, 2 ok"
    assert summary(fleet()[:1]) == "1 instance: 1 critical"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_that_want_it() -> None:
    assert use_colour(Terminal(), {})
    assert not use_colour(io.StringIO(), {})
    assert not use_colour(Terminal(), {"NO_COLOR": "1"})
    assert not use_colour(Terminal(), {"TERM": "dumb"})
