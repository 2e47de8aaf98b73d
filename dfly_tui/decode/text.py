"""Text, hex and bits: what everything can be shown as."""

from dfly_tui.decode.values import Dump, LinesFull, NotThis, Page, Shown, is_text

_HEX_BYTES = 16
_BIT_BYTES = 8
_DOTS = bytes(code if 32 <= code < 127 else ord(".") for code in range(256))


def utf8(data: bytes, *, truncated: bool = False) -> Shown:
    """UTF-8 line by line, tabs as blanks; bytes that are none stay visible (`\\xff`)."""
    page = Page()
    text = data.decode("utf-8", "backslashreplace")
    note = "" if is_text(data, truncated=truncated) else "utf-8: not all of it is text"
    try:
        for line in text.split("\n"):
            page.add(line.removesuffix("\r").expandtabs(4))
    except LinesFull:
        note = f"the first {len(page.lines):,} lines; there are more"
    return Shown(page.lines, len(data), note, 1.0 if not note else 0.0)


def exact(data: bytes) -> Shown:
    """UTF-8 with everything but the end of a line visible. Raises `NotThis` for other bytes."""
    page = Page()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotThis("it is not UTF-8") from error
    note = ""
    try:
        for line in text.split("\n"):
            page.add(line)
    except LinesFull:
        note = f"the first {len(page.lines):,} lines; there are more"
    return Shown(page.lines, len(data), note)


class _Hex(Dump):
    def line(self, offset: int, data: bytes) -> str:
        pairs = " ".join(data[at : at + 2].hex() for at in range(0, len(data), 2))
        return f"{offset:08x}  {pairs:<39}  {data.translate(_DOTS).decode('ascii')}"


class _Bits(Dump):
    def line(self, offset: int, data: bytes) -> str:
        return f"{offset * 8:>10}  {' '.join(f'{byte:08b}' for byte in data)}"


def hexdump(data: bytes, offset: int = 0) -> Shown:
    """Sixteen bytes a line, with their text; the number is the first byte's."""
    return Shown(_Hex(data, offset, _HEX_BYTES), len(data))


def bits(data: bytes, offset: int = 0) -> Shown:
    """Sixty-four bits a line in the order of GETBIT; the number is the first bit's."""
    return Shown(_Bits(data, offset, _BIT_BYTES), len(data))
