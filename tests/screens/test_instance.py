"""The detail of one instance: INFO explained, the configuration, the container and its log."""

from dfly_tui.errors import DockerFailed, NotPermitted
from dfly_tui.models.container import ContainerInfo, Mount
from tests.screens.conftest import SnapCompare, story
from tests.screens.stage import Stage, down, screen_text, seconds
from tests.support.clock import START

CONTAINER = ContainerInfo(
    name="dragonfly",
    id="0123456789ab",
    image="docker.dragonflydb.io/dragonflydb/dragonfly:v1.40.1",
    state="running",
    health="healthy",
    restart_policy="unless-stopped",
    restarts=2,
    exit_code=0,
    started_at=START,
    memory_limit_bytes=8 << 30,
    network_mode="host",
    command=("dragonfly", "--logtostderr", "--requirepass=••••••"),
    mounts=(Mount(kind="bind", source="/srv/dragonfly", target="/data", writable=True),),
    log=("I1123 04:09:51 init.cc:144] dragonfly running in opt mode.", "I1123 04:09:52 Listening"),
)


def test_info(snap_compare: SnapCompare, pair: Stage) -> None:
    assert snap_compare(pair.app(), terminal_size=(120, 40), run_before=story(pair, "enter"))


def test_info_narrow(snap_compare: SnapCompare, pair: Stage) -> None:
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, "enter"))


def test_configuration(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.actors["workhorse"].settings = {
        "maxmemory": "1073741824",
        "dir": "/data",
        "requirepass": "••••••",
        "snapshot_cron": "0 2 * * *",
        "tls": "false",
    }
    assert snap_compare(pair.app(), terminal_size=(120, 40), run_before=story(pair, "enter", "tab"))


def test_container(snap_compare: SnapCompare, stage: Stage) -> None:
    stage.add("workhorse", docker={"container": "dragonfly"}).container_info = CONTAINER
    assert snap_compare(stage.app(), terminal_size=(120, 40), run_before=story(stage, "enter", "tab", "tab"))


async def test_fields_are_found_by_name_value_and_explanation(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("enter", "slash", *"connected_cl", "enter")
        await seconds(pair, pilot, 1)
        text = screen_text(app)
        assert "connected_clients" in text
        assert "used_memory" not in text
        await pilot.press("escape")
        await seconds(pair, pilot, 1)
        assert "dragonfly_version" in screen_text(app)


async def test_a_filter_that_matches_no_field_says_so(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("enter", "slash", *"zzz", "enter")
        await seconds(pair, pilot, 1)
        assert "no field has “zzz”" in screen_text(app)


async def test_the_cursor_begins_on_a_field_and_explains_it(pair: Stage) -> None:
    pair.actors["workhorse"].settings = {"maxmemory": "1073741824", "dir": "/data", "unheard-of": "1"}
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("enter")
        await seconds(pair, pilot, 1)
        assert "redis_version = " in screen_text(app)
        assert "Server" in screen_text(app)
        await pilot.press("end", "tab")
        await seconds(pair, pilot, 1)
        assert "dir = /data" in screen_text(app)
        assert "Differs from the default" in screen_text(app)


async def test_settings_that_differ_from_the_default_come_first(pair: Stage) -> None:
    pair.actors["workhorse"].settings = {"unheard-of": "1", "tls": "false", "dir": "/data", "maxclients": "64000"}
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("enter", "tab")
        await seconds(pair, pilot, 1)
        text = screen_text(app)
        order = ["Differs from the default", "/data", "As by default", "maxclients", "tls", "not known", "unheard-of"]
        assert sorted(order, key=text.index) == order


async def test_a_configuration_that_may_not_be_read_says_why(pair: Stage) -> None:
    pair.actors["workhorse"].settings = NotPermitted("NOPERM CONFIG", "ask for +config|get")
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("enter", "tab")
        await seconds(pair, pilot, 1)
        assert "NOPERM CONFIG" in screen_text(app)
        assert "ask for +config|get" in screen_text(app)


async def test_r_reads_the_configuration_again(pair: Stage) -> None:
    pair.actors["workhorse"].settings = {"maxclients": "64000"}
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("enter", "tab")
        await seconds(pair, pilot, 1)
        assert "64000" in screen_text(app)
        pair.actors["workhorse"].settings = {"maxclients": "12345"}
        await seconds(pair, pilot, 5)
        assert "64000" in screen_text(app)
        await pilot.press("r")
        await seconds(pair, pilot, 1)
        assert "12345" in screen_text(app)


async def test_a_configuration_is_read_when_the_server_is_back(pair: Stage) -> None:
    actor = pair.actors["workhorse"]
    actor.settings = down()
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("enter", "tab")
        await pilot.pause()
        assert "connection refused by 10.0.0.1:6379" in screen_text(app)
        actor.settings = {"maxclients": "12345"}
        await seconds(pair, pilot, 2)
        assert "12345" in screen_text(app)


async def test_docker_that_is_absent_says_so_and_the_rest_works(stage: Stage) -> None:
    actor = stage.add("workhorse", docker={"container": "dragonfly"})
    actor.container_info = DockerFailed("no socket at /var/run/docker.sock", "is Docker installed?")
    app = stage.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(stage, pilot, 2)
        assert "no socket at /var/run/docker.sock" in screen_text(app)
        assert "● fresh" in screen_text(app)
        await pilot.press("enter", "tab", "tab")
        await seconds(stage, pilot, 1)
        assert "is Docker installed?" in screen_text(app)


async def test_a_dead_instance_opens_with_the_reason(pair: Stage) -> None:
    pair.actors["workhorse"].error = down()
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 5)
        await pilot.press("home", "enter")
        await seconds(pair, pilot, 1)
        assert "connection refused by 10.0.0.1:6379" in screen_text(app)
