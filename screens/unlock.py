"""Unlocking a production instance for some minutes, and locking it again. Both are written to the audit log."""

from textual.app import App

from dfly_tui.errors import DflyError
from dfly_tui.operations.audit import AuditEvent
from dfly_tui.units import duration_text
from screens.services import Services
from widgets.dialog import ConfirmDialog


async def toggle_lock(app: App[int], services: Services, name: str) -> None:
    """Lock an unlocked instance at once; unlock a locked one after its name was typed."""
    guard = services.guard
    try:
        if guard.remaining(name) is not None:
            services.audit.record(AuditEvent(instance=name, action="lock", outcome="done"))
            guard.lock(name)
        elif guard.is_read_only(name):
            guard.require_unlockable(name)
            if await _confirmed(app, services, name):
                services.audit.record(AuditEvent(instance=name, action="unlock", outcome="intent"))
                guard.unlock(name, services.settings.defaults.unlock_minutes)
                services.audit.record(AuditEvent(instance=name, action="unlock", outcome="done"))
        else:
            app.notify(f"{name} is not locked: only production is", title="Nothing to unlock", markup=False)
    except (DflyError, OSError) as error:
        app.notify(str(error), title="Not unlocked", severity="error", markup=False)


async def _confirmed(app: App[int], services: Services, name: str) -> bool:
    minutes = duration_text(services.settings.defaults.unlock_minutes * 60)
    consequence = f"{services.guard.why(name)}\nFor {minutes} it can be changed from here; then it locks itself."
    return await app.push_screen_wait(ConfirmDialog(f"Unlock {name}", consequence, name=name, confirm="Unlock"))
