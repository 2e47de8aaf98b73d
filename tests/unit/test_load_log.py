"""What the log says of loading, in the words of both versions and of the lab."""

from datetime import UTC, datetime, timedelta

import pytest

from dfly_tui.models.load_log import LoadLog, LogLine, load_log

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)
OLD = """I20261123 04:25:19.754395 25020 snapshot_storage.cc:112] Load snapshot: Searching for snapshot in: "/d"
I20261123 04:25:19.754595 25020 server_family.cc:997] Loading /data/dump-2026-11-23T04:25:19-summary.dfs
I20261123 04:25:20.201542 25021 server_family.cc:1048] Load finished, num keys read: 1000000"""
NEW = """I1123 04:10:23.692803   21213 snapshot_storage.cc:327] Load snapshot: Searching for snapshot in directory: "/"
I1123 04:10:23.693017   21213 server_family.cc:1462] Loading /data/dump-2026-11-23T04:10:22-summary.dfs
I1123 04:10:24.614381   21214 server_family.cc:1520] Load finished, num keys read: 1002227"""


def lines(text: str) -> list[LogLine]:
    return [LogLine(BEGAN + timedelta(seconds=number), line) for number, line in enumerate(text.splitlines())]


@pytest.mark.parametrize(("text", "name", "keys"), [
    (OLD, "dump-2026-11-23T04:25:19-summary.dfs", 1_000_000),
    (NEW, "dump-2026-11-23T04:10:22-summary.dfs", 1_002_227),
    ("lab: Loading /data/a b.rdb\nlab: Load finished, num keys read: 3", "a b.rdb", 3),
])  # fmt: skip
def test_what_was_loaded(text: str, name: str, keys: int) -> None:
    found = load_log(lines(text))
    assert (found.name, found.keys_read, found.seconds, found.is_finished) == (name, keys, 1.0, True)
    assert not found.failure


def test_before_it_is_finished() -> None:
    assert not load_log(lines(NEW)[:2]).is_finished
    assert load_log(lines(NEW)[:1]) == LoadLog()
    assert load_log(lines(NEW)[2:]).seconds is None
    assert LoadLog().name == ""


@pytest.mark.parametrize("words", [
    "Rdb load failed. Invalid argument", "Rdb load failed: \x1b[31mred", "Failed to load snapshot: Permission denied",
    "Failed to load snapshot with error: no",
])  # fmt: skip
def test_failures(words: str) -> None:
    found = load_log(lines(f"{NEW.splitlines()[1]}\nE1123 04:10:24.614381   21214 server_family.cc:9] {words}"))
    assert found.failure.startswith(words[:10])
    assert "\x1b" not in found.failure
    assert not found.is_finished


def test_nothing_to_load_and_the_last_of_several() -> None:
    nothing = "W1123 04:09:51.841352   21029 server_family.cc:1307] Load snapshot: No snapshot found"
    assert load_log(lines(nothing)).is_empty
    found = load_log(lines(f"{nothing}\n{OLD}\nlab: Loading /data/later.rdb"))
    assert (found.name, found.is_finished, found.is_empty) == ("later.rdb", False, False)


def test_words_of_a_client_are_no_load() -> None:
    assert load_log(lines("W1123 main_service.cc:1703]  SET x Loading /data/x.rdb failed")) == LoadLog()
