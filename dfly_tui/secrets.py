"""Where passwords come from: an environment variable, a command, a file, the keyring, or a person.

A password is held as a `SecretStr` and leaves only through `get()`; none is ever written, logged or shown.
"""

import asyncio
import os
import shlex
import signal
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from pydantic import SecretStr

from dfly_tui.errors import ConfigError, SecretError
from dfly_tui.settings import InstanceConfig
from dfly_tui.settings_backup import StoreConfig
from dfly_tui.text import safe

Ask: TypeAlias = Callable[[str], Awaitable[str | None]]
"""Asks a person for the password of the instance or store of that name; None while there is no answer."""

COMMAND_TIMEOUT_SECONDS = 30.0
_FILE_LIMIT = 64 * 1024


class PasswordSource:
    """The password of one instance, or one store's secret key, fetched when first needed and kept until `forget()`.

    Args:
        config: Says where it is.
        environ: Where a `password_env` is looked up, and what a `password_command` gets as its environment.
        ask: Asks the person at the terminal; None when there is nobody.
        timeout_seconds: How long a `password_command` may take.
    """

    def __init__(
        self,
        config: InstanceConfig | StoreConfig,
        *,
        environ: Mapping[str, str],
        ask: Ask | None = None,
        timeout_seconds: float = COMMAND_TIMEOUT_SECONDS,
    ) -> None:
        self._config = config
        self._environ = environ
        self._ask = ask
        self._timeout_seconds = timeout_seconds
        self._known: SecretStr | None = None
        self._fetching: asyncio.Task[str | None] | None = None

    def __repr__(self) -> str:
        return f"PasswordSource({self._config.name!r}, {self.kind!r})"

    @property
    def kind(self) -> str:
        """Where it comes from, in words for a person. Of a command only the program: arguments may be secret."""
        config = self._config
        if config.password_env is not None:
            return f"environment variable {safe(config.password_env)}"
        if config.password_command is not None:
            return f"command {safe(_words(config.password_command)[0])}"
        if config.password_file is not None:
            return f"file {safe(config.password_file)}"
        if config.password_keyring is not None:
            return f"keyring entry {safe(config.password_keyring)}"
        return "prompt" if config.password_prompt else "no password"

    async def get(self) -> str | None:
        """The password; None when none is configured.

        Callers at the same time wait for one fetch, and one that gives up does not end it: a poll's timeout is shorter
        than a command that unlocks a vault, and the next poll then finds the answer.

        Raises:
            SecretError: It could not be had; the detail names the source and never holds its content.
            ConfigError: The source itself is wrong, such as a file that others can read.
        """
        if self._known is not None:
            return self._known.get_secret_value()
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(), name=f"password of {self._config.name}")
        fetching = self._fetching
        try:
            password = await asyncio.shield(fetching)
        finally:
            if fetching.done() and self._fetching is fetching:
                self._fetching = None
        if password is not None:
            self._known = SecretStr(password)
        return password

    def forget(self) -> None:
        """Fetch it anew next time: the server refused it, it may have been changed."""
        self._known = None

    async def _fetch(self) -> str | None:
        config = self._config
        if config.password_env is not None:
            return self._from_environment(config.password_env)
        if config.password_command is not None:
            return await self._from_command(config.password_command)
        if config.password_file is not None:
            return await asyncio.to_thread(_from_file, Path(config.password_file))
        if config.password_keyring is not None:
            return await asyncio.to_thread(_from_keyring, config.password_keyring)
        return await self._from_person() if config.password_prompt else None

    def _from_environment(self, variable: str) -> str:
        password = self._environ.get(variable)
        if not password:
            state = "is not set" if password is None else "is empty"
            raise SecretError(f"the environment variable {safe(variable)} {state}", f"export {safe(variable)}=…")
        return password

    async def _from_person(self) -> str:
        if self._ask is None:
            raise SecretError(
                f"{safe(self._config.name)} asks for its password, and there is no terminal to ask at",
                "use password_env, password_command, password_file or password_keyring for commands that run alone",
            )
        answer = await self._ask(self._config.name)
        if answer is None:
            raise SecretError(f"no password was given for {safe(self._config.name)}")
        return answer

    async def _from_command(self, command: str) -> str:
        words = _words(command)
        try:
            # Its own session: without our terminal it cannot ask over a running screen, and is killed whole.
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=dict(self._environ),
                start_new_session=True,
            )
        except OSError as error:
            raise SecretError(f"cannot run the command {safe(words[0])}: {error.strerror}") from None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                output, errors = await process.communicate()
        except TimeoutError:
            raise SecretError(
                f"the command {safe(words[0])} did not finish within {self._timeout_seconds:g} s",
                "it cannot ask questions here: unlock or sign in to it first",
            ) from None
        finally:
            if process.returncode is None:
                await _kill(process)
        return _output(safe(words[0]), process.returncode or 0, output, errors)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _output(program: str, status: int, output: bytes, errors: bytes) -> str:
    if status != 0:
        complaint = next((line for line in errors.splitlines() if line.strip()), b"")
        raise SecretError(
            f"the command {program} failed (exit code {status})"
            + (f": {safe(complaint.strip(), limit=200)}" if complaint else "")
        )
    return _one_line(output, f"the command {program}")


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"password_command: {str(error).lower()}") from None
    if not words:
        raise ConfigError("password_command is empty")
    return words


def _from_file(path: Path) -> str:
    """Read a password file that only its owner can read. What was checked is what is read: one open file."""
    name = safe(str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SecretError(f"password file {name}: {error.strerror}") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise SecretError(f"password file {name}: not a regular file")
        if mode & 0o077:
            raise ConfigError(f"password file {name} can be read by others", f"chmod 600 {name}")
        return _one_line(os.read(descriptor, _FILE_LIMIT), f"the password file {name}")
    finally:
        os.close(descriptor)


def _from_keyring(entry: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise SecretError("the keyring needs an extra package", "pip install 'dfly-tui[keyring]'") from None
    service, _, user = entry.rpartition("/")
    try:
        password = keyring.get_password(service, user)
    except KeyringError as error:
        raise SecretError(f"the keyring refused {safe(entry)}: {safe(str(error), limit=200)}") from None
    if not password:
        raise SecretError(f"the keyring has no entry {safe(entry)}", f"keyring set {safe(service)} {safe(user)}")
    return password


def _one_line(raw: bytes, where: str) -> str:
    """The password in what a command printed or a file holds: all but the line end."""
    try:
        password = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError(f"{where} gave something that is not UTF-8 text") from None
    if not password:
        raise SecretError(f"{where} gave nothing")
    return password
