"""The fleet, one line per instance; only lines that changed are written."""

from collections.abc import Sequence
from datetime import UTC, datetime

from textual.events import Resize

from dfly_tui.models.health import InstanceStatus
from widgets.fleet_columns import Layout, Moment, fleet_row, heading, layout, left_out
from widgets.keylist import MARKER, LongList


class FleetTable(LongList):
    """Statuses in the order given. The cursor follows its instance when the order changes."""

    class Highlighted(LongList.Highlighted):
        """The cursor is on another instance.

        Attributes:
            name: Which.
        """

        def __init__(self, source: LongList, index: int, name: str) -> None:
            super().__init__(source, index)
            self.name = name

    class Selected(LongList.Selected):
        """Enter, or two clicks, on an instance.

        Attributes:
            name: Which.
        """

        def __init__(self, source: LongList, index: int, name: str) -> None:
            super().__init__(source, index)
            self.name = name

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self._statuses: tuple[InstanceStatus, ...] = ()
        self._moment = Moment(0.0, datetime.fromtimestamp(0, UTC))
        self._shown: Layout = ()

    @property
    def highlighted(self) -> InstanceStatus | None:
        """The status under the cursor."""
        return self._statuses[self.cursor] if self._statuses else None

    def show(
        self, statuses: Sequence[InstanceStatus], now: float, wall: datetime, *, current: str | None = None
    ) -> None:
        """Show these.

        Args:
            current: Which the cursor is on; by default the one it was on.
            now: The clock's monotonic time in seconds, for ages of readings.
            wall: The wall clock, for ages of snapshots.
        """
        previous = self.highlighted
        self._statuses, self._moment = tuple(statuses), Moment(now, wall)
        with self.prevent(self.Highlighted):
            self._lay_out()
        self._follow(current or (previous.name if previous else None))

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """(heading, text) of the columns there is no room for, about the instance under the cursor."""
        status = self.highlighted
        return left_out(status, self._shown, self._moment) if status else ()

    @property
    def _width(self) -> int:
        return max(0, self.room - len(MARKER))

    def _index_of(self, name: str | None) -> int | None:
        return next((index for index, status in enumerate(self._statuses) if status.name == name), None)

    def _follow(self, name: str | None) -> None:
        """Keep the cursor on its instance; where that is gone, another one is under it and that is told."""
        index = self._index_of(name)
        if index is None:
            if self._statuses:
                self.tell_highlighted(self.cursor)
            return
        with self.prevent(self.Highlighted):
            self.cursor = index

    def _lay_out(self) -> None:
        self._shown = shown = layout(self._statuses, self._width)
        rows = [fleet_row(status, shown, self._width, self._moment) for status in self._statuses]
        self.set_lines(rows, heading=heading(shown, self._width))

    def on_resize(self, event: Resize) -> None:
        """Other columns fit."""
        super().on_resize(event)
        self._lay_out()

    def tell_highlighted(self, index: int) -> None:
        """By name: indexes change."""
        self.post_message(self.Highlighted(self, index, self._statuses[index].name))

    def tell_selected(self, index: int) -> None:
        """By name."""
        self.post_message(self.Selected(self, index, self._statuses[index].name))
