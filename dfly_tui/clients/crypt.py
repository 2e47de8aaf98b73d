"""Encrypting copies, and reading encrypted ones, through the programs `age` and `gpg`.

Content passes through the program as it comes. Keys are never on its command line: recipients are public, age reads its
identity from a file, and gpg asks its own agent.
"""

import asyncio
import os
import re
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dfly_tui.errors import StoreFailed
from dfly_tui.models.snapshots import Encryption
from dfly_tui.text import safe

Coder = Callable[[AsyncIterator[bytes]], AsyncGenerator[bytes, None]]
"""Turns content into other content. What it yields is only good when it has ended without an error."""

PIECE_BYTES = 1 << 20
_ERROR_BYTES = 1 << 16
_PACKAGES = {Encryption.AGE: "age", Encryption.GPG: "gnupg"}
# Keys are not looked for in the network, behind anybody's back.
_GPG = ("--batch", "--no-tty", "--quiet", "--no-auto-key-locate", "--no-auto-key-retrieve")
_FAILURES: tuple[tuple[str, str, str], ...] = (
    (
        r"unknown recipient type|malformed recipient|invalid recipient",
        "a recipient is no public key of age",
        "age-keygen -y prints the public key, age1…, of an identity",
    ),
    (
        r"No public key|no valid addressees|unusable public key",
        "gpg knows no public key of a recipient",
        "gpg --list-keys shows those it knows; gpg --import FILE takes another",
    ),
    (
        r"no identity matched",
        "this identity is none of those it was encrypted for",
        "set backup.identity_file to the right one",
    ),
    (
        r"failed to open file|unknown identity type|malformed secret key|no secret keys found",
        "the identity file cannot be used",
        "age-keygen makes one: it holds a line AGE-SECRET-KEY-1…",
    ),
    (
        r"No secret key",
        "gpg has no secret key for it, or has one that is locked",
        "gpg --list-secret-keys shows those it has; gpg --decrypt by hand unlocks one for a while",
    ),
    (
        r"failed to decrypt and authenticate|has been manipulated|inflate problem|block_filter|unexpected EOF",
        "it was damaged, or is not whole",
        "take another copy",
    ),
    (
        r"no valid OpenPGP data|decrypt_message failed|failed to read header",
        "it is not encrypted, or not by this program",
        "",
    ),
)
"""What a program says, what we say, and what to do."""


class _Child(NamedTuple):
    """A program to run.

    Attributes:
        doing: For a sentence: `encrypt`, `decrypt`.
    """

    program: Encryption
    words: Sequence[str]
    doing: str
    environ: Mapping[str, str]


def encryptor(how: Encryption, recipients: Sequence[str], environ: Mapping[str, str]) -> Coder:
    """What encrypts for these recipients, so that any one of them can read it.

    Args:
        recipients: Public keys of age, or whatever gpg finds one key by.
        environ: For the program: where it is found, and where gpg has its keys.
    """
    each = [word for recipient in recipients for word in ("--recipient", recipient)]
    words = {
        Encryption.AGE: ["age", "--encrypt", *each],
        # Snapshots are compressed already.
        Encryption.GPG: ["gpg", *_GPG, "--trust-model", "always", "--compress-algo", "none", *each, "--encrypt"],
    }[how]
    return _coder(_Child(how, words, "encrypt", environ))


def decryptor(how: Encryption, identity: Path | None, environ: Mapping[str, str]) -> Coder:
    """What reads what was encrypted.

    Args:
        identity: age's private key; gpg finds its own.

    Raises:
        StoreFailed: age has no identity.
    """
    if how is Encryption.AGE and identity is None:
        raise StoreFailed(
            "age needs a private key to decrypt", "set backup.identity_file to the file that age-keygen wrote"
        )
    words = {
        Encryption.AGE: ["age", "--decrypt", "--identity", str(identity)],
        # No question over a running screen: the agent knows the passphrase, or it fails.
        Encryption.GPG: ["gpg", *_GPG, "--pinentry-mode", "error", "--decrypt"],
    }[how]
    return _coder(_Child(how, words, "decrypt", environ))


def _coder(child: _Child) -> Coder:
    return lambda content: _through(child, content)


async def _through(child: _Child, content: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    process = await _started(child)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    feeding = asyncio.ensure_future(_feed(process, process.stdin, content))
    hearing = asyncio.ensure_future(_heard(process.stderr))
    try:
        while piece := await process.stdout.read(PIECE_BYTES):
            yield piece
        complaint, status = await hearing, await process.wait()
        # What failed to come in is the reason, whatever the program says of its end.
        is_whole = await feeding
        if status or not is_whole:
            raise _failure(child, complaint, status)
    finally:
        if process.returncode is None:
            _kill(process)
        feeding.cancel()
        hearing.cancel()
        await asyncio.gather(feeding, hearing, process.wait(), return_exceptions=True)


async def _started(child: _Child) -> asyncio.subprocess.Process:
    try:
        # In a session of its own it has no terminal to ask at.
        return await asyncio.create_subprocess_exec(
            *child.words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(child.environ) | {"LC_ALL": "C"},
            start_new_session=True,
            limit=PIECE_BYTES,
        )
    except FileNotFoundError:
        package = _PACKAGES[child.program]
        raise StoreFailed(
            f"cannot {child.doing}: the program {child.program} is not installed", f"install the package {package}"
        ) from None
    except (OSError, ValueError) as error:
        raise StoreFailed(f"cannot run {child.program}: {safe(str(error), limit=200)}") from error


async def _feed(
    process: asyncio.subprocess.Process, stdin: asyncio.StreamWriter, content: AsyncIterator[bytes]
) -> bool:
    """Give it all the content; returns whether it took it.

    When the content fails the program is ended: closing its input would make it write a whole file of half of it.
    """
    whole = False
    try:
        async for piece in content:
            stdin.write(piece)
            await stdin.drain()
        stdin.close()
        await stdin.wait_closed()
        whole = True
    except (BrokenPipeError, ConnectionResetError):
        return False
    finally:
        if not whole and process.returncode is None:
            _kill(process)
    return True


async def _heard(stderr: asyncio.StreamReader) -> bytes:
    """The first of what it says; the rest is thrown away, or it would wait."""
    said = b""
    while piece := await stderr.read(_ERROR_BYTES):
        said = (said + piece)[:_ERROR_BYTES]
    return said


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _failure(child: _Child, complaint: bytes, status: int) -> StoreFailed:
    said = complaint.decode("utf-8", "replace")
    for pattern, what, hint in _FAILURES:
        if re.search(pattern, said, re.IGNORECASE):
            return StoreFailed(f"cannot {child.doing} with {child.program}: {what}", hint)
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    words = safe(b"; ".join(lines[:3]), limit=300) or f"it ended with status {status}"
    return StoreFailed(f"cannot {child.doing} with {child.program}: {words}")
