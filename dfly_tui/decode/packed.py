"""MessagePack: read item by item with the library's own unpacker, so that half of a value is half shown, double keys
are kept, and an array that claims a thousand million items makes nobody allocate them."""

from typing import TYPE_CHECKING

from dfly_tui.decode.values import MAX_DEPTH, LinesFull, NotThis, Page, Shown, quoted

if TYPE_CHECKING:
    from msgpack import Unpacker

_STRINGS = frozenset({*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB})
_MAPS = frozenset({*range(0x80, 0x90), 0xDE, 0xDF})
_ARRAYS = frozenset({*range(0x90, 0xA0), 0xDC, 0xDD})


class _Frame:
    """An open array or map: how many items are left in it, keys counted."""

    def __init__(self, left: int, *, is_map: bool) -> None:
        self.left = left
        self.is_map = is_map

    @property
    def at_key(self) -> bool:
        return self.is_map and self.left % 2 == 0


class _Walk:
    def __init__(self, data: bytes, unpacker: "Unpacker", page: Page) -> None:
        self._data = data
        self._unpacker = unpacker
        self._page = page
        self._frames: list[_Frame] = []
        self._key = ""
        self.items = 0
        self.at = 0

    def value(self) -> None:
        """One whole value, line by line."""
        while True:
            self._item()
            self.at = self._unpacker.tell()
            self.items += 1
            while self._frames and not self._frames[-1].left:
                closed = self._frames.pop()
                self._write("}" if closed.is_map else "]")
            if not self._frames:
                return

    def _item(self) -> None:
        first = self._data[self._unpacker.tell()] if self._unpacker.tell() < len(self._data) else 0
        frame = self._frames[-1] if self._frames else None
        as_key = frame is not None and frame.at_key
        if first in _MAPS or first in _ARRAYS:
            if len(self._frames) >= MAX_DEPTH:
                raise NotThis(f"it is nested more than {MAX_DEPTH} deep")
            is_map = first in _MAPS
            count = self._unpacker.read_map_header() if is_map else self._unpacker.read_array_header()
            self._opened(frame, count, is_map=is_map, as_key=as_key)
            return
        text = _scalar(self._unpacker.unpack(), first)
        if frame is not None:
            frame.left -= 1
        if as_key:
            self._key = f"{text}: "
        else:
            self._write(self._take_key() + text)

    def _opened(self, frame: _Frame | None, count: int, *, is_map: bool, as_key: bool) -> None:
        if frame is not None:
            frame.left -= 1
        lead = "? " if as_key else self._take_key()
        if not count:
            self._write(lead + ("{}" if is_map else "[]"))
            return
        self._write(lead + ("{" if is_map else "["))
        self._frames.append(_Frame(count * (2 if is_map else 1), is_map=is_map))

    def _take_key(self) -> str:
        key, self._key = self._key, ""
        return key

    def _write(self, text: str) -> None:
        self._page.add("  " * len(self._frames) + text)


def _scalar(value: object, first: int) -> str:
    import msgpack

    if isinstance(value, bytes):
        return quoted(value) if first in _STRINGS else f"bin {quoted(value)}"
    if isinstance(value, msgpack.ExtType):
        return f"ext {value.code} {quoted(value.data)}"
    if isinstance(value, msgpack.Timestamp):
        return f"timestamp {value.seconds}.{value.nanoseconds:09d}"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return repr(value)


def msgpack_(data: bytes, *, truncated: bool = False) -> Shown:
    """MessagePack, written much as JSON; `bin` before bytes that are said to be no text.

    Raises:
        NotThis: Not even the first item is.
    """
    import msgpack

    if not data:
        raise NotThis("there is nothing")
    page = Page()
    unpacker = msgpack.Unpacker(raw=True, strict_map_key=False, max_buffer_size=max(1, len(data)))
    unpacker.feed(data)
    walk = _Walk(data, unpacker, page)
    note = ""
    try:
        while unpacker.tell() < len(data):
            walk.value()
    except LinesFull:
        note = f"msgpack: the first {len(page.lines):,} lines; there are more"
    except msgpack.OutOfData:
        note = "msgpack: it goes on" if truncated else "msgpack: it ends early"
    except (NotThis, msgpack.UnpackException, ValueError, OverflowError) as error:
        note = f"msgpack: no sense from byte {walk.at:,} on ({error or type(error).__name__})"
    if not walk.items:
        raise NotThis("the first item is not whole")
    contained = data[0] in _MAPS or data[0] in _ARRAYS
    sure = 1.0 if contained and (not note or (truncated and note.endswith("goes on") and walk.items > 8)) else 0.0
    return Shown(page.lines, walk.at, note, sure)
