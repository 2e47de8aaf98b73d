"""What an import did, and what it does with keys that are there already."""

from dataclasses import dataclass, field
from enum import StrEnum

from dfly_tui.errors import DflyError
from dfly_tui.operations.keys.export import Failures


class Existing(StrEnum):
    """What becomes of a key that is there already and is not the same."""

    FAIL = "fail"
    SKIP = "skip"
    REPLACE = "replace"


class Differs(DflyError):
    """There is a key of that name, and it was left as it is."""

    code, title = "exists", "Exists and differs"


@dataclass
class ImportReport:
    """How an import went; while it runs, how far it is.

    Attributes:
        keys: All of the file.
        written: Keys that were not there and are now.
        replaced: Keys that were other ones and are in the trash now.
        equal: Keys that were there as they are in the file, and were left alone.
        skipped: Keys that were there and were left alone unseen.
        expired: Keys whose time was up by now.
        size_bytes: Of the names and values looked at so far.
        stopped: Why it ended before the end of the file.
    """

    keys: int = 0
    written: int = 0
    replaced: int = 0
    equal: int = 0
    skipped: int = 0
    expired: int = 0
    size_bytes: int = 0
    failures: Failures = field(default_factory=Failures)
    stopped: str = ""
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """Keys of which it is known what became of them."""
        return self.written + self.replaced + self.equal + self.skipped + self.expired + self.failures.count

    @property
    def is_complete(self) -> bool:
        """Whether every key of the file is there, or was to be left out."""
        return not self.stopped and not self.failures.count


def differs() -> Differs:
    """Why a key was not written."""
    return Differs("there is another key of that name", "--existing skip leaves it, replace puts it into the trash")
