import pytest

from dfly_tui.clients.capabilities import Capabilities, probe, version_numbers
from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.models.instance import Flavour
from dfly_tui.settings import InstanceConfig
from tests.support.clock import FakeClock
from tests.support.golden import VERSIONS, exchanges
from tests.support.respd import Respd
from tests.support.secrets import Password


def dragonfly(version: str) -> Capabilities:
    return Capabilities(Flavour.DRAGONFLY, version_numbers(version), frozenset({"REPLTAKEOVER"}), True)


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_recorded_servers(version: str) -> None:
    info = exchanges(version, "INFO", "ALL", resp=2)[0].raw
    commands = next(each.raw for each in exchanges(version, "COMMAND", resp=3) if len(each.command) == 1)
    async with Respd({"INFO ALL": info, "ROLE": b"*0\r\n", "COMMAND": commands}) as server:
        config = InstanceConfig(name="one", url=server.url)
        reader = DragonflyReader(config, Password(), clock=FakeClock(), timeout_seconds=5)
        can = await probe(reader)
        await reader.aclose()
    new = version == "1.40.1"
    assert can.flavour is Flavour.DRAGONFLY
    assert can.version == version_numbers(version)
    assert can.resp3
    assert can.can("repltakeover")
    assert can.can("COPY") is new
    assert can.can("OBJECT") is False
    assert can.erases_before_dialling is not new
    assert can.info_many_sections is new
    assert can.scan_filters is new


@pytest.mark.parametrize(
    ("version", "erases", "many", "filters"),
    [
        ("1.27.4", True, False, False),
        ("1.28.0", False, False, False),
        ("1.31.0", False, False, True),
        ("1.35.1", False, False, True),
        ("1.36.0", False, True, True),
        ("", True, False, False),
        ("unknown-build", True, False, False),
    ],
)
def test_what_only_the_version_tells(version: str, erases: bool, many: bool, filters: bool) -> None:
    seen = dragonfly(version)
    assert (seen.erases_before_dialling, seen.info_many_sections, seen.scan_filters) == (erases, many, filters)


def test_redis_is_not_dragonfly() -> None:
    redis = Capabilities(Flavour.REDIS, (7, 0, 15), frozenset(), False)
    assert not redis.erases_before_dialling
    assert redis.info_many_sections
    assert not redis.scan_filters
    assert not Capabilities(Flavour.REDIS, (6, 2), frozenset(), False).info_many_sections


def test_versions() -> None:
    assert version_numbers("1.40.1") == (1, 40, 1)
    assert version_numbers("1.41.0-rc1") == (1, 41, 0)
    assert version_numbers("x") == ()
