"""The backups screen in every state, as it looks."""

from textual.pilot import Pilot

from dfly_tui.errors import DockerFailed, StoreFailed
from dfly_tui.models.backup_view import INSTANCE, BackupsSeen, StoreSeen
from dfly_tui.models.snapshots import SnapshotFile
from dfly_tui.settings import Defaults
from tests.screens.backups_stage import HOUR, LAST, NOW, Shelf, cut_off, files_of, name_at, ordinary, saved, story
from tests.screens.conftest import SnapCompare
from tests.screens.stage import Stage, down, seconds

NARROW, NORMAL = (80, 24), (120, 40)
HOSTILE = ("[red]x[/]", "\x1b]0;owned\x07\x1b[2J", "\u202egnp.exe", "-rf", "a" * 300, "日本語の名前")


def test_sets_in_good_and_bad_order(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf))


def test_the_same_with_more_room(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)
    assert snap_compare(shelf.app(), terminal_size=NORMAL, run_before=story(shelf, "down", "down"))


def test_a_replica_is_left_to_its_primary(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, "n"))


def test_a_save_runs(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)
    saved(stage.actors["workhorse"], saving=1, current_snapshot_perc=42.5, current_save_keys_processed=425_000,
          current_save_keys_total=1_000_000, current_save_duration_sec=17)  # fmt: skip
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, wait=40))


def test_late_and_failed(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)
    saved(stage.actors["workhorse"], 60.2, last_failed_save=int((NOW - HOUR).timestamp()),
          last_error="No space left on device")  # fmt: skip
    shelf.put("workhorse", files_of(name_at(60.2), 60.2), free=0)
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf))


def test_nothing_was_ever_saved(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    stage.add("workhorse", environment="production")
    shelf.put("workhorse", cron="")
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf))


def test_nobody_answers_yet(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    stage.add("workhorse").silent = True
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, wait=0))


def test_the_server_is_gone_and_its_files_are_there(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)
    stage.actors["workhorse"].fails_after = (3, down())
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, wait=30))


def test_what_was_listed_is_old(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)

    async def run(pilot: Pilot[int]) -> None:
        await story(shelf)(pilot)
        shelf.errors["workhorse"] = DockerFailed("the engine does not answer", "is it running?")
        await seconds(stage, pilot, 95)

    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=run)


def test_no_way_to_the_files(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    saved(stage.add("workhorse"))
    shelf.errors["workhorse"] = StoreFailed(
        "nobody knows where this machine sees /data of workhorse",
        "set backup.folder, or docker if it runs in a container",
    )
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf))


def test_a_store_is_down(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    saved(stage.add("workhorse"))
    own = StoreSeen(name=INSTANCE, files=files_of(name_at(LAST), LAST), free_bytes=1 << 30)
    away = StoreSeen(name="nas", address="/srv/backups", problem="/srv/backups is not there", advice="is it mounted?")
    shelf.seen["workhorse"] = BackupsSeen(at=NOW, stores=(own, away), cron="0 * * * *")
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf))


def test_redis_is_greyed_out(redis_pair: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(redis_pair)
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf))


def test_read_only(stage: Stage, snap_compare: SnapCompare) -> None:
    stage.defaults = Defaults(read_only=True)
    shelf = Shelf(stage)
    ordinary(shelf)
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf))


def test_a_terminal_that_is_too_small(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)
    assert snap_compare(shelf.app(), terminal_size=(60, 18), run_before=story(shelf))


def test_names_that_mean_harm(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    saved(stage.add("workhorse"))
    files = [
        SnapshotFile(name=f"{text}{ending}", size_bytes=100, modified_at=NOW - HOUR)
        for text in HOSTILE
        for ending in ("-0000.dfs", "-summary.dfs")
    ]
    shelf.put("workhorse", files, [SnapshotFile(name=f"{HOSTILE[0]}.tmp", size_bytes=1, modified_at=NOW)])
    assert snap_compare(shelf.app(), terminal_size=NORMAL, run_before=story(shelf))


def test_all_of_a_set(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, "enter"))


def test_a_filter(stage: Stage, snap_compare: SnapCompare) -> None:
    shelf = Shelf(stage)
    ordinary(shelf)
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, "slash", *"failed"))


def test_when_it_saves_by_itself(shelf: Shelf, snap_compare: SnapCompare) -> None:
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, "e"))


def test_which_set_is_restored(shelf: Shelf, snap_compare: SnapCompare) -> None:
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, "R"))


def test_what_retention_says_of_each(shelf: Shelf, snap_compare: SnapCompare) -> None:
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, "x"))


def test_why_a_set_is_kept(shelf: Shelf, snap_compare: SnapCompare) -> None:
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, "y"))


def test_the_plan_of_a_backup(shelf: Shelf, snap_compare: SnapCompare) -> None:
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf, "b", "enter", "enter"))


def test_a_restore_that_was_cut_off(shelf: Shelf, snap_compare: SnapCompare) -> None:
    cut_off(shelf)
    assert snap_compare(shelf.app(), terminal_size=NARROW, run_before=story(shelf))
