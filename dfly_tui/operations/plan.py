"""A change of the world as a value: what is checked, what is asked, what is done, what must be so afterwards.

A plan knows nothing of who runs it. `engine.execute()` does, the same for the wizard, the command line and the tests.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Finding, Level, PlanView, StepKind, StepView
from dfly_tui.operations.access import Hands

Look: TypeAlias = Callable[[], Awaitable[bool | None]]
"""Whether the world is as a step would make it: True, False, or None while that cannot be told."""


class Hopeless(DflyError):
    """What a `Verify` waits for will not come any more."""

    code, title = "hopeless", "It failed"


@dataclass(frozen=True)
class Check:
    """Something to look at; a finding that blocks ends the plan before anything was changed.

    Attributes:
        again: Whether it is read once more after the confirmation, right before the first change.
    """

    id: str
    title: str
    run: Callable[[], Awaitable[Sequence[Finding]]]
    again: bool = True


@dataclass(frozen=True)
class Confirm:
    """A question to a person."""

    id: str
    title: str
    consequence: str
    level: Level
    token: str


@dataclass(frozen=True)
class Act:
    """A change, sent once.

    Attributes:
        target: The instance that is changed.
        commands: Exactly what is run, secrets masked.
        run: Does it and says what happened. `OutcomeUnknown` means that nobody knows; any other `DflyError` that
            nothing was changed.
        holds: Tells whether the world is already so. Then the act is skipped; and it settles an unknown outcome.
        settle_seconds: How long `holds` is asked after an unknown outcome.
        undo: Takes it back while the plan can still be given up.
        final: There is no way back from here: what fails later is left to do, not undone.
        left_to_do: What a person does when this could not be done after the point of no return.
        stays: What a person has to know of this when the plan is given up later and there is no `undo`.
    """

    id: str
    title: str
    target: str
    commands: tuple[str, ...]
    run: Callable[[Hands], Awaitable[str]]
    holds: Look | None = None
    settle_seconds: float = 10.0
    undo: "Act | None" = None
    final: bool = False
    left_to_do: str = ""
    stays: str = ""


@dataclass(frozen=True)
class Verify:
    """Something that must become so, and stay so.

    Attributes:
        probe: A finding that passes when it is so. What it raises is a finding, too; after `Hopeless` it is not asked
            again.
        timeout_seconds: How long it may take.
        hold_seconds: How long it must stay so then.
        essential: Whether the later steps would do harm without it: the plan stops here then.
        of: Id of the act whose effect this is: without that there is nothing to wait for.
        left_to_do: What a person does when it does not become so.
        long: What is found meanwhile is told, and the plan can be given up in the middle of it.
        given_up: What is said then.
    """

    id: str
    title: str
    probe: Callable[[], Awaitable[Finding]]
    timeout_seconds: float
    every_seconds: float = 0.5
    hold_seconds: float = 0.0
    essential: bool = False
    of: str = ""
    left_to_do: str = ""
    long: bool = False
    given_up: str = "given up"


Step: TypeAlias = Check | Confirm | Act | Verify
_KINDS = {Check: StepKind.CHECK, Confirm: StepKind.CONFIRM, Act: StepKind.ACT, Verify: StepKind.VERIFY}


@dataclass(frozen=True)
class Plan:
    """What is going to happen, in order. Nothing is changed before a person confirmed.

    Attributes:
        facts: What it was made from, enough to make it again; kept in the journal.
        look_with: Commands that show the world, for when an outcome is not known.
        notes: What is left to a person even when all goes well.
        committed: It finishes what cannot be taken back: one step that fails does not keep the others from being made.

    Raises:
        ValueError: An act comes before any confirmation.
    """

    id: str
    kind: str
    title: str
    group: str
    steps: tuple[Step, ...]
    facts: dict[str, str] = field(default_factory=dict)
    look_with: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    committed: bool = False

    def __post_init__(self) -> None:
        first = next((step for step in self.steps if isinstance(step, Act | Confirm)), None)
        if isinstance(first, Act):
            raise ValueError(f"{self.id} acts before anybody confirmed")

    @property
    def acts(self) -> tuple[Act, ...]:
        return tuple(step for step in self.steps if isinstance(step, Act))

    @property
    def targets(self) -> tuple[str, ...]:
        """The instances that are changed, each once."""
        return tuple(dict.fromkeys(act.target for act in self.acts))

    @property
    def commands(self) -> tuple[str, ...]:
        """All that will be run, in order."""
        return tuple(command for act in self.acts for command in act.commands)

    def view(self) -> PlanView:
        """What is shown and kept of it."""
        return PlanView(
            id=self.id,
            kind=self.kind,
            title=self.title,
            group=self.group,
            facts=self.facts,
            steps=tuple(map(_view, self.steps)),
            look_with=self.look_with,
            notes=self.notes,
        )


def _view(step: Step) -> StepView:
    view = StepView(id=step.id, title=step.title, kind=_KINDS[type(step)])
    if not isinstance(step, Act):
        return view
    undo = _view(step.undo) if step.undo is not None else None
    return view.model_copy(update={"target": step.target, "commands": step.commands, "undo": undo})
