"""The document of `status --json`: binding names, and a schema that tells them."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dfly_tui.cli.report import json_schema, status_report
from dfly_tui.errors import Unreachable
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.health import Observation, assess
from dfly_tui.models.reading import Reading
from dfly_tui.settings import Thresholds
from tests.support.clock import START
from tests.support.fakes import NOW, config, container_info, observation, snapshot

SCHEMA = Path(__file__).parents[2] / "docs" / "status.schema.json"

CONTRACT = {
    "name", "group", "state", "reasons", "freshness", "role", "intended_role", "version", "flavour", "uptime_seconds",
    "loading", "keys", "used_memory_bytes", "max_memory_bytes", "ops_per_second", "hit_rate", "connected_clients",
    "replication", "last_snapshot_at", "container",
}  # fmt: skip


def document(*observations: Observation) -> dict[str, Any]:
    """What is printed for these, read back."""
    statuses = assess(observations, Thresholds(), now=NOW, wall=START)
    text = status_report(statuses, START).model_dump_json(by_alias=True)
    printed: dict[str, Any] = json.loads(text)
    return printed


def primary() -> Observation:
    container = Reading[ContainerInfo](seq=1, value=container_info(restarts=3), value_at=NOW)
    return observation(
        snapshot(last_success_save=int((START - timedelta(hours=3)).timestamp()), last_saved_file="/d/x-summary.dfs"),
        configured=config("nas “1”", group="main", role="primary", environment="production"),
        container=container,
        lag_seconds=0.5,
    )


def lost() -> Observation:
    return observation(error=Unreachable("refused", "start it"), configured=config("gone", role="replica"))


RECORDINGS = ["v1.22.2-primary", "v1.22.2-replica", "v1.40.1-primary", "v1.40.1-replica", "redis-7.0-primary"]


@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_document_fits_the_published_schema(recording: str) -> None:
    schema = json.loads(SCHEMA.read_text())
    printed = document(observation(snapshot(recording)), primary(), lost())

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(printed, schema)
    for instance in printed["instances"]:
        assert instance.keys() >= CONTRACT
    assert printed["schema"] == 1
    assert printed["taken_at"] == "2026-01-02T03:04:05Z"


def test_the_published_schema_is_that_of_the_code() -> None:
    remedy = 'python -c "from dfly_tui.cli.report import json_schema; print(json_schema())" > docs/status.schema.json'

    assert json.loads(SCHEMA.read_text()) == json.loads(json_schema()), remedy


def test_a_primary_with_everything_known() -> None:
    (instance,) = document(primary())["instances"]

    assert instance["name"] == "nas “1”"
    assert (instance["role"], instance["intended_role"], instance["environment"]) == (
        "primary",
        "primary",
        "production",
    )
    assert (instance["version"], instance["flavour"], instance["freshness"]) == ("1.40.1", "dragonfly", "fresh")
    assert instance["last_snapshot_at"] == "2026-01-02T00:04:05Z"
    assert instance["container"] == {"state": "running", "restart_policy": "unless-stopped", "restarts": 3}
    assert instance["replication"]["lag_seconds"] == 0.5


def test_a_replica_names_its_primary_and_the_state_of_its_link() -> None:
    seen = snapshot("v1.40.1-replica", master_host="10.0.0.9", master_port=7000, master_link_status="down")

    (instance,) = document(observation(seen))["instances"]

    assert instance["role"] == "replica"
    assert instance["replication"] == {
        "state": "down",
        "lag_records": None,
        "lag_seconds": None,
        "link_up": False,
        "primary": "10.0.0.9:7000",
    }
    assert [reason["code"] for reason in instance["reasons"]][:1] == ["link-down"]


def test_a_primary_tells_its_least_advanced_replica() -> None:
    replicas = {
        "slave0": "ip=10.0.0.2,port=6379,state=online,lag=7",
        "slave1": "ip=10.0.0.3,port=6379,state=full_sync,lag=0",
    }

    (instance,) = document(observation(snapshot("v1.40.1-primary", **replicas)))["instances"]

    assert (instance["replication"]["state"], instance["replication"]["lag_records"]) == ("full sync", 7)


def test_what_could_not_be_read_is_null_and_comes_first() -> None:
    first, second = document(primary(), lost())["instances"]

    assert (first["name"], second["name"]) == ("gone", "nas “1”")
    assert (first["state"], first["freshness"], first["intended_role"]) == ("critical", "lost", "replica")
    assert first["reasons"] == [{"code": "unreachable", "text": "Unreachable: refused", "advice": "start it"}]
    unknown = CONTRACT - {"name", "state", "reasons", "freshness", "intended_role"}
    assert {first[key] for key in unknown} == {None}
