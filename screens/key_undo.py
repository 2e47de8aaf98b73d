"""What the trash holds of an instance, and restoring from it. To be awaited in a worker."""

from textual.app import App

from dfly_tui.models.key_text import counted, date_text
from dfly_tui.models.keys import kind_name
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.keys.trash import Kept
from dfly_tui.operations.keys.undo import Undo, newest, oldest
from dfly_tui.text import safe
from dfly_tui.units import bytes_text
from screens.key_work import Ended, KeyJob, at_work
from screens.picker import PickerDialog
from screens.services import Services
from widgets.dialog import ConfirmDialog

MOST_LISTED = 1000


async def undo_changes(app: App[int], services: Services, instance: str, database: int) -> bool:
    """Choose from the trash and restore; whether something was restored."""

    async def work(at: KeyJob) -> bool:
        kept = [each for each in at.place.trash.kept(instance=instance) if each.database == database]
        choices = _choices(kept)
        title = f"Restore to {safe(instance)} db{database}" if choices else f"Nothing of db{database} is in the trash"
        chosen = await at.app.push_screen_wait(PickerDialog(title, list(choices)))
        return chosen is not None and await at.unlocked() and await _restore(at, choices[chosen])

    return await at_work(app, services, instance, database, work, False)


def _choices(kept: list[Kept]) -> dict[str, list[Kept]]:
    """Words → what is restored: all of a run where it changed several keys, else one key."""
    runs: dict[str, list[Kept]] = {}
    for each in kept:
        runs.setdefault(each.run, []).append(each)
    choices: dict[str, list[Kept]] = {}
    for several in runs.values():
        first = several[0]
        if len(several) > 1:
            choices[f"{first.at:%d %H:%M:%S}  all {counted(len(several), 'key')} of: {first.why}"] = oldest(several)
    for at, each in enumerate(kept[:MOST_LISTED], 1):
        about = f"{kind_name(each.kind)}, {bytes_text(each.size_bytes)}, expires {date_text(each.expires_at_ms)}"
        line = f"{each.at:%d %H:%M:%S}  {safe(each.name, limit=60)}  before: {each.why}  ({about})"
        choices[line if line not in choices else f"{line} #{at}"] = newest([each])
    return choices


async def _restore(work: KeyJob, kept: list[Kept]) -> bool:
    job = Undo(work.again(), kept)
    ended = await work.run(job.plan())
    if ended.outcome is Outcome.BLOCKED and (job.taken or job.past) and await _all_the_same(work, job, ended):
        job = Undo(work.again(), kept, replace=bool(job.taken), persist=bool(job.past))
        ended = await work.run(job.plan())
    work.tell(f"restore {counted(len(kept), 'key')}", ended)
    return job.restored > 0


async def _all_the_same(work: KeyJob, job: Undo, ended: Ended) -> bool:
    """Ask whether to restore over what is there now, or without the expiries that have passed."""
    ways = []
    if job.taken:
        ways.append("What holds something else now is kept in the trash, then replaced.")
    if job.past:
        ways.append("What would have expired by now is restored without an expiry.")
    consequence = "\n".join([ended.said, "", *ways])
    return await work.app.push_screen_wait(ConfirmDialog("Restore all the same?", consequence, confirm="Go on"))
