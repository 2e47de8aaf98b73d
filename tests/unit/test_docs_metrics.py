"""docs/metrics.md names what there is."""

import re
from pathlib import Path

from dfly_tui.clients.metric_names import METRICS
from dfly_tui.models.instruments import PANELS
from tests.support.golden import VERSIONS, metrics_pages

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The table under a heading, without its own head."""
    part = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_panel_is_described_in_its_order() -> None:
    assert [row[0] for row in rows("The charts")] == [panel.title for panel in PANELS]


def test_every_name_of_ours_is_translated() -> None:
    ours = [name for row in rows("Names that are the same for all versions") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(ours) == sorted(METRICS)


def test_names_said_not_to_exist_do_not() -> None:
    pages = "\n".join(page for version in VERSIONS for page in metrics_pages(version))
    absent = re.findall(r"\w+", TEXT.split("Names seen elsewhere that do not exist:")[1].split("with `dragonfly_`")[0])
    names = [f"dragonfly_{name}" for name in absent if name != "and"]
    assert len(names) == 5
    assert [
        name for name in [*names, "dragonfly_connected_slaves"] if re.search(rf"^{name}[ {{]", pages, re.MULTILINE)
    ] == []
