"""A line typed at the console, from the typing to the answer: judged, guarded, confirmed, recorded, sent once."""

import asyncio
from dataclasses import dataclass

from dfly_tui.clients.console import ConsoleReader, ConsoleWriter, Words, shown_line
from dfly_tui.clients.console_masks import text_words
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.redact import masked_command
from dfly_tui.clock import Clock
from dfly_tui.errors import BadInput, DflyError, OutcomeUnknown, Refused
from dfly_tui.models.console import ReplyKind, ReplyNode, split_line, typed
from dfly_tui.models.console_commands import CommandClass, CommandTable, Judgement, judge
from dfly_tui.models.console_help import CommandHelp, help_from, help_table
from dfly_tui.models.console_risks import FLUSHES
from dfly_tui.models.operation import Confirmation, Level
from dfly_tui.operations.audit import Audit, AuditEvent
from dfly_tui.operations.confirmer import Confirmer
from dfly_tui.operations.guard import Guard
from dfly_tui.settings import Environment, InstanceConfig
from dfly_tui.text import safe

_MOST_WORDS = 50
_WORD_CHARACTERS = 200
"""Of a command in the audit log: a value may have megabytes."""


@dataclass(frozen=True)
class Answer:
    """What came of a line.

    Attributes:
        reply: None when it was not sent, as the question was answered with no.
        seconds: From sending to the answer.
        warning: What went wrong beside it; empty when nothing did.
    """

    reply: ReplyNode | None
    seconds: float = 0.0
    warning: str = ""


class Console:
    """The console of one instance.

    Args:
        dry_run: Show what would be changed, and change nothing.
        database: The first one; by default that of the instance's URL.

    Attributes:
        under_way: The command that changes something and is not answered yet; empty while there is none.
    """

    def __init__(
        self,
        config: InstanceConfig,
        password: PasswordProvider,
        *,
        guard: Guard,
        audit: Audit,
        clock: Clock,
        timeout_seconds: float,
        dry_run: bool = False,
        database: int | None = None,
    ) -> None:
        self.config = config
        self.reader = ConsoleReader(config, password, timeout_seconds=timeout_seconds, database=database)
        self._password = password
        self._guard = guard
        self._audit = audit
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._dry_run = dry_run
        self.under_way = ""
        self._told: dict[str, CommandHelp] = {}

    @property
    def database(self) -> int:
        """The one commands are for."""
        return self.reader.database

    @property
    def table(self) -> CommandTable:
        """What the server says of its commands."""
        return self.reader.table

    @property
    def spare(self) -> bool:
        """Whether the instance is production, or may be."""
        return self.config.environment in {Environment.PRODUCTION, Environment.UNKNOWN}

    def judge(self, words: Words) -> Judgement:
        """What becomes of a line; `words` is not empty."""
        return judge(words, self.table, spare=self.spare)

    def judge_typed(self, line: str) -> Judgement | None:
        """What would become of a line that is still being typed; None while there is none."""
        words = typed(line).words
        return self.judge(words) if words else None

    async def run(self, line: str, confirmer: Confirmer) -> Answer:
        """Take a line from the typing to the answer.

        Raises:
            BadInput: It cannot be taken apart.
            Refused: It is not sent from here, or could not be recorded.
            ReadOnly: It changes something, and the instance may not be changed now.
            OutcomeUnknown: It was sent, and nobody knows what came of it.
            DflyError: It could not be sent.
        """
        words = split_line(line)
        if not words:
            raise BadInput("there is no command")
        judged = self.judge(words)
        if judged.kind is CommandClass.REFUSED:
            raise Refused(f"{judged.name}: {judged.consequence}", judged.hint)
        if judged.changes:
            self._guard.require_writable(self.config.name)
            self._refuse_dry_run(words)
        question = self.question(words, judged)
        if question is not None and not await confirmer.confirm(question):
            return Answer(None)
        started = self._clock.monotonic()
        reply, warning = await self._send(words, judged)
        return Answer(reply, self._clock.monotonic() - started, warning)

    async def _send(self, words: Words, judged: Judgement) -> tuple[ReplyNode, str]:
        """The reply, and what went wrong beside it."""
        if judged.name == "SELECT":
            return await self._select(words), ""
        if not judged.changes:
            return await self.reader.ask(words), ""
        self.under_way = judged.name
        try:
            return await self._change(words, judged)
        finally:
            self.under_way = ""

    def question(self, words: Words, judged: Judgement) -> Confirmation | None:
        """What is asked before a line is sent; None when it goes without."""
        if judged.kind is CommandClass.DANGEROUS:
            empties = judged.name in FLUSHES  # all keys of a database: the name is typed wherever it is
            level, consequence = Level.NAME if self.spare or empties else Level.BUTTON, judged.consequence
        elif judged.changes and self.spare:
            level, consequence = (
                Level.BUTTON,
                "It changes an instance that is, or may be, in production. The console undoes nothing.",
            )
        else:
            return None
        return Confirmation(
            title=f"{judged.name} on {self.config.name} db{self.database}",
            consequence=consequence,
            level=level,
            token=self.config.name,
            commands=(shown_line(words, limit=600),),
        )

    def _refuse_dry_run(self, words: Words) -> None:
        if self._dry_run:
            raise Refused(f"a dry run: it would send {shown_line(words)}", "dry_run in [defaults], or --dry-run")

    async def _select(self, words: Words) -> ReplyNode:
        number = words[1] if len(words) == 2 else b""
        if not number.isdigit() or len(number) > 9:
            raise BadInput("SELECT takes the number of a database", "SELECT 0")
        return await self.reader.select(int(number))

    async def _change(self, words: Words, judged: Judgement) -> tuple[ReplyNode, str]:
        """Record it, send it once, record what came of it; the reply, and what went wrong with the record."""
        writer = self._writer()
        try:
            self._record(words, "intended")
        except OSError as error:
            raise Refused(
                f"{judged.name} was not sent, as it could not be recorded: {safe(error.strerror or str(error))}",
                str(self._audit.path),
            ) from None
        try:
            reply = await writer.send(words, database=self.database, wait_seconds=judged.wait_seconds)
        except asyncio.CancelledError:
            self._record_late(words, "unknown", "given up while it was under way")
            raise
        except OutcomeUnknown as error:
            self._record_late(words, "unknown", error.detail)
            raise
        except DflyError as error:
            self._record_late(words, "failed", f"not sent: {error}")
            raise
        refused = reply.kind is ReplyKind.ERROR
        detail = safe(reply.text, limit=_WORD_CHARACTERS) if refused else ""
        return reply, self._record_late(words, "failed" if refused else "done", detail)

    def _writer(self) -> ConsoleWriter:
        """What changes the instance; asked of the guard each time, and late: an unlocking ends while a person thinks.

        Raises:
            ReadOnly: It may not be changed now.
        """
        self._guard.require_writable(self.config.name)
        return ConsoleWriter(self.config, self._password, clock=self._clock, timeout_seconds=self._timeout_seconds)

    def _record(self, words: Words, outcome: str, detail: str = "") -> None:
        """In the audit log; raises OSError."""
        masked = masked_command(text_words(words))
        command = [
            safe(word.encode("utf-8", "surrogateescape"), limit=_WORD_CHARACTERS) for word in masked[:_MOST_WORDS]
        ]
        more = len(words) - _MOST_WORDS
        self._audit.record(
            AuditEvent(
                instance=self.config.name,
                action="console",
                outcome=outcome,
                command=(*command, f"… and {more:,} more") if more > 0 else tuple(command),
                detail=f"db{self.database} {detail}".strip(),
            )
        )

    def _record_late(self, words: Words, outcome: str, detail: str) -> str:
        """After it was sent: too late not to do it. Returns what went wrong."""
        try:
            self._record(words, outcome, detail)
        except OSError as error:
            return f"what came of it could not be recorded: {safe(error.strerror or str(error))}"
        return ""

    async def help(self, name: str) -> CommandHelp | None:
        """What a command takes and does: by the server where it tells, else by our own table.

        Args:
            name: `SET`, `config set`.
        """
        upper = " ".join(name.upper().split())
        if upper not in self._told and upper in self.table.known:
            try:
                docs = await self.reader.docs(upper)
            except DflyError:
                docs = None
            self._told |= {each.name: each for each in help_from(docs)} if docs is not None else {}
        return self.help_known(upper)

    def help_known(self, upper: str) -> CommandHelp | None:
        """The same without asking."""
        return self._told.get(upper) or help_table().get(upper)

    async def aclose(self) -> None:
        """Hang up."""
        await self.reader.aclose()
