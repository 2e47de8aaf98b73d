"""What is in an RDB file, read without any server by `rdb-py`, in a program of its own.

A file may be damaged or made to do harm: what it does to the parser, it does to a child that has a limit of memory.
"""

import asyncio
import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from dfly_tui.errors import NotSupported, StoreFailed
from dfly_tui.models.base import Frozen
from dfly_tui.text import safe

MOST_SECONDS = 3600.0
MOST_MEMORY_BYTES = 8 << 30
"""The parser holds one key at a time, with all its elements."""
_MOST_OUTPUT = 1 << 20
_PIECE_BYTES = 1 << 20


class RdbContent(Frozen):
    """What was counted.

    Attributes:
        version: Of the format; 0 for what is no RDB file.
        keys: Per database, of the types that the parser decodes: streams and modules' values are passed over.
        said: Per database, as the file itself says it; empty for a file that does not.
        error: Where it could not be read any further; empty for a whole file.
    """

    version: int
    keys: dict[int, int] = {}
    said: dict[int, int] = {}
    error: str = ""

    @property
    def counts(self) -> Mapping[int, int]:
        """Keys per database: what the file says where it does, for that counts all types."""
        return {database: self.said.get(database, count) for database, count in {**self.said, **self.keys}.items()}


async def read_rdb(path: Path, *, seconds: float = MOST_SECONDS) -> RdbContent:
    """Read a file to its end.

    Args:
        seconds: What it may take.

    Raises:
        NotSupported: `rdb-py` is not installed.
        StoreFailed: Reading it needs too much memory or time, or the parser cannot bear it.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dfly_tui.clients.rdb_file", str(path),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        limit=_MOST_OUTPUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds):
            output, errors = await child.communicate()
    except TimeoutError:
        raise StoreFailed("the RDB file was not read in time", "try it in a throw-away server: drill") from None
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode == _NO_PARSER:
        raise NotSupported("rdb-py is not installed", "install dfly-tui[rdb]")
    try:
        return RdbContent.model_validate_json(output)
    except ValidationError:
        last = safe(
            (errors.decode("utf-8", "replace").strip().splitlines() or ["it ended without a word"])[-1], limit=200
        )
        raise StoreFailed(f"the RDB file cannot be read: {last}", "try it in a throw-away server: drill") from None


_NO_PARSER = 3


def _main(path: str) -> int:
    """The child: tells what is in a file, and returns its exit code."""
    try:
        found = _counted(path)
    except ImportError:
        return _NO_PARSER
    sys.stdout.write(found.model_dump_json())
    return 0


def _counted(path: str) -> RdbContent:
    from rdb import RdbDecoder

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    keys: dict[int, int] = {}
    said: dict[int, int] = {}
    version, database, error = 0, 0, ""
    try:
        decoder = RdbDecoder(path)
        version = decoder.version
        for item in decoder:
            match item["type"]:
                case "select_db":
                    database = item["db"]
                case "resize_db":
                    said[database] = item["db_size"]
                case "checksum":
                    error = _checked(path, item["checksum"])
                case "aux_field":
                    pass
                case _:
                    keys[database] = keys.get(database, 0) + 1
    except (ValueError, OSError) as problem:
        error = str(problem)[:500]
    return RdbContent(version=version, keys=keys, said=said, error=error)


def _checked(path: str, checksum: bytes) -> str:
    """What is wrong with its bytes by the sum at its end, which the parser does not look at; 0 means none."""
    import anycrc

    wanted = int.from_bytes(checksum, "little")
    if not wanted:
        return ""
    model, found, left = anycrc.Model("CRC64-REDIS"), 0, Path(path).stat().st_size - len(checksum)
    with Path(path).open("rb") as file:
        while left > 0 and (piece := file.read(min(left, _PIECE_BYTES))):
            found, left = model.calc(piece, found), left - len(piece)
    return "" if found == wanted else "its checksum does not fit its content: it was damaged"


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
