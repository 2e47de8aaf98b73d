"""The engine on small plans without any server: what it asks, does, undoes and says."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dfly_tui.errors import DflyError, OutcomeUnknown, ServerError, Unreachable
from dfly_tui.models.operation import (
    Confirmation,
    Event,
    Finding,
    Level,
    Outcome,
    StepState,
    blocked,
    passed,
    warned,
)
from dfly_tui.operations.access import Access, Hands
from dfly_tui.operations.audit import Audit, AuditEvent
from dfly_tui.operations.confirmer import Confirmer, Deny, GivenAnswer
from dfly_tui.operations.engine import Desk, execute
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.journal import Journal, records
from dfly_tui.operations.plan import Act, Check, Confirm, Hopeless, Plan, Step, Verify
from dfly_tui.settings import InstanceConfig, Settings
from tests.support.clock import FakeClock, settle
from tests.support.secrets import Password


class Anybody(GivenAnswer):
    """Says yes, and remembers what to."""

    def __init__(self) -> None:
        super().__init__(yes=True, names=["one"])
        self.asked: list[Confirmation] = []

    async def confirm(self, question: Confirmation) -> bool:
        self.asked.append(question)
        return await super().confirm(question)


@dataclass
class Case:
    """A place to run plans in, and what was done there."""

    folder: Path
    read_only: bool = False
    clock: FakeClock = field(default_factory=FakeClock)
    done: list[str] = field(default_factory=list)
    confirmer: Confirmer = field(default_factory=Anybody)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        config = InstanceConfig(name="one", url="redis://127.0.0.1:1")
        settings = Settings.model_validate({"instances": [config], "defaults": {"read_only": self.read_only}})
        guard = Guard(self.clock, settings)
        self.access = Access([config], lambda _: Password(), guard=guard, clock=self.clock, timeout_seconds=1)
        self.audit = Audit(self.folder / "audit.jsonl", clock=self.clock, who="me", host="here")

    def act(self, name: str, error: DflyError | None = None, **more: object) -> Act:
        async def run(hands: Hands) -> str:
            assert "one" in hands.dragonflies
            self.done.append(name)
            if error is not None:
                raise error
            return f"{name} was done"

        return Act(id=name, title=f"do {name}", target="one", commands=(f"DO {name}",), run=run, **more)  # type: ignore[arg-type]

    def plan(self, *steps: Step, committed: bool = False) -> Plan:
        question = Confirm(id="confirm", title="Really?", consequence="it is done", level=Level.NAME, token="one")
        first = [step for step in steps if isinstance(step, Check)]
        rest = [step for step in steps if not isinstance(step, Check)]
        return Plan(
            id="run-1", kind="test", title="A test", group="g", steps=(*first, question, *rest),
            look_with=("redis-cli ROLE",), committed=committed,
        )  # fmt: skip

    def desk(self, plan: Plan, *, dry_run: bool = False) -> Desk:
        journal = Journal(self.folder / "journal", plan.view(), clock=self.clock)
        return Desk(self.access, self.confirmer, self.audit, journal, dry_run=dry_run, stop=self.stop)

    async def run(self, *steps: Step, dry_run: bool = False, committed: bool = False) -> list[Event]:
        plan = self.plan(*steps, committed=committed)
        return await self.finish(plan, dry_run=dry_run)

    async def finish(self, plan: Plan, *, dry_run: bool = False) -> list[Event]:
        async def all_of() -> list[Event]:
            return [event async for event in execute(plan, self.desk(plan, dry_run=dry_run))]

        task = asyncio.ensure_future(all_of())
        while not task.done():
            await settle()
            await self.clock.advance(0.25)
        return await task


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def check(*findings: Finding, again: bool = True, name: str = "check") -> Check:
    async def run() -> Sequence[Finding]:
        return findings

    return Check(id=name, title="look", run=run, again=again)


def changing(*answers: Sequence[Finding]) -> Check:
    """A check that finds something else each time."""
    left = list(answers)

    async def run() -> Sequence[Finding]:
        return left.pop(0)

    return Check(id="check", title="look", run=run)


def holding(*answers: bool | DflyError | None) -> Callable[[], Awaitable[bool | None]]:
    """Looks that answer one after the other, then the last one for ever."""
    left = list(answers)

    async def look() -> bool | None:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, DflyError):
            raise answer
        return answer

    return look


def verify(*findings: Finding | DflyError, **more: object) -> Verify:
    left = list(findings)

    async def probe() -> Finding:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, DflyError):
            raise found
        return found

    settings = {"timeout_seconds": 5.0, **more}
    return Verify(id="verify", title="it is so", probe=probe, **settings)  # type: ignore[arg-type]


def ended(events: list[Event]) -> tuple[Outcome | None, tuple[str, ...]]:
    return events[-1].outcome, events[-1].follow_ups


def states(events: list[Event]) -> dict[str, StepState]:
    return {event.step: event.state for event in events if event.step}


GOOD, BAD, ODD = passed("good", "good", "1"), blocked("bad", "bad", "2"), warned("odd", "odd", "3")


async def test_a_plan_that_goes_well_tells_each_step_twice_and_is_recorded(case: Case) -> None:
    events = await case.run(check(GOOD), case.act("a"), verify(GOOD))
    assert [event.step for event in events] == ["check"] * 2 + ["confirm"] * 2 + ["a"] * 2 + ["verify"] * 2 + [""]
    assert ended(events) == (Outcome.DONE, ())
    audit = case.audit.path.read_text()
    assert audit.index('"intended"') < audit.index('"done"')
    (record,) = records(case.folder / "journal")
    assert (record.steps, record.outcome) == ({"a": "done"}, Outcome.DONE)


async def test_a_plan_that_acts_before_it_asks_cannot_be_made(case: Case) -> None:
    with pytest.raises(ValueError, match="before anybody confirmed"):
        Plan(id="x", kind="x", title="x", group="g", steps=(case.act("a"),))


async def test_what_blocks_ends_it_before_anything_is_asked(case: Case) -> None:
    events = await case.run(check(GOOD, BAD), case.act("a"))
    assert ended(events)[0] is Outcome.BLOCKED
    assert (case.done, "confirm" in states(events)) == ([], False)
    assert not case.audit.path.exists()
    assert list(records(case.folder / "journal")) == []


async def test_a_check_that_cannot_look_blocks(case: Case) -> None:
    async def run() -> Sequence[Finding]:
        raise Unreachable("nobody there", "is it on?")

    events = await case.run(Check(id="check", title="look", run=run), case.act("a"))
    (finding,) = events[1].findings
    assert (finding.code, finding.advice) == ("unreachable", "is it on?")
    assert ended(events)[0] is Outcome.BLOCKED


async def test_warnings_are_shown_with_the_question_and_all_commands(case: Case) -> None:
    await case.run(check(ODD), case.act("a"), case.act("b"))
    assert isinstance(case.confirmer, Anybody)
    (question,) = case.confirmer.asked
    assert (question.warnings, question.commands) == ((ODD,), ("DO a", "DO b"))


async def test_no_means_that_nothing_is_done(case: Case) -> None:
    case.confirmer = Deny()
    events = await case.run(case.act("a"))
    assert (ended(events)[0], case.done) == (Outcome.DECLINED, [])


async def test_what_changed_while_somebody_thought_blocks(case: Case) -> None:
    events = await case.run(changing([GOOD], [BAD]), case.act("a"))
    assert (ended(events)[0], case.done) == (Outcome.BLOCKED, [])


async def test_a_check_that_is_not_read_again_does_not_block_later(case: Case) -> None:
    events = await case.run(check(GOOD, again=False), case.act("a"))
    assert ended(events)[0] is Outcome.DONE


async def test_a_dry_run_stops_before_the_question(case: Case) -> None:
    events = await case.run(check(ODD), case.act("a"), dry_run=True)
    assert (ended(events)[0], case.done, list(states(events))) == (Outcome.PLANNED, [], ["check"])


async def test_read_only_blocks_and_nothing_is_done(tmp_path: Path) -> None:
    case = Case(tmp_path, read_only=True)
    events = await case.run(case.act("a"))
    assert (ended(events)[0], case.done) == (Outcome.BLOCKED, [])
    assert "read-only" in events[-2].text


async def test_what_is_so_already_is_not_done(case: Case) -> None:
    events = await case.run(case.act("a", holds=holding(True)), case.act("b"))
    assert (states(events)["a"], case.done) == (StepState.SKIPPED, ["b"])


async def test_a_failure_takes_back_what_was_done_the_last_first(case: Case) -> None:
    first, second = case.act("a", undo=case.act("undo-a")), case.act("b", undo=case.act("undo-b"))
    events = await case.run(first, second, case.act("c"), case.act("d", ServerError("no", "why not")))
    assert case.done == ["a", "b", "c", "d", "undo-b", "undo-a"]
    assert ended(events) == (Outcome.UNDONE, ())
    assert states(events)["undo-a"] is StepState.UNDONE
    assert "why not" in next(event.text for event in events if event.state is StepState.FAILED)


async def test_a_failure_before_anything_was_done(case: Case) -> None:
    events = await case.run(case.act("a", ServerError("no")))
    assert ended(events) == (Outcome.FAILED, ("look with: redis-cli ROLE",))


async def test_what_cannot_be_taken_back_is_left_to_do(case: Case) -> None:
    undo = case.act("undo-a", ServerError("no"))
    events = await case.run(case.act("a", undo=undo), case.act("b", ServerError("no")))
    outcome, left = ended(events)
    assert outcome is Outcome.INCOMPLETE
    assert left == ("do undo-a: DO undo-a", "look with: redis-cli ROLE")


async def test_giving_up_in_time_takes_back(case: Case) -> None:
    async def run(hands: Hands) -> str:
        case.stop.set()
        return ""

    first = Act(id="a", title="a", target="one", commands=(), run=run, undo=case.act("undo-a"))
    events = await case.run(first, case.act("b"))
    assert (ended(events)[0], case.done) == (Outcome.DECLINED, ["undo-a"])


async def test_past_the_point_of_no_return_nobody_gives_up(case: Case) -> None:
    async def run(hands: Hands) -> str:
        case.stop.set()
        return ""

    final = Act(id="a", title="a", target="one", commands=(), run=run, final=True)
    events = await case.run(final, case.act("b"))
    assert (ended(events)[0], case.done) == (Outcome.DONE, ["b"])


async def test_past_the_point_of_no_return_the_rest_goes_on(case: Case) -> None:
    events = await case.run(
        case.act("a", undo=case.act("undo-a")), case.act("final", final=True),
        case.act("b", ServerError("no"), left_to_do="do b by hand"), verify(BAD, of="b"), case.act("c"),
    )  # fmt: skip
    assert case.done == ["a", "final", "b", "c"]
    assert ended(events) == (Outcome.INCOMPLETE, ("do b by hand", "look with: redis-cli ROLE"))
    assert states(events)["verify"] is StepState.SKIPPED


async def test_what_the_rest_needs_stops_it(case: Case) -> None:
    events = await case.run(case.act("final", final=True), verify(BAD, essential=True), case.act("b"))
    assert case.done == ["final"]
    outcome, left = ended(events)
    assert outcome is Outcome.INCOMPLETE
    assert "it is so: look at it by hand" in left


async def test_what_does_not_become_so_in_time_fails_and_is_undone(case: Case) -> None:
    events = await case.run(case.act("a", undo=case.act("undo-a")), verify(Unreachable("gone", "hm"), GOOD, BAD))
    assert (ended(events)[0], case.done) == (Outcome.DONE, ["a"])
    case.done.clear()
    events = await case.run(case.act("a", undo=case.act("undo-a")), verify(BAD))
    assert (ended(events)[0], case.done) == (Outcome.UNDONE, ["a", "undo-a"])
    assert events[-4].elapsed_seconds >= 5


async def test_what_has_to_stay_so_is_watched(case: Case) -> None:
    events = await case.run(case.act("final", final=True), verify(BAD, GOOD, hold_seconds=3.0))
    assert ended(events)[0] is Outcome.DONE
    assert events[-1].elapsed_seconds >= 3.5
    events = await case.run(case.act("final", final=True), verify(GOOD, GOOD, BAD, hold_seconds=3.0))
    assert ended(events)[0] is Outcome.INCOMPLETE
    assert events[-1].elapsed_seconds < 3


UNKNOWN = OutcomeUnknown("no answer", "look")


@pytest.mark.parametrize(
    ("looks", "outcome"),
    [
        ([False, True], Outcome.DONE),
        ([False, None, Unreachable("x"), True], Outcome.DONE),
        ([False, False, False, False], Outcome.UNDONE),
        ([False, False, None], Outcome.UNKNOWN),
    ],
)
async def test_the_world_tells_what_became_of_it(
    case: Case, looks: list[bool | DflyError | None], outcome: Outcome
) -> None:
    first = case.act("a", undo=case.act("undo-a"))
    events = await case.run(first, case.act("b", UNKNOWN, holds=holding(*looks), final=True), case.act("c"))
    assert ended(events)[0] is outcome
    assert case.done[:2] == ["a", "b"], "sent once"
    assert case.done[2:] == {Outcome.DONE: ["c"], Outcome.UNDONE: ["undo-a"], Outcome.UNKNOWN: []}[outcome]


async def test_an_unknown_outcome_names_how_to_look_and_what_to_take_back(case: Case) -> None:
    events = await case.run(case.act("a", undo=case.act("undo-a")), case.act("b", UNKNOWN), case.act("c"))
    assert case.done == ["a", "b"]
    assert ended(events) == (
        Outcome.UNKNOWN,
        ("once you know how it ended, do undo-a: DO undo-a", "look with: redis-cli ROLE"),
    )
    (record,) = records(case.folder / "journal")
    assert record.outcome is Outcome.UNKNOWN


async def test_an_unknown_outcome_later_is_left_to_do_and_still_waited_for(case: Case) -> None:
    events = await case.run(case.act("final", final=True), case.act("b", UNKNOWN), verify(GOOD, of="b"))
    assert states(events)["verify"] is StepState.DONE
    assert ended(events)[0] is Outcome.INCOMPLETE


async def test_an_unknown_point_of_no_return_ends_it(case: Case) -> None:
    events = await case.run(case.act("final", UNKNOWN, final=True), case.act("b"))
    assert (ended(events)[0], case.done) == (Outcome.UNKNOWN, ["final"])


async def test_what_is_only_finished_goes_on_after_a_failure(case: Case) -> None:
    events = await case.run(case.act("a", ServerError("no")), case.act("b"), committed=True)
    assert (ended(events)[0], case.done) == (Outcome.INCOMPLETE, ["a", "b"])


async def test_nothing_is_done_that_cannot_be_recorded(case: Case) -> None:
    case.audit.path.mkdir()
    events = await case.run(case.act("a"))
    assert (ended(events)[0], case.done) == (Outcome.BLOCKED, [])


class Full(Audit):
    """A log that takes so many events, then none."""

    room = 1

    def record(self, event: AuditEvent) -> None:
        if self.room == 0:
            raise OSError("disk full")
        self.room -= 1
        super().record(event)


async def test_what_was_done_and_cannot_be_recorded_is_said(case: Case) -> None:
    case.audit = Full(case.folder / "audit.jsonl", clock=case.clock)
    events = await case.run(case.act("a"))
    assert "its outcome could not be recorded: disk full" in events[-2].text
    assert ended(events)[0] is Outcome.DONE


async def test_nothing_is_undone_that_cannot_be_recorded(case: Case) -> None:
    case.audit = Full(case.folder / "audit.jsonl", clock=case.clock)
    case.audit.room = 3
    events = await case.run(case.act("a", undo=case.act("undo-a")), case.act("b", ServerError("no")))
    assert case.done == ["a", "b"]
    outcome, left = ended(events)
    assert outcome is Outcome.INCOMPLETE
    assert left[0].startswith("do undo-a: DO undo-a (not recorded")


async def test_an_end_that_cannot_be_recorded_is_said(case: Case) -> None:
    async def run(hands: Hands) -> str:
        (case.folder / "journal" / "run-1.jsonl").unlink()
        (case.folder / "journal" / "run-1.jsonl").mkdir()
        return ""

    events = await case.run(Act(id="a", title="a", target="one", commands=(), run=run))
    assert "could not be recorded" in ended(events)[1][0]


async def test_whoever_is_killed_leaves_a_journal_and_the_act_goes_on(case: Case) -> None:
    begun, finished = asyncio.Event(), asyncio.Event()

    async def run(hands: Hands) -> str:
        begun.set()
        await case.clock.sleep(1.0)
        finished.set()
        raise ServerError("too late for anybody to hear")

    plan = case.plan(Act(id="a", title="a", target="one", commands=(), run=run))

    async def all_of() -> None:
        async for _ in execute(plan, case.desk(plan)):
            pass

    task = asyncio.ensure_future(all_of())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (record,) = records(case.folder / "journal")
    assert (record.is_unfinished, record.steps) == (True, {"a": "unknown"})
    await case.clock.advance(2.0)
    assert finished.is_set()


async def test_what_will_not_come_is_not_waited_for(case: Case) -> None:
    step = verify(Hopeless("it broke", "mend it"), timeout_seconds=1e9)
    events = await case.run(case.act("a", undo=case.act("back")), step)
    assert ended(events)[0] is Outcome.UNDONE
    assert case.done == ["a", "back"]


async def test_what_takes_long_is_told_and_can_be_given_up(case: Case) -> None:
    looks: list[int] = []

    async def probe() -> Finding:
        looks.append(len(looks))
        if len(looks) == 5:
            case.stop.set()
        return blocked("x", "it is so", f"{len(looks) // 2} of 9")

    step = Verify(id="verify", title="it is so", probe=probe, timeout_seconds=1e9, long=True)
    events = await case.run(case.act("a", undo=case.act("back")), step)
    assert [event.text for event in events if event.step == "verify"] == ["", "0 of 9", "1 of 9", "2 of 9", "given up"]
    assert ended(events)[0] is Outcome.DECLINED
    assert case.done == ["a", "back"]


async def test_what_stays_although_the_plan_is_given_up_is_said(case: Case) -> None:
    events = await case.run(case.act("a", stays="a is still so"), case.act("b", ServerError("no")))
    assert ended(events) == (Outcome.INCOMPLETE, ("a is still so", "look with: redis-cli ROLE"))
