"""`dfly-tui check`: what a monitoring system reads."""

import re

import pytest

from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.models.instance import InstanceSnapshot
from tests.cli.support import Cli, Result, recorded

PERFDATA = re.compile(
    r"'(?P<label>(?:[^'=|]|'')+)'=(?P<value>-?[0-9.]+)(?P<unit>s|%|B|c)?"
    r"(?:;(?P<warn>[0-9.]*))?(?:;(?P<crit>[0-9.]*))?(?:;(?P<min>[0-9.]*))?(?:;(?P<max>[0-9.]*))?(?: |$)"
)
HEALTHY = {"used_memory": 2 << 30, "maxmemory": 8 << 30, "last_saved_file": ""}


def parts(result: Result) -> tuple[str, dict[str, re.Match[str]]]:
    """The text and the performance data of the one line; the whole of it must follow the grammar."""
    (line,) = result.out.splitlines()
    text, _, numbers = line.partition(" | ")
    assert "|" not in numbers
    found = list(PERFDATA.finditer(numbers))
    assert "".join(match[0] for match in found) == numbers
    return text, {match["label"]: match for match in found}


async def test_all_is_well(cli: Cli) -> None:
    async with recorded(**HEALTHY) as server:
        cli.fleet(("nas", server.url))
        result = await cli.beside("check")

    text, numbers = parts(result)
    assert (result.code, result.err) == (0, "")
    assert text == "DRAGONFLY OK - 1 instance, 1 primary"
    memory = numbers["nas used_memory"]
    assert memory[0].strip() == f"'nas used_memory'={2 << 30}B;6871947674;7902739825;0;8589934592"
    assert numbers["nas commands"]["unit"] == "c"
    assert numbers["nas latency"]["unit"] == numbers["nas uptime"]["unit"] == "s"


@pytest.mark.parametrize(
    ("used", "code", "text"),
    [
        (7 << 30, 1, "DRAGONFLY WARNING - nas: memory at 87.5%: 7 GiB of 8 GiB"),
        (8 << 30, 2, "DRAGONFLY CRITICAL - nas: memory at 100%: 8 GiB of 8 GiB"),
    ],
    ids=["warning", "critical"],
)
async def test_the_worst_instance_decides(cli: Cli, used: int, code: int, text: str) -> None:
    async with recorded(**HEALTHY) as good, recorded(**{**HEALTHY, "used_memory": used}) as full:
        cli.fleet(("good", good.url), ("nas", full.url))
        result = await cli.beside("check")

    assert result.code == code
    assert parts(result)[0] == text


async def test_an_instance_that_is_gone_is_critical_and_has_no_numbers(cli: Cli) -> None:
    async with recorded(**HEALTHY) as server:
        cli.fleet(("good", server.url), ("gone", "redis://127.0.0.1:1"))
        result = await cli.beside("check")

    text, numbers = parts(result)
    assert result.code == 2
    assert text.startswith("DRAGONFLY CRITICAL - gone: Unreachable: ")
    assert {label.split()[0] for label in numbers} == {"good"}


async def test_one_instance_is_judged_within_its_group(cli: Cli) -> None:
    group = "group = 'main'"
    async with recorded(**HEALTHY) as one, recorded(**HEALTHY) as two:
        cli.fleet(
            ("one", one.url), ("two", two.url), ("gone", "redis://127.0.0.1:1"), extra={"one": group, "two": group}
        )
        result = await cli.beside("check", "--instance", "one")

    text, numbers = parts(result)
    assert result.code == 2
    assert text == "DRAGONFLY CRITICAL - one: two primaries in group main: one, two"
    assert {label.split()[0] for label in numbers} == {"one"}


async def test_names_and_errors_cannot_break_the_format(cli: Cli) -> None:
    name = "it's|a=b"
    odd = {"last_failed_save": 1_700_000_000, "last_error": "no | space"}
    async with recorded(**HEALTHY, **odd) as server:
        cli.config(f'[[instances]]\nname = "{name}"\nurl = "{server.url}"\n')
        result = await cli.beside("check")

    text, numbers = parts(result)
    assert text.count("|") == 0
    assert "no / space" in text
    assert "it''s/a_b used_memory" in numbers


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["check", "--instance", "nsa"], "no instance is called nsa; did you mean nas?"),
        (["check", "--bogus"], "unrecognized arguments: --bogus"),
        (["--config", "/nowhere.toml", "check"], "/nowhere.toml: there is no such file"),
    ],
    ids=["instance", "option", "file"],
)
def test_what_is_our_own_mistake_is_unknown_not_critical(cli: Cli, words: list[str], complaint: str) -> None:
    cli.fleet(("nas", "redis://127.0.0.1:1"))

    result = cli(*words)

    assert (result.code, result.err) == (3, "")
    (line,) = result.out.splitlines()
    assert line.startswith("DRAGONFLY UNKNOWN - ")
    assert complaint in line


async def test_a_password_that_cannot_be_had_is_unknown(cli: Cli) -> None:
    cli.fleet(("nas", "redis://127.0.0.1:1"), extra={"nas": "password_env = 'NAS_PW'"})

    result = await cli.beside("check")

    assert (result.code, result.err) == (3, "")
    assert parts(result)[0].startswith("DRAGONFLY UNKNOWN - nas: Password not available: ")


async def test_a_bug_of_ours_in_one_read_does_not_hide_the_others(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with recorded(**HEALTHY) as server:
        cli.fleet(("good", server.url), ("bad", server.url))
        original = DragonflyReader.snapshot

        async def snapshot(self: DragonflyReader) -> InstanceSnapshot:
            if self._config.name == "bad":
                raise KeyError("oops")
            return await original(self)

        monkeypatch.setattr(DragonflyReader, "snapshot", snapshot)
        result = await cli.beside("check")

    assert result.code == 3
    text, numbers = parts(result)
    assert text == "DRAGONFLY UNKNOWN - bad: A bug in dfly-tui: KeyError: 'oops'"
    assert "good used_memory" in numbers
    assert "KeyError" in caplog.text, "with its traceback, on stderr"


def test_a_bug_elsewhere_is_unknown_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> int:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("dfly_tui.cli.check.run", broken)

    result = cli("check")

    assert (result.code, result.out) == (3, "DRAGONFLY UNKNOWN - A bug in dfly-tui: ZeroDivisionError: oops\n")
    assert "Traceback" in result.err


def test_a_hundred_dead_instances_fit_into_what_a_monitoring_system_reads(cli: Cli) -> None:
    cli.fleet(*((f"instance-{number:03}", "redis://127.0.0.1:1") for number in range(100)))

    result = cli("check")

    assert result.code == 2
    assert len(result.out) < 8000
    assert result.out.endswith("; and 80 more of 100 instances\n")
