"""Commands of the user's own that run beside a change of roles: to move an alias, rewrite an `.env`, restart an app."""

import asyncio
import os
import shlex
import signal
from collections.abc import Mapping
from contextlib import suppress

from dfly_tui.errors import ConfigError, OutcomeUnknown, ServerError
from dfly_tui.text import safe

OUTPUT_BYTES = 4096


class HookFailed(ServerError):
    """A hook ended with another code than 0."""

    code, title = "hook", "The hook failed"


async def run_hook(command: str, facts: Mapping[str, str], environ: Mapping[str, str], *, seconds: float) -> str:
    """Run a hook, without a shell, with the facts added to its environment.

    Args:
        command: Split as a shell would.
        facts: `DFLY_…` variables; never a secret.
        seconds: How long it may take; then it is killed.

    Returns:
        What it wrote last, in one line.

    Raises:
        HookFailed: It could not be started, or ended with another code than 0.
        OutcomeUnknown: It was killed for taking too long; what it did by then is not known.
        ConfigError: The command cannot be split.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"the hook {safe(command)} cannot be read: {error}") from None
    if not words:
        raise ConfigError("the hook is empty", "name a command, or leave the setting out")
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**environ, **facts},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise HookFailed(f"{safe(command)} could not be started: {safe(str(error))}", "") from None
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        raise OutcomeUnknown(f"{safe(command)} was killed after {seconds:.0f} s", "look what it did by then") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # it leads a group of its own: what it started ends, too
            await process.wait()
    last = safe(output[-OUTPUT_BYTES:].strip().rpartition(b"\n")[2], limit=200)
    if process.returncode:
        raise HookFailed(f"{safe(command)} ended with code {process.returncode}: {last}", "")
    return last or "ended with code 0"
