"""The wizard on running servers: from the keys to what the servers received."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dfly_tui.app import DflyApp
from dfly_tui.clock import SystemClock
from dfly_tui.paths import Paths
from dfly_tui.settings import Settings
from dfly_tui.wiring import build_services
from screens.failover import FailoverScreen
from screens.failover_question import QuestionDialog
from screens.walk_phase import Phase
from tests.screens.stage import screen_text
from tests.support.eventually import eventually
from tests.support.group import FAST, GROUP, Group, group
from tests.support.lab import in_sync

CHANGING = ("REPLTAKEOVER", "REPLICAOF", "SLAVEOF", "CONFIG SET", "SAVE", "BGSAVE", "CLIENT PAUSE", "SET", "DEL")


def changes(servers: Group) -> list[tuple[str, ...]]:
    """Every command that changes something, as the servers received them."""
    return [words for proxy in servers.proxies.values() for begin in CHANGING for words in proxy.sent(*begin.split())]


def dashboard(servers: Group, folder: Path) -> DflyApp:
    """The whole program on these servers."""
    configs = tuple(config.model_copy(update={"password_env": "LAB_PASSWORD"}) for config in servers.configs)
    settings = Settings(instances=configs, failover=FAST)
    environ = {"LAB_PASSWORD": servers.password or ""}
    paths = Paths(folder / "config", folder / "state")
    return DflyApp(lambda ask: build_services(settings, paths, environ, SystemClock(), ask))


async def until(pilot: Pilot[int], reached: Callable[[], bool]) -> None:
    """Wait for the wizard to get somewhere."""

    async def check() -> bool:
        await pilot.pause()
        return reached()

    await eventually(check)


async def walked(pilot: Pilot[int], screen: FailoverScreen, servers: Group) -> None:
    """From the plan to the end of the run, by the keyboard alone."""
    before = len(changes(servers))
    await until(pilot, lambda: screen.state.phase is Phase.PLANNED)
    assert screen.state.plan is not None
    await pilot.press("enter")
    await until(pilot, lambda: screen.state.phase is Phase.HELD)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, QuestionDialog))
    new = screen.state.plan.facts["new"]
    await pilot.press(*new, "enter")
    assert len(changes(servers)) == before, "nothing was changed before the yes"
    await pilot.press("enter")
    await until(pilot, lambda: screen.state.phase is Phase.ENDED)
    screen.repaint()
    await pilot.pause()


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
async def test_switchover_and_swap_back(flavour: str, tmp_path: Path) -> None:
    async with group(2, restarts=True, flavour=flavour) as servers:
        app = dashboard(servers, tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            screen = FailoverScreen(app.services, GROUP)
            await app.push_screen(screen)
            await walked(pilot, screen, servers)
            assert "✔ Done: beta takes over from alpha." in screen_text(app)
            assert await servers.leaders() == ["beta"]
            assert len(servers.proxies["beta"].sent("REPLTAKEOVER")) == 1
            await eventually(lambda: in_sync(servers.servers["alpha"]))

            await pilot.press("b")
            await until(pilot, lambda: screen.state.phase is Phase.PLANNED)
            await walked(pilot, screen, servers)
            assert "✔ Done: alpha takes over from beta." in screen_text(app)
            assert await servers.leaders() == ["alpha"]


async def test_declined_at_the_last_moment_changes_nothing(tmp_path: Path) -> None:
    async with group() as servers:
        app = dashboard(servers, tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            screen = FailoverScreen(app.services, GROUP)
            await app.push_screen(screen)
            await until(pilot, lambda: screen.state.phase is Phase.PLANNED)
            await pilot.press("enter")
            await until(pilot, lambda: screen.state.phase is Phase.HELD)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, QuestionDialog))
            await pilot.press(*"beta", "enter", "left", "enter")
            await until(pilot, lambda: screen.state.phase is Phase.ENDED)
            assert "Given up. Nothing was changed." in screen_text(app)
            assert changes(servers) == []
            assert await servers.leaders() == ["alpha"]
