"""What helps with typing: lines from before, and what Tab offers. It knows nothing of a screen."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dfly_tui.models.console_completion import common_start


class Recall:
    """Goes through lines typed before, and back to the one that was begun."""

    def __init__(self) -> None:
        self._back = 0
        self._begun = ""

    def step(self, lines: Sequence[str], back: int, now: str) -> str | None:
        """The line so many steps before (or after, when negative); None where there is none.

        Args:
            now: What stands in the line.
        """
        if self._back == 0:
            self._begun = now
        wanted = self._back + back
        if not 0 <= wanted <= len(lines):
            return None
        self._back = wanted
        return lines[-wanted] if wanted else self._begun

    def leave(self) -> None:
        """A line was sent: the next step back is from the newest."""
        self._back, self._begun = 0, ""


@dataclass
class Offers:
    """What Tab found, taken one after the other.

    Attributes:
        words: All that fits; empty when Tab was not pressed, or nothing fits.
    """

    words: list[str] = field(default_factory=list)
    _before: str = ""
    _rest: str = ""
    _at: int = -1
    _put: str | None = None

    def fits(self, line: str) -> bool:
        """Whether the line is as the last Tab left it, and there is more to offer."""
        return len(self.words) > 1 and line == self._put

    def begin(self, line: str, cursor: int, start: int, words: list[str]) -> tuple[str, int]:
        """Take what was found: the line, and where the cursor is in it. Of several words what they share is put."""
        self.words, self._before, self._rest, self._at = words, line[:start], line[cursor:], -1
        typed = line[start:cursor]
        if len(words) == 1:
            return self._with(words[0] + ("" if self._rest.startswith(" ") else " "))
        shared = common_start(words)
        return self._with(shared if len(shared) > len(typed) else typed)

    def next(self) -> tuple[str, int]:
        """The next one."""
        self._at = (self._at + 1) % len(self.words)
        return self._with(self.words[self._at])

    def _with(self, word: str) -> tuple[str, int]:
        line = f"{self._before}{word}"
        self._put = line + self._rest
        return self._put, len(line)

    def forget(self) -> None:
        """Another line."""
        self.words, self._put = [], None
