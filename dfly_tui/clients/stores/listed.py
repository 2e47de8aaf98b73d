"""What lies in a store, or why that cannot be told: one store that is down hides none of the others."""

from dfly_tui.clients.stores.port import Store
from dfly_tui.errors import DflyError
from dfly_tui.models.backup_view import StoreSeen


async def listed(store: Store) -> StoreSeen:
    """Its files and the room in it; nothing is raised."""
    try:
        files, space = await store.files(), await store.space()
    except DflyError as error:
        return StoreSeen(name=store.name, address=store.address, problem=str(error), advice=error.hint)
    return StoreSeen(
        name=store.name, address=store.address, files=files,
        free_bytes=space.free_bytes if space else None, total_bytes=space.total_bytes if space else None,
    )  # fmt: skip
