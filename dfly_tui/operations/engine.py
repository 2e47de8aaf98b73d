"""Runs a plan: one engine for the wizard, the command line and the tests.

What it promises: nothing is changed before a person said yes and every check was read again; each change is recorded
before it is made, and made once; a change whose outcome nobody knows stops the plan until the world was looked at;
what can be undone is undone, in reverse, and what cannot is said.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, OutcomeUnknown, ReadOnly
from dfly_tui.models.operation import Confirmation, Event, Finding, Outcome, StepState, Verdict, worst
from dfly_tui.operations.access import Access, Hands
from dfly_tui.operations.audit import Audit, AuditEvent
from dfly_tui.operations.confirmer import Confirmer
from dfly_tui.operations.journal import Journal
from dfly_tui.operations.plan import Act, Check, Confirm, Hopeless, Plan, Step, Verify

_OUTCOMES = {
    StepState.BLOCKED: Outcome.BLOCKED,
    StepState.DECLINED: Outcome.DECLINED,
    StepState.FAILED: Outcome.FAILED,
    StepState.UNKNOWN: Outcome.UNKNOWN,
}
"""What a step's end means for the plan while there is a way back."""

LOOK_SECONDS = 0.5
"""Between two looks at the world after an unknown outcome."""
DENIALS = 3
"""So many looks in a row must find that a change was not made: it may just have begun."""


@dataclass(frozen=True)
class Desk:
    """What a run needs beside its plan.

    Attributes:
        dry_run: Stop before the first question.
        stop: Set by whoever wants the plan given up; heeded between steps, until there is no way back.
    """

    access: Access
    confirmer: Confirmer
    audit: Audit
    journal: Journal
    dry_run: bool = False
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def clock(self) -> Clock:
        return self.access.clock


async def execute(plan: Plan, desk: Desk) -> AsyncGenerator[Event, None]:
    """Run a plan to its end.

    Yields:
        Two events for each step that is taken, when it begins and when it ended, and last one with the outcome; between
        the two more, of a step that takes long.
    """
    run = _Run(plan, desk)
    async for event in run.events():
        yield event


class _Run:
    def __init__(self, plan: Plan, desk: Desk) -> None:
        self._plan = plan
        self._desk = desk
        self._started = desk.clock.monotonic()
        self._hands: Hands | None = None
        self._checks: list[Check] = []
        self._warnings: dict[str, Finding] = {}
        self._stale = False
        """Whether the checks have to be read again before the next change."""
        self._acted: list[Act] = []
        self._missing: set[str] = set()
        """Acts that were not made although the plan went on."""
        self._no_way_back = False
        self._left: list[str] = []
        self._outcome: Outcome | None = None

    async def events(self) -> AsyncIterator[Event]:
        for step in self._plan.steps:
            if self._desk.dry_run and not isinstance(step, Check):
                self._outcome = Outcome.PLANNED
                break
            if self._desk.stop.is_set() and not self._no_way_back:
                self._outcome = Outcome.DECLINED
                break
            event = self._event(step, StepState.RUNNING)
            yield event
            async with aclosing(self._take(step)) as taken:
                async for event in taken:
                    yield event
            self._judge(step, event.state)
            if self._outcome is not None:
                break
        if self._outcome in {Outcome.BLOCKED, Outcome.DECLINED, Outcome.FAILED} and not self._no_way_back:
            async for event in self._undo():
                yield event
        yield self._ended()

    async def _take(self, step: Step) -> AsyncGenerator[Event, None]:
        """How it goes, and last how it ended."""
        match step:
            case Check():
                yield await self._check(step)
            case Confirm():
                yield await self._confirm(step)
            case Act():
                yield await self._act(step)
            case _:
                async with aclosing(self._verify(step)) as verified:
                    async for event in verified:
                        yield event

    def _judge(self, step: Step, state: StepState) -> None:
        """What the end of a step means for the plan."""
        if state in {StepState.DONE, StepState.WARNED, StepState.SKIPPED}:
            return
        nothing_was_tried = state is StepState.BLOCKED and self._hands is None
        if self._no_way_back and not nothing_was_tried:
            if state is not StepState.UNKNOWN:
                self._missing.add(step.id)
            self._left.append(getattr(step, "left_to_do", "") or f"{step.title}: look at it by hand")
            if not self._goes_on(step):
                self._outcome = Outcome.UNKNOWN if state is StepState.UNKNOWN else Outcome.INCOMPLETE
            if self._outcome is Outcome.UNKNOWN:
                self._name_undos("if it was not done", [])
            return
        self._outcome = _OUTCOMES[state]
        if state is StepState.UNKNOWN:
            self._name_undos("once you know how it ended", [step])

    def _name_undos(self, when: str, more: list[Step]) -> None:
        """Leave to a person what would have been taken back, the last first."""
        undos = [each.undo for each in (*more, *reversed(self._acted)) if isinstance(each, Act) and each.undo]
        self._left += [f"{when}, {back.title}: {' ; '.join(back.commands)}" for back in undos]

    def _goes_on(self, step: Step) -> bool:
        """Whether the plan, past the point of no return, goes on although this step did not succeed."""
        return not step.final if isinstance(step, Act) else isinstance(step, Verify) and not step.essential

    async def _check(self, step: Check) -> Event:
        findings = await self._findings(step)
        self._checks.append(step)
        return self._event(step, _state_of(findings), findings=findings)

    async def _findings(self, step: Check) -> tuple[Finding, ...]:
        """What a check finds; what it cannot find out blocks."""
        try:
            findings = tuple(await step.run())
        except DflyError as error:
            findings = (
                Finding(code=error.code, title=step.title, value=str(error), verdict=Verdict.BLOCK, advice=error.hint),
            )
        self._warnings.update({each.code: each for each in findings if each.verdict is Verdict.WARN})
        return findings

    async def _confirm(self, step: Confirm) -> Event:
        question = Confirmation(
            title=step.title,
            consequence=step.consequence,
            level=step.level,
            token=step.token,
            commands=self._plan.commands,
            warnings=tuple(self._warnings.values()),
        )
        if not await self._desk.confirmer.confirm(question):
            return self._event(step, StepState.DECLINED, "nothing more was done")
        self._stale = True
        self._no_way_back = self._no_way_back or self._plan.committed
        return self._event(step, StepState.DONE, "confirmed")

    async def _act(self, act: Act) -> Event:
        refused = await self._look_again()
        if refused:
            return self._event(act, StepState.BLOCKED, "the world changed since it was confirmed", refused)
        if await _holds(act):
            return self._event(act, StepState.SKIPPED, "already so")
        try:
            if self._hands is None:
                # Once for all: an unlock that ends in the middle must not leave the group half changed.
                self._hands = self._desk.access.hands(self._plan.targets)
            self._record(act, "intended")
        except (ReadOnly, OSError) as error:
            return self._event(act, StepState.BLOCKED, f"not done, as it is not allowed or not recorded: {error}")
        state, text = await self._done(act, self._hands)
        if state is StepState.DONE:
            self._acted.append(act)
        if act.final and state is not StepState.FAILED:
            self._no_way_back = True
        return self._event(act, state, text)

    async def _look_again(self) -> tuple[Finding, ...]:
        """Read the checks again after a confirmation; returns what blocks now."""
        if not self._stale:
            return ()
        self._stale = False
        found = [finding for check in self._checks if check.again for finding in await self._findings(check)]
        return tuple(finding for finding in found if finding.verdict is Verdict.BLOCK)

    async def _done(self, act: Act, hands: Hands) -> tuple[StepState, str]:
        """Make a change; it goes on to its end even if whoever waits for it is gone."""
        doing = asyncio.ensure_future(act.run(hands))
        try:
            text = await asyncio.shield(doing)
            state = StepState.DONE
        except asyncio.CancelledError:
            doing.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._try_to_record(act, StepState.UNKNOWN, "the program was stopped before the answer came")
            raise
        except OutcomeUnknown as error:
            state, text = await self._settled(act, error)
        except DflyError as error:
            state, text = StepState.FAILED, f"{error}{f' ({error.hint})' if error.hint else ''}"
        unrecorded = self._try_to_record(act, state, text)
        return state, f"{text}; {unrecorded}" if unrecorded else text

    async def _settled(self, act: Act, error: OutcomeUnknown) -> tuple[StepState, str]:
        """Look at the world until it tells what became of a change nobody answered for."""
        clock = self._desk.clock
        until, denied = clock.monotonic() + act.settle_seconds, 0
        while act.holds is not None and clock.monotonic() < until:
            held = await _held(act)
            denied = denied + 1 if held is False else 0
            if held or denied == DENIALS:
                state = StepState.DONE if held else StepState.FAILED
                return state, f"{error}; the world says it was {'' if held else 'not '}done"
            await clock.sleep(LOOK_SECONDS)
        return StepState.UNKNOWN, f"{error} ({error.hint})"

    async def _verify(self, step: Verify) -> AsyncGenerator[Event, None]:
        if step.of in self._missing:
            yield self._event(step, StepState.SKIPPED, "there is nothing to wait for")
            return
        clock, told = self._desk.clock, ""
        deadline, since, started = clock.monotonic() + step.timeout_seconds, None, clock.monotonic()
        while True:
            finding, over = await self._probe(step)
            now = clock.monotonic()
            if finding.verdict is Verdict.PASS:
                since = now if since is None else since
                if now - since >= step.hold_seconds:
                    yield self._event(step, StepState.DONE, f"after {now - started:.1f} s", (finding,))
                    return
            elif over or now >= deadline or since is not None:
                advice = f" ({finding.advice})" if over and finding.advice else ""
                yield self._event(step, StepState.FAILED, f"{finding.value}{advice}", (finding,))
                return
            if step.long and self._desk.stop.is_set() and not self._no_way_back:
                yield self._event(step, StepState.DECLINED, step.given_up)
                return
            if step.long and told != finding.value:
                told = finding.value
                yield self._event(step, StepState.RUNNING, told)
            await clock.sleep(step.every_seconds)

    async def _probe(self, step: Verify) -> tuple[Finding, bool]:
        """What is found, and whether nothing else will be."""
        try:
            return await step.probe(), False
        except DflyError as error:
            over = isinstance(error, Hopeless)
            value = error.detail if over else str(error)
            finding = Finding(code=error.code, title=step.title, value=value, verdict=Verdict.BLOCK, advice=error.hint)
            return finding, over

    async def _undo(self) -> AsyncIterator[Event]:
        """Take back what was done, the last first; what cannot be taken back is left to do."""
        for act in reversed(self._acted):
            back = act.undo
            if act.stays:
                self._left.append(act.stays)
            if back is None or self._hands is None:
                continue
            try:
                self._record(back, "intended")
            except OSError as error:
                self._left.append(f"{back.title}: {' ; '.join(back.commands)} (not recorded, so not done: {error})")
                continue
            yield self._event(back, StepState.RUNNING)
            yield await self._take_back(back, self._hands)
        if self._outcome is Outcome.FAILED and any(act.undo is not None for act in self._acted):
            self._outcome = Outcome.UNDONE
        if self._left:
            self._outcome = Outcome.INCOMPLETE

    async def _take_back(self, back: Act, hands: Hands) -> Event:
        state, text = await self._done(back, hands)
        done = state is StepState.DONE
        self._left += [] if done else [f"{back.title}: {' ; '.join(back.commands)}"]
        return self._event(back, StepState.UNDONE if done else state, text)

    def _record(self, act: Act, outcome: str, text: str = "") -> None:
        """In the audit log and in the journal; raises OSError."""
        self._desk.audit.record(
            AuditEvent(
                instance=act.target,
                action=f"{self._plan.kind}: {act.title}",
                outcome=outcome,
                command=act.commands,
                detail=f"{self._plan.id} {text}".strip(),
            )
        )
        self._desk.journal.note(act.id, outcome, text)

    def _try_to_record(self, act: Act, state: StepState, text: str) -> str:
        """After the act: too late not to do it. Returns what went wrong."""
        try:
            self._record(act, state, text)
        except OSError as error:
            return f"its outcome could not be recorded: {error}"
        return ""

    def _event(self, step: Step, state: StepState, text: str = "", findings: tuple[Finding, ...] = ()) -> Event:
        clock = self._desk.clock
        return Event(
            at=clock.now(),
            elapsed_seconds=clock.monotonic() - self._started,
            step=step.id,
            state=state,
            text=text,
            findings=findings,
        )

    def _ended(self) -> Event:
        outcome = self._outcome or (Outcome.INCOMPLETE if self._left else Outcome.DONE)
        clock = self._desk.clock
        left = tuple(self._left)
        if outcome in {Outcome.UNKNOWN, Outcome.INCOMPLETE, Outcome.FAILED}:
            left += tuple(f"look with: {command}" for command in self._plan.look_with)
        try:
            self._desk.journal.end(outcome, left)
        except OSError as error:
            left += (f"the end of this run could not be recorded: {error}",)
        return Event(
            at=clock.now(), elapsed_seconds=clock.monotonic() - self._started, outcome=outcome, follow_ups=left
        )


def _state_of(findings: tuple[Finding, ...]) -> StepState:
    states = {Verdict.PASS: StepState.DONE, Verdict.WARN: StepState.WARNED, Verdict.BLOCK: StepState.BLOCKED}
    return states[worst(findings)]


async def _holds(act: Act) -> bool:
    return await _held(act) is True


async def _held(act: Act) -> bool | None:
    """Whether the world is as the act would make it; None when nobody can tell."""
    try:
        return await act.holds() if act.holds is not None else None
    except DflyError:
        return None
