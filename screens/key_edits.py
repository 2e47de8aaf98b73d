"""Changes of one key from a screen: its value, its parts, its name, its expiry. All are to be awaited in a worker.

Every function returns whether something was changed, so that the caller reads the key again.
"""

import json
from collections.abc import Callable

from textual.app import App

from dfly_tui.clients import key_edits
from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.key_edit import Edit
from dfly_tui.clients.key_edits import MAKEABLE
from dfly_tui.errors import BadInput
from dfly_tui.models.key_text import EXPIRY_HINT, date_text, editable, edited, parse_expiry
from dfly_tui.models.keys import HASH, JSON, STREAM, ZSET, kind_name
from dfly_tui.models.value import JSON_ROOT, Element, Shape, ValueFacts
from dfly_tui.text import safe
from dfly_tui.units import bytes_text
from screens.key_dialogs import EditDialog
from screens.key_work import KeyJob, KeyTarget, at_work
from screens.picker import PickerDialog
from screens.services import Services
from widgets.dialog import AskDialog

MOST_EDITED = 1 << 20
PLAIN = "Enter is a new line."
ESCAPES = r"It has bytes that are no text: \xff is one byte, \\ is a backslash. Enter is a new line."
Make = Callable[[bytes, Capabilities], Edit]


async def edit_element(
    app: App[int], services: Services, target: KeyTarget, facts: ValueFacts, element: Element | None = None
) -> bool:
    """Edit the value, or the element under the cursor: a field's value, a list's element, a score, a part of JSON."""
    make = editing(target.name, facts, element)
    if make is None:
        app.notify("this cannot be edited: remove it and add another", title=facts.title, markup=False)
        return False
    return await at_work(
        app, services, target.instance, target.database, lambda work: _edit(work, target.name, facts, make), False
    )


def editing(name: bytes, facts: ValueFacts, element: Element | None) -> Make | None:
    """What makes the change from what was typed; None where nothing is edited."""
    label = element.label if element is not None else b""
    match facts.shape:
        case Shape.STRING:
            return lambda value, can: key_edits.set_string(name, value, can)
        case Shape.HASH if element is not None:
            return lambda value, can: key_edits.set_field(name, label, value, can)
        case Shape.LIST if element is not None:
            return lambda value, can: key_edits.set_item(name, int(label), value)
        case Shape.ZSET | Shape.GEO if element is not None:
            member = element.value or b""
            return lambda value, can: key_edits.set_score(name, member, value.decode("ascii", "replace"))
        case Shape.JSON:
            path = (element.inner if element is not None else b"") or JSON_ROOT
            return lambda value, can: key_edits.set_json(name, path, value)
    return None


async def _edit(work: KeyJob, name: bytes, facts: ValueFacts, make: Make) -> bool:
    if facts.shape is Shape.STRING and (facts.count or 0) > MOST_EDITED:
        return _too_large(work, facts.count)
    like = {Shape.ZSET: b"0", Shape.GEO: b"0", Shape.JSON: b"null"}.get(facts.shape, b"")
    seen = await work.look(make(like, work.can))
    old = seen.value
    if old is None:
        work.app.notify("it is gone, or of another type by now", title=safe(name, limit=80), markup=False)
        return False
    if len(old) > MOST_EDITED:
        return _too_large(work, len(old))
    old = _unwrapped(old) if facts.shape is Shape.JSON else old
    edit = await _typed(work, f"Edit {safe(name, limit=60)}", old, make)
    return edit is not None and await work.perform(edit, seen)


def _too_large(work: KeyJob, size: int | None) -> bool:
    what = f"{bytes_text(size)}: more than 1 MiB is set with dfly-tui keys set --stdin"
    work.app.notify(what, title="Too large to be edited here", markup=False)
    return False


def _unwrapped(text: bytes) -> bytes:
    """What a path leads to, where it leads to one thing: `JSON.GET` gives a list of all it finds."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return text.strip()[1:-1] if isinstance(found, list) and len(found) == 1 else text


async def _typed(work: KeyJob, title: str, old: bytes, make: Make) -> Edit | None:
    """Let it be edited until it means something; None when cancelled, or nothing was changed."""
    text, escaped = editable(old)
    before = text
    while True:
        typed = await work.app.push_screen_wait(EditDialog(title, text, ESCAPES if escaped else PLAIN))
        if typed is None:
            return None
        if typed == before and old:
            work.app.notify("nothing was changed", title=title, markup=False)
            return None
        try:
            return make(edited(typed, escaped=escaped), work.can)
        except BadInput as error:
            work.app.notify(
                f"{error.detail}\n{error.hint}".strip(), title=error.title, severity="warning", markup=False
            )
            text = typed


async def add_element(app: App[int], services: Services, target: KeyTarget, facts: ValueFacts) -> bool:
    """Add an element: a field, a member, an entry, to the end of a list or a string."""
    name = target.name

    async def work(at: KeyJob) -> bool:
        label, make = b"", None
        match facts.shape:
            case Shape.STRING:
                make = lambda value, can: key_edits.append(name, value)  # noqa: E731
            case Shape.HASH | Shape.STREAM | Shape.ZSET | Shape.GEO:
                wanted = "Score" if facts.shape in {Shape.ZSET, Shape.GEO} else "Field"
                typed = await asked(at, f"Add to {safe(name, limit=60)}", f"{wanted}:")
                if typed is None:
                    return False
                label = typed
                make = _adding(name, facts.shape, label)
            case Shape.LIST:
                ends = {"at the tail": False, "at the head": True}
                chosen = await at.app.push_screen_wait(PickerDialog("Add an element", list(ends)))
                if chosen is None:
                    return False
                left = ends[chosen]
                make = lambda value, can: key_edits.push(name, value, left=left)  # noqa: E731
            case Shape.SET:
                make = lambda value, can: key_edits.add_member(name, value)  # noqa: E731
        if make is None:
            at.app.notify("nothing is added to a value of this type", title=facts.title, markup=False)
            return False
        edit = await _typed(at, f"Add to {safe(name, limit=60)}", b"", make)
        return edit is not None and await at.perform(edit)

    return await at_work(app, services, target.instance, target.database, work, False)


def _adding(name: bytes, shape: Shape, label: bytes) -> Make:
    if shape is Shape.HASH:
        return lambda value, can: key_edits.set_field(name, label, value, can)
    if shape is Shape.STREAM:
        return lambda value, can: key_edits.add_entry(name, [(label, value)])
    return lambda value, can: key_edits.set_score(name, value, label.decode("ascii", "replace"))


async def remove_element(
    app: App[int], services: Services, target: KeyTarget, facts: ValueFacts, element: Element
) -> bool:
    """Remove the element under the cursor."""
    edit = removing(target.name, facts, element)
    if edit is None:
        app.notify("nothing is removed from a value of this type", title=facts.title, markup=False)
        return False
    return await _perform(app, services, target, edit)


def removing(name: bytes, facts: ValueFacts, element: Element) -> Edit | None:
    """The change that removes an element; None for types where none is."""
    value = element.value or b""
    match facts.shape:
        case Shape.HASH:
            return key_edits.delete_field(name, element.label)
        case Shape.LIST:
            return key_edits.remove_item(name, int(element.label))
        case Shape.SET:
            return key_edits.remove_member(name, value)
        case Shape.ZSET | Shape.GEO:
            return key_edits.remove_scored(name, value)
        case Shape.STREAM:
            return key_edits.delete_entry(name, element.label)
    return None


async def delete_key(app: App[int], services: Services, target: KeyTarget) -> bool:
    """Delete a key; it goes to the trash first."""
    return await _perform(app, services, target, key_edits.delete(target.name))


async def _perform(app: App[int], services: Services, target: KeyTarget, edit: Edit) -> bool:
    return await at_work(app, services, target.instance, target.database, lambda work: work.perform(edit), False)


async def set_expiry(app: App[int], services: Services, target: KeyTarget) -> bool:
    """Let a key expire at another time, or not at all."""
    name = target.name

    async def work(at: KeyJob) -> bool:
        seen = await at.look(key_edits.persist(name))
        now = f"It expires: {date_text(seen.expires_at_ms)}."
        prompt = f"{now}\nAfter which time, or when? Nothing typed: never.\n{EXPIRY_HINT}"
        typed = await at.app.push_screen_wait(AskDialog(f"Expiry of {safe(name, limit=60)}", prompt))
        if typed is None:
            return False
        clock = at.services.clock.now()
        if typed.strip():
            edit = key_edits.expire_at(name, parse_expiry(typed, clock), int(clock.timestamp() * 1000))
        elif seen.expires_at_ms is None:
            return False
        else:
            edit = key_edits.persist(name)
        return await at.perform(edit, seen)

    return await at_work(app, services, target.instance, target.database, work, False)


async def asked(work: KeyJob, title: str, prompt: str, old: bytes = b"") -> bytes | None:
    """One line, any bytes by escapes; None when cancelled.

    Raises:
        BadInput: An escape is none.
    """
    text, escaped = editable(old)
    text, escaped = (text, escaped) if "\n" not in text else (text.replace("\\", r"\\").replace("\n", r"\n"), True)
    note = f"\n{ESCAPES}" if escaped else ""
    typed = await work.app.push_screen_wait(AskDialog(title, prompt + note, value=text))
    return None if typed is None else edited(typed, escaped=escaped)


async def rename_key(app: App[int], services: Services, target: KeyTarget) -> bytes | None:
    """Give a key another name; returns that, or None when it was not done."""
    return await _to_other(app, services, target, "Rename", lambda other, can: key_edits.rename(target.name, other))


async def duplicate_key(app: App[int], services: Services, target: KeyTarget) -> bytes | None:
    """Make a copy of a key; returns its name, or None when it was not done."""
    return await _to_other(
        app, services, target, "Duplicate", lambda other, can: key_edits.duplicate(target.name, other, can)
    )


async def _to_other(app: App[int], services: Services, target: KeyTarget, what: str, make: Make) -> bytes | None:
    async def work(at: KeyJob) -> bytes | None:
        prompt = "Its new name; a key of that name is left alone:"
        other = await asked(at, f"{what} {safe(target.name, limit=60)}", prompt, target.name)
        if not other:
            return None
        return other if await at.perform(make(other, at.can)) else None

    return await at_work(app, services, target.instance, target.database, work, None)


async def create_key(app: App[int], services: Services, instance: str, database: int) -> bytes | None:
    """Make a key that is not there yet; returns its name, or None when it was not made."""

    async def work(at: KeyJob) -> bytes | None:
        kinds = {kind_name(kind): kind for kind in MAKEABLE if kind != JSON or at.can.can("JSON.SET")}
        chosen = await at.app.push_screen_wait(PickerDialog("Type of the new key", list(kinds)))
        name = await asked(at, "Create a key", "Its name:") if chosen is not None else None
        if chosen is None or not name:
            return None
        kind, label = kinds[chosen], b""
        if kind in {HASH, STREAM, ZSET}:
            typed = await asked(at, "Create a key", "Score:" if kind == ZSET else "Field:")
            if typed is None:
                return None
            label = typed
        when = await at.app.push_screen_wait(
            AskDialog("Create a key", f"When does it expire? Nothing typed: never.\n{EXPIRY_HINT}")
        )
        if when is None:
            return None
        at_ms = parse_expiry(when, at.services.clock.now()) if when.strip() else None
        edit = await _typed(
            at, f"Value of {safe(name, limit=60)}", b"",
            lambda value, can: key_edits.create(name, kind, value, label=label, expires_at_ms=at_ms),
        )  # fmt: skip
        return name if edit is not None and await at.perform(edit) else None

    return await at_work(app, services, instance, database, work, None)
