"""How exports are told."""

from dfly_tui.errors import NotSupported
from dfly_tui.operations.keys.export import ExportReport
from dfly_tui.operations.keys.words import NAMED, export_lines, export_progress


def test_what_is_not_exact_is_said() -> None:
    report = ExportReport(keys=1, size_bytes=2048, gone=2, changed=1, restless=[b"big\x1b"], seconds=2.0)
    report.elements_unread = NotSupported("FIELDTTL")
    for number in range(NAMED + 5):
        report.failures.add(b"key %d" % number, NotSupported("no"))
    lines = export_lines(report)
    assert lines[:5] == [
        "1 key, 2 KiB of names and values, in 2 s (0 keys/s)",
        "2 expired or were deleted meanwhile",
        "1 became another type meanwhile",
        "big\\x1b was written to while it was read",
        "whether elements of hashes and sets expire could not be told: Not supported by this server: FIELDTTL",
    ]
    assert lines[5] == "FAILED key 0: Not supported by this server: no"
    assert lines[-1] == "FAILED … and 5 more"
    assert len(lines) == 5 + NAMED + 1


def test_progress_says_of_how_many_where_that_is_known() -> None:
    assert export_progress(ExportReport(keys=10, size_bytes=10)) == "10 keys, 10 B"
    assert export_progress(ExportReport(keys=10, size_bytes=10, expected=1000)) == "10 of 1,000 keys, 10 B"
