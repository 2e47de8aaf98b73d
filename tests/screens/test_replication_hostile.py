"""Names, hosts, versions and states that servers and configurations make up: shown as they are, and they do nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from rich.cells import cell_len

from dfly_tui.errors import ServerError
from dfly_tui.models.info import Info
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.reading import Reading
from dfly_tui.settings import FailoverSettings
from dfly_tui.text import safe
from screens.replication_link import entries_of
from screens.replication_view import View, last_worlds_of, picture, worlds_of
from tests.screens.stage import Stage, recorded, screen_text, seconds
from tests.support.fleet import NOW, WALL, judged, observed
from tests.support.hostile import harmless
from tests.widgets.support import HOSTILE, assert_lines_fill, hostile_text
from widgets.sheet import entry_lines
from widgets.topology import Topology

LONG = ("名" * 500, "a\u200b\u0301" * 300, "[bold]" * 170)


def one_line(text: str) -> str:
    """As it can stand in INFO: a line of its own it cannot be."""
    return text.replace("\r", "").replace("\n", "")


def hostile_infos(attack: str) -> tuple[str, str]:
    """INFO of a primary and of its replica, full of it."""
    attack = one_line(attack)
    primary = recorded("v1.40.1-primary").replace("ip=127.0.0.1", f"ip={attack}").replace("df-v1.40.1", f"df-{attack}")
    line = f"slave1:ip={attack},port={attack},state={attack},lag={attack}"
    primary = primary.replace("master_replid:", f"{line}\r\nmaster_replid:{attack}")
    replica = recorded("v1.40.1-replica").replace("master_host:127.0.0.1", f"master_host:{attack}")
    return primary, replica.replace("psync_attempts:0", f"psync_attempts:{attack}").replace("df-v1.40.1", attack)


def view_of(attack: str) -> View:
    """A group whose names, hosts and words are hostile."""
    name = safe(attack) or "-"
    primary, replica = hostile_infos(attack)
    found = []
    for number, text in enumerate((primary, replica, replica)):
        seen = observed("x", text.encode())
        links = {"role": "replica", "replica_of": f"{name}0"} if number else {"role": "primary"}
        config = seen.config.model_copy(update={"name": f"{name}{number}", "group": name, **links})
        error = ServerError(name, name) if number == 2 else None
        reading = Reading[InstanceSnapshot](
            seq=3, value=InstanceSnapshot.from_info(Info.parse(text), taken_at=WALL), value_at=NOW, error=error
        )
        found.append(seen.model_copy(update={"config": config, "status": reading}))
    statuses = judged(*found)
    worlds = worlds_of(statuses, lambda leader, line: 1.5)
    by_name = {status.name: status for status in statuses}
    last = last_worlds_of(statuses, worlds)
    return View(worlds, last, by_name, {}, FailoverSettings(), NOW, lambda leader, line: None)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
@given(hostile_text)
def test_any_text_in_any_place_fills_its_lines(attack: str) -> None:
    view = view_of(attack)
    nodes = picture(view, "")
    assert [node.name for node in nodes if node.name] != []
    for width in (1, 9, 37, 80):
        topology = Topology()
        topology.show(nodes, nodes[1].name)
        assert_lines_fill(topology.lines(width, 5), width)
        for node in nodes:
            if node.name:
                entries = entries_of(view, node.name, everything=True)
                assert_lines_fill(list(entry_lines(entries, width)), width)


@pytest.mark.parametrize("name", ["[@click=app.quit]x[/] [b", "名前👩e\u0301" * 8], ids=["markup", "wide"])
async def test_the_screen_survives(stage: Stage, name: str) -> None:
    group = {"group": name, "url": "redis://127.0.0.1:17379"}
    first = stage.add(f"{name}0", role="primary", **group)
    second = stage.add(f"{name}1", role="replica", replica_of=f"{name}0", **group)
    third = stage.add(f"{name}2", role="replica", **group)
    app = stage.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "c")
        for number, attack in enumerate((*HOSTILE, *LONG)):
            first.text, second.text = hostile_infos(attack)
            third.error = ServerError(safe(attack), safe(attack))
            await pilot.press("up" if number % 3 else "down")
            await seconds(stage, pilot, 1)
            lines = screen_text(app).split("\n")
            assert all(map(harmless, lines))
            assert all(cell_len(line) <= 80 for line in lines)
        assert app.is_running
