"""What is left of a run for the ticket: what was done when, what it cost, what is left to do."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from dfly_tui.models.base import Frozen
from dfly_tui.models.operation import Event, Finding, Outcome, PlanView, StepState
from dfly_tui.paths import write_private
from dfly_tui.units import duration_text

_OUTAGE_BEGINS = ("pause", "takeover")
_OUTAGE_ENDS = ("takeover", "promote")
_MOVES = ("takeover", "promote", "re-point", "recreate", "start", "catch")


class Report(Frozen):
    """A run from the first check to its outcome.

    Attributes:
        schema_version: Of the JSON form.
        outage_seconds: How long no primary took writes, at most: from the first thing that kept the old one from it,
            until the new one led; in an emergency from when the replica last heard of the old one. None when the roles
            did not change, or nobody knows since when.
    """

    schema_version: int = 1
    plan: PlanView
    who: str
    outcome: Outcome
    text: str
    began_at: datetime
    seconds: float
    outage_seconds: float | None
    findings: tuple[Finding, ...]
    timeline: tuple[Event, ...]
    commands: tuple[str, ...]
    follow_ups: tuple[str, ...]


def report_of(plan: PlanView, events: Sequence[Event], who: str) -> Report:
    """Put together what a run's events tell; the last of them has the outcome."""
    last = events[-1]
    return Report(
        plan=plan,
        who=who,
        outcome=last.outcome or Outcome.UNKNOWN,
        text=last.text,
        began_at=events[0].at,
        seconds=last.elapsed_seconds,
        outage_seconds=_outage(plan, events),
        findings=tuple(finding for event in events for finding in event.findings),
        timeline=tuple(event for event in events if event.step and event.state is not StepState.RUNNING),
        commands=tuple(_commands(plan, events)),
        follow_ups=(*last.follow_ups, *(plan.notes if _changed(events) or _was_given_up(plan, last) else ())),
    )


def _commands(plan: PlanView, events: Sequence[Event]) -> Iterator[str]:
    """What was run, in that order: steps, and what took them back."""
    undos = (step.undo for step in plan.steps if step.undo is not None)
    steps = {step.id: step for step in (*undos, *plan.steps)}
    for event in events:
        if event.step in steps and event.state in {StepState.DONE, StepState.UNKNOWN, StepState.UNDONE}:
            yield from steps[event.step].commands


def _changed(events: Sequence[Event]) -> bool:
    """Whether the roles, or what follows whom, are others now, or may be."""
    ends = {StepState.DONE, StepState.UNKNOWN}
    return any(event.state in ends and event.step.startswith(_MOVES)
               for event in events)  # fmt: skip


def _was_given_up(plan: PlanView, last: Event) -> bool:
    return plan.kind == "give-up" and last.outcome in {Outcome.DONE, Outcome.INCOMPLETE}


def _outage(plan: PlanView, events: Sequence[Event]) -> float | None:
    led = next((event for event in events if event.step in _OUTAGE_ENDS and event.state is StepState.DONE), None)
    began = next((event.elapsed_seconds for event in events if event.step in _OUTAGE_BEGINS), None)
    if plan.kind == "emergency" and plan.facts["silent_seconds"]:
        began = -float(plan.facts["silent_seconds"])
    return None if led is None or began is None else round(led.elapsed_seconds - began, 1)


def as_json(report: Report) -> str:
    """For scripts; the schema is in docs/failover-report.schema.json."""
    return json.dumps(report.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def as_markdown(report: Report) -> str:
    """For the ticket."""
    lines = [
        f"# {report.plan.title}",
        "",
        f"- outcome: **{report.outcome}**{f': {report.text}' if report.text else ''}",
        f"- group {report.plan.group}, {report.plan.kind}, run {report.plan.id}, by {report.who}",
        f"- began {report.began_at:%Y-%m-%d %H:%M:%S} UTC, took {duration_text(report.seconds)}",
    ]
    if report.outage_seconds is not None:
        lines.append(f"- no writes for {report.outage_seconds:.1f} s at most")
    titles = {step.id: step.title for step in report.plan.steps}
    lines += ["", "## Timeline", "", "| after | step | state | |", "|---:|---|---|---|"]
    lines += [
        f"| {event.elapsed_seconds:.1f} s | {_cell(titles.get(event.step, event.step))} | {event.state} "
        f"| {_cell(event.text)} |"
        for event in report.timeline
    ]
    lines += ["", "## Checks", "", "| | value | wanted | verdict |", "|---|---|---|---|"]
    lines += [
        f"| {_cell(each.title)} | {_cell(each.value)} | {_cell(each.wanted)} | {each.verdict} |"
        for each in report.findings
    ]
    lines += ["", "## Commands that were run", "", *(f"    {line}" for line in report.commands or ("none",))]
    lines += ["", "## Left to do", "", *(f"- [ ] {line}" for line in report.follow_ups or ("nothing",))]
    return "\n".join(lines) + "\n"


def write(report: Report, folder: Path) -> Path:
    """Keep it as Markdown and as JSON, readable by the user alone.

    Returns:
        The Markdown file; the other has the same name with `.json`.

    Raises:
        OSError: It could not be written.
    """
    path = folder / f"{report.plan.id}.md"
    write_private(path, as_markdown(report))
    write_private(path.with_suffix(".json"), as_json(report))
    return path


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
