"""What bytes mean: every decoder, stacked and guessed."""

import base64
import gzip
import json
import pickle
import zlib

import lz4.frame
import msgpack
import pytest
import zstandard

from dfly_tui.decode import DECODERS, decode, guess, parse_stack, plain
from dfly_tui.decode.values import MAX_BYTES, MAX_LINES

DOCUMENT = b'{"id": 12345678901234567890123, "pi": 3.10, "a": [1, {"b": null}], "id": 1}'
PROTO = bytes.fromhex("089601 1204 74657374 1a03 08ac02 21 1f85eb51b81e0940 2d0000803f".replace(" ", ""))


def text(raw: bytes, *stack: str) -> str:
    return "\n".join((decode(raw, stack) if stack else guess(raw)).lines)


@pytest.mark.parametrize(
    ("raw", "stack"),
    [
        (b"", ("utf-8",)),
        (b"hello", ("utf-8",)),
        ("grüße, 世界\n".encode(), ("utf-8",)),
        (b"12345", ("utf-8",)),
        (b"deadbeefdeadbeefdeadbeef", ("utf-8",)),
        (b"AVeryOrdinaryWordInCamelCase", ("utf-8",)),
        (b"[info] started", ("utf-8",)),
        (b"{'single': 'quotes'}", ("utf-8",)),
        (DOCUMENT, ("json",)),
        (b'"text"', ("json",)),
        (b'{"a":1}\n{"a":2}\n', ("json",)),
        (gzip.compress(DOCUMENT, mtime=0), ("gzip", "json")),
        (zlib.compress(b"hello " * 9), ("zlib", "utf-8")),
        (zstandard.compress(DOCUMENT), ("zstd", "json")),
        (lz4.frame.compress(b"hello " * 9), ("lz4", "utf-8")),
        (base64.b64encode(gzip.compress(DOCUMENT, mtime=0)), ("base64", "gzip", "json")),
        (base64.urlsafe_b64encode(DOCUMENT).rstrip(b"="), ("base64", "json")),
        (base64.encodebytes(DOCUMENT * 3), ("base64", "json")),
        (msgpack.packb({"a": [1, 2.5, None], "b": b"\xff"}), ("msgpack",)),
        (zstandard.compress(msgpack.packb(["x"] * 9)), ("zstd", "msgpack")),
        (pickle.dumps({"a": 1}), ("pickle",)),
        (PROTO, ("protobuf",)),
        (bytes(range(256)), ("hex",)),
        (b"\x00\x00\x08", ("hex",)),
        (b"\xff\xff\xff\xff", ("hex",)),
    ],
    ids=[f"{number}" for number in range(25)],
)
def test_what_bytes_most_likely_are(raw: bytes, stack: tuple[str, ...]) -> None:
    assert guess(raw).stack == stack
    assert guess(raw).notes == ()


def test_json_is_laid_out_and_nothing_in_it_changed() -> None:
    assert text(DOCUMENT).split("\n") == [
        "{",
        '  "id": 12345678901234567890123,',
        '  "pi": 3.10,',
        '  "a": [',
        "    1,",
        "    {",
        '      "b": null',
        "    }",
        "  ],",
        '  "id": 1',
        "}",
    ]
    assert text(b'{"a":{},"b":[],"c":1e400,"d":-0.0}') == '{\n  "a": {},\n  "b": [],\n  "c": 1e400,\n  "d": -0.0\n}'
    assert text(json.dumps(["grüße 😀", "a\x1bb"]).encode()) == '[\n  "grüße 😀",\n  "a\\u001bb"\n]'
    assert plain(DOCUMENT).lines == [DOCUMENT.decode()]


@pytest.mark.parametrize(
    "raw",
    [b'{"a": 1,}', b"[1 2]", b'{"a" 1}', b"{1: 2}", b"[01]", b"[1.]", b"{]", b"[,]", b'{"a":1}}', b"[nul]"],
    ids=repr,
)
def test_what_is_no_json_is_not_called_so(raw: bytes) -> None:
    assert guess(raw).stack == ("utf-8",)
    assert "no JSON from byte" in decode(raw, ["json"]).notes[0]


def test_json_that_is_cut_is_shown_as_far_as_it_goes() -> None:
    whole = json.dumps([{"number": at, "name": "x" * at} for at in range(50)]).encode()
    for end in range(40, len(whole), 97):
        shown = guess(whole[:end], truncated=True)
        assert shown.stack == ("json",)
        assert shown.notes == ("json: it goes on",)
    assert guess(whole[:-1]).notes == ("json: it ends early",)


def test_json_ten_thousand_deep_is_no_harm() -> None:
    assert len(guess(b"[" * 10_000 + b"]" * 10_000).lines) > 10_000


def test_msgpack_keeps_double_keys_big_numbers_and_what_is_no_text() -> None:
    packed = b"\x83" + b"".join(map(msgpack.packb, ["k", 1, "k", 2**64 - 1, 7, b"\x00\xff"]))
    assert text(packed) == '{\n  "k": 1\n  "k": 18446744073709551615\n  7: bin hex\'00ff\'\n}'
    assert (
        text(msgpack.packb({(1, 2): msgpack.ExtType(5, b"x")}), "msgpack")
        == '{\n  ? [\n    1\n    2\n  ]\n  ext 5 "x"\n}'
    )
    assert text(msgpack.packb([msgpack.Timestamp(5, 7), {}, [], None, True])) == (
        "[\n  timestamp 5.000000007\n  {}\n  []\n  null\n  true\n]"
    )


def test_msgpack_that_is_cut_or_lies_is_shown_as_far_as_it_goes() -> None:
    whole = msgpack.packb({"list": list(range(100))})
    assert guess(whole[:50], truncated=True).stack == ("msgpack",)
    shown = decode(b"\xdd\xff\xff\xff\xff" * 60 + b"\x01", ["msgpack"])
    assert shown.notes
    assert decode(b"\x91" * 5000, ["msgpack"]).notes[0].endswith("(it is nested more than 64 deep)")


def test_a_pickle_is_taken_apart_and_never_run() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return eval, ("__import__('pathlib').Path('/tmp/never').touch()",)

    for protocol in range(2, 6):
        shown = guess(pickle.dumps(Bomb(), protocol))
        assert shown.stack == ("pickle",)
        assert shown.notes[0].endswith(("builtins.eval", "__builtin__.eval"))
        assert any("REDUCE" in line for line in shown.lines)
    huge = guess(pickle.dumps(1 << 100_000))
    assert any("integer of 100,001 bits" in line for line in huge.lines)


def test_protobuf_without_a_schema() -> None:
    assert text(PROTO) == (
        '1: 150\n2: "test"\n3 {\n  1: 300\n}\n4: 4614253070214989087 (as a double 3.14)\n5: 1065353216 (as a float 1.0)'
    )
    assert "18446744073709551615 (-1)" in text(b"\x08" + b"\xff" * 9 + b"\x01", "protobuf")
    assert decode(PROTO[:-2], ["protobuf"]).notes[0].startswith("protobuf: no sense from byte")


def test_hex_and_bits_count_from_the_offset() -> None:
    dump = decode(bytes(range(40)), ["hex"], offset=0x10000)
    assert dump.lines[0] == "00010000  0001 0203 0405 0607 0809 0a0b 0c0d 0e0f  ................"
    assert dump.lines[-1].startswith("00010020  2021 2223")
    assert len(dump.lines) == 3
    assert decode(b"\x01\x80", ["bits"]).lines[0] == "         0  00000001 10000000"


def test_a_bomb_makes_no_more_than_the_limit_and_says_so() -> None:
    bomb = b"\0" * (64 << 20)
    packed = {
        "gzip": gzip.compress(bomb),
        "zlib": zlib.compress(bomb),
        "zstd": zstandard.compress(bomb),
        "lz4": lz4.frame.compress(bomb),
    }
    for name, raw in packed.items():
        shown = guess(raw)
        assert shown.stack == (name, "hex")
        assert len(shown.data) == MAX_BYTES
        assert shown.notes == (f"{name}: the first 4 MiB; there is more",)
    lines = guess(gzip.compress(b"\n" * MAX_BYTES))
    assert len(lines.lines) == MAX_LINES
    assert "there are more" in lines.notes[-1]


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, zstandard.compress, lz4.frame.compress])
def test_what_was_packed_and_cut_or_damaged_is_shown_as_far_as_it_goes(pack: object) -> None:
    assert callable(pack)
    content = b"".join(b'{"n": %d}\n' % at for at in range(60_000))
    packed = pack(content)
    shown = guess(packed[: len(packed) // 2], truncated=True)
    assert shown.stack[1] == "json"
    assert content.startswith(shown.data)
    assert len(shown.data) > 1000
    damaged = decode(packed[: len(packed) // 2] + b"\xff" * 40, shown.stack[:1])
    assert damaged.data
    assert damaged.notes


def test_a_step_that_does_not_fit_is_said_and_the_bytes_are_shown() -> None:
    shown = decode(b"hello", ["gzip", "json"])
    assert shown.stack == ("utf-8",)
    assert shown.lines == ["hello"]
    assert shown.notes == ("gzip: it does not begin as gzip does",)
    assert decode(b"\xff\xfe", ["json"]).stack == ("hex",)


def test_behind_steps_that_unpack_the_rest_is_guessed() -> None:
    assert decode(base64.b64encode(DOCUMENT), ["base64"]).stack == ("base64", "json")


def test_what_follows_packed_bytes_is_told() -> None:
    assert guess(gzip.compress(b"one") + b"junk").notes == ("gzip: 4 bytes follow that are not part of it",)
    assert guess(gzip.compress(b"one ") + gzip.compress(b"two")).lines == ["one two"]


def test_text_shows_tabs_as_blanks_and_plain_shows_what_is_there() -> None:
    assert guess(b"a\tb\r\nc").lines == ["a   b", "c"]
    assert plain(b"a\tb\r\nc").lines == ["a\\x09b\\x0d", "c"]


def test_a_long_line_is_shown_as_several() -> None:
    shown = guess(b"x" * 2000)
    assert "".join(shown.lines) == "x" * 2000
    assert max(map(len, shown.lines)) == 512


@pytest.mark.parametrize(
    ("typed", "stack"),
    [
        ("", ()),
        ("auto", ()),
        ("base64,gzip,json", ("base64", "gzip", "json")),
        ("base64 → gzip → json", ("base64", "gzip", "json")),
        ("UTF8", ("utf-8",)),
    ],
)
def test_a_stack_as_it_is_typed(typed: str, stack: tuple[str, ...]) -> None:
    assert parse_stack(typed) == stack


def test_a_stack_that_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"no decoder jsno; did you mean json\?"):
        parse_stack("jsno")
    with pytest.raises(ValueError, match="nothing can follow json"):
        parse_stack("json,gzip")
    for name in DECODERS:
        assert parse_stack(name) == (name,)
