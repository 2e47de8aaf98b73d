"""How a value looks zoomed, unpacked, raw, with all facts, and on a large terminal."""

import base64
import gzip
from pathlib import Path

import msgpack
import pytest

from tests.screens.conftest import SnapCompare
from tests.screens.value_stage import KeyStage, Picture, telling
from tests.support.values import PLAIN_TYPES

QUIET_STREAM = [command for command in PLAIN_TYPES if command[0] != "XREADGROUP"]
"""Nobody has read from it: how long ago somebody did would differ from run to run."""
PICTURES: dict[str, Picture] = {
    "zoomed": (PLAIN_TYPES, "session:0", ("enter",), "3 of 3"),
    "stacked": (
        (("SET", "packed", base64.b64encode(gzip.compress(msgpack.packb({"a": [1, None]}), mtime=0))),),
        "packed", (), "base64 → gzip → msgpack",
    ),
    "raw": (PLAIN_TYPES, "document", ("v",), "utf-8 (raw)"),
    "facts": (QUIET_STREAM, "events:0", ("i",), "last-delivered-id"),
    "document-large": (PLAIN_TYPES, "document", (), "all 73 bytes"),
    "hash-large": (PLAIN_TYPES, "session:0", (), "3 of 3"),
    "facts-large": (QUIET_STREAM, "events:0", ("i",), "last-delivered-id"),
}  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> KeyStage:
    return KeyStage(tmp_path)


@pytest.mark.parametrize("picture", PICTURES)
def test_looks(stage: KeyStage, snap_compare: SnapCompare, picture: str) -> None:
    size = (120, 40) if picture.endswith("-large") else (80, 24)
    assert snap_compare(stage.app(), terminal_size=size, run_before=telling(stage, PICTURES[picture]))
