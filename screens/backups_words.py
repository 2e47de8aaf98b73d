"""What is said of a schedule while it is typed: in words, its next runs, and what is wrong with it."""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from dfly_tui.models.backup_alerts import cron_of
from dfly_tui.models.backup_shown import RUNS
from dfly_tui.models.cron import BadCron, Cron, both_nodes
from screens.backup_dialogs import Said


def explained(
    cron: str, now: datetime, zone: tzinfo, here: tzinfo, *, save_seconds: float | None, others: Mapping[str, str]
) -> Said:
    """What an expression means, for whoever types it.

    Args:
        zone, here: Of the server, and of whoever types.
        save_seconds: What the last save took.
        others: Schedules of the instances that hold the same data, by name.
    """
    try:
        wanted = Cron(cron)
    except BadCron as error:
        return Said(False, (f"✖ {error.detail}", f"→ {error.hint}" if error.hint else ""))
    lines = [wanted.words]
    for run in wanted.next_runs(now, zone, RUNS):
        local = run.astimezone(here)
        ours = f"   = {local:%a %H:%M} here" if local.utcoffset() != run.utcoffset() else ""
        lines.append(f"  {run:%a %d %b %H:%M} {run.tzname()}{ours}")
    lines += [f"▲ {remark}" for remark in wanted.remarks]
    if stuck := wanted.stuck_at(now, zone):
        lines.append(f"▲ from {stuck:%Y-%m-%d %H:%M} on it would save without pause")
    if save_seconds and (overlap := wanted.overlap(save_seconds)):
        lines.append(f"▲ {overlap}")
    lines += [f"▲ {name} saves the same data in the same minute" for name in _meeting(wanted, others)]
    return Said(not wanted.is_impossible, tuple(lines))


def _meeting(wanted: Cron, others: Mapping[str, str]) -> list[str]:
    """Whose schedule meets this one."""
    known = {name: found for name, cron in others.items() if (found := cron_of(cron)) is not None}
    return [name for name, cron in known.items() if both_nodes({"": wanted, name: cron})]
