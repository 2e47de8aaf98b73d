"""A plan as a list, without a screen around it."""

from datetime import UTC, datetime

import pytest

from dfly_tui.models.operation import Event, StepKind, StepState, StepView, blocked, passed
from dfly_tui.text import safe
from tests.widgets.support import HOSTILE, WidgetApp, assert_lines_fill, text
from widgets.findings import finding_paragraphs, finding_runs, finding_text
from widgets.lines import Run, fit_line, line_text
from widgets.plan_view import Details, PlanList, Row, paragraph_lines, progress_of, step_rows

AT = datetime(2026, 1, 2, tzinfo=UTC)


def event(step: str, seconds: float, state: StepState, **more: object) -> Event:
    return Event.model_validate({"at": AT, "elapsed_seconds": seconds, "step": step, "state": state, **more})


def rows(*keys: str) -> list[Row]:
    return [Row(key, (Run(key),), (Run(key),)) for key in keys]


def test_a_step_takes_from_its_beginning_to_its_end() -> None:
    events = [event("a", 1, StepState.RUNNING), event("a", 3.5, StepState.DONE), event("b", 3.5, StepState.RUNNING)]
    found = progress_of(events, elapsed=10)
    assert found["a"].seconds == 2.5
    assert found["b"].seconds == 6.5


def test_findings_that_are_well_can_be_left_out() -> None:
    step = StepView(id="look", title="look", kind=StepKind.CHECK)
    findings = (passed("a", "this", "is well"), blocked("b", "that", "is not", "well", "mend it"))
    progress = progress_of([event("look", 1, StepState.BLOCKED, findings=findings)], 1)
    shown = [line_text(row.runs) for row in step_rows([step], progress, finals=(), every_finding=False)]
    assert len(shown) == 2
    assert "1 pass, 1 block" in shown[0]
    assert "✖ block" in shown[1]
    assert "(wanted: well)" in shown[1]


def test_the_line_of_no_return_stands_before_the_step() -> None:
    steps = [StepView(id=name, title=name, kind=StepKind.ACT, target="x", commands=("GO",)) for name in "abc"]
    keys = [row.key for row in step_rows(steps, {}, finals={"b", "c"}, every_finding=True)]
    assert keys == ["a", "heading:  ── no way back from here ──", "b", "c"]


def test_a_finding_says_what_to_do() -> None:
    assert finding_text(blocked("b", "that", "is not", "well", "mend it")).endswith("is not (wanted: well) → mend it")


def test_a_long_command_is_wrapped_whole() -> None:
    words = " ".join(f"word{number}" for number in range(30))
    lines = [line_text(line).strip() for line in paragraph_lines([Run(words)], 40)]
    assert " ".join(lines) == words
    assert len(lines) > 5


async def test_the_cursor_follows_until_somebody_moves_it() -> None:
    plan = PlanList()
    app = WidgetApp(plan)
    async with app.run_test(size=(40, 10)) as pilot:
        plan.focus()
        plan.show(rows("a", "b", "c"), at="c")
        assert plan.highlighted is not None
        assert plan.highlighted.key == "c"
        await pilot.press("up")
        plan.show(rows("new", "a", "b", "c"), at="c")
        assert plan.highlighted.key == "b"


async def test_what_does_not_fit_is_counted() -> None:
    details = Details()
    app = WidgetApp(details)
    async with app.run_test(size=(40, 4)) as pilot:
        details.styles.height = 4
        await pilot.pause()
        details.show(tuple(Run(f"line {number}") for number in range(9)), "z shows all")
        await pilot.pause()
        assert "… 6 more lines: z shows all" in text(app)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_text_fills_its_lines_and_no_more(words: str) -> None:
    finding = blocked("b", safe(words), safe(words), safe(words), safe(words))
    assert_lines_fill([fit_line(finding_runs(finding), 60)], 60)
    assert_lines_fill(paragraph_lines(finding_paragraphs(finding), 30), 30)
