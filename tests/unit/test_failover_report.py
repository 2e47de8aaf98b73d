"""What a run leaves for the ticket."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from dfly_tui.models.operation import Event, Outcome, PlanView, StepKind, StepState, StepView, passed, warned
from dfly_tui.operations.failover.report import Report, as_json, as_markdown, report_of, write
from tests.support.clock import START


def step(name: str) -> StepView:
    return StepView(id=name, title=f"do {name}", kind=StepKind.ACT, target="beta", commands=(f"RUN {name}",))


def plan(kind: str = "switchover", *steps: str, silent: str = "") -> PlanView:
    facts = {"old": "alpha", "new": "beta", "silent_seconds": silent}
    return PlanView(
        id="run-1", kind=kind, title="beta takes over", group="main", facts=facts,
        steps=tuple(map(step, steps)), notes=("config.toml: beta is the primary now",),
    )  # fmt: skip


def event(name: str, state: StepState, after: float, text: str = "") -> Event:
    findings = (warned("odd", "odd | thing", "1", "0"), passed("fine", "fine", "2")) if name == "check" else ()
    return Event(at=START + timedelta(seconds=after), elapsed_seconds=after, step=name, state=state, text=text,
                 findings=findings)  # fmt: skip


def ended(outcome: Outcome, after: float = 9.0, *left: str) -> Event:
    return Event(at=START, elapsed_seconds=after, outcome=outcome, text="that is how it ended", follow_ups=left)


def switched(*, pause: bool) -> Report:
    events = [
        event("check", StepState.RUNNING, 0.0),
        event("check", StepState.WARNED, 1.0),
        *([event("pause", StepState.RUNNING, 2.0), event("pause", StepState.DONE, 2.1)] if pause else []),
        event("takeover", StepState.RUNNING, 3.0),
        event("takeover", StepState.DONE, 3.44, "the server took | 0.4 s"),
        event("canary", StepState.FAILED, 4.0, "no\nanswer"),
        ended(Outcome.INCOMPLETE, 9.0, "try whether beta takes writes"),
    ]
    return report_of(plan("switchover", "pause", "takeover", "canary"), events, "ada@console")


def test_it_tells_what_was_done_and_what_is_left() -> None:
    report = switched(pause=False)
    assert (report.outcome, report.seconds, report.began_at) == (Outcome.INCOMPLETE, 9.0, START)
    assert report.commands == ("RUN takeover",)
    assert report.follow_ups == ("try whether beta takes writes", "config.toml: beta is the primary now")
    assert [each.step for each in report.timeline] == ["check", "takeover", "canary"]


def test_what_took_a_step_back_was_run_too() -> None:
    fenced = step("fence").model_copy(update={"undo": step("unfence")})
    events = [event("fence", StepState.DONE, 1.0), event("takeover", StepState.FAILED, 2.0),
              event("unfence", StepState.RUNNING, 3.0), event("unfence", StepState.UNDONE, 3.5),
              ended(Outcome.UNDONE)]  # fmt: skip
    given = plan("switchover", "takeover")
    report = report_of(given.model_copy(update={"steps": (fenced, *given.steps)}), events, "ada")
    assert report.commands == ("RUN fence", "RUN unfence")
    assert "    RUN unfence" in as_markdown(report)


@pytest.mark.parametrize(("pause", "seconds"), [(False, 0.4), (True, 1.4)])
def test_the_outage_is_measured_from_what_kept_writes_away(pause: bool, seconds: float) -> None:
    assert switched(pause=pause).outage_seconds == seconds


@pytest.mark.parametrize(("silent", "seconds"), [("12", 14.0), ("", None)])
def test_the_outage_of_an_emergency_begins_when_the_primary_was_last_heard(silent: str, seconds: float | None) -> None:
    events = [event("promote", StepState.DONE, 2.0), ended(Outcome.DONE)]
    assert report_of(plan("emergency", "promote", silent=silent), events, "ada").outage_seconds == seconds


def test_nothing_is_left_and_nothing_was_out_when_nothing_changed() -> None:
    report = report_of(plan(), [event("check", StepState.BLOCKED, 1.0), ended(Outcome.BLOCKED)], "ada")
    assert (report.outage_seconds, report.follow_ups, report.commands) == (None, (), ())
    text = as_markdown(report)
    assert "no writes" not in text
    assert "- [ ] nothing" in text
    assert "    none" in text


def test_a_command_of_which_nobody_knows_is_among_those_that_were_sent() -> None:
    report = report_of(plan("switchover", "takeover"), [event("takeover", StepState.UNKNOWN, 1.0)], "ada")
    assert (report.commands, report.outcome) == (("RUN takeover",), Outcome.UNKNOWN)


def test_markdown_for_the_ticket() -> None:
    text = as_markdown(switched(pause=False))
    assert text.startswith("# beta takes over\n\n- outcome: **incomplete**: that is how it ended\n")
    assert "- no writes for 0.4 s at most" in text
    assert "| 3.4 s | do takeover | done | the server took \\| 0.4 s |" in text
    assert "| 4.0 s | do canary | failed | no answer |" in text
    assert "| odd \\| thing | 1 | 0 | warn |" in text
    assert "- [ ] try whether beta takes writes" in text


def test_json_for_scripts_says_the_same() -> None:
    report = switched(pause=True)
    told = json.loads(as_json(report))
    assert (told["schema_version"], told["outcome"], told["outage_seconds"]) == (1, "incomplete", 1.4)
    assert Report.model_validate(told) == report


def test_both_are_kept_for_the_user_alone(tmp_path: Path) -> None:
    path = write(switched(pause=False), tmp_path / "reports")
    assert path.read_text() == as_markdown(switched(pause=False))
    assert path.with_suffix(".json").read_text() == as_json(switched(pause=False))
    assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
