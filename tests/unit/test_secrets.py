"""Where passwords come from, and that they stay there."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from dfly_tui.errors import ConfigError, SecretError
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import InstanceConfig
from tests.support.eventually import eventually

SECRET = "hunter2 “ü”"
ENVIRON = {"PATH": os.environ["PATH"], "NAS_PW": SECRET, "EMPTY": ""}


def source(*, timeout_seconds: float = 10.0, **keys: str | bool) -> PasswordSource:
    config = InstanceConfig.model_validate({"name": "nas", "url": "redis://nas", **keys})
    return PasswordSource(config, environ=ENVIRON, timeout_seconds=timeout_seconds)


def python(program: str) -> str:
    """A command line that runs a Python program."""
    return f"{sys.executable} -c '{program}'"


async def test_no_source_means_no_password() -> None:
    assert await source().get() is None


async def test_from_an_environment_variable() -> None:
    assert await source(password_env="NAS_PW").get() == SECRET


@pytest.mark.parametrize(("variable", "state"), [("UNSET", "is not set"), ("EMPTY", "is empty")])
async def test_a_variable_without_a_password_is_named(variable: str, state: str) -> None:
    with pytest.raises(SecretError, match=f"the environment variable {variable} {state}"):
        await source(password_env=variable).get()


async def test_from_a_command_which_gets_our_environment() -> None:
    command = python('import os; print(os.environ["NAS_PW"])')

    assert await source(password_command=command).get() == SECRET


async def test_a_command_is_no_shell() -> None:
    assert await source(password_command="echo $NAS_PW; echo 'a  b'").get() == "$NAS_PW; echo a  b"


async def test_only_one_line_end_is_taken_from_what_a_command_prints() -> None:
    assert await source(password_command="printf 'a b \\n\\n'").get() == "a b \n"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("no-such-program-at-all x", "cannot run the command no-such-program-at-all: No such file"),
        (
            python('import sys; sys.exit("\\n\\x1b[31mvault is locked\\nand more")'),
            "failed .exit code 1.: .x1b.31mvault is locked$",
        ),
        (python("import sys; sys.exit(3)"), "failed .exit code 3.$"),
        ("true", "gave nothing"),
        (python('import sys; sys.stdout.buffer.write(b"\\xff")'), "not UTF-8"),
    ],
    ids=["missing", "fails", "fails-silently", "prints-nothing", "prints-garbage"],
)
async def test_a_command_that_gives_no_password(command: str, complaint: str) -> None:
    with pytest.raises(SecretError, match=complaint) as caught:
        await source(password_command=command).get()

    assert "\x1b" not in str(caught.value)
    assert "and more" not in str(caught.value)


async def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = f"sh -c 'echo $$ > {pids}; sleep 60 & echo $! >> {pids}; wait'"

    with pytest.raises(SecretError, match=r"did not finish within 0\.3 s"):
        await source(timeout_seconds=0.3, password_command=command).get()

    async def gone() -> bool:
        return not any(alive(int(pid)) for pid in pids.read_text().split())

    await eventually(gone)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_a_command_cannot_read_from_our_terminal() -> None:
    assert await source(password_command=python('import sys; print("<" + sys.stdin.read() + ">")')).get() == "<>"


async def test_an_unbalanced_quote_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(ConfigError, match="password_command: no closing quotation"):
        await source(password_command="op 'read").get()


async def test_from_a_file_only_we_can_read(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_text(f"{SECRET}\n\n")
    file.chmod(0o600)

    assert await source(password_file=str(file)).get() == f"{SECRET}\n"

    file.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others") as caught:
        await source(password_file=str(file)).get()
    assert caught.value.hint == f"chmod 600 {file}"


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "not a regular file"),
        (lambda path: os.mkfifo(path, 0o600), "not a regular file"),
        (lambda path: path.touch(0o600), "gave nothing"),
    ],
    ids=["missing", "folder", "pipe", "empty"],
)
async def test_a_file_without_a_password(tmp_path: Path, make: object, complaint: str) -> None:
    assert callable(make)
    make(tmp_path / "pw")

    with pytest.raises(SecretError, match=complaint):
        await source(password_file=str(tmp_path / "pw")).get()


class Keyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def get_password(self, service: str, username: str) -> str | None:
        if service == "locked":
            raise KeyringLocked("locked \x1b[31m")
        return SECRET if (service, username) == ("dfly/nas", "default") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


@pytest.fixture
def memory_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("memory_keyring")
async def test_from_the_keyring() -> None:
    assert await source(password_keyring="dfly/nas/default").get() == SECRET
    with pytest.raises(SecretError, match="no entry dfly/other"):
        await source(password_keyring="dfly/other").get()
    with pytest.raises(SecretError, match=r"refused locked/x: locked \\x1b"):
        await source(password_keyring="locked/x").get()


async def test_a_keyring_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(SecretError) as caught:
        await source(password_keyring="dfly/nas").get()

    assert "dfly-tui[keyring]" in caught.value.hint


async def test_from_a_person() -> None:
    answers = iter([None, SECRET])

    async def ask(name: str) -> str | None:
        assert name == "nas"
        return next(answers)

    config = InstanceConfig(name="nas", url="redis://nas", password_prompt=True)
    prompt = PasswordSource(config, environ={}, ask=ask)

    with pytest.raises(SecretError, match="no password was given for nas"):
        await prompt.get()
    assert await prompt.get() == SECRET
    assert await prompt.get() == SECRET


async def test_with_nobody_to_ask_a_prompt_says_so() -> None:
    with pytest.raises(SecretError, match="no terminal to ask at"):
        await source(password_prompt=True).get()


def counting(tmp_path: Path, delay: float = 0.0) -> tuple[str, Path]:
    """A command that adds a line to a file each time it runs."""
    log = tmp_path / "runs"
    return f"sh -c 'echo run >> {log}; sleep {delay}; echo pw'", log


async def test_it_is_fetched_once_until_forgotten(tmp_path: Path) -> None:
    command, log = counting(tmp_path)
    password = source(password_command=command)

    assert await asyncio.gather(*(password.get() for _ in range(5))) == ["pw"] * 5
    assert await password.get() == "pw"
    assert log.read_text().count("run") == 1

    password.forget()
    assert await password.get() == "pw"
    assert log.read_text().count("run") == 2


async def test_a_caller_that_gives_up_does_not_stop_a_slow_command(tmp_path: Path) -> None:
    command, log = counting(tmp_path, delay=0.4)
    password = source(password_command=command)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(password.get(), 0.05)

    assert await password.get() == "pw"
    assert log.read_text().count("run") == 1


async def test_a_failure_is_not_kept() -> None:
    environ: dict[str, str] = {}
    config = InstanceConfig(name="nas", url="redis://nas", password_env="LATER")
    password = PasswordSource(config, environ=environ)

    with pytest.raises(SecretError):
        await password.get()
    environ["LATER"] = SECRET
    assert await password.get() == SECRET


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({}, "no password"),
        ({"password_env": "NAS_PW"}, "environment variable NAS_PW"),
        ({"password_command": "vault get --token hunter2"}, "command vault"),
        ({"password_file": "/etc/pw"}, "file /etc/pw"),
        ({"password_keyring": "dfly/nas"}, "keyring entry dfly/nas"),
        ({"password_prompt": True}, "prompt"),
    ],
)
def test_its_kind_is_told_and_nothing_secret(keys: dict[str, str | bool], kind: str) -> None:
    config = InstanceConfig.model_validate({"name": "nas", "url": "redis://nas", **keys})

    assert PasswordSource(config, environ=ENVIRON).kind == kind


async def test_neither_repr_nor_attributes_show_the_password() -> None:
    password = source(password_env="NAS_PW")
    await password.get()

    assert SECRET not in repr(password)
    assert SECRET not in repr({key: value for key, value in vars(password).items() if key != "_environ"})
