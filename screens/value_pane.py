"""A pane that reads and shows one key: what the value screen is made of, and what the key browser may show beside its
tree. It reads only what is looked at."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial

from textual import on, work

from dfly_tui.decode import Decoded
from dfly_tui.errors import DflyError
from dfly_tui.models.value import PAGE_BYTES, Element, Shape
from dfly_tui.models.value_loaded import Loaded
from dfly_tui.text import safe
from dfly_tui.units import bytes_text
from screens.services import Services
from screens.value_decoding import Signs, Way
from screens.value_session import MOST_FOLLOWED, MOST_READ_AGAIN, ValueSession
from widgets.keylist import LongList
from widgets.value import EndlessList, ValuePane
from widgets.value_rows import fact_lines, progress

FOLLOW_SECONDS = 1.0
AGAIN_SECONDS = 5.0
"""A key of a server that was away, or that should have expired, is read again so often."""


class View(Enum):
    """What of a key is shown."""

    VALUE = "value"
    CHANGES = "changes"
    FACTS = "facts"


class LiveValue(ValuePane):
    """Reads the key it is told to `open()`, and shows it; hangs up when it is removed, or told to `close()`.

    Attributes:
        session: What was read; None while no key is open.
        way: How bytes are decoded.
        following: Whether it is read again each second.
    """

    def __init__(self, services: Services, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.services = services
        self.session: ValueSession | None = None
        self.way = Way()
        self.following = False
        self.target = ("", 0)
        self._view = View.VALUE
        self._zoomed = False
        self._wanted = ""
        self._shown: Decoded | None = None
        self._decoded_of: object = None
        self._had_focus = False
        self._signs: Signs | None = None
        self._again_at = 0.0

    def open(self, instance: str, database: int, name: bytes) -> None:
        """Look at a key; the one before is let go."""
        reader = self.services.value_reader(instance, database, name)
        before, self.session = self.session, ValueSession(reader, self.services.clock)
        self.target = instance, database
        self._view, self._zoomed, self.following, self._wanted = View.VALUE, False, False, ""
        self._shown, self._decoded_of, self._had_focus = None, None, False
        self.elements.set_rows(0, lambda index: "")
        self.decoded.show_lines(())
        self.repaint()
        self._begin(before)

    async def close(self) -> None:
        """Stop reading and hang up."""
        session, self.session = self.session, None
        self.following = False
        self.workers.cancel_node(self)
        if session is not None:
            await session.aclose()

    async def on_unmount(self) -> None:
        await self.close()

    @property
    def loaded(self) -> Loaded | None:
        """The value, as far as it was read."""
        return self.session.loaded if self.session else None

    @property
    def view(self) -> View:
        """What is shown: of a type without elements the facts."""
        loaded = self.loaded
        return View.FACTS if loaded is not None and loaded.facts.shape is Shape.OTHER else self._view

    @property
    def decoded_text(self) -> Sequence[str] | None:
        """The decoded lines that are shown."""
        return self._shown.lines if self._shown is not None and self.view is View.VALUE else None

    @property
    def element(self) -> Element | None:
        """The element under the cursor."""
        loaded = self.loaded
        if loaded is None or loaded.data is not None or self.elements.cursor >= len(loaded.shown):
            return None
        return loaded.elements[loaded.shown[self.elements.cursor]]

    @work(exclusive=True, group="read", exit_on_error=False)
    async def _begin(self, before: ValueSession | None) -> None:
        if before is not None:
            await before.aclose()
        await self._refresh()

    @work(exclusive=True, group="read", exit_on_error=False)
    async def read_again(self) -> None:
        """Read it again, as much as was read."""
        await self._refresh()

    async def _refresh(self, most: int = MOST_READ_AGAIN) -> None:
        session = self.session
        if session is not None:
            await session.refresh(most=most)
            if session is self.session:
                self.repaint()
                self._take_focus()

    def _take_focus(self) -> None:
        """The first time there is something to move in, unless the focus is elsewhere."""
        if not self._had_focus and self.loaded is not None:
            self._had_focus = True
            if self.screen.focused in {None, self.elements, self.decoded}:
                self.focus_body()

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def follow(self) -> None:
        """Read it each second while it is shown and reading is not paused, or stop doing so."""
        self.following = not self.following
        self.repaint()
        while self.following:
            await self.services.clock.sleep(FOLLOW_SECONDS)
            if self.app.screen is self.screen and not self.services.hub.paused:
                await self._refresh(MOST_FOLLOWED)

    @on(EndlessList.NearEnd)
    def _near_end(self, event: EndlessList.NearEnd) -> None:
        event.stop()
        loaded = self.loaded
        if loaded is None or self._view is not View.VALUE or self._wanted:
            return
        of_value = self.elements if loaded.data is None else self.decoded
        if event.source is of_value and loaded.may_go_on:
            self._read_on()

    @work(exclusive=True, group="more", exit_on_error=False)
    async def _read_on(self) -> None:
        session, loaded = self.session, self.loaded
        if session is None or loaded is None:
            return
        # Of a long string more at once: all of what was read is decoded anew.
        for _ in range(1 + len(loaded.data or b"") // (4 * PAGE_BYTES)):
            if not await session.more():
                break
        self.repaint()

    @on(LongList.Highlighted, "#elements")
    def _highlighted(self, event: LongList.Highlighted) -> None:
        event.stop()
        self._decode()

    @on(LongList.Selected, "#elements")
    def _selected(self, event: LongList.Selected) -> None:
        event.stop()
        element = self.element
        if element is not None and element.inner:
            self._enter(element.inner)
        else:
            self.zoom()

    @work(exclusive=True, group="read", exit_on_error=False)
    async def _enter(self, path: bytes) -> None:
        if self.session is not None:
            await self.session.enter(path)
            self.elements.cursor = 0
            self.repaint()

    @work(exclusive=True, group="read", exit_on_error=False)
    async def _leave(self) -> None:
        if self.session is not None:
            await self.session.leave()
            self.elements.cursor = 0
            self.repaint()

    def zoom(self) -> None:
        """What the element decodes to on the whole pane, or the list again."""
        if self.loaded is not None and self.loaded.data is None and self._view is View.VALUE:
            self._zoomed = not self._zoomed
            self.repaint()
            (self.decoded if self._zoomed else self.elements).focus()

    def show_view(self, view: View) -> None:
        """What changed since the last reading, or all facts; the same again shows the value."""
        self._view = View.VALUE if self._view is view else view
        self._decoded_of = None
        self.repaint()
        self.focus_body()

    def back(self) -> bool:
        """End a search, close what is open in the pane, go up in a document; whether there was any of it."""
        if self.session is None:
            return False
        if self.session.stop_search():
            return True
        if self._view is not View.VALUE:
            self.show_view(self._view)
        elif self._zoomed:
            self.zoom()
        elif self.session.depth:
            self._leave()
        else:
            return False
        return True

    def decode_by(self, stack: tuple[str, ...]) -> None:
        """Decode by these steps; by none of them, as the bytes suggest."""
        self.way.stack, self.way.plain = stack, False
        self.repaint()

    def toggle_plain(self) -> None:
        """The bytes as they are, or what they mean."""
        self.way.plain = not self.way.plain
        self.repaint()

    def look_for(self, text: str) -> None:
        """Show elements with this text; in a string, go to the first place of it."""
        self._wanted = text
        loaded = self.loaded
        if loaded is None:
            return
        if loaded.data is None:
            loaded.look_for(text)
        elif text and self._shown is not None and (row := self.decoded.find(text, -1)) is not None:
            self.decoded.cursor = row
        self.repaint()

    @work(exclusive=True, group="search", exit_on_error=False)
    async def find_next(self) -> None:
        """Go to the next place of what is looked for; what was not read yet is read until there is one."""
        loaded, session = self.loaded, self.session
        if session is None or loaded is None or not self._wanted or self.view is not View.VALUE:
            return
        if loaded.data is None:
            await session.search_on(partial(_has_more, loaded, len(loaded.shown)), self._say)
            self.repaint()
            return
        after = self.decoded.cursor
        while (row := self.decoded.find(self._wanted, after)) is None:
            self._say()
            went_on = await session.read_for(self._wanted, self._say_sought)
            if self.session is not session or self.loaded is None:
                return
            self._shown, self._decoded_of = await self.way.of_data(self.loaded), None
            await self._show_decoded()
            self._say()
            if not went_on:
                self.app.notify(f"no more “{safe(self._wanted)}” in what was read", markup=False)
                return
            if self.loaded is not loaded:
                loaded, after = self.loaded, -1
        self.decoded.cursor = row

    def _say_sought(self, offset: int) -> None:
        total = self.loaded.facts.count if self.loaded is not None else None
        self.say(f"searching: {bytes_text(offset)} of {bytes_text(total)} …")

    @work(exclusive=True, group="locate", exit_on_error=False)
    async def locate(self) -> None:
        """Ask where the members of a geo set are."""
        if self.session is not None:
            await self.session.locate()
            self.repaint()

    def tick(self) -> None:
        """Another second: what depends on the time."""
        session = self.session
        if session is None:
            return
        place = f"{safe(self.target[0])}, database {self.target[1]}"
        failed = session.error is not None
        self.head.show(session.facts, session.reader.name, place, self.services.clock.now(), failed=failed)
        now = self.services.clock.monotonic()
        if now >= self._again_at and session.is_to_be_read_again() and not self.services.hub.paused:
            self._again_at = now + AGAIN_SECONDS
            self.read_again()

    def repaint(self) -> None:
        """Show what is known now."""
        if not self.is_attached or self.session is None:
            return
        self.tick()
        loaded = self.loaded
        if loaded is None:
            self.show_parts(elements=False, decoded=False)
        elif self.view is not View.VALUE or loaded.data is not None:
            self.show_parts(elements=False, decoded=True)
        else:
            self.show_parts(elements=not self._zoomed, decoded=True)
            self.elements.say_when_empty("nothing that matches" if self._wanted else "no elements")
            self.elements.show(loaded, self._signs_of(self.session.before, loaded))
        self._decode()
        self._say()

    def _signs_of(self, before: Loaded | None, loaded: Loaded) -> Mapping[bytes, str]:
        """What is new or changed."""
        if self._signs is None or self._signs.of != (before, loaded):
            self._signs = Signs(before, loaded)
        return self._signs.by_identity()

    @work(exclusive=True, group="decode", exit_on_error=False)
    async def _decode(self) -> None:
        """Fill the lower half."""
        session, loaded = self.session, self.loaded
        if session is None or loaded is None:
            return
        if self.view is View.FACTS and session.facts is not None:
            self.head_by("All that is told of it")
            self.decoded.show_lines(fact_lines(session.facts))
        elif self.view is View.CHANGES:
            await self._show_changes(session, loaded)
        else:
            await self._decode_value(loaded)

    async def _show_changes(self, session: ValueSession, loaded: Loaded) -> None:
        before = session.before
        if before is None:
            self.head_by("Changes", ["it was read once: r reads it again, f follows it"])
            self.decoded.show_lines([])
            return
        lines = await asyncio.to_thread(self.way.changes, before, loaded)
        since = f"{before.facts.read_at:%H:%M:%S} and {loaded.facts.read_at:%H:%M:%S} UTC"
        whole = [] if before.is_complete and loaded.is_complete else ["only what was read both times is compared"]
        self.head_by(f"Changes between {since}", whole if lines else [*whole, "none"])
        self.decoded.show_lines(lines)

    async def _decode_value(self, loaded: Loaded) -> None:
        element = self.element
        source: object = (loaded, loaded.start, len(loaded.data)) if loaded.data is not None else element
        wanted_way = (self.way.stack, self.way.plain)
        if self._shown is None or self._decoded_of != (source, wanted_way):
            if loaded.data is not None:
                self._shown = await self.way.of_data(loaded)
            elif element is not None:
                self._shown = await self.way.of_element(element)
            else:
                self._shown = None
            self._decoded_of = (source, wanted_way)
        await self._show_decoded()

    async def _show_decoded(self) -> None:
        if self._shown is None:
            self.head_by("–")
            self.decoded.show_lines([])
            return
        how = "raw" if self.way.plain else "chosen" if self.way.stack else "guessed"
        self.head_by(f"{self._shown.name} ({how})", self._shown.notes)
        await self.decoded.show(self._shown, self._wanted)

    def _say(self) -> None:
        session, loaded = self.session, self.loaded
        if session is None:
            return
        words = ["following, each second"] if self.following else []
        if session.gone_at is not None:
            was = "; this is what it was" if loaded else ""
            words.append(f"gone since {session.gone_at:%H:%M:%S} UTC: it expired or was deleted{was}")
        elif session.error is not None:
            words.append(_words(session.error))
        elif loaded is None:
            words.append("reading …")
        else:
            words.append(progress(loaded, searching=session.searching))
            if loaded.trouble is not None:
                words.append(_words(loaded.trouble))
            if loaded.path != b"$":
                words.append(f"in {safe(loaded.path, limit=60)}, Esc goes back")
        self.say(" · ".join(words))


def _has_more(loaded: Loaded, shown: int) -> bool:
    return len(loaded.shown) > shown


def _words(error: DflyError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)
