"""What a server's log says of the snapshot it loaded when it started (facts §3.6): nothing else tells which it was."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from dfly_tui.models.base import Frozen
from dfly_tui.text import safe

_PREFIX = r"(?:^|[\]:] )"
"""Of a line by glog, `I1123 04:10:23.693017 21213 server_family.cc:1462] `, or whatever else ends in one of these."""
_SEARCHING = re.compile(_PREFIX + r"Load snapshot: Searching for snapshot in directory")
_LOADING = re.compile(_PREFIX + r"Loading (?P<file>/.+)$")
_FINISHED = re.compile(_PREFIX + r"Load finished, num keys read: (?P<keys>\d{1,18})")
_NOTHING = re.compile(_PREFIX + r"Load snapshot: No snapshot found")
_FAILED = re.compile(
    _PREFIX + r"(?P<words>(?:Failed to load snapshot|Rdb load failed|Error loading snapshot|Data directory error).*)$"
)


class LogLine(NamedTuple):
    """A line, and when the engine got it."""

    at: datetime
    text: str


class LoadLog(Frozen):
    """How far loading came.

    Attributes:
        file: The summary or RDB file that it loads, with its folder, as the server writes it; None before it does.
        keys_read: Of a load that is finished; one that is spread over several pieces may count more than once.
        seconds: What it took.
        is_empty: It looked and found nothing to load.
        failure: The server's own words; empty while nothing failed.
    """

    file: str | None = None
    keys_read: int | None = None
    seconds: float | None = None
    is_empty: bool = False
    failure: str = ""

    @property
    def name(self) -> str:
        """The file without its folder; empty before there is one."""
        return (self.file or "").rpartition("/")[2]

    @property
    def is_finished(self) -> bool:
        return self.keys_read is not None


def load_log(lines: Iterable[LogLine]) -> LoadLog:
    """Read what was logged since a start; of several starts and loads the last counts."""
    found, began = LoadLog(), None
    for line in lines:
        if _SEARCHING.search(line.text):
            found, began = LoadLog(), None
        elif match := _LOADING.search(line.text):
            found, began = LoadLog(file=match["file"].strip()), line.at
        elif match := _FINISHED.search(line.text):
            seconds = (line.at - began).total_seconds() if began is not None else None
            found = found.model_copy(update={"keys_read": int(match["keys"]), "seconds": seconds})
        elif _NOTHING.search(line.text):
            found = found.model_copy(update={"is_empty": True})
        elif match := _FAILED.search(line.text):
            found = found.model_copy(update={"failure": safe(match["words"], limit=300)})
    return found
