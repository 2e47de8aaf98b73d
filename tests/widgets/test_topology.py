"""The picture of who follows whom."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import on
from textual.app import ComposeResult

from dfly_tui.text import safe
from tests.widgets.support import HOSTILE, WidgetApp, assert_lines_fill, assert_printable, hostile_text, rows, widths
from widgets.lines import Run, line_text
from widgets.topology import GLYPHS, Node, Topology

PRIMARY = Node("workhorse", "", "ok", (Run("primary"), Run("1.00M keys"), Run("12.3k changes unsaved", "warning")))
REPLICA = Node("nas", "└▶ ", "ok", (Run("stable"), Run("lag 1 record, 0 s"), Run("promote: yes", "ok")))
HEADING = Node("", "", "title", (Run("main: workhorse leads", "title"),))

hostile_words = st.lists(st.builds(Run, hostile_text, st.sampled_from(["text", "critical"])), max_size=5).map(tuple)
hostile_nodes = st.builds(
    Node, hostile_text, st.sampled_from(["", "└▶ ", "│  ├▶ "]), st.sampled_from([*GLYPHS, "title"]), hostile_words,
    hostile_text,
)  # fmt: skip


class TopologyApp(WidgetApp):
    """Remembers what was clicked."""

    def __init__(self, topology: Topology, height: int | None = None) -> None:
        super().__init__(topology)
        self.topology, self._height = topology, height
        self.clicked: list[str] = []

    def compose(self) -> ComposeResult:
        yield from super().compose()
        if self._height is not None:
            self.topology.styles.max_height = self._height

    @on(Topology.Chosen)
    def _note(self, event: Topology.Chosen) -> None:
        self.clicked.append(event.name)


def lines_of(width: int, *nodes: Node, chosen: str | None = None, height: int = 30) -> list[str]:
    topology = Topology()
    topology.show(nodes, chosen)
    return [line_text(line).rstrip() for line in topology.lines(width, height)]


def test_a_pair() -> None:
    assert lines_of(90, HEADING, PRIMARY, REPLICA, chosen="nas") == [
        " main: workhorse leads",
        "  ● workhorse             primary  1.00M keys  12.3k changes unsaved",
        "▸ └▶ ● nas                stable  lag 1 record, 0 s  promote: yes",
    ]


@pytest.mark.parametrize("style", GLYPHS)
def test_a_state_has_a_glyph_of_its_own(style: str) -> None:
    assert f" {GLYPHS[style]} nas" in lines_of(90, replace(REPLICA, style=style))[0]
    assert len(set(GLYPHS.values())) == len(GLYPHS)


def test_a_number_is_left_out_rather_than_cut() -> None:
    assert lines_of(60, PRIMARY) == ["  ● workhorse             primary  1.00M keys  …"]


def test_a_sentence_is_cut() -> None:
    words = (Run("silent"), Run("connection refused by 10.0.0.1:6379"))
    line = lines_of(60, replace(PRIMARY, words=words))[0]
    assert line.endswith("silent  connection refused by 10.…")


def test_a_long_name_leaves_room_for_the_state() -> None:
    assert lines_of(80, replace(PRIMARY, name="n" * 1000))[0].split("  ")[2] == "primary"


async def test_a_click_chooses_an_instance_and_nothing_else() -> None:
    stranger = Node("", "└▶ ", "muted", (Run("not configured"),), "10.9.9.9:6379")
    app = TopologyApp(Topology())
    async with app.run_test(size=(80, 10)) as pilot:
        app.topology.show([HEADING, PRIMARY, REPLICA, stranger], "nas")
        await pilot.pause()
        await pilot.pause()
        for line in range(4):
            await pilot.click(Topology, offset=(8, line))
        assert app.clicked == ["workhorse", "nas"]


async def test_the_chosen_one_stays_in_view_and_the_hidden_are_counted() -> None:
    nodes = [HEADING, *(replace(PRIMARY, name=f"node-{number:02}") for number in range(20))]
    app = TopologyApp(Topology(), height=6)
    async with app.run_test(size=(80, 20)) as pilot:
        shown: list[str] = []
        for number in (0, 7, 19, 3):
            app.topology.show(nodes, f"node-{number:02}")
            await pilot.pause()
            await pilot.pause()
            shown = rows(app)[:6]
            assert any(line.startswith(f"▸ ● node-{number:02}") for line in shown)
            assert sum(line.startswith("▸") for line in shown) == 1
        above = int(shown[5].split()[1])
        assert shown[5].strip() == f"… {above} more above, {21 - 5 - above} below"
        await pilot.click(Topology, offset=(8, 5))
        assert app.clicked == []


async def test_only_what_changed_is_written() -> None:
    app = TopologyApp(Topology())
    async with app.run_test(size=(120, 10)) as pilot:
        app.topology.show([HEADING, PRIMARY, REPLICA], "nas")
        await pilot.pause()
        await pilot.pause()
        app.written = 0
        app.topology.show([HEADING, PRIMARY, REPLICA], "nas")
        await pilot.pause()
        assert app.written == 0
        words = (Run("stable"), Run("lag 2 records, 0 s"), Run("promote: yes", "ok"))
        app.topology.show([HEADING, PRIMARY, replace(REPLICA, words=words)], "nas")
        await pilot.pause()
        assert 0 < app.written < 400


@given(st.lists(hostile_nodes, max_size=6), widths, st.integers(1, 8))
def test_any_text_fills_its_lines(nodes: list[Node], width: int, height: int) -> None:
    topology = Topology()
    topology.show(nodes, nodes[0].name if nodes else None)
    assert_lines_fill(topology.lines(width, height), width)


async def test_hostile_names_and_words_do_nothing() -> None:
    app = TopologyApp(Topology())
    async with app.run_test(size=(70, 40)) as pilot:
        for attack in HOSTILE:
            bad = safe(attack)
            heading = Node("", "", "title", (Run(bad, "title"),))
            nodes = [
                heading,
                Node(bad, "", "ok", (Run(bad), Run(bad, "critical"))),
                Node("", "└▶ ", "muted", (Run(bad),), bad),
            ]
            app.topology.show(nodes, bad)
            await pilot.pause()
            assert_printable(rows(app), 70)
            if "@click" in attack:
                for column in range(0, 40, 8):
                    await pilot.click(Topology, offset=(column, 1))
                assert app.clicked == [bad] * 5
        assert not app.quit_by_markup
