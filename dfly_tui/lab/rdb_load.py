"""RDB files that a Redis wrote: the lab loads what `rdb-py` decodes, which is all but streams and modules' values.

Like the real ones, it refuses a file whose checksum does not fit, and one with a type it does not know.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dfly_tui.lab.snapshot import MAGIC, Damaged

Words = list[bytes]
_HEADER = re.compile(rb"REDIS\d{4}")
_HEAD_BYTES = 9
_PIECE_BYTES = 1 << 20


def is_real(path: Path) -> bool:
    """Whether this is an RDB file, and none of the lab's own. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
    return head != MAGIC and _HEADER.fullmatch(head[:_HEAD_BYTES]) is not None


def commands(path: Path) -> Iterator[Words]:
    """The commands that write what is in it.

    Raises:
        Damaged: It is damaged, has something the lab does not know, or nothing is there to read it with.
        OSError: It cannot be read.
    """
    path.open("rb").close()
    try:
        from rdb import RdbDecoder
    except ImportError:
        raise Damaged(f"{path.name}: the package rdb-py is not installed") from None
    missing, database = 0, 0
    try:
        for item in RdbDecoder(str(path)):
            match item["type"]:
                case "select_db":
                    database = item["db"]
                    yield [b"SELECT", b"%d" % database]
                case "resize_db":
                    missing += item["db_size"]
                case "checksum":
                    _check(path, item["checksum"])
                case "aux_field":
                    pass
                case _:
                    missing -= 1
                    yield from _written(item)
    except (ValueError, OSError) as problem:
        raise Damaged(f"{path.name}: {problem}") from None
    if missing:
        raise Damaged(f"{path.name}: Unsupported rdb type")


def _written(item: Mapping[str, object]) -> Iterator[Words]:
    match item:
        case {"type": "string", "key": bytes(key), "value": bytes(value)}:
            yield [b"SET", key, value]
        case {"type": "list", "key": bytes(key), "values": list(values)}:
            yield [b"RPUSH", key, *values]
        case {"type": "set", "key": bytes(key), "members": list(members)}:
            yield [b"SADD", key, *members]
        case {"type": "hash", "key": bytes(key), "values": dict(fields)}:
            yield [b"HSET", key, *(word for pair in fields.items() for word in pair)]
        case {"type": "sorted_set", "key": bytes(key), "values": list(scored)}:
            yield [b"ZADD", key, *(word for score, member in scored for word in (repr(score).encode(), member))]
        case _:
            raise ValueError(f"Unsupported rdb type {item.get('type')}")
    if isinstance(expiry := item.get("expiry"), int):
        yield [b"PEXPIREAT", key, b"%d" % expiry]


def _check(path: Path, checksum: bytes) -> None:
    """Compare the sum at its end, which the parser does not look at; 0 means that there is none."""
    import anycrc

    model, found, left = anycrc.Model("CRC64-REDIS"), 0, path.stat().st_size - len(checksum)
    with path.open("rb") as file:
        while left > 0:
            piece = file.read(min(left, _PIECE_BYTES))
            found, left = model.calc(piece, found), left - len(piece)
    if int.from_bytes(checksum, "little") not in {0, found}:
        raise ValueError("RDB CRC error")
