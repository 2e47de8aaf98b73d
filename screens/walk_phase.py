"""The phases of a screen that runs a plan, and the keys that matter in each."""

from collections.abc import Collection, Mapping
from enum import Enum, auto

from screens.commands import COMMANDS, first_key
from widgets.footer import Hint


class Phase(Enum):
    """Where it is."""

    READING = auto()
    REFUSED = auto()
    UNFINISHED = auto()
    PLANNED = auto()
    RUNNING = auto()
    HELD = auto()
    """The checks are read, and somebody reads what they found."""
    ENDED = auto()


AT_REST = {Phase.REFUSED, Phase.PLANNED, Phase.ENDED}
"""Nothing runs, so another plan can be made."""
CLOSED_BY_BACK = {*AT_REST, Phase.READING, Phase.UNFINISHED}

_WHOLE = ("plan.whole", "Whole")
_COPY = ("plan.copy", "Copy")
_FINDINGS = ("plan.findings", "Findings")
_HINTS = {
    Phase.READING: (),
    Phase.REFUSED: (("app.refresh", "Look again"), ("failover.rejoin", "Rejoin"), ("failover.swap-back", "Swap back")),
    Phase.UNFINISHED: (("failover.finish", "Finish"), ("failover.undo", "Take back"), ("failover.settle", "Settled")),
    Phase.PLANNED: (("plan.next", "Run checks"), _WHOLE, _COPY, ("app.refresh", "Look again")),
    Phase.RUNNING: (("app.back", "Give up"), _WHOLE, _FINDINGS, _COPY),
    Phase.HELD: (("plan.next", "To the question"), ("app.back", "Give up"), _WHOLE, _FINDINGS),
    Phase.ENDED: (("plan.next", "Look again"), _WHOLE, _COPY, _FINDINGS),
}
"""What deserves a place in the footer when; the way back and the help come behind."""


def key_of(command: str, keymap: Mapping[str, str]) -> str:
    """The key of a command, as it is bound now."""
    return first_key(next(each for each in COMMANDS if each.id == command), keymap)


def hints_in(phase: Phase, keymap: Mapping[str, str], *, without: Collection[str]) -> list[Hint]:
    """The footer of a phase, without the commands that would do nothing now."""
    behind = (("app.back", "Close"),) if phase in CLOSED_BY_BACK else ()
    shown = (*_HINTS[phase], *behind, ("app.help", "Help"))
    return [Hint(key_of(command, keymap), label) for command, label in shown if command not in without]
