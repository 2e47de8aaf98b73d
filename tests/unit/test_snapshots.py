"""Which files make a set, and what a start would load."""

from datetime import UTC, datetime, timedelta

import pytest

from dfly_tui.models.snapshots import Encryption, SnapshotFile, SnapshotFormat, listing, loaded_at_start

AT = datetime(2026, 11, 23, 4, 10, tzinfo=UTC)


def files(*names: str, size: int = 4096) -> list[SnapshotFile]:
    """Files, each written a minute after the one before."""
    return [
        SnapshotFile(name=name, size_bytes=size, modified_at=AT + timedelta(minutes=number))
        for number, name in enumerate(names)
    ]


def test_the_files_of_a_server_make_sets_the_newest_first() -> None:
    # The names of recording 05 of v1.40.1.
    found = listing(
        files(
            "dump-2026-11-23T04:09:58-0000.dfs",
            "dump-2026-11-23T04:09:58-0001.dfs",
            "dump-2026-11-23T04:09:58-summary.dfs",
            "bg.rdb",
            "named-0000.dfs",
            "named-0001.dfs",
            "named-summary.dfs",
            "healthcheck.sh",
        )
    )
    assert [(each.base, each.format, each.shards, each.is_complete) for each in found.sets] == [
        ("named", SnapshotFormat.DF, 2, True),
        ("bg", SnapshotFormat.RDB, 1, True),
        ("dump-2026-11-23T04:09:58", SnapshotFormat.DF, 2, True),
    ]
    assert found.sets[0].size_bytes == 3 * 4096
    assert found.leftovers == ()


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("a-0000.dfs", "a-0001.dfs"), "the summary is missing"),
        (("a-summary.dfs",), "shard 0000 is missing"),
        (("a-0000.dfs", "a-0002.dfs", "a-summary.dfs"), "shard 0001 is missing"),
    ],
)
def test_half_a_set_is_no_set(names: tuple[str, ...], problem: str) -> None:
    [found] = listing(files(*names)).sets
    assert not found.is_complete
    assert problem in found.problems


def test_a_missing_last_shard_shows_by_what_the_server_writes() -> None:
    names = ("a-0000.dfs", "a-0001.dfs", "a-summary.dfs")
    assert listing(files(*names)).sets[0].is_complete
    assert listing(files(*names), shards=3).sets[0].problems == ("shard 0002 is missing",)


def test_leftover_shards_of_the_same_name_are_noticed() -> None:
    names = ("a-0000.dfs", "a-0001.dfs", "a-0002.dfs", "a-summary.dfs")
    [problem] = listing(files(*names), shards=2).sets[0].problems
    assert problem.startswith("3 shards, where the server writes 2")


def test_an_empty_file_spoils_a_set() -> None:
    found = [*files("a-0000.dfs", size=0), *files("a-summary.dfs")]
    assert listing(found).sets[0].problems == ("-0000.dfs is empty",)


def test_what_was_not_finished_is_left_over() -> None:
    found = listing(files("a-0000.dfs.tmp", "a-summary.dfs.tmp", "b.rdb.part", "c.rdb"))
    assert [file.name for file in found.leftovers] == ["a-0000.dfs.tmp", "a-summary.dfs.tmp", "b.rdb.part"]
    assert [each.base for each in found.sets] == ["c"]


def test_an_encrypted_copy_is_a_set_of_its_own() -> None:
    found = listing(files("a-0000.dfs.age", "a-summary.dfs.age", "b.rdb.gpg"))
    assert [(each.base, each.encryption, each.is_complete) for each in found.sets] == [
        ("b", Encryption.GPG, True),
        ("a", Encryption.AGE, True),
    ]


@pytest.mark.parametrize(
    ("dbfilename", "loaded"),
    [
        ("dump-{timestamp}", "dump-2026-11-23T04:25:19-summary.dfs"),
        ("dump", "dump-2026-11-23T04:25:19-summary.dfs"),
        ("dump.rdb", "dump.rdb"),
        ("named", "named-summary.dfs"),
        ("other-{Y}", None),
        ("", None),
    ],
)
def test_what_a_start_loads(dbfilename: str, loaded: str | None) -> None:
    found = loaded_at_start(
        dbfilename,
        files(
            "dump.rdb",
            "dump-2026-11-23T04:24:58-summary.dfs",
            "named-0000.dfs",
            "named-summary.dfs",
            "dump-2026-11-23T04:25:19-0000.dfs",
            "dump-2026-11-23T04:25:19-summary.dfs",
            "dump-2026-11-23T04:26:00-summary.dfs.tmp",
        ),
    )
    assert (found.name if found else None) == loaded
