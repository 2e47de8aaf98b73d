"""What a lab primary sends to a lab replica: RESP arrays of bulk strings, on the connection the replica opened.

`full id replid` · `partial id replid` · `item db key value expiry` · `stable lsn…` · `record shard lsn db key value
expiry` · `ping` · `ack?` · `taken result`. The replica answers with `REPLCONF ACK lsn…`, `LABTAKEOVER seconds`.
"""

from collections.abc import Iterable, Sequence

from dfly_tui.lab.keyspace import Change
from dfly_tui.lab.protocol import bulk

NOTHING = b"-"
SOMETHING = b"+"


def message(*words: bytes | int | str) -> bytes:
    """One message, encoded."""
    data = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n%b" % (len(data), b"".join(map(bulk, data)))


def change_words(change: Change) -> list[bytes]:
    """A change as words; the first letter of key and value tells whether there is one."""
    return [
        b"%d" % change.db,
        NOTHING if change.key is None else SOMETHING + change.key,
        NOTHING if change.packed is None else SOMETHING + change.packed,
        b"" if change.expire_at is None else repr(change.expire_at).encode(),
    ]


def change_of(words: Sequence[bytes]) -> Change:
    """The change again.

    Raises:
        ValueError: These are not the words of a change.
    """
    db, key, packed, expire_at = words
    return Change(int(db), _optional(key), _optional(packed), float(expire_at) if expire_at else None)


def _optional(word: bytes) -> bytes | None:
    return None if word == NOTHING else word[1:]


def numbers(words: Iterable[bytes]) -> list[int]:
    """LSNs."""
    return [int(word) for word in words]
