"""The console: redis commands by hand, judged while they are typed, guarded and recorded when they are sent."""

import asyncio

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Unmount
from textual.widgets import Input, Static
from textual.worker import Worker

from dfly_tui.errors import DflyError
from dfly_tui.models.console import split_line
from dfly_tui.models.console_commands import CommandClass, names_of
from dfly_tui.models.console_completion import Gap, Wanted, choices, gap, key_word
from dfly_tui.models.health import InstanceStatus
from dfly_tui.operations.console import Console
from dfly_tui.operations.console_history import ConsoleHistory
from dfly_tui.text import safe
from dfly_tui.units import duration_text
from screens.base import DashboardScreen
from screens.commands import COMMANDS, CONSOLE, bindings, first_key
from screens.console_question import Asker
from screens.console_typing import Offers, Recall
from screens.console_words import (
    HELP,
    INTRO,
    answer_lines,
    echo,
    error_lines,
    help_lines,
    judged_line,
    names_lines,
    offers_line,
    usage_line,
)
from screens.services import Services
from widgets.console import CommandLine, ConsoleOutput, LineJudged, Said
from widgets.footer import Hint, KeyHints

MOST_NAMES = 1000
"""Of keys, by SCAN in the place of KEYS."""
MOST_OFFERS = 100


class ConsoleScreen(DashboardScreen):
    """Answers above, the line below.

    Args:
        instance_name: Of a configured instance.
        database: The first one; None for that of the instance's URL.
    """

    scope = CONSOLE
    BINDINGS = bindings(CONSOLE)

    def __init__(self, services: Services, instance_name: str, database: int | None = None) -> None:
        super().__init__(services)
        config = services.hub[instance_name].config
        self.instance_name = instance_name
        self.console = Console(
            config,
            services.password_of(config),
            guard=services.guard,
            audit=services.audit,
            clock=services.clock,
            timeout_seconds=services.settings.defaults.timeout_seconds,
            dry_run=services.settings.defaults.dry_run,
            database=database,
        )
        self.history = ConsoleHistory(services.paths.state_dir / "console", instance_name)
        self._recall = Recall()
        self._offers = Offers()
        self._taking: Worker[None] | None = None
        self._began = 0.0
        self._answer = ""

    def compose_body(self) -> ComposeResult:
        yield Static(id="what", markup=False)
        yield ConsoleOutput()
        yield LineJudged()
        with Horizontal(id="entry"):
            yield Static(id="prompt", markup=False)
            yield CommandLine()

    def on_mount(self) -> None:
        self._say(*INTRO)
        self.focus_body()
        self._learn()

    def focus_body(self) -> None:
        self.query_one(CommandLine).focus()

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        self.services.selected = self.instance_name
        self.query_one(KeyHints).show(self._hints())
        self.put("#what", " · ".join(self._what(statuses)))
        self.put("#prompt", self._prompt)
        self._paint_judged()

    def _hints(self) -> list[Hint]:
        """Only of keys that work while a line is typed."""
        keymap = self.services.settings.keymap
        own = sorted(
            (each for each in COMMANDS if each.scope == CONSOLE and each.footer), key=lambda each: -each.footer
        )
        run, complete, *others = (Hint(first_key(each, keymap), each.title) for each in own)
        return [run, complete, Hint("esc", "Back"), *others, Hint("f1", "Help")]

    def _what(self, statuses: tuple[InstanceStatus, ...]) -> list[str]:
        status = next((item for item in statuses if item.name == self.instance_name), None)
        seen = status.snapshot if status is not None else None
        version = f"{seen.flavour} {seen.version or ''}".strip() if seen is not None else ""
        return [
            f"{self.instance_name} db{self.console.database}",
            *([safe(version, limit=40)] if version else []),
            self._writes_words,
        ]

    @property
    def _is_locked(self) -> bool:
        return self.services.guard.is_read_only(self.instance_name)

    @property
    def _writes_words(self) -> str:
        if self.services.settings.defaults.read_only:
            return self.services.guard.why(self.instance_name)
        if self._is_locked:
            return "read-only, F2 unlocks it"
        return "writes are asked about" if self.console.spare else "writes are sent"

    @property
    def _prompt(self) -> str:
        return f"{self.instance_name}[{self.console.database}]> "

    def _paint_judged(self) -> None:
        line = self.query_one(CommandLine).value
        judged = self.console.judge_typed(line)
        begun = len(choices(gap(line, self.console.table), self.console.table)) if judged and " " not in line else 0
        found = None
        if judged is not None:
            found = next(filter(None, map(self.console.help_known, (judged.name, judged.name.partition(" ")[0]))), None)
        second = offers_line(self._offers.words) if len(self._offers.words) > 1 else usage_line(found)
        first = judged_line(judged, self._running_words, begun=begun, locked=self._is_locked)
        self.query_one(LineJudged).show(first, second)

    @property
    def _running_words(self) -> str:
        if self._taking is None:
            return ""
        seconds = duration_text(self.services.clock.monotonic() - self._began)
        what = f"{self.console.under_way}: sent, not answered" if self.console.under_way else "waiting for the answer"
        return f"{what}, {seconds}. Esc gives it up"

    def _say(self, *lines: Said) -> None:
        for output in self.query(ConsoleOutput):  # there is none when the screen was left meanwhile
            output.say(lines)

    def held(self) -> str:
        name = self.console.under_way
        return f"{name} was sent to {self.instance_name} and is not answered yet." if name else ""

    @on(Unmount)
    async def _leave_server(self) -> None:
        await self.console.aclose()

    @work(group="learn", exit_on_error=False)
    async def _learn(self) -> None:
        """Ask for the server's commands, by whose flags lines are judged."""
        try:
            table = await self.console.reader.learn()
        except DflyError as error:
            self._say(
                *error_lines(error), Said("Until the server tells its commands, everything counts as a write.", "muted")
            )
        else:
            told = table.untold or f"The server knows {len(table.known)} commands, and says what each of them does."
            self._say(Said(told, "warning" if table.untold else "muted"))
        self._paint_judged()

    def read_again(self) -> None:
        self._learn()

    # A line

    @on(Input.Submitted, "#line")
    def action_run(self) -> None:
        """Send the line."""
        box = self.query_one(CommandLine)
        line = box.value.strip()
        if not line:
            return
        if self._taking is not None:
            self.app.notify("one command at a time: Esc gives up the one that runs", title="Busy", markup=False)
            return
        box.put("")
        self._recall.leave()
        self._offers.forget()
        self._say(echo(self._prompt, line))
        self._began = self.services.clock.monotonic()
        self._taking = self._take(line)
        self._paint_judged()

    @work(group="line", exit_on_error=False)
    async def _take(self, line: str) -> None:
        """Take a line to its answer."""
        try:
            words = split_line(line)
            if not await self._do_here(words):
                self.history.add(line, words, self.console.table)
                await self._send(line, words)
        except DflyError as error:
            self._say(*error_lines(error))
        except asyncio.CancelledError:
            self._say(Said("given up", "warning"))
            raise
        finally:
            self._taking = None
            if self.is_mounted:
                self.repaint()

    async def _do_here(self, words: tuple[bytes, ...]) -> bool:
        """What needs no server; whether it was that."""
        name = names_of(words)[-1]
        if name in {"EXIT", "QUIT"} and len(words) == 1:
            self.call_after_refresh(self.action_back)
        elif name == "CLEAR" and len(words) == 1:
            self.query_one(ConsoleOutput).clear()
        elif name == "HELP" and len(words) == 1:
            self._say(*HELP)
        elif name == "HELP":
            wanted = b" ".join(words[1:]).decode("utf-8", "backslashreplace")
            self._say(*help_lines(await self.console.help(wanted), wanted))
        else:
            return False
        return True

    async def _send(self, line: str, words: tuple[bytes, ...]) -> None:
        judged = self.console.judge(words)
        asker = Asker(self.app, offers_scan=judged.scan_for is not None)
        if judged.changes and judged.kind is not CommandClass.REFUSED:
            self._began = self.services.clock.monotonic()
        try:
            answer = await self.console.run(line, asker)
        except asyncio.CancelledError:
            if judged.changes:
                self._say(Said(f"Outcome unknown: {judged.name} may have been sent, and been carried out.", "critical"))
                self._say(Said("Look at what it was to change before sending it again.", "muted"))
            raise
        if asker.scan_wanted and judged.scan_for is not None:
            found = await self.console.reader.names(judged.scan_for, most=MOST_NAMES)
            lines = list(names_lines(judged.scan_for, found))
        else:
            lines = list(answer_lines(words, answer))
        self._answer = "\n".join(said.text for said in lines)
        self._say(*lines)
        if self.history.unwritten:
            self._say(Said(self.history.unwritten, "warning"))

    # Keys

    @on(Input.Changed, "#line")
    def _typed(self) -> None:
        if not self._offers.fits(self.query_one(CommandLine).value):
            self._offers.forget()
        self._paint_judged()

    def action_complete(self) -> None:
        """Complete what stands before the cursor; again: the next of what fits."""
        box = self.query_one(CommandLine)
        if self._offers.fits(box.value):
            box.put(*self._offers.next())
            return
        place = gap(box.value[: box.cursor_position], self.console.table)
        if place.wanted is Wanted.KEY:
            self._complete_key(place, box.value)
        else:
            self._offer(place, choices(place, self.console.table))

    @work(group="complete", exclusive=True, exit_on_error=False)
    async def _complete_key(self, place: Gap, line: str) -> None:
        """Ask the server for names that begin so."""
        try:
            found = await self.console.reader.names_beginning(place.prefix, most=MOST_OFFERS)
        except DflyError as error:
            self._say(*error_lines(error))
            return
        if self.query_one(CommandLine).value == line:
            self._offer(place, sorted(map(key_word, found.names)))

    def _offer(self, place: Gap, words: list[str]) -> None:
        box = self.query_one(CommandLine)
        if not words:
            self.app.bell()
            return
        box.put(*self._offers.begin(box.value, box.cursor_position, place.start, words))
        self._paint_judged()

    def action_older(self) -> None:
        self._go(1)

    def action_newer(self) -> None:
        self._go(-1)

    def _go(self, back: int) -> None:
        box = self.query_one(CommandLine)
        line = self._recall.step(self.history.lines, back, box.value)
        if line is not None:
            box.put(line)

    @work(exclusive=True, group="search", exit_on_error=False)
    async def action_search(self) -> None:
        """Choose a line typed before."""
        from screens.picker import PickerDialog

        lines = list(dict.fromkeys(reversed(self.history.lines)))
        chosen = await self.app.push_screen_wait(PickerDialog("Lines typed before", [safe(line) for line in lines]))
        if chosen is not None:
            self.query_one(CommandLine).put(chosen)

    def action_page(self, pages: int) -> None:
        self.query_one(ConsoleOutput).page(pages)

    def action_clear(self) -> None:
        self.query_one(ConsoleOutput).clear()

    @work(group="copy", exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy the last answer."""
        from screens.clipboard import copy

        try:
            await copy(self.app, self._answer.encode(), self.services.environ)
        except DflyError as error:
            self.app.notify(f"{error}\n{error.hint}", title=error.title, severity="warning", markup=False)
        else:
            self.app.notify("the last answer", title="Copied", markup=False)

    def action_stop(self) -> None:
        """Give up what runs, else empty the line."""
        if self._taking is not None:
            self._taking.cancel()
        else:
            self.query_one(CommandLine).put("")

    def action_back(self) -> None:
        """Give up what runs, else leave."""
        if self._taking is not None:
            self._taking.cancel()
        else:
            super().action_back()
