"""What is wrong with backups, as reasons of an instance's status."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dfly_tui.models.backup import BackupRecord, ProofLevel
from dfly_tui.models.backup_alerts import CODES, BackupFacts, backup_reasons, cron_of
from dfly_tui.models.backup_view import INSTANCE, BackupsSeen, StoreSeen
from dfly_tui.models.health import Observation, Reason, State, assess
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.snapshots import SnapshotFile
from dfly_tui.models.verdict import BackupsTold
from dfly_tui.settings import Thresholds
from dfly_tui.settings_backup import BackupSettings
from tests.support.clock import START
from tests.support.fakes import NOW as MONOTONIC
from tests.support.fakes import config, observation, reading, snapshot
from tests.support.sets import MIB, NOW, base_at, files_of, proof, record_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIMITS = Thresholds()
PROVEN: dict[str, Any] = {"proofs": [proof(NOW - HOUR)]}


def unix(at: datetime) -> int:
    return int(at.timestamp())


def saved(ago: timedelta, **fields: object) -> InstanceSnapshot:
    """A server that saved so long ago."""
    at = NOW - ago
    told = {"last_success_save": unix(at), "last_saved_file": f"/data/{base_at(at)}-summary.dfs",
            "rdb_changes_since_last_success_save": 5, **fields}  # fmt: skip
    return snapshot(**told)


def facts(
    files: Sequence[SnapshotFile] | None = None,
    records: Sequence[BackupRecord] = (),
    *,
    free_bytes: int | None = None,
    settings: dict[str, Any] | None = None,
    **more: Any,
) -> BackupFacts:
    stores = (
        () if files is None else (StoreSeen(name=INSTANCE, files=tuple(files), free_bytes=free_bytes),)
    )  # fmt: skip
    seen = BackupsSeen(at=NOW, stores=stores, records=tuple(records), **more)
    return BackupFacts(seen, BackupSettings(**(settings or {})))


def whole(*ages: timedelta, size: int = MIB) -> list[SnapshotFile]:
    return [file for age in ages for file in files_of(base_at(NOW - age), NOW - age, size=size)]


def judged(known: BackupFacts, told: InstanceSnapshot | None = None, **more: Any) -> list[Reason]:
    return list(backup_reasons(known, told, LIMITS, NOW, **more))


def only(known: BackupFacts, told: InstanceSnapshot | None = None, **more: Any) -> Reason:
    (reason,) = judged(known, told, **more)
    assert reason.code in CODES
    assert reason.advice
    return reason


def test_nothing_is_said_of_what_is_well_or_never_was() -> None:
    assert judged(facts()) == []
    assert judged(facts([])) == []
    record = record_of(base_at(NOW - HOUR), NOW - HOUR, **PROVEN)
    assert judged(facts(whole(HOUR, DAY), [record], free_bytes=9**15, cron="0 4 * * *"), saved(HOUR)) == []


def test_a_schedule_that_stopped() -> None:
    reason = only(facts(whole(HOUR * 27), cron="0 2 * * *"), saved(HOUR * 27), saved_at=NOW)
    assert reason.text == "1 run of the schedule left no backup, since 2026-11-23 02:00 UTC"
    assert (reason.code, reason.state) == ("backup-missed", State.WARNING)
    reason = only(facts(cron="*/15 * * * *"), saved(HOUR * 7))
    assert (reason.code, reason.state) == ("backup-missed", State.CRITICAL)
    assert judged(facts(cron="*/15 * * * *"), saved(HOUR * 7, saving=1)) == []
    assert judged(facts(cron="bad"), saved(HOUR * 7)) == []
    assert cron_of(None) is None


def test_a_paused_schedule_misses_nothing_until_it_is_over() -> None:
    until = NOW + HOUR
    assert judged(facts(cron="", paused_until=until, paused_cron="*/5 * * * *"), saved(HOUR * 9)) == []
    reason = only(facts(cron="", paused_until=NOW - HOUR, paused_cron="*/5 * * * *"), saved(HOUR * 9))
    assert reason.code == "backup-missed"
    assert reason.text == "the schedule was to go on at 2026-11-23 04:00 UTC, and is still paused"


def test_the_newest_one_is_no_good() -> None:
    bad = record_of(base_at(NOW - HOUR), NOW - HOUR, proofs=[proof(NOW, ok=False), proof(NOW - HOUR * 2)])
    reason = only(facts(whole(HOUR, HOUR * 3), [bad]), saved(HOUR))
    assert (reason.code, reason.state) == ("backup-failed", State.CRITICAL)
    assert reason.text.endswith("is no good: a shard has other bytes than were recorded")


@pytest.mark.parametrize(("size", "state"), [(MIB, State.OK), (MIB * 6 // 10, State.WARNING), (9, State.CRITICAL)])
def test_a_small_one(size: int, state: State) -> None:
    newest = files_of(base_at(NOW - HOUR * 2), NOW - HOUR * 2, size=size)
    reasons = judged(facts([*newest, *whole(DAY, DAY * 2, DAY * 3)]))
    assert [(each.code, each.state) for each in reasons] == ([("backup-small", state)] if state is not State.OK else [])


def test_a_large_one_is_no_alarm() -> None:
    newest = files_of(base_at(NOW - HOUR * 2), NOW - HOUR * 2, size=MIB * 9)
    assert judged(facts([*newest, *whole(DAY, DAY * 2, DAY * 3)])) == []


def test_what_nobody_can_load() -> None:
    half = files_of("half", NOW - HOUR * 2, whole=False)
    part = SnapshotFile(name="x-0000.dfs.tmp", size_bytes=MIB, modified_at=NOW - DAY * 2)
    reason = only(facts([*half, part, *whole(HOUR * 3)]))
    assert (reason.code, reason.state) == ("backup-incomplete", State.WARNING)
    assert reason.text == (
        "of no use: half (the summary is missing), and 1 file of saves that did not end (1 MiB)"
    )  # fmt: skip
    two = [*half, *files_of("other", NOW - HOUR * 5, whole=False), *whole(HOUR * 3)]
    assert only(facts(two)).text == "of no use: half (the summary is missing) and 1 more sets"
    assert only(facts([part, part, *whole(HOUR * 3)])).text == "of no use: 2 files of saves that did not end (2 MiB)"
    # What is being written is not done yet.
    assert judged(facts([*files_of("half", NOW - HOUR / 2, whole=False), *whole(HOUR * 3)])) == []
    assert judged(facts([*half, *whole(HOUR * 3)]), saved(HOUR * 3, saving=1)) == []


def test_the_newest_good_one_is_old_although_the_server_saved() -> None:
    bad = record_of(base_at(NOW - HOUR), NOW - HOUR, proofs=[proof(NOW, ok=False, level=ProofLevel.CHECKSUMS)])
    codes = {each.code: each for each in judged(facts(whole(HOUR, DAY * 3), [bad]), saved(HOUR), saved_at=NOW - HOUR)}
    assert set(codes) == {"backup-failed", "backup-stale"}
    assert codes["backup-stale"].text == "the newest good backup is 3 d old"
    assert codes["backup-stale"].state is State.CRITICAL
    codes = {each.code: each for each in judged(facts(whole(HOUR), [bad]), saved(HOUR))}
    assert codes["backup-stale"].text == "no good backup is left"
    # What the server saved since counts, as long as nobody found it damaged.
    assert judged(facts(whole(DAY * 3)), saved(HOUR)) == []
    assert judged(facts(whole(DAY * 3)), saved(DAY * 3), saved_at=NOW - HOUR) == []
    assert judged(facts(whole(DAY * 3)), saved(DAY * 3, rdb_changes_since_last_success_save=0)) == []
    assert only(facts(whole(HOUR * 27))).state is State.WARNING


def test_without_a_look_the_records_tell() -> None:
    old = record_of(base_at(NOW - DAY * 3), NOW - DAY * 3, store="nas", proofs=[proof(NOW - HOUR)])
    gone = record_of("gone", NOW - HOUR, removed_at=NOW)
    assert only(facts(None, [old, gone])).text == "the newest good backup is 3 d old"
    assert judged(facts(None, [old]), saved(HOUR)) == []


def test_a_record_whose_files_are_gone_is_of_no_use() -> None:
    lost = record_of(base_at(NOW - HOUR * 5), NOW - HOUR * 5, proofs=[proof(NOW)])
    reason = only(facts(whole(HOUR * 2), [lost]))
    assert reason.text == f"of no use: {lost.base} (its files are gone)"


def test_copies_elsewhere_are_old_or_none() -> None:
    kept: dict[str, Any] = {"settings": {"copy_to": ("nas",)}}
    mine = [record_of(base_at(NOW - age), NOW - age, **PROVEN) for age in (HOUR, DAY * 2)]
    reason = only(facts(None, mine, **kept), saved(HOUR))
    assert (reason.code, reason.state) == ("backup-uncopied", State.CRITICAL)
    assert reason.text == "store nas: no backup was copied there"
    copied = [mine[0], record_of(base_at(NOW - HOUR * 30), NOW - HOUR * 30, store="nas")]
    reason = only(facts(None, copied, **kept), saved(HOUR))
    assert reason.text == "store nas: the newest copy there is 1 d 6 h old"
    assert reason.state is State.WARNING
    fresh = [record_of(base_at(NOW - HOUR), NOW - HOUR, store="nas", **PROVEN)]
    assert judged(facts(None, fresh, **kept), saved(HOUR)) == []
    # The first one may still be on its way.
    assert judged(facts(None, mine[:1], **kept), saved(HOUR)) == []


def test_nothing_was_tried_for_long() -> None:
    tried = [
        record_of(base_at(NOW - DAY * 9), NOW - DAY * 9, proofs=[proof(NOW - DAY * 9, level=ProofLevel.CHECKSUMS)]),
        record_of(base_at(NOW - HOUR), NOW - HOUR),
    ]
    reason = only(facts(None, tried), saved(HOUR))
    assert (reason.code, reason.text) == ("backup-unverified", "no backup was verified for 9 days")
    old = [record_of(base_at(NOW - DAY * 40), NOW - DAY * 40), *tried]
    texts = {each.code: each.text for each in judged(facts(None, old), saved(HOUR))}
    assert texts["backup-unproven"] == "no restore was proven for 40 days, ever"
    # A restore proves more than sums do; a try that failed proves nothing.
    restored = record_of(base_at(NOW - DAY), NOW - DAY, proofs=[proof(NOW - DAY)])
    assert judged(facts(None, [*old, restored]), saved(HOUR)) == []


def test_the_disk_is_full_soon() -> None:
    known = facts(whole(HOUR, DAY, DAY * 2), free_bytes=3 * MIB, cron="0 4 * * *")
    reason = only(known, saved(HOUR))
    assert (reason.code, reason.state) == ("backup-disk", State.WARNING)
    assert reason.text.startswith("the disk is full in 3 days at this cadence: 3 MiB free")
    hourly = facts(whole(HOUR, DAY, DAY * 2), free_bytes=3 * MIB, cron="0 * * * *")
    assert only(hourly, saved(HOUR)).state is State.CRITICAL
    # Where somebody removes old ones, retention makes room.
    removed = record_of("old", NOW - DAY * 20, removed_at=NOW - DAY, proofs=[proof(NOW - HOUR)])
    settings = {"keep_last": 3, "keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0, "delay_days": 2.0}
    pruned = facts(
        whole(HOUR, DAY, DAY * 2), [removed], free_bytes=3 * MIB, cron="0 4 * * *", settings=settings
    )  # fmt: skip
    assert judged(pruned, saved(HOUR)) == []


WRONG = Reason(code="backup-stale", text="x", advice="", state=State.CRITICAL)
OTHER = Reason(code="backup-disk", text="y", advice="", state=State.WARNING)


def told_of(item: Observation, *reasons: Reason) -> list[str]:
    told = {item.config.name: BackupsTold(reasons), "x": BackupsTold((WRONG,))}
    (status,) = assess([item], LIMITS, now=MONOTONIC, wall=START, backups=told)
    return [each.code for each in status.reasons]


def test_the_status_of_the_fleet_tells_it_once_and_to_the_right_one() -> None:
    fresh = snapshot(last_success_save=unix(START), last_saved_file="/data/dump-summary.dfs")
    assert told_of(observation(fresh), OTHER, WRONG) == ["backup-stale", "backup-disk"]
    old = snapshot(last_success_save=unix(START - DAY * 9), last_saved_file="/data/dump-summary.dfs")
    assert told_of(observation(old), WRONG, OTHER) == ["snapshot-age", "backup-disk"]
    assert told_of(observation(snapshot("v1.40.1-replica")), WRONG) == []
    # Who does not answer may have to be restored.
    assert told_of(Observation(config=config(), status=reading()), WRONG) == ["backup-stale"]
    assert told_of(Observation(config=config(role="replica"), status=reading()), WRONG) == []
    assert UTC is BackupFacts(BackupsSeen(at=NOW), BackupSettings()).here
