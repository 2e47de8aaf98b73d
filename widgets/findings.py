"""What a check found: glyph and word, value, what was wanted, and what to do about it."""

from dfly_tui.models.operation import Finding, Verdict
from widgets.lines import Line, Run

_LOOKS = {Verdict.PASS: ("✔", "ok"), Verdict.WARN: ("▲", "warning"), Verdict.BLOCK: ("✖", "critical")}
WIDEST = max(len(verdict) for verdict in Verdict) + 2


def verdict_run(verdict: Verdict) -> Run:
    """A verdict as glyph and word, coloured."""
    glyph, style = _LOOKS[verdict]
    return Run(f"{glyph} {verdict}", style)


def finding_runs(finding: Finding) -> Line:
    """One line of a list; what was wanted is said only where it was not so."""
    mark = verdict_run(finding.verdict)
    bad = finding.verdict is not Verdict.PASS
    wanted = f" (wanted: {finding.wanted})" if bad and finding.wanted else ""
    return (
        Run(f"    {mark.text:<{WIDEST}}  ", mark.style),
        Run(f"{finding.title}: "),
        Run(finding.value, mark.style if bad else "muted"),
        Run(wanted, "muted"),
    )


def finding_paragraphs(finding: Finding) -> tuple[Run, ...]:
    """All of it, a paragraph each."""
    found = [Run(finding.title, "strong"), verdict_run(finding.verdict), Run(f"seen: {finding.value}")]
    if finding.wanted:
        found.append(Run(f"wanted: {finding.wanted}"))
    if finding.advice:
        found.append(Run(f"→ {finding.advice}", "title"))
    return tuple(found)


def finding_text(finding: Finding) -> str:
    """In a sentence, for a banner or a dialog."""
    mark = verdict_run(finding.verdict).text
    wanted = f" (wanted: {finding.wanted})" if finding.wanted else ""
    advice = f" → {finding.advice}" if finding.advice else ""
    return f"{mark}  {finding.title}: {finding.value}{wanted}{advice}"
