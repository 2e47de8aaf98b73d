"""Pickles, disassembled: what they would do is shown, none of it is done."""

import pickletools
import re
import struct

from dfly_tui.decode.values import LinesFull, NotThis, Page, Shown, quoted

_BEGINS = re.compile(rb"\x80[\x02-\x05]")
_MOST_BITS = 8192
_NAMES = 20
_BROKEN = (ValueError, IndexError, OverflowError, TypeError, KeyError, struct.error, MemoryError)
"""What pickletools raises over bytes that are no pickle."""


def pickled(data: bytes, *, truncated: bool = False) -> Shown:
    """The opcodes of a pickle, one a line; the note names what it would import.

    Raises:
        NotThis: Not one opcode is.
    """
    page = Page()
    imports: list[str] = []
    strings = ["?", "?"]
    used, note, stopped = 0, "", False
    try:
        for opcode, argument, position in pickletools.genops(data):
            page.add(f"{position or 0:>6}: {opcode.name:<18} {_argument(argument)}".rstrip())
            used = (position or 0) + 1
            stopped = opcode.name == "STOP"
            if isinstance(argument, str):
                strings = [strings[1], argument]
            if opcode.name in {"GLOBAL", "INST"}:
                imports.append(str(argument).replace(" ", ".", 1))
            elif opcode.name == "STACK_GLOBAL":
                imports.append(".".join(strings))
    except LinesFull:
        note = f"pickle: the first {len(page.lines):,} lines; there are more"
    except _BROKEN:
        note = "pickle: it goes on" if truncated else f"pickle: no sense from byte {used:,} on"
    if not page.lines:
        raise NotThis("it does not begin as a pickle does")
    if stopped and used < len(data):
        note = f"pickle: {len(data) - used:,} bytes follow that are not part of it"
    if imports:
        named = ", ".join(dict.fromkeys(imports[:_NAMES]))
        note = f"loading it would call {named}" + (f"; {note}" if note else "")
    sure = 1.0 if _BEGINS.match(data) and (stopped or truncated) else 0.0
    return Shown(page.lines, used, note, sure)


def _argument(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"an integer of {value.bit_length():,} bits"
    if isinstance(value, bytes | bytearray):
        return quoted(bytes(value))
    return repr(value)
