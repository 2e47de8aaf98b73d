"""What the fleet's status says of backups: from the catalogue alone, read now and then."""

from datetime import timedelta
from pathlib import Path

import pytest

from dfly_tui.models.backup import ProofLevel
from dfly_tui.models.health import Observation, assess
from dfly_tui.models.reading import Reading
from dfly_tui.models.verdict import State
from dfly_tui.operations.backup.catalogue import Catalogue
from dfly_tui.operations.backup.pauses import Pause, Pauses
from dfly_tui.operations.backup.watch import READ_SECONDS, BackupWatch
from dfly_tui.settings import InstanceConfig, Settings
from tests.support.clock import FakeClock
from tests.support.sets import proof, record_of

ALPHA = InstanceConfig(name="alpha", url="redis://127.0.0.1:1")
SEEN = Observation(config=ALPHA, status=Reading(seq=1))
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def watch(tmp_path: Path, clock: FakeClock) -> BackupWatch:
    return BackupWatch(tmp_path, Settings(instances=[ALPHA]), clock)


def codes(watch: BackupWatch) -> set[str]:
    return {reason.code for reason in watch.told([SEEN])["alpha"].reasons}


def test_nothing_is_told_of_what_was_never_backed_up(watch: BackupWatch, tmp_path: Path) -> None:
    assert codes(watch) == set()
    assert list(tmp_path.iterdir()) == []


def test_what_was_not_tried_for_long(watch: BackupWatch, tmp_path: Path, clock: FakeClock) -> None:
    Catalogue(tmp_path, "alpha").keep(record_of("a", clock.now() - 40 * DAY))
    assert {"backup-unverified", "backup-unproven", "backup-stale"} <= codes(watch)


def test_when_a_restore_was_last_proven(watch: BackupWatch, tmp_path: Path, clock: FakeClock) -> None:
    at = clock.now() - DAY
    proofs = (proof(at, level=ProofLevel.CHECKSUMS), proof(at))
    Catalogue(tmp_path, "alpha").keep(record_of("a", clock.now() - DAY, proofs=proofs))
    told = watch.told([SEEN])
    assert told["alpha"].proven_at == at
    (status,) = assess([SEEN], Settings().defaults.thresholds, now=clock.monotonic(), wall=clock.now(), backups=told)
    assert status.proven_at == at


async def test_the_schedule_is_remembered(watch: BackupWatch, tmp_path: Path, clock: FakeClock) -> None:
    catalogue = Catalogue(tmp_path, "alpha")
    catalogue.keep(record_of("a", clock.now() - DAY))
    assert "backup-missed" not in codes(watch)
    catalogue.note_cron("0 * * * *")
    await clock.advance(READ_SECONDS)
    assert "backup-missed" in codes(watch)
    assert catalogue.cron == "0 * * * *"


def test_a_pause_that_is_over(watch: BackupWatch, tmp_path: Path, clock: FakeClock) -> None:
    Pauses(tmp_path).keep("alpha", Pause(cron="0 * * * *", until=clock.now() - DAY, since=clock.now() - 2 * DAY))
    assert codes(watch) == {"backup-missed"}


async def test_files_are_not_read_at_every_paint(watch: BackupWatch, tmp_path: Path, clock: FakeClock) -> None:
    assert codes(watch) == set()
    Catalogue(tmp_path, "alpha").keep(record_of("a", clock.now() - 40 * DAY))
    assert codes(watch) == set()
    await clock.advance(READ_SECONDS)
    assert codes(watch)


async def test_what_did_not_change_is_not_read_again(
    watch: BackupWatch, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalogue(tmp_path, "alpha").keep(record_of("a", clock.now() - 40 * DAY))
    before = codes(watch)
    monkeypatch.setattr(Catalogue, "read", None)
    await clock.advance(READ_SECONDS)
    assert codes(watch) == before


def test_what_is_wrong_makes_the_status(watch: BackupWatch, tmp_path: Path, clock: FakeClock) -> None:
    bad = proof(clock.now() - DAY, ok=False)
    Catalogue(tmp_path, "alpha").keep(record_of("a", clock.now() - DAY, proofs=(bad,)))
    (status,) = assess(
        [SEEN], Settings().defaults.thresholds, now=clock.monotonic(), wall=clock.now(), backups=watch.told([SEEN])
    )
    assert status.state is State.CRITICAL
    assert "backup-failed" in {reason.code for reason in status.reasons}


def test_a_catalogue_that_cannot_be_read_is_none(
    watch: BackupWatch, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalogue(tmp_path, "alpha").keep(record_of("a", clock.now() - 40 * DAY))

    def refused(_: Catalogue) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Catalogue, "read", refused)
    assert codes(watch) == set()
