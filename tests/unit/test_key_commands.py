"""The commands that write keys again, where no server at hand shows what they do."""

import pytest

from dfly_tui.clients import key_commands
from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.key_commands import Rewriter
from dfly_tui.errors import NotSupported, Refused
from dfly_tui.models.instance import Flavour
from dfly_tui.models.key_parts import Group, Part, Pending, Tail
from dfly_tui.models.keys import BLOOM, HASH, JSON, SET, STREAM

NOW = 1_700_000_000_000


def rewriter(flavour: Flavour, version: tuple[int, ...], *commands: str) -> Rewriter:
    return Rewriter(Capabilities(flavour, version, frozenset(commands), True), b"into", NOW)


def test_fields_that_expire_on_a_newer_redis() -> None:
    part = Part(b"k", HASH, None, [(b"a", b"1", NOW + 5), (b"b", b"2"), (b"c", b"3", NOW + 5)])
    assert rewriter(Flavour.REDIS, (7, 4), "HPEXPIREAT").commands(part) == [
        ("HSET", b"into", b"b", b"2"),
        ("HSET", b"into", b"a", b"1", b"c", b"3"),
        ("HPEXPIREAT", b"into", NOW + 5, "FIELDS", 2, b"a", b"c"),
    ]
    with pytest.raises(NotSupported):
        rewriter(Flavour.REDIS, (7, 4), "HPEXPIREAT").commands(Part(b"k", SET, None, [(b"m", NOW + 5)]))


def test_elements_that_expire_on_a_dragonfly() -> None:
    part = Part(b"k", SET, NOW + 9, [(b"a", NOW + 5400), (b"b", NOW + 300), b"c"])
    assert rewriter(Flavour.DRAGONFLY, (1, 22)).commands(part) == [
        ("SADD", b"into", b"c"),
        ("SADDEX", b"into", 5, b"a"),
        ("SADDEX", b"into", 1, b"b"),
        ("PEXPIREAT", b"into", NOW + 9),
    ]


TAIL = Tail((Group(b"g", b"1-1", 7, (b"c",)),), (Pending(0, b"2-2", b"c", NOW, 3),), b"9-9", 12, b"2-2")
STREAMED = Part(b"k", STREAM, None, [(b"1-1", b"f", b"v"), (b"2-2",)], tail=TAIL)


def test_a_stream_of_redis_7_keeps_its_counts() -> None:
    assert rewriter(Flavour.REDIS, (7, 0)).commands(STREAMED) == [
        ("XADD", b"into", b"1-1", b"f", b"v"),
        ("XADD", b"into", b"2-2", b"", b""),
        ("XGROUP", "CREATE", b"into", b"g", b"1-1", "MKSTREAM", "ENTRIESREAD", 7),
        ("XGROUP", "CREATECONSUMER", b"into", b"g", b"c"),
        ("XCLAIM", b"into", b"g", b"c", 0, b"2-2", "TIME", NOW, "RETRYCOUNT", 3, "FORCE", "JUSTID"),
        ("XDEL", b"into", b"2-2"),
        ("XSETID", b"into", b"9-9", "ENTRIESADDED", 12, "MAXDELETEDID", b"2-2"),
    ]


@pytest.mark.parametrize(("flavour", "version"), [(Flavour.DRAGONFLY, (1, 40)), (Flavour.REDIS, (6, 2))])
def test_other_servers_are_told_only_what_they_know(flavour: Flavour, version: tuple[int, ...]) -> None:
    commands = rewriter(flavour, version).commands(STREAMED)
    assert ("XGROUP", "CREATE", b"into", b"g", b"1-1", "MKSTREAM") in commands
    assert commands[-1] == ("XSETID", b"into", b"9-9")


def test_a_stream_of_nothing_at_all() -> None:
    assert rewriter(Flavour.REDIS, (6, 2)).commands(Part(b"k", STREAM, None, [], tail=Tail(last_id=b"0-0"))) == [
        ("XGROUP", "CREATE", b"into", "none", "0", "MKSTREAM"),
        ("XGROUP", "DESTROY", b"into", "none"),
        ("XSETID", b"into", b"0-0"),
    ]


def test_pieces_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = Part(b"k", JSON, None, b'{"a"', is_last=False), Part(b"k", JSON, None, b":1}", 1)
    writer = rewriter(Flavour.DRAGONFLY, (1, 40))
    assert (writer.commands(first), writer.commands(last)) == ([], [("JSON.SET", b"into", "$", b'{"a":1}')])
    dump = Part(b"k", BLOOM, None, b"x", is_dump=True)
    assert rewriter(Flavour.DRAGONFLY, (1, 40)).commands(dump) == [("RESTORE", b"into", 0, b"x")]
    monkeypatch.setattr(key_commands, "MOST_WHOLE_BYTES", 5)
    with pytest.raises(Refused, match="more than the 5 B"):
        [each for part in (first, last) for each in writer.commands(part)]
