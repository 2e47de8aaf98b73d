"""Which backups of one instance are kept and which go, each with its reasons. Pure functions of what was read.

Counted as restic's `forget` does: each rule keeps the newest good set of so many hours, days, weeks, months, years, and
what one rule wants is kept. Beyond the rules: nothing goes before a newer good one is there, nor the newest whole one,
nor the only one a restore was proven of, nor what is pinned, nor what was just written; so many good ones stay always.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from pydantic import AwareDatetime

from dfly_tui.models.backup_view import INSTANCE, Expiry, SetView, StoreSeen, leftovers_of
from dfly_tui.models.base import Frozen
from dfly_tui.models.snapshots import SnapshotFile, SnapshotFormat
from dfly_tui.settings_backup import BackupSettings
from dfly_tui.text import safe
from dfly_tui.units import duration_text

YOUNG = timedelta(hours=1)
"""What was written so lately may belong to a save or a copy of somebody else."""
LEFTOVER_AGE = timedelta(days=1)

Key = tuple[str, SnapshotFormat]


class Decision(Frozen):
    """What becomes of a set, and why.

    Attributes:
        keep: Whether it is wanted.
        reasons: Why it stays, or why it does not.
        expired_at: Since when it is not wanted; to be kept in its record. None when it is.
        goes_at: When it may be removed; None when it is wanted.
    """

    base: str
    format: SnapshotFormat
    keep: bool
    reasons: tuple[str, ...]
    expired_at: AwareDatetime | None = None
    goes_at: AwareDatetime | None = None

    @property
    def key(self) -> Key:
        return self.base, self.format

    @property
    def why(self) -> str:
        """All reasons in a line."""
        return "; ".join(self.reasons)

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be removed now."""
        return self.goes_at is not None and self.goes_at <= now


class Leftover(NamedTuple):
    """A file of a save or copy that did not end.

    Attributes:
        goes_at: When it may be removed.
    """

    store: str
    file: SnapshotFile
    goes_at: datetime
    why: str


class _Rule(NamedTuple):
    name: str
    most: int
    period: Callable[[datetime], str]


def _rules(policy: BackupSettings) -> tuple[_Rule, ...]:
    return (
        _Rule("hourly", policy.keep_hourly, lambda at: f"{at:%Y-%m-%d %H}h"),
        _Rule("daily", policy.keep_daily, lambda at: f"{at:%Y-%m-%d}"),
        _Rule("weekly", policy.keep_weekly, lambda at: f"{at:%G-W%V}"),
        _Rule("monthly", policy.keep_monthly, lambda at: f"{at:%Y-%m}"),
        _Rule("yearly", policy.keep_yearly, lambda at: f"{at:%Y}"),
    )


def is_good(each: SetView) -> bool:
    """Whether it is whole somewhere, and no try to read or load it failed."""
    return each.is_complete and not (each.record is not None and each.record.is_broken)


def is_proven(each: SetView) -> bool:
    """Whether it was restored from, the last time that was tried."""
    return is_good(each) and each.record is not None and each.record.proven_at is not None


def decide(
    sets: Iterable[SetView],
    policy: BackupSettings,
    *,
    now: datetime,
    zone: tzinfo,
    saving_since: datetime | None = None,
    unreadable: Collection[str] = (),
) -> tuple[Decision, ...]:
    """Decide on all sets of one instance.

    Args:
        sets: Wherever they lie (`backup_view.merged()`).
        zone: In which days begin.
        saving_since: When the running save began; None when none runs.
        unreadable: Stores that could not be listed: what has a copy there is left alone.

    Returns:
        One for each set, the newest first.
    """
    ordered = sorted(sets, key=lambda each: (each.written_at, each.base), reverse=True)
    kept: dict[Key, list[str]] = {each.key: [] for each in ordered}
    _by_rules(ordered, policy, zone, kept)
    _protected(ordered, kept)
    _rescued(ordered, policy, kept)
    for each in ordered:
        kept[each.key] += _for_now(each, now, saving_since, unreadable)
    return tuple(_decision(each, kept[each.key], policy, now) for each in ordered)


def _by_rules(ordered: Sequence[SetView], policy: BackupSettings, zone: tzinfo, kept: Mapping[Key, list[str]]) -> None:
    good = [each for each in ordered if is_good(each)]
    for number, each in enumerate(good[: policy.keep_last], start=1):
        kept[each.key].append(f"last {number} of {policy.keep_last}")
    for rule in _rules(policy):
        seen: set[str] = set()
        for each in good:
            period = rule.period(each.written_at.astimezone(zone))
            if period not in seen and len(seen) < rule.most:
                seen.add(period)
                kept[each.key].append(f"{rule.name} {period}")


def _protected(ordered: Sequence[SetView], kept: Mapping[Key, list[str]]) -> None:
    """What stays whatever the rules say."""
    whole = next((each for each in ordered if each.is_complete), None)
    good_at = next((each.written_at for each in ordered if is_good(each)), None)
    for each in ordered:
        if each.pinned is not None:
            kept[each.key].append(f"pinned: {safe(each.pinned, limit=120)}")
        if each is whole:
            kept[each.key].append("the newest whole one")
        if good_at is None or each.written_at >= good_at:
            kept[each.key].append("there is no newer good one")


def _for_now(each: SetView, now: datetime, saving_since: datetime | None, unreadable: Collection[str]) -> Iterable[str]:
    """Why it is left alone this time."""
    touched = max([each.written_at, *(place.found.written_at for place in each.places)])
    if saving_since is not None and touched >= saving_since:
        yield "younger than the running save"
    elif touched > now - YOUNG:
        yield f"written {duration_text(max(0.0, (now - touched).total_seconds()))} ago"
    away = [store for store in _recorded_in(each) if store in unreadable]
    if away:
        yield f"it also lies in {', '.join(map(safe, away))}, which cannot be read now"


def _recorded_in(each: SetView) -> Iterable[str]:
    if each.record is not None:
        yield INSTANCE
        yield from (copy.store for copy in each.record.copies)


def _rescued(ordered: Sequence[SetView], policy: BackupSettings, kept: Mapping[Key, list[str]]) -> None:
    """Keep more where too few would stay."""
    proven = [each for each in ordered if is_proven(each)]
    if proven and not any(kept[each.key] for each in proven):
        kept[proven[0].key].append("the only one a restore was proven of")
    good = [each for each in ordered if is_good(each)]
    missing = policy.keep_at_least - sum(bool(kept[each.key]) for each in good)
    for each in good:
        if missing > 0 and not kept[each.key]:
            kept[each.key].append(f"at least {policy.keep_at_least} good ones stay")
            missing -= 1


def _decision(each: SetView, reasons: Sequence[str], policy: BackupSettings, now: datetime) -> Decision:
    if reasons:
        return Decision(base=each.base, format=each.format, keep=True, reasons=tuple(reasons))
    since = (each.record.expired_at if each.record is not None else None) or now
    return Decision(
        base=each.base,
        format=each.format,
        keep=False,
        reasons=(_unwanted(each, policy),),
        expired_at=since,
        goes_at=since + timedelta(days=policy.delay_days),
    )


def _unwanted(each: SetView, policy: BackupSettings) -> str:
    if not each.is_complete:
        return f"incomplete: {'; '.join(each.problems)}"
    if not is_good(each) and each.proof is not None:
        return f"no good: {safe(each.proof.text, limit=120)}"
    counts = {"last": policy.keep_last, **{rule.name: rule.most for rule in _rules(policy)}}
    wanted = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    return f"not among {wanted}" if wanted else "no rule keeps any"


def expiries(decisions: Iterable[Decision]) -> dict[str, Expiry]:
    """What is said of each set where backups are listed (`backup_view.merged()`)."""
    return {each.base: Expiry(each.goes_at, each.why) for each in decisions}


def leftovers(
    stores: Iterable[StoreSeen], *, now: datetime, saving_since: datetime | None = None
) -> tuple[Leftover, ...]:
    """Files of saves and copies that did not end: those may go that are older than a day and than the running save."""
    found = []
    for store, file in leftovers_of(stores):
        if saving_since is not None and file.modified_at >= saving_since:
            continue
        age = duration_text(max(0.0, (now - file.modified_at).total_seconds()))
        why = f"left of a {'copy' if store != INSTANCE else 'save'} that did not end, written {age} ago"
        found.append(Leftover(store, file, file.modified_at + LEFTOVER_AGE, why))
    return tuple(found)
