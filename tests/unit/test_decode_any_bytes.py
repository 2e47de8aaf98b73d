"""Whatever the bytes are, there is an answer, and every line of it may be shown."""

import base64
import gzip
import json
import pickle
import zlib

import lz4.frame
import msgpack
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dfly_tui.decode import DECODERS, Decoded, decode, guess, plain
from tests.support.hostile import harmless

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MAKERS = (
    lambda value: json.dumps(value).encode(),
    msgpack.packb,
    pickle.dumps,
    lambda value: pickle.dumps(value, 0),
    lambda value: str(value).encode("utf-8", "surrogatepass"),
)
PACKERS = (gzip.compress, zlib.compress, zstandard.compress, lz4.frame.compress, base64.b64encode)


@st.composite
def values(draw: st.DrawFn) -> bytes:
    """Bytes that are something, wrapped some times, and perhaps damaged."""
    raw: bytes = draw(st.sampled_from(MAKERS))(draw(documents))
    for pack in draw(st.lists(st.sampled_from(PACKERS), max_size=3)):
        raw = pack(raw)
    if draw(st.booleans()) and raw:
        at = draw(st.integers(0, len(raw) - 1))
        raw = raw[:at] + draw(st.binary(max_size=3)) + raw[at + draw(st.integers(0, 3)) :]
    return raw


any_bytes = st.one_of(values(), st.binary(max_size=200), st.text(max_size=60).map(lambda text: text.encode()))


def check(shown: Decoded) -> None:
    assert shown.stack
    assert all(harmless(line) for line in shown.lines)
    assert all(harmless(note) for note in shown.notes)


@settings(max_examples=300)
@given(any_bytes, st.booleans())
def test_any_bytes_are_decoded_to_lines_that_may_be_shown(raw: bytes, truncated: bool) -> None:
    check(guess(raw, truncated=truncated))
    check(plain(raw))


@settings(max_examples=300)
@given(any_bytes, st.lists(st.sampled_from(DECODERS), max_size=4), st.booleans())
def test_any_stack_may_be_asked_for(raw: bytes, stack: list[str], truncated: bool) -> None:
    check(decode(raw, stack, truncated=truncated))


@given(documents)
def test_the_layout_of_json_means_the_same_json(document: object) -> None:
    raw = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    shown = decode(raw, ["json"])
    if all(len(line) < 500 for line in shown.lines) and harmless(raw.decode("utf-8", "surrogatepass")):
        assert json.dumps(json.loads("\n".join(shown.lines)), ensure_ascii=False).encode() == raw


@given(st.binary(max_size=300))
def test_a_dump_holds_every_byte(raw: bytes) -> None:
    lines = decode(raw, ["hex"]).lines
    assert b"".join(bytes.fromhex(line[10:49].replace(" ", "")) for line in lines) == raw
