"""Pages of a JSON document: whole when it is small, else the items of one object or array at a time.

JSON.GET of a large document keeps a thread of the server busy for as long as it takes to write it down, so its size is
found out first: by JSON.DEBUG MEMORY, or where there is none (v1.22) level by level from the lengths of what is in it.
"""

import json
from collections.abc import Sequence

from dfly_tui.clients.connection import Reply
from dfly_tui.clients.replies import items, number, raw
from dfly_tui.clients.value_lane import TooLarge, ValueLane
from dfly_tui.errors import DflyError
from dfly_tui.models.value import JSON_ROOT, Cursor, Element, Fact, Page, Trouble, ValueFacts
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

SMALL_BYTES = 256 << 10
"""In the server's memory, where a document takes some times what it has letters."""
_SMALL_TEXT = 64 << 10
_MOST_ITEMS = 4000
_MOST_LEVELS = 16
_MOST_KEYS = 100_000
PAGE_ITEMS = 100
_SHORT_BYTES = 4096
_LENGTHS = {"object": "JSON.OBJLEN", "array": "JSON.ARRLEN", "string": "JSON.STRLEN"}
_WORDS = {"object": "keys", "array": "items"}


class JsonPages:
    """Reads one document."""

    def __init__(self, lane: ValueLane, name: bytes) -> None:
        self._lane = lane
        self._name = name
        self._keys: tuple[bytes, Sequence[bytes]] = (b"", ())

    async def facts(self) -> tuple[int | None, list[Fact], list[Trouble]]:
        """How many items it has, what it is, and what could not be told."""
        [kind] = await self._lane.ask(("JSON.TYPE", self._name, JSON_ROOT))
        if isinstance(kind, DflyError):
            return None, [], [Trouble("kind of JSON", kind)]
        word = _word(kind)
        count: int | None = None
        if word in _LENGTHS:
            [length] = await self._lane.ask((_LENGTHS[word], self._name, JSON_ROOT))
            count = number(length)
        return count, [Fact("JSON", "kind", safe(word, limit=40))], []

    async def page(self, facts: ValueFacts, cursor: Cursor | None, path: bytes) -> Page:
        """The document when it is small; else items of what is at the path. Raises `DflyError`."""
        [kind] = await self._lane.ask(("TYPE", self._name))
        if not isinstance(kind, DflyError) and raw(kind).decode("ascii", "replace") != facts.kind:
            return Page(is_stale=True)
        if cursor is None and path == JSON_ROOT and await self._is_small():
            try:
                return Page(data=raw(await self._lane.one("JSON.GET", self._name)))
            except TooLarge:
                pass
        return await self._items(cursor if isinstance(cursor, int) else 0, path)

    async def _is_small(self) -> bool:
        [memory] = await self._lane.ask(("JSON.DEBUG", "MEMORY", self._name))
        if (taken := number(memory)) is not None:
            return taken <= SMALL_BYTES
        path, in_all, letters = JSON_ROOT, 0, 0
        for _ in range(_MOST_LEVELS):
            objects, arrays, strings = await self._lane.ask(
                *((command, self._name, path) for command in _LENGTHS.values())
            )
            below = _sum(objects) + _sum(arrays)
            in_all, letters = in_all + below, letters + _sum(strings)
            if isinstance(objects, DflyError) or in_all > _MOST_ITEMS or letters > _SMALL_TEXT:
                return False
            if not below:
                return True
            path += b".*"
        return False

    async def _items(self, first: int, path: bytes) -> Page:
        kind = _word(await self._lane.one("JSON.TYPE", self._name, path))
        if kind not in _WORDS:
            return await self._scalar(path, kind)
        count = number(await self._lane.one(_LENGTHS[kind], self._name, path)) or 0
        last = min(count, first + PAGE_ITEMS)
        if kind == "array":
            labels: Sequence[bytes] = [b"%d" % at for at in range(first, last)]
            paths = [path + b"[%d]" % at for at in range(first, last)]
        else:
            labels = (await self._object_keys(path, count, anew=first == 0))[first:last]
            paths = [path + b"[" + _quoted(label) + b"]" for label in labels]
        found = await self._described(labels, paths)
        return Page(tuple(found), next=last if last < count else None)

    async def _object_keys(self, path: bytes, count: int, *, anew: bool) -> Sequence[bytes]:
        if count > _MOST_KEYS:
            raise TooLarge(f"an object of {count:,} keys cannot be listed page by page")
        if anew or self._keys[0] != path:
            reply = await self._lane.one("JSON.OBJKEYS", self._name, path)
            while len(items(reply)) == 1 and items(items(reply)[0]):
                reply = items(reply)[0]
            self._keys = path, [raw(key) for key in items(reply)]
        return self._keys[1]

    async def _described(self, labels: Sequence[bytes], paths: Sequence[bytes]) -> list[Element]:
        asked = [(command, self._name, path) for path in paths for command in ("JSON.TYPE", *_LENGTHS.values())]
        replies = await self._lane.ask(*asked) if asked else []
        kinds = [_word(reply) for reply in replies[::4]]
        lengths = [
            number(replies[4 * at + 1 + list(_LENGTHS).index(kind)]) if kind in _LENGTHS else 0
            for at, kind in enumerate(kinds)
        ]
        is_short = [
            kind not in _WORDS and kind != "" and (length or 0) <= _SHORT_BYTES
            for kind, length in zip(kinds, lengths, strict=True)
        ]
        wanted = [("JSON.GET", self._name, path) for path, short in zip(paths, is_short, strict=True) if short]
        values = iter(await self._lane.ask(*wanted) if wanted else [])
        found = []
        for label, path, kind, length, short in zip(labels, paths, kinds, lengths, is_short, strict=True):
            if short:
                found.append(Element(label, _unwrapped(next(values)), kind))
            elif kind in _WORDS:
                found.append(Element(label, None, f"{kind}, {length or 0:,} {_WORDS[kind]}", inner=path))
            else:
                found.append(Element(label, None, f"{kind or 'not told'}, {bytes_text(length)}", inner=path))
        return found

    async def _scalar(self, path: bytes, kind: str) -> Page:
        value = _unwrapped(await self._lane.one("JSON.GET", self._name, path))
        return Page((Element(b"", value, kind),))


def _word(reply: Reply) -> str:
    """The one word in the answer to JSON.TYPE; empty when there is nothing at the path."""
    while items(reply):
        reply = items(reply)[0]
    return safe(raw(reply), limit=40)


def _sum(reply: Reply) -> int:
    if isinstance(reply, int):
        return reply
    return sum(_sum(item) for item in items(reply))


def _quoted(key: bytes) -> bytes:
    """A key as a path has it."""
    return json.dumps(key.decode("utf-8", "surrogateescape"), ensure_ascii=False).encode("utf-8", "surrogateescape")


def _unwrapped(reply: Reply) -> bytes | None:
    """The value in the list that a path of this kind gives."""
    if isinstance(reply, DflyError) or reply is None:
        return None
    text = raw(reply).strip()
    return text[1:-1] if text.startswith(b"[") and text.endswith(b"]") else text
