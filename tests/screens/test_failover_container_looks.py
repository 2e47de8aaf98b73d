"""What the failover wizard looks like for a group whose instances run in containers."""

import pytest

from dfly_tui.errors import Unreachable
from dfly_tui.models.container import ContainerInfo, Mount
from dfly_tui.settings import DockerConfig
from tests.screens.conftest import SnapCompare
from tests.screens.failover_stage import Troupe, at_plan, checked, gone
from tests.screens.stage import Stage

NARROW, WIDE = (80, 24), (120, 40)
EVIDENCE = ("up", "up")
"""From the finding that the wizard shows to the one that says how it is known that the primary is gone."""
NO_DOCKER = Unreachable("no answer from unix:///var/run/docker.sock", "is Docker running? may this user ask it?")


@pytest.fixture
def troupe(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Troupe:
    return Troupe(stage, monkeypatch)


def contained(troupe: Troupe, *names: str, state: str = "running") -> None:
    """Put instances into containers as docker compose makes them."""
    for name in names:
        actor = troupe.stage.actors[name]
        actor.config = actor.config.model_copy(update={"docker": DockerConfig(container=f"dragonfly-{name}")})
        actor.container_info = ContainerInfo(
            name=f"dragonfly-{name}",
            id="4f1c" * 3,
            image="docker.dragonflydb.io/dragonflydb/dragonfly:v1.40.1",
            state=state,
            restart_policy="unless-stopped",
            restarts=0,
            exit_code=None if state == "running" else 137,
            network_mode="compose_default",
            compose_files=("/srv/dragonfly/docker-compose.yml",),
            command=("dragonfly", "--dir=/data", "--requirepass=***"),
            mounts=(Mount(kind="volume", source=f"{name}-data", target="/data", writable=True),),
        )


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_plan_fences_and_makes_the_container_again(
    snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]
) -> None:
    troupe.cast("alpha", "beta")
    contained(troupe, "alpha", "beta")
    assert snap_compare(troupe.app(), terminal_size=size, run_before=at_plan(troupe))


@pytest.mark.parametrize("downs", [6, 11], ids=["fence", "recreate"])
def test_commands_of_a_step(snap_compare: SnapCompare, troupe: Troupe, downs: int) -> None:
    troupe.cast("alpha", "beta")
    contained(troupe, "alpha", "beta")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=at_plan(troupe, *["down"] * downs))


def test_checks(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    contained(troupe, "alpha", "beta")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=checked(troupe))


def test_question(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    contained(troupe, "alpha", "beta")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=checked(troupe, "enter"))


@pytest.mark.parametrize("state", ["running", "exited"])
def test_emergency_with_docker(snap_compare: SnapCompare, troupe: Troupe, state: str) -> None:
    gone(troupe)
    contained(troupe, "beta", "gamma")
    contained(troupe, "alpha", state=state)
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=checked(troupe, *EVIDENCE))


def test_emergency_with_docker_question(snap_compare: SnapCompare, troupe: Troupe) -> None:
    gone(troupe)
    contained(troupe, "alpha", "beta", "gamma")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=checked(troupe, "enter"))


def test_emergency_without_docker(snap_compare: SnapCompare, troupe: Troupe) -> None:
    gone(troupe)
    contained(troupe, "alpha", "beta", "gamma")
    troupe.stage.actors["alpha"].container_info = NO_DOCKER
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=checked(troupe, *EVIDENCE))


def test_emergency_without_docker_question(snap_compare: SnapCompare, troupe: Troupe) -> None:
    gone(troupe)
    contained(troupe, "alpha", "beta", "gamma")
    troupe.stage.actors["alpha"].container_info = NO_DOCKER
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=checked(troupe, "enter"))
