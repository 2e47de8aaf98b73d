"""How a key of every type looks."""

from pathlib import Path

import pytest

from tests.screens.conftest import SnapCompare
from tests.screens.value_stage import KeyStage, Picture, telling
from tests.support.values import MORE_TYPES, PLAIN_TYPES

PICTURES: dict[str, Picture] = {
    "string": (PLAIN_TYPES, "text", (), "all 5 bytes"),
    "json-in-a-string": (PLAIN_TYPES, "document", (), "all 73 bytes"),
    "binary": (PLAIN_TYPES, "binary", (), "all 256 bytes"),
    "bitmap": (PLAIN_TYPES, "bits", ("bits",), "all 13 bytes"),
    "hyperloglog": (PLAIN_TYPES, "visitors", (), "bytes"),
    "hash": (PLAIN_TYPES, "session:0", (), "3 of 3"),
    "list": (PLAIN_TYPES, "queue:0", (), "200 of 450"),
    "set": (PLAIN_TYPES, "tags:0", (), "12 of 12"),
    "sorted-set": (PLAIN_TYPES, "leaderboard", (), "40 of 40"),
    "geo": (PLAIN_TYPES, "places", ("o",), "13.36138"),
    "stream": (PLAIN_TYPES, "events:0", (), "200 of 300"),
    "json": (MORE_TYPES, "doc", (), "bytes of JSON"),
    "bloom": (MORE_TYPES, "bloom", (), "cannot be listed"),
    "gone": (PLAIN_TYPES, "nosuch", (), "gone since"),
}  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> KeyStage:
    return KeyStage(tmp_path)


@pytest.mark.parametrize("picture", PICTURES)
def test_looks(stage: KeyStage, snap_compare: SnapCompare, picture: str) -> None:
    size = (120, 40) if picture.endswith("-large") else (80, 24)
    assert snap_compare(stage.app(), terminal_size=size, run_before=telling(stage, PICTURES[picture]))
