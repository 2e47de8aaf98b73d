"""Writing bytes to a file that was not there before."""

import os
from collections.abc import AsyncIterable, Callable
from pathlib import Path

from dfly_tui.errors import DflyError, Refused
from dfly_tui.paths import make_private_dir
from dfly_tui.text import safe


async def save_new(path: Path, pieces: AsyncIterable[bytes], told: Callable[[int], None] = lambda size: None) -> int:
    """Write a new file that only the user can read (0600). Nothing is left of one that could not be written whole.

    Args:
        told: Called with the bytes written so far.

    Returns:
        How many bytes it has.

    Raises:
        Refused: There is a file of that name.
        DflyError: It cannot be written, or the pieces cannot be had.
    """
    try:
        make_private_dir(path.parent)
    except OSError as error:
        raise _failed(path.parent, error) from error
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise Refused(f"{safe(str(path))} is there already", "choose another name: nothing is overwritten") from None
    except OSError as error:
        raise _failed(path, error) from error
    size, complete = 0, False
    try:
        with os.fdopen(descriptor, "wb") as file:
            async for piece in pieces:
                file.write(piece)
                size += len(piece)
                told(size)
            file.flush()
            os.fsync(file.fileno())
        complete = True
    except OSError as error:
        raise _failed(path, error) from error
    finally:
        if not complete:
            _remove(path)
    return size


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _failed(path: Path, error: OSError) -> DflyError:
    return DflyError(
        f"{safe(str(path))}: {safe(error.strerror or str(error))}", "is there room, and may you write there?"
    )
