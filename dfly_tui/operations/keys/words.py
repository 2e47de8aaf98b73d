"""How exports and imports are told, on the screen and at the command line."""

from dfly_tui.models.key_text import counted
from dfly_tui.operations.keys.export import ExportReport, Failures
from dfly_tui.operations.keys.import_ import KeyImport
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, duration_text

NAMED = 20
"""So many failures are told by name."""


def export_progress(report: ExportReport) -> str:
    """How far it is."""
    of = f" of {report.expected:,}" if report.expected else ""
    return f"{report.keys:,}{of} keys, {bytes_text(report.size_bytes)}"


def export_lines(report: ExportReport) -> list[str]:
    """How it went; for one that came to its end."""
    rate = report.keys / report.seconds if report.seconds else 0.0
    took = f"in {duration_text(report.seconds)} ({rate:,.0f} keys/s)"
    lines = [f"{counted(report.keys, 'key')}, {bytes_text(report.size_bytes)} of names and values, {took}"]
    for count, what in ((report.gone, "expired or were deleted"), (report.changed, "became another type")):
        lines += [f"{count:,} {what} meanwhile"] if count else []
    lines += [f"{safe(name, limit=80)} was written to while it was read" for name in report.restless]
    if report.elements_unread is not None:
        lines.append(f"whether elements of hashes and sets expire could not be told: {report.elements_unread}")
    return lines + failure_lines(report.failures)


def import_progress(wish: KeyImport) -> str:
    """How far it is."""
    if wish.contents is None:
        return f"reading the file: {bytes_text(wish.read)}"
    return wish.done_text


def import_lines(wish: KeyImport) -> list[str]:
    """How it went."""
    lines = [wish.done_text]
    lines += [f"stopped: {wish.report.stopped}"] if wish.report.stopped else []
    return lines + failure_lines(wish.report.failures)


def failure_lines(failures: Failures) -> list[str]:
    """What could not be done, the first by name."""
    lines = [f"FAILED {safe(name, limit=200)}: {error}" for name, error in failures.named[:NAMED]]
    more = failures.count - len(lines)
    return [*lines, f"FAILED … and {more:,} more"] if more else lines
