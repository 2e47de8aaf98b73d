"""Made-up instances for tests of what shows them."""

from datetime import UTC, datetime, timedelta

from dfly_tui.errors import Unreachable
from dfly_tui.models.health import InstanceStatus, Observation, assess
from dfly_tui.models.info import Info
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.reading import Reading
from dfly_tui.settings import Environment, InstanceConfig, Thresholds

WALL = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOW = 1000.0
GIB = 1 << 30


def info_text(
    *,
    role: str = "master",
    version: str = "df-v1.40.1",
    keys: int = 1234,
    ops: int = 4321,
    used: int = 4 * GIB,
    limit: int = 16 * GIB,
    snapshot_hours: float = 2,
    extra: str = "",
) -> str:
    """An INFO reply of a Dragonfly with these numbers."""
    saved = int((WALL - timedelta(hours=snapshot_hours)).timestamp())
    link = "master_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:up\r\nslave_repl_offset:7\r\n"
    return (
        f"# Server\r\ndragonfly_version:{version}\r\nuptime_in_seconds:100000\r\ntcp_port:6379\r\n"
        f"# Clients\r\nconnected_clients:17\r\nmax_clients:64000\r\n"
        f"# Memory\r\nused_memory:{used}\r\nmaxmemory:{limit}\r\n"
        f"# Stats\r\ninstantaneous_ops_per_sec:{ops}\r\nkeyspace_hits:992\r\nkeyspace_misses:8\r\n"
        f"# Persistence\r\nloading:0\r\nsaving:0\r\nlast_success_save:{saved}\r\nlast_saved_file:/data/dump.dfs\r\n"
        f"# Replication\r\nrole:{role}\r\n{link if role != 'master' else ''}{extra}"
        f"# Keyspace\r\ndb0:keys={keys},expires=0,avg_ttl=0\r\n"
    )


def observed(
    name: str,
    text: str | bytes | None = None,
    *,
    role: str | None = None,
    environment: Environment = Environment.LAB,
    age: float = 0.2,
    failures: int = 0,
) -> Observation:
    """An instance as last read `age` seconds ago, `failures` attempts having failed since."""
    info = Info.parse(info_text() if text is None else text)
    config = InstanceConfig(
        name=name,
        url="redis://10.0.0.1:6379",
        environment=environment,
        role=role,
    )
    reading = Reading[InstanceSnapshot](
        seq=9,
        value=InstanceSnapshot.from_info(info, taken_at=WALL),
        value_at=NOW - age,
        error=Unreachable("connection refused", "start it") if failures else None,
        failures=failures,
    )
    return Observation(config=config, status=reading)


def judged(*observations: Observation, now: float = NOW) -> tuple[InstanceStatus, ...]:
    """The verdicts, worst first."""
    return assess(observations, Thresholds(), now=now, wall=WALL)
