"""Who says yes. The wizard asks in a dialog and the command line at the terminal; these two need nobody."""

from collections.abc import Collection
from typing import Protocol

from dfly_tui.models.operation import Confirmation, Level


class Confirmer(Protocol):
    """Asks a person, or knows the answer."""

    async def confirm(self, question: Confirmation) -> bool:
        """Whether the plan may go on. Nothing was changed when this is asked."""


class Deny:
    """Says no to everything: for previews and for runs nobody watches."""

    async def confirm(self, question: Confirmation) -> bool:
        """No."""
        return False


class GivenAnswer:
    """What `--yes` and `--confirm NAME` said beforehand.

    `--yes` answers what a button would; where a name has to be typed it must be among those that were given.
    """

    def __init__(self, *, yes: bool, names: Collection[str] = ()) -> None:
        self._yes = yes
        self._names = frozenset(names)

    async def confirm(self, question: Confirmation) -> bool:
        """Yes, when what was given beforehand is enough for this question."""
        return self._yes and (question.level is Level.BUTTON or question.token in self._names)
