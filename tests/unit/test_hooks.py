"""Commands of the user's own beside a change of roles."""

import asyncio
import os
import shlex
import sys
from pathlib import Path

import pytest

from dfly_tui.errors import ConfigError, OutcomeUnknown
from dfly_tui.operations.hooks import HookFailed, run_hook
from tests.support.eventually import eventually


def python(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


async def run(command: str, seconds: float = 10.0) -> str:
    return await run_hook(command, {"DFLY_WHEN": "before"}, {"PATH": os.environ["PATH"]}, seconds=seconds)


async def test_it_gets_the_facts_and_its_last_words_are_told() -> None:
    code = "import os; print('x'); print(os.environ['DFLY_WHEN'], sorted(os.environ)[:1])"
    assert await run(python(code)) == "before ['DFLY_WHEN']"


async def test_it_has_no_shell_and_no_terminal() -> None:
    assert await run("echo $HOME '; ls'") == "$HOME ; ls"
    assert await run(python("import sys; print(repr(sys.stdin.read()))")) == "''"


async def test_one_that_says_nothing_is_told_of_all_the_same() -> None:
    assert await run("true") == "ended with code 0"


async def test_what_it_says_cannot_harm_a_terminal() -> None:
    assert "\x1b" not in await run(python("print('\\x1b[2Jboo')"))
    assert len(await run(python("print('y' * 100000)"))) <= 200


async def test_one_that_fails_says_why() -> None:
    with pytest.raises(HookFailed, match="ended with code 3: no such alias"):
        await run(python("import sys; sys.stderr.write('no such alias'); sys.exit(3)"))


@pytest.mark.parametrize("command", ["/no/such/program", "'\0'"])
async def test_one_that_cannot_be_started(command: str) -> None:
    with pytest.raises(HookFailed, match="could not be started"):
        await run(command)


async def test_one_that_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match="is empty"):
        await run(" ")
    with pytest.raises(ConfigError, match="No closing quotation"):
        await run("echo 'x")


async def test_one_that_takes_too_long_is_killed_with_all_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    with pytest.raises(OutcomeUnknown, match="was killed after"):
        await run(f"sh -c 'sleep 300 & echo $! > {child}; wait'", seconds=0.5)

    async def gone() -> bool:
        try:
            state = Path(f"/proc/{child.read_text().strip()}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state == "Z"

    await eventually(gone)


async def test_one_that_is_given_up_on_is_killed(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    task = asyncio.ensure_future(run(f"sh -c 'echo $$ > {started}.new; mv {started}.new {started}; exec sleep 300'"))

    async def begun() -> bool:
        return started.exists()

    await eventually(begun)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
