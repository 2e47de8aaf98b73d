"""The file that keys are exported to: JSON lines with a header and a trailer (docs/export-format.md)."""

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from dfly_tui.errors import DflyError, Refused
from dfly_tui.models.key_lines import MOST_LINE_BYTES, Damaged, parse_line, part_line, part_of
from dfly_tui.models.key_parts import Part
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

FORMAT = "dfly-tui-keys"
VERSION = 1
_GZIP = b"\x1f\x8b"
_NOT_AN_EXPORT = "is it an export of dfly-tui, and was it copied whole?"


@dataclass(frozen=True)
class Header:
    """What a file tells of itself first.

    Attributes:
        created_at: ISO 8601, UTC.
        product: `dragonfly`, `redis`, `valkey`.
        server_version: Of the product; empty when it did not tell.
        instance: Its name in the configuration, and nothing that would lead there.
        filter: Which keys were looked for, as it is typed; empty for all, None for keys that were named.
    """

    created_at: str
    product: str
    server_version: str
    instance: str
    database: int
    filter: str | None


class ExportWriter:
    """Writes an export to a stream of bytes.

    Attributes:
        keys: How many are whole.
        size: Bytes of names and values.
        written: Bytes of lines.
    """

    def __init__(self, out: IO[bytes], header: Header) -> None:
        self.keys = self.size = self.written = 0
        self._out = out
        self._digest = hashlib.sha256()
        self._lines = 0
        self._put([json.dumps({"format": FORMAT, "version": VERSION, **header.__dict__})])

    def add(self, parts: list[Part]) -> None:
        """Write parts, in order; raises OSError."""
        for part in parts:
            self.size += part.size + (len(part.name) if part.number == 0 else 0)
            self.keys += part.is_last and not part.void
        self._put(list(map(part_line, parts)))

    def end(self) -> None:
        """Write the trailer: without it a file is not whole."""
        told = {"end": True, "keys": self.keys, "bytes": self.size, "lines": self._lines}
        self._put([json.dumps({**told, "sha256": self._digest.hexdigest()})])

    def _put(self, lines: list[str]) -> None:
        data = "".join([line + "\n" for line in lines]).encode("ascii")
        self._digest.update(data)
        self._lines += len(lines)
        self.written += len(data)
        self._out.write(data)


@contextmanager
def new_file(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """A file that only the user can read (0600), there under its name when it is whole and not before.

    Args:
        overwrite: Whether a file of that name may be replaced.

    Raises:
        Refused: There is one.
        DflyError: It cannot be written.
    """
    _refuse_existing(path, overwrite=overwrite)
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    except OSError as error:
        raise _failed(path, error) from None
    beside, complete = Path(temporary), False
    try:
        with os.fdopen(descriptor, "wb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=5, mtime=0) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(beside, path, overwrite=overwrite)
        complete = True
    except OSError as error:
        raise _failed(path, error) from error
    finally:
        if not complete:
            beside.unlink(missing_ok=True)


def _put_in_place(beside: Path, path: Path, *, overwrite: bool) -> None:
    if not overwrite:
        try:
            path.hardlink_to(beside)  # fails where there is one by now, and nothing lies in between
        except OSError:
            _refuse_existing(path, overwrite=False)  # or it is a file system without links
        else:
            beside.unlink()
            return
    beside.replace(path)


def _refuse_existing(path: Path, *, overwrite: bool) -> None:
    if path.is_symlink() or path.exists():
        if not overwrite:
            raise Refused(f"{safe(str(path))} is there already", "choose another name, or say that it may be replaced")
        if not path.is_file():
            raise Refused(f"{safe(str(path))} is not a file", "choose another name")


def _failed(path: Path, error: OSError) -> DflyError:
    hint = "is there room, and may you write there?"
    return DflyError(f"{safe(str(path))}: {safe(error.strerror or str(error))}", hint)


@dataclass(frozen=True)
class Identity:
    """Whether a file is the one that was looked at."""

    device: int
    node: int
    size: int
    changed_ns: int


class ExportFile:
    """Reads an export, and believes nothing in it before it was seen to be whole.

    Attributes:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def identity(self) -> Identity:
        """Of the file as it is now; raises `DflyError`."""
        with self._told_simply():
            found = self.path.stat()
            return Identity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def header(self) -> Header:
        """What it tells of itself; raises `Damaged` when it is of another kind or version."""
        with self._opened() as (file, _):
            return _header(_line(file, 1))

    def parts(self, told: Callable[[int], None] = lambda position: None) -> Iterator[Part]:
        """Its parts, from the first to the last; that the file is whole is known at the end only.

        Args:
            told: Called with the position in the file, in bytes.

        Raises:
            Damaged: It is cut off, or not what was written.
            DflyError: It cannot be read.
        """
        with self._opened() as (file, plain):
            check = _Check()
            number = 1
            line = _line(file, number)
            _header(line)
            part: Part | None = None
            while True:
                check.line(line)
                number += 1
                line = _line(file, number)
                try:
                    found = parse_line(line)
                    if "end" in found:
                        check.end(found, part)
                        break
                    part = part_of(found, part)
                except Damaged as error:
                    raise Damaged(f"line {number} {error.detail}") from None
                check.part(part)
                yield part
                if number % 64 == 0:
                    told(plain.tell())
            if file.read(1):
                raise Damaged(f"something follows the end in line {number}", _NOT_AN_EXPORT)

    @contextmanager
    def _opened(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        with self._told_simply(), self.path.open("rb") as plain:
            begins = plain.read(len(_GZIP))
            plain.seek(0)
            if begins == _GZIP:
                with gzip.GzipFile(fileobj=plain, mode="rb") as packed:
                    yield cast("IO[bytes]", packed), plain
            else:
                yield plain, plain

    @contextmanager
    def _told_simply(self) -> Iterator[None]:
        where = safe(str(self.path))
        try:
            yield
        except Damaged as error:
            raise Damaged(f"{where}: {error.detail}", error.hint or _NOT_AN_EXPORT) from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Damaged(f"{where}: {safe(str(error), limit=120)}", _NOT_AN_EXPORT) from None
        except OSError as error:
            raise DflyError(
                f"{where}: {safe(error.strerror or str(error))}", "is it there, and yours to read?"
            ) from None


class _Check:
    """Counts what the trailer has to say."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._lines = self._keys = self._size = 0

    def line(self, line: bytes) -> None:
        self._digest.update(line)
        self._lines += 1

    def part(self, part: Part) -> None:
        self._size += part.size + (len(part.name) if part.number == 0 else 0)
        self._keys += part.is_last and not part.void

    def end(self, told: Mapping[str, object], last: Part | None) -> None:
        if last is not None and not last.is_last and not last.void:
            raise Damaged("ends in the middle of a key")
        found = {"keys": self._keys, "bytes": self._size, "lines": self._lines, "sha256": self._digest.hexdigest()}
        for name, value in found.items():
            if told.get(name) != value:
                raise Damaged(f"says {name} {safe(str(told.get(name)), limit=70)}, but it is {value}: it was changed")


def _line(file: IO[bytes], number: int) -> bytes:
    line = file.readline(MOST_LINE_BYTES + 1)
    if line.endswith(b"\n"):
        return line
    if len(line) > MOST_LINE_BYTES:
        raise Damaged(f"line {number} has more than {bytes_text(MOST_LINE_BYTES)}, which no export has")
    raise Damaged(f"it ends in line {number}, before it is whole: it was cut off")


def _header(line: bytes) -> Header:
    try:
        told = parse_line(line)
    except Damaged as error:
        raise Damaged(f"line 1 {error.detail}") from None
    if told.get("format") != FORMAT:
        raise Damaged("it does not begin as an export does")
    if told.get("version") != VERSION:
        version = safe(str(told.get("version")), limit=20)
        raise Damaged(f"it is of version {version}, and version {VERSION} is known", "use a newer dfly-tui")
    words = {name: told.get(name) for name in ("created_at", "product", "server_version", "instance", "filter")}
    texts = {name: safe(word, limit=200) if isinstance(word, str) else "" for name, word in words.items()}
    database = told.get("database")
    return Header(
        texts["created_at"],
        texts["product"],
        texts["server_version"],
        texts["instance"],
        database if type(database) is int else 0,
        texts["filter"] if isinstance(told.get("filter"), str) else None,
    )
