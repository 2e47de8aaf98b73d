"""What is done with a value that is shown: choosing its decoders, copying it, saving its exact bytes."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from dfly_tui.clients.new_file import save_new
from dfly_tui.decode import DECODERS, is_text, parse_stack
from dfly_tui.errors import DflyError, Refused
from dfly_tui.models.redis_cli import quote, reading, writing
from dfly_tui.text import safe
from dfly_tui.units import bytes_text
from screens.clipboard import TYPICAL_BYTES, copy
from screens.picker import PickerDialog
from screens.value_pane import LiveValue
from widgets.dialog import AskDialog

GUESS, TYPED = "guess", "type a stack: base64, gzip, json"
_NAME_LETTERS = 40


async def choose_decoder(live: LiveValue) -> None:
    """Ask for the decoders, and decode by them."""
    chosen = await live.app.push_screen_wait(PickerDialog("Decode as", [GUESS, *DECODERS, TYPED]))
    if chosen == TYPED:
        before = ", ".join(live.way.stack)
        chosen = await live.app.push_screen_wait(
            AskDialog("Decode as", f"Steps, outermost first: {', '.join(DECODERS)}", value=before)
        )
    if chosen is None:
        return
    try:
        live.decode_by(() if chosen == GUESS else parse_stack(chosen))
    except ValueError as error:
        live.app.notify(str(error), title="Not a stack of decoders", severity="warning", markup=False)


def copyable(live: LiveValue) -> dict[str, Callable[[], bytes]]:
    """What can be copied: words → what makes the bytes."""
    session, loaded, element = live.session, live.loaded, live.element
    if session is None:
        return {}
    name = session.reader.name
    choices: dict[str, Callable[[], bytes]] = {}
    if element is not None and element.value is not None:
        value = element.value
        choices["value: of the element under the cursor"] = lambda: _pasteable(value)
        if element.label:
            label = element.label
            choices["label: what the element is known by"] = lambda: _pasteable(label)
    elif loaded is not None and loaded.data is not None:
        data = loaded.data
        part = "" if loaded.is_complete else f", {bytes_text(len(data))} that were read"
        choices[f"value{part}"] = lambda: _pasteable(data)
    choices["name"] = lambda: _pasteable(name)
    if live.decoded_text is not None:
        lines = live.decoded_text
        choices["decoded text, as it is shown"] = lambda: "\n".join(lines).encode()
    if loaded is not None:
        facts = loaded.facts
        choices["redis-cli command that reads it"] = lambda: reading(facts).encode()
        if loaded.is_complete:
            choices["redis-cli commands that make it anew"] = lambda: "\n".join(
                writing(facts, loaded.elements, loaded.data)
            ).encode()
    return choices


def _pasteable(raw: bytes) -> bytes:
    """A clipboard holds text: other bytes are copied as redis-cli takes them, in quotes."""
    return raw if is_text(raw) else quote(raw).encode()


async def copy_value(live: LiveValue) -> None:
    """Ask what, and copy it."""
    choices = copyable(live)
    chosen = await live.app.push_screen_wait(PickerDialog("Copy", list(choices)))
    if chosen is None:
        return
    data = choices[chosen]()
    if not data:
        live.app.notify("no command makes a value of this type", title="Nothing to copy", markup=False)
        return
    try:
        await copy(live.app, data, live.services.environ)
    except Refused as error:
        live.app.notify(f"{error.detail}: {error.hint}", title=error.title, severity="warning", markup=False)
        return
    large = "; many terminals take no more than 73 KiB" if len(data) > TYPICAL_BYTES else ""
    what = f"{bytes_text(len(data))}{large}\n{safe(data, limit=120)}"
    live.app.notify(what, title="Copied, if your terminal permits it", markup=False)


async def save_value(live: LiveValue) -> None:
    """Ask where to, and write the exact bytes of the value or of the element under the cursor."""
    session, element = live.session, live.element
    if session is None or session.facts is None:
        return
    if (
        not session.facts.shape.is_bytes
        and (element is None or element.value is None)
        and (live.loaded is None or live.loaded.data is None)
    ):
        live.app.notify("nothing here has bytes of its own; dfly-tui keys export keeps it whole", markup=False)
        return
    proposed = _proposal(live, session.reader.name)
    typed = await live.app.push_screen_wait(
        AskDialog("Save the exact bytes", "File (nothing is overwritten):", value=str(proposed), confirm="Save")
    )
    if not typed:
        return
    path = _path(typed)
    try:
        async with aclosing(_pieces(live)) as pieces:
            size = await save_new(path, pieces, lambda done: live.say(f"saving: {bytes_text(done)} …"))
    except DflyError as error:
        live.app.notify(f"{error.detail}. {error.hint}", title="Not saved", severity="error", markup=False)
    else:
        live.app.notify(f"{size:,} bytes in {safe(str(path))}", title="Saved", markup=False)
    live.repaint()


def _path(typed: str) -> Path:
    """What was typed; `~` is the user's home folder, where that is known."""
    try:
        return Path(typed).expanduser()
    except RuntimeError:
        return Path(typed)


def _proposal(live: LiveValue, name: bytes) -> Path:
    letters = "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else "-" for byte in name[:_NAME_LETTERS])
    moment = f"{live.services.clock.now():%Y%m%dT%H%M%SZ}"
    return live.services.paths.exports_dir / f"{letters.strip('-') or 'value'}-{moment}.bin"


async def _pieces(live: LiveValue) -> AsyncGenerator[bytes, None]:
    session, element = live.session, live.element
    if session is None or session.facts is None:
        return
    if element is not None:
        yield element.value or b""
        return
    async with aclosing(session.reader.chunks(session.facts)) as chunks:
        async for piece in chunks:
            yield piece
