"""What an operation finds, does and reports: the values that the wizard, the command line and the report show."""

from datetime import datetime
from enum import StrEnum

from dfly_tui.models.base import Frozen


class Verdict(StrEnum):
    """What a finding means for the plan."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    BLOCK = "block"


class Finding(Frozen):
    """One thing that was looked at before or after a change.

    Attributes:
        code: A stable word for scripts.
        title: What was looked at.
        value: What was seen, with its unit.
        wanted: What it should be; empty where the title says so.
        advice: What to do about it.
    """

    code: str
    title: str
    value: str
    verdict: Verdict
    wanted: str = ""
    advice: str = ""


def passed(code: str, title: str, value: str, wanted: str = "") -> Finding:
    """A finding that is as it should be."""
    return Finding(code=code, title=title, value=value, verdict=Verdict.PASS, wanted=wanted)


def warned(code: str, title: str, value: str, wanted: str = "", advice: str = "") -> Finding:
    """A finding to know before one says yes."""
    return Finding(code=code, title=title, value=value, verdict=Verdict.WARN, wanted=wanted, advice=advice)


def blocked(code: str, title: str, value: str, wanted: str = "", advice: str = "") -> Finding:
    """A finding with which nothing is done."""
    return Finding(code=code, title=title, value=value, verdict=Verdict.BLOCK, wanted=wanted, advice=advice)


def required(good: bool, code: str, title: str, value: str, wanted: str = "", advice: str = "") -> Finding:
    """Passes or blocks; the advice is for when it blocks."""
    return passed(code, title, value, wanted) if good else blocked(code, title, value, wanted, advice)


def preferred(good: bool, code: str, title: str, value: str, wanted: str = "", advice: str = "") -> Finding:
    """Passes or warns; the advice is for when it warns."""
    return passed(code, title, value, wanted) if good else warned(code, title, value, wanted, advice)


def worst(findings: "tuple[Finding, ...] | list[Finding]") -> Verdict:
    """The gravest verdict; PASS for none."""
    verdicts = {finding.verdict for finding in findings}
    return next((verdict for verdict in (Verdict.BLOCK, Verdict.WARN) if verdict in verdicts), Verdict.PASS)


class Level(StrEnum):
    """How a person confirms: the more damage is possible, the more they type."""

    BUTTON = "button"
    """Reversible: a button, and Cancel is the default."""
    NAME = "name"
    """Data may be lost or a role changes: the instance's name is typed."""


class StepKind(StrEnum):
    """What a step does."""

    CHECK = "check"
    CONFIRM = "confirm"
    ACT = "act"
    VERIFY = "verify"


class StepState(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    WARNED = "warned"
    SKIPPED = "skipped"
    """There was nothing to do: the world is already so."""
    BLOCKED = "blocked"
    DECLINED = "declined"
    FAILED = "failed"
    UNDONE = "undone"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How a plan ended."""

    PLANNED = "planned"
    """Nothing was done: it was a dry run."""
    DONE = "done"
    INCOMPLETE = "incomplete"
    DECLINED = "declined"
    BLOCKED = "blocked"
    FAILED = "failed"
    UNDONE = "undone"
    UNKNOWN = "unknown"


class StepView(Frozen):
    """A step as it is shown.

    Attributes:
        commands: Exactly what it will run, secrets masked; empty for a step that changes nothing.
        target: The instance that is changed; empty for a step that changes nothing.
        undo: What takes it back, while the plan can still be given up.
    """

    id: str
    title: str
    kind: StepKind
    target: str = ""
    commands: tuple[str, ...] = ()
    undo: "StepView | None" = None


class PlanView(Frozen):
    """A plan as it is shown and kept.

    Attributes:
        id: Of this run; names its journal and its report.
        kind: `switchover`, `emergency`, `rejoin`, `swap-back`, `attach`, `detach`, `settle`.
        facts: What it was made from, enough to make it again: names of instances and chosen options.
        look_with: Commands a person can look at the world with, when the outcome is not known.
        notes: What is left to a person even when all goes well: files we do not write.
    """

    id: str
    kind: str
    title: str
    group: str
    facts: dict[str, str]
    steps: tuple[StepView, ...]
    look_with: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Event(Frozen):
    """Something that happened to a plan; the last one of a run has an outcome.

    Attributes:
        elapsed_seconds: Since the plan was begun.
        step: Id of the step; empty for the plan as a whole.
        text: What happened, in a sentence.
        follow_ups: With the outcome: what is left to do, each a sentence with the command.
    """

    at: datetime
    elapsed_seconds: float
    step: str = ""
    state: StepState = StepState.RUNNING
    text: str = ""
    findings: tuple[Finding, ...] = ()
    outcome: Outcome | None = None
    follow_ups: tuple[str, ...] = ()


class Confirmation(Frozen):
    """What a person is asked before anything is changed.

    Attributes:
        token: What has to be typed, for `Level.NAME`.
        commands: All that will be sent after a yes.
        warnings: What the checks did not like.
    """

    title: str
    consequence: str
    level: Level
    token: str
    commands: tuple[str, ...] = ()
    warnings: tuple[Finding, ...] = ()
