"""The document of `status --json` and its JSON schema (docs/status.schema.json). Names are binding; null: unknown."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dfly_tui.models.health import InstanceStatus, State
from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.reading import Freshness
from dfly_tui.models.replication import LinkState, Role
from dfly_tui.settings import Environment


class _Part(BaseModel):
    # The schema allows more keys than there are now: one that is added later must not make old readers fail.
    model_config = ConfigDict(frozen=True)


class ReasonReport(_Part):
    """One thing that is wrong."""

    code: str = Field(description="A stable word for scripts.")
    text: str
    advice: str = Field(description="What to do about it; may be empty.")


class ReplicationReport(_Part):
    """A replica's link to its primary; on a primary, the state of its replicas."""

    state: LinkState | None = Field(
        description="Stage of the link; on a primary that of its least advanced replica, null without replicas."
    )
    lag_records: int | None = Field(
        description="On a primary: journal records its slowest replica in stable sync has not acknowledged."
    )
    lag_seconds: float | None = Field(description="The same in time, where it could be estimated.")
    link_up: bool | None = Field(description="On a replica: the connection to the primary stands (not: is in sync).")
    primary: str | None = Field(description="On a replica: host:port of its primary.")


class ContainerReport(_Part):
    """What Docker says of the container."""

    state: str
    restart_policy: str
    restarts: int


class InstanceReport(_Part):
    """One instance. Numbers are null when it could not be read."""

    name: str
    group: str | None
    environment: Environment
    state: State
    reasons: tuple[ReasonReport, ...] = Field(description="Worst first; empty when all is well.")
    freshness: Freshness
    role: Role | None
    intended_role: Literal["primary", "replica"] | None
    version: str | None
    flavour: Flavour | None
    simulated: bool | None = Field(description="True for the embedded look-alike server.")
    uptime_seconds: int | None
    loading: bool | None
    keys: int | None
    used_memory_bytes: int | None
    max_memory_bytes: int | None
    ops_per_second: float | None
    hit_rate: float | None = Field(description="Hits among all look-ups since the server started, 0 to 1.")
    connected_clients: int | None
    replication: ReplicationReport | None
    last_snapshot_at: datetime | None
    container: ContainerReport | None


class StatusReport(_Part):
    """All of `dfly-tui status --json`. `schema` grows when a name changes its meaning or goes away."""

    schema_version: Literal[1] = Field(1, alias="schema")
    taken_at: datetime
    instances: tuple[InstanceReport, ...] = Field(description="Problems first.")


def json_schema() -> str:
    """The schema of the document, the text of docs/status.schema.json."""
    schema = StatusReport.model_json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2)


def status_report(statuses: Iterable[InstanceStatus], taken_at: datetime) -> StatusReport:
    """The document for a fleet as it was seen at `taken_at`."""
    return StatusReport(taken_at=taken_at, instances=tuple(map(_instance, statuses)))


def _instance(status: InstanceStatus) -> InstanceReport:
    seen, container = status.snapshot, status.container
    return InstanceReport(
        name=status.name,
        group=status.config.group,
        environment=status.config.environment,
        state=status.state,
        reasons=tuple(ReasonReport(code=why.code, text=why.text, advice=why.advice) for why in status.reasons),
        freshness=status.freshness,
        role=seen.role if seen else None,
        intended_role=status.config.role,
        version=seen.version if seen else None,
        flavour=seen.flavour if seen else None,
        simulated=seen.simulated if seen else None,
        uptime_seconds=seen.uptime_seconds if seen else None,
        loading=seen.persistence.loading if seen else None,
        keys=seen.keys if seen else None,
        used_memory_bytes=seen.used_memory_bytes if seen else None,
        max_memory_bytes=seen.max_memory_bytes if seen else None,
        ops_per_second=seen.ops_per_second if seen else None,
        hit_rate=seen.hit_rate if seen else None,
        connected_clients=seen.connected_clients if seen else None,
        replication=_replication(status, seen) if seen else None,
        last_snapshot_at=seen.persistence.last_snapshot_at if seen else None,
        container=ContainerReport(
            state=container.state, restart_policy=container.restart_policy, restarts=container.restarts
        )
        if container
        else None,
    )


def _replication(status: InstanceStatus, seen: InstanceSnapshot) -> ReplicationReport:
    link = seen.replication.primary
    return ReplicationReport(
        state=link.state if link else least_advanced(seen),
        lag_records=status.lag_records,
        lag_seconds=status.observation.lag_seconds,
        link_up=link.up if link else None,
        primary=f"{link.host}:{link.port or '?'}" if link else None,
    )


_PROGRESS = (
    LinkState.CANCELLED,
    LinkState.DOWN,
    LinkState.UNKNOWN,
    LinkState.CONNECTING,
    LinkState.PREPARATION,
    LinkState.FULL_SYNC,
    LinkState.STABLE,
)


def least_advanced(seen: InstanceSnapshot) -> LinkState | None:
    """The state of the replica that is furthest from being in sync; None without replicas."""
    return min((replica.state for replica in seen.replication.replicas), key=_PROGRESS.index, default=None)
