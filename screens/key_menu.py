"""One list of all that can be done to the key under the cursor."""

from collections.abc import Awaitable, Callable

from textual.app import App

from dfly_tui.models.value import Element, Shape, ValueFacts
from dfly_tui.text import safe
from screens.key_edits import (
    add_element,
    delete_key,
    duplicate_key,
    edit_element,
    editing,
    remove_element,
    removing,
    rename_key,
    set_expiry,
)
from screens.key_undo import undo_changes
from screens.key_work import KeyTarget
from screens.picker import PickerDialog
from screens.services import Services


async def change_key(
    app: App[int], services: Services, target: KeyTarget, facts: ValueFacts | None = None,
    element: Element | None = None,
) -> bool:  # fmt: skip
    """Choose what is done to a key, and do it; whether something was changed. To be awaited in a worker.

    Args:
        facts: What was told of it; None where it is known by name only.
        element: The one under the cursor.
    """
    choices: dict[str, Callable[[], Awaitable[object]]] = {}
    if facts is not None and not facts.is_gone:
        told = facts
        what = "the element" if element is not None and facts.shape is not Shape.STRING else "the value"
        if editing(target.name, facts, element) is not None:
            choices[f"edit {what}"] = lambda: edit_element(app, services, target, told, element)
        if facts.shape not in {Shape.OTHER, Shape.HYPERLOGLOG, Shape.JSON}:
            choices["add an element" if not facts.shape.is_bytes else "append to the value"] = lambda: add_element(
                app, services, target, told
            )
        if element is not None and removing(target.name, facts, element) is not None:
            chosen_element = element
            choices["remove the element"] = lambda: remove_element(app, services, target, told, chosen_element)
    choices["expiry: set it, or none"] = lambda: set_expiry(app, services, target)
    choices["rename"] = lambda: rename_key(app, services, target)
    choices["duplicate"] = lambda: duplicate_key(app, services, target)
    choices["delete the key"] = lambda: delete_key(app, services, target)
    choices["undo: what the trash holds"] = lambda: undo_changes(app, services, target.instance, target.database)
    chosen = await app.push_screen_wait(PickerDialog(f"Change {safe(target.name, limit=60)}", list(choices)))
    return chosen is not None and bool(await choices[chosen]())
