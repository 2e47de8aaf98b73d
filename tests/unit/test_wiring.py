"""Everything real put together, against a server that asks for a password nobody configured."""

from pathlib import Path

import pytest

from dfly_tui.clock import SystemClock
from dfly_tui.errors import AuthFailed, SecretError
from dfly_tui.paths import Paths
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.wiring import build_services
from screens.services import Services
from tests.support.eventually import eventually
from tests.support.respd import Respd, bulk

REFUSED = b"-NOAUTH HELLO must be called with the client already authenticated\r\n"
WRONG = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
HELLO = b"%1\r\n$5\r\nproto\r\n:3\r\n"
SCRIPT = {
    "HELLO 3": REFUSED,
    "AUTH": WRONG,
    "HELLO 3 AUTH DEFAULT RIGHT": HELLO,
    "HELLO 3 AUTH DEFAULT WRONG": WRONG,
    "INFO": bulk("# Server\r\ndragonfly_version:df-v1.40.1\r\n"),
    "ROLE": b"*2\r\n$6\r\nmaster\r\n*0\r\n",
}


def services(url: str, folder: Path, typed: list[str | None], questions: list[str]) -> Services:
    """Services for one instance; `typed` is what the person answers, one by one."""

    async def ask(name: str) -> str | None:
        questions.append(name)
        return typed.pop(0)

    settings = Settings(instances=(InstanceConfig(name="nas", url=url),))
    paths = Paths(folder / "config", folder / "state")
    return build_services(settings, paths, {}, SystemClock(), ask)


async def test_the_person_is_asked_once_the_server_refuses_and_again_after_a_wrong_password(tmp_path: Path) -> None:
    questions: list[str] = []
    async with Respd(SCRIPT) as server:
        built = services(server.url, tmp_path, ["wrong", "right"], questions)
        reader = built.hub["nas"].clients.reader
        with pytest.raises(AuthFailed):
            await reader.snapshot()
        assert questions == []
        with pytest.raises(AuthFailed):
            await reader.snapshot()
        assert (await reader.snapshot()).version == "1.40.1"
        assert questions == ["nas", "nas"]
        await built.hub.aclose()


async def test_who_gives_no_password_is_asked_again_only_after_a_refresh(tmp_path: Path) -> None:
    questions: list[str] = []
    async with Respd(SCRIPT) as server:
        built = services(server.url, tmp_path, [None, "right"], questions)
        status = built.hub["nas"].status
        leave = status.subscribe(lambda _: None)

        async def given_up() -> bool:
            return isinstance(status.reading.error, SecretError) and status.reading.failures >= 3

        async def read() -> bool:
            return status.reading.value is not None

        status.set_interval(0.01)
        await eventually(given_up)
        assert questions == ["nas"]
        built.ask_again()
        status.refresh_now()
        await eventually(read)
        assert questions == ["nas", "nas"]
        leave()
        await built.hub.aclose()


async def test_a_wrong_password_is_asked_for_again_at_once(tmp_path: Path) -> None:
    questions: list[str] = []
    async with Respd(SCRIPT) as server:
        built = services(server.url, tmp_path, ["wrong", "right"], questions)
        status = built.hub["nas"].status
        status.set_interval(3600)
        leave = status.subscribe(lambda _: None)

        async def refused() -> bool:
            return status.reading.failures >= 1

        async def read() -> bool:
            return status.reading.value is not None

        await eventually(refused)
        status.refresh_now()
        await eventually(read)
        assert questions == ["nas", "nas"], "nobody waited an hour for the second question"
        leave()
        await built.hub.aclose()


async def test_the_connect_screen_tries_the_password_that_was_typed(tmp_path: Path) -> None:
    async with Respd(SCRIPT) as server:
        built = services(server.url, tmp_path, [], [])
        config = InstanceConfig(name="new", url=server.url)
        await built.attempt(config, "right")
        with pytest.raises(AuthFailed):
            await built.attempt(config, "wrong")
        await built.hub.aclose()
