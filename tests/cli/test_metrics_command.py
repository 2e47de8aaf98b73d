"""`dfly-tui metrics`, on recorded pages."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.cli.support import Cli
from tests.support.golden import metrics_pages
from tests.support.httpd import page, serving


@pytest.fixture(params=["1.22.2", "1.40.1"])
async def version(request: pytest.FixtureRequest, cli: Cli) -> AsyncIterator[str]:
    """A configured instance `nas` whose /metrics is the recorded page of a version."""
    body = metrics_pages(request.param)[-1]
    async with serving(lambda _: page(body)) as httpd:
        cli.fleet(("nas", "redis://127.0.0.1:1"), extra={"nas": f"http_url = '{httpd.url}'"})
        yield request.param


def printed(out: str) -> dict[str, str]:
    """Series → value, of instance `nas`."""
    rows = [line.split("\t") for line in out.splitlines()]
    assert {row[0] for row in rows} <= {"nas"}
    return {series: value for _, series, value in rows}


@pytest.mark.parametrize("name", ["dragonfly_max_clients", "max_clients", "max_cl*"])
async def test_a_metric_by_its_name_or_a_pattern(cli: Cli, version: str, name: str) -> None:
    result = await cli.beside("metrics", name)

    assert (result.code, result.err) == (0, "")
    assert printed(result.out) == {"dragonfly_max_clients": "64000"}


async def test_a_series_by_its_labels(cli: Cli, version: str) -> None:
    result = await cli.beside("metrics", 'db_keys{db="db0"}', "db_keys")

    assert 'dragonfly_db_keys{db="db0"}' in printed(result.out)
    assert len(printed(result.out)) == len(result.out.splitlines()), "each series once"


async def test_our_own_names_mean_the_same_in_all_versions(cli: Cli, version: str) -> None:
    result = await cli.beside("metrics", "used_memory_bytes", "dispatch_queue_bytes", "hits_total")

    assert (result.code, result.err) == (0, "")
    assert int(printed(result.out)["used_memory_bytes"]) > 0
    assert "hits_total" in printed(result.out)


async def test_an_unknown_name_gets_the_nearest(cli: Cli, version: str) -> None:
    result = await cli.beside("metrics", "memory_usde_bytes", "max_clients")

    assert result.code == 1
    assert printed(result.out) == {"dragonfly_max_clients": "64000"}
    assert result.err == "dfly-tui: there is no metric memory_usde_bytes; did you mean memory_used_bytes?\n"


async def test_json_has_names_labels_and_kinds(cli: Cli, version: str) -> None:
    result = await cli.beside("metrics", "--json", "memory_used_bytes", "db_keys")

    document = json.loads(result.out)
    (instance,) = document["instances"]
    assert (document["schema"], instance["name"], instance["error"]) == (1, "nas", None)
    samples = {sample["name"]: sample for sample in instance["samples"]}
    assert samples["dragonfly_memory_used_bytes"]["kind"] == "gauge"
    assert samples["dragonfly_db_keys"]["labels"]["db"].startswith("db")


async def test_without_a_name_the_names_are_listed(cli: Cli, version: str) -> None:
    result = await cli.beside("metrics")

    names = dict(line.split("\t") for line in result.out.splitlines())
    assert names["dragonfly_memory_used_bytes"] == "gauge"
    assert names["dragonfly_commands_processed_total"] == "counter"
    assert names["used_memory_bytes"] == "any version"


async def test_odd_numbers_stay_valid_json(cli: Cli) -> None:
    body = "# TYPE dragonfly_x gauge\ndragonfly_x NaN\n# TYPE dragonfly_y gauge\ndragonfly_y 0.5\n"
    async with serving(lambda _: page(body)) as httpd:
        cli.fleet(("nas", "redis://127.0.0.1:1"), extra={"nas": f"http_url = '{httpd.url}'"})
        as_json, as_text = await cli.beside("metrics", "--json"), await cli.beside("metrics", "x", "y")

    assert [sample["value"] for sample in json.loads(as_json.out)["instances"][0]["samples"]] == [None, 0.5]
    assert printed(as_text.out) == {"dragonfly_x": "nan", "dragonfly_y": "0.5"}


async def test_an_instance_without_metrics_is_told_and_the_others_are_shown(cli: Cli) -> None:
    async with (
        serving(lambda _: page("dragonfly_x 1\n")) as good,
        serving(lambda _: page("no", "404 Not Found")) as bad,
    ):
        urls = {"nas": f"http_url = '{good.url}'", "old": f"http_url = '{bad.url}'"}
        cli.fleet(("nas", "redis://127.0.0.1:1"), ("old", "redis://127.0.0.1:1"), extra=urls)
        both = await cli.beside("metrics", "x")
        one = await cli.beside("metrics", "x", "--instance", "nas")

    assert both.code == 1
    assert printed(both.out) == printed(one.out) == {"dragonfly_x": "1"}
    assert both.err.startswith("dfly-tui: old: ")
    assert (one.code, one.err) == (0, "")


def test_an_unknown_instance_is_a_usage_error(cli: Cli) -> None:
    cli.fleet(("nas", "redis://127.0.0.1:1"))

    result = cli("metrics", "x", "--instance", "nass")

    assert (result.code, result.out) == (2, "")
    assert "no instance is called nass; did you mean nas?" in result.err
