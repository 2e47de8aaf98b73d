"""One look at an instance's backups: its own folder, the stores it is copied to, the catalogue, its configuration."""

import asyncio

from dfly_tui.clients.stores.listed import listed
from dfly_tui.clients.stores.names import INSTANCE
from dfly_tui.errors import DflyError
from dfly_tui.models.backup_view import BackupsSeen, StoreSeen
from dfly_tui.operations.backup.catalogue import Kept
from dfly_tui.operations.backup.scene import Backups


async def look_at(scene: Backups) -> BackupsSeen:
    """What lies where now. What cannot be read says so in its place; nothing is raised."""
    others = asyncio.gather(*(listed(store) for store in scene.others))
    if isinstance(scene.own, DflyError):
        own = StoreSeen(name=INSTANCE, problem=str(scene.own), advice=scene.own.hint)
    else:
        own = await listed(scene.own)
    try:
        kept = scene.catalogue.read()
    except OSError as error:
        kept = Kept(unreadable=(f"the catalogue cannot be read: {error}",))
    pause = scene.pauses.of(scene.name)
    return BackupsSeen(
        at=scene.access.clock.now(),
        stores=(own, *await others),
        records=kept.records,
        unreadable=(*kept.unreadable, *filter(None, (scene.pauses.damaged(scene.name),))),
        cron=scene.told.get("snapshot_cron") if scene.told else None,
        dbfilename=scene.told.get("dbfilename"),
        folder=scene.told.get("dir"),
        paused_until=pause.until if pause is not None else None,
        paused_cron=pause.cron if pause is not None else "",
    )
