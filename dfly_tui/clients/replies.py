"""Replies in one form, whether they came by RESP2 or RESP3, flat or in pairs."""

from collections.abc import Iterator, Mapping, Sequence

from dfly_tui.clients.connection import Reply
from dfly_tui.errors import DflyError
from dfly_tui.text import SafeText, safe


def items(reply: Reply) -> Sequence[Reply]:
    """The items of a list; none of anything else."""
    if isinstance(reply, set | frozenset):
        return list(reply)
    return reply if isinstance(reply, list | tuple) else ()


def raw(reply: Reply) -> bytes:
    """Exactly the bytes of a string; a number as the server would write it."""
    if isinstance(reply, bytes):
        return reply
    if isinstance(reply, str):
        return reply.encode("utf-8", "surrogateescape")
    if isinstance(reply, bool) or reply is None or isinstance(reply, DflyError):
        return b""
    if isinstance(reply, float):
        return repr(reply).removesuffix(".0").encode()
    return str(reply).encode() if isinstance(reply, int) else b""


def pairs(reply: Reply) -> Iterator[tuple[Reply, Reply]]:
    """The pairs of a map, of a flat list, or of a list of pairs."""
    if isinstance(reply, Mapping):
        yield from reply.items()
        return
    listed = items(reply)
    if listed and all(isinstance(item, list | tuple) and len(item) == 2 for item in listed):
        yield from ((items(item)[0], items(item)[1]) for item in listed)
        return
    yield from zip(listed[::2], listed[1::2], strict=False)


def number(reply: Reply) -> int | None:
    """A count; also when it comes in a list of one, as JSON commands give it."""
    while isinstance(reply, list | tuple) and len(reply) == 1:
        reply = reply[0]
    return reply if isinstance(reply, int) and not isinstance(reply, bool) else None


def shown(reply: Reply, limit: int = 200) -> SafeText:
    """For a screen, on one line."""
    if isinstance(reply, Mapping) or items(reply):
        return safe(f"{len(reply)} items" if isinstance(reply, Mapping) else f"{len(items(reply))} items")
    return safe(raw(reply), limit=limit)
