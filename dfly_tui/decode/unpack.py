"""Steps from bytes to bytes: gzip, zlib, zstd, lz4 frames, base64. Each makes at most `MAX_BYTES`, and what there is of
a value that is cut or damaged."""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Mapping

from dfly_tui.decode.values import MAX_BYTES, NotThis, Unpacked

_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n]+={0,2}[\r\n]*|[A-Za-z0-9_\-]+={0,2}")
_CHUNK = 1 << 16


def gzip(data: bytes) -> Unpacked:
    """gzip, also of several members."""
    if not data.startswith(b"\x1f\x8b"):
        raise NotThis("it does not begin as gzip does")
    return _inflated(data, zlib.MAX_WBITS | 16, "gzip")


def zlib_(data: bytes) -> Unpacked:
    """zlib, as compress() makes it."""
    if len(data) < 2 or data[0] & 0x0F != 8 or data[0] >> 4 > 7 or (data[0] << 8 | data[1]) % 31:
        raise NotThis("it does not begin as zlib does")
    return _inflated(data, zlib.MAX_WBITS, "zlib")


def _inflated(data: bytes, bits: int, name: str) -> Unpacked:
    made = b""
    while True:
        stream = zlib.decompressobj(bits)
        try:
            made += stream.decompress(data, MAX_BYTES - len(made) + 1)
        except zlib.error as error:
            # What came before the damage is worth more than nothing; asked for in small pieces it is to be had.
            made += _before_damage(data, bits, MAX_BYTES - len(made))
            return _given(made, name, f"{name}: damaged ({_reason(error)})", whole=False)
        if len(made) > MAX_BYTES:
            return _too_long(made, name)
        if not stream.eof:
            return _given(made, name, f"{name}: it ends early", whole=False)
        data = stream.unused_data
        if bits <= zlib.MAX_WBITS or not data.startswith(b"\x1f\x8b"):
            break
    return Unpacked(made, _rest(name, data), not data)


def _before_damage(data: bytes, bits: int, room: int) -> bytes:
    stream, made = zlib.decompressobj(bits), bytearray()
    try:
        for at in range(0, len(data), 64):
            made += stream.decompress(data[at : at + 64], max(1, room - len(made)))
            if len(made) >= room:
                break
    except zlib.error:
        pass
    return bytes(made)


def zstd(data: bytes) -> Unpacked:
    """Zstandard frames."""
    import zstandard

    if not data.startswith(b"\x28\xb5\x2f\xfd"):
        raise NotThis("it does not begin as zstd does")
    made = bytearray()
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(data, read_across_frames=True)
    try:
        while len(made) <= MAX_BYTES and (piece := reader.read(_CHUNK)):
            made += piece
    except (zstandard.ZstdError, MemoryError) as error:
        return _given(bytes(made), "zstd", f"zstd: damaged ({_reason(error)})", whole=False)
    return _too_long(bytes(made), "zstd") if len(made) > MAX_BYTES else Unpacked(bytes(made))


def lz4(data: bytes) -> Unpacked:
    """LZ4 frames."""
    import lz4.frame

    if not data.startswith(b"\x04\x22\x4d\x18"):
        raise NotThis("it does not begin as an lz4 frame does")
    made = bytearray()
    stream = lz4.frame.LZ4FrameDecompressor()
    try:
        piece = data
        while len(made) <= MAX_BYTES and not stream.eof:
            made += (step := stream.decompress(piece, max_length=min(_CHUNK * 4, MAX_BYTES - len(made) + 1)))
            piece = b""
            if not step and stream.needs_input:
                return _given(bytes(made), "lz4", "lz4: it ends early", whole=False)
    except (RuntimeError, EOFError, MemoryError, ValueError) as error:
        return _given(bytes(made), "lz4", f"lz4: damaged ({_reason(error)})", whole=False)
    if len(made) > MAX_BYTES:
        return _too_long(bytes(made), "lz4")
    rest = stream.unused_data or b""
    return Unpacked(bytes(made), _rest("lz4", rest), not rest)


def base64_(data: bytes) -> Unpacked:
    """base64 of either alphabet, with or without padding."""
    if not _BASE64.fullmatch(data):
        raise NotThis("it has characters that base64 has not")
    letters = data.translate(None, b"\r\n=").translate(bytes.maketrans(b"-_", b"+/"))
    if not letters:
        raise NotThis("there is nothing in it")
    whole = letters[: len(letters) // 4 * 4 + (0 if len(letters) % 4 == 1 else len(letters) % 4)]
    try:
        made = base64.b64decode(whole + b"=" * (-len(whole) % 4), validate=True)
    except binascii.Error as error:
        raise NotThis(_reason(error)) from error
    if len(made) > MAX_BYTES:
        return _too_long(made, "base64")
    cut = len(whole) < len(letters)
    return Unpacked(made, "base64: one letter is left over" if cut else "", not cut)


def _given(made: bytes, name: str, note: str, *, whole: bool) -> Unpacked:
    if not made:
        raise NotThis(note.removeprefix(f"{name}: "))
    return Unpacked(made[:MAX_BYTES], note, whole)


def _too_long(made: bytes, name: str) -> Unpacked:
    return Unpacked(made[:MAX_BYTES], f"{name}: the first {MAX_BYTES >> 20} MiB; there is more", is_whole=False)


def _rest(name: str, rest: bytes) -> str:
    return f"{name}: {len(rest):,} bytes follow that are not part of it" if rest else ""


def _reason(error: Exception) -> str:
    return str(error).rpartition(": ")[2] or type(error).__name__


UNPACKERS: Mapping[str, Callable[[bytes], Unpacked]] = {
    "gzip": gzip, "zlib": zlib_, "zstd": zstd, "lz4": lz4, "base64": base64_,
}  # fmt: skip
