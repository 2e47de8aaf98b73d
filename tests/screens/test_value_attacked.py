"""The value screen against what means it ill: servers that go away, values that are huge or not what they seem."""

import base64
import gzip
import threading
from pathlib import Path

import pytest

from dfly_tui.decode import Decoded, guess
from screens import value_decoding
from tests.screens.value_stage import KeyStage, opened, shown, text_of, typed


@pytest.fixture
def stage(tmp_path: Path) -> KeyStage:
    return KeyStage(tmp_path)


async def test_a_key_of_a_server_that_was_away_is_read_again_by_itself(stage: KeyStage) -> None:
    async with stage.running() as pilot:
        async with stage.server(("SET", "s", "hello")):
            pass
        await opened(pilot, "s", "nothing is known of it", "Unreachable")
        assert "reading …" not in text_of(pilot)
        async with stage.server(("SET", "s", "hello")):
            await stage.clock.advance(6)
            await shown(pilot, "all 5 bytes", "hello")


async def test_a_key_whose_time_has_come_is_said_to_be_gone(stage: KeyStage) -> None:
    async with stage.server(("SET", "s", "hello", "EX", 30)), stage.running() as pilot:
        await opened(pilot, "s", "all 5 bytes")
        await stage.clock.advance(31)
        await shown(pilot, "gone since", "hello")


async def test_indexes_of_a_long_list_are_shown_whole(stage: KeyStage) -> None:
    async with stage.server(("RPUSH", "l", *range(1100))), stage.running() as pilot:
        await opened(pilot, "l", "200 of 1,100")
        for _ in range(12):
            await pilot.press("end")
            await pilot.pause()
        await shown(pilot, "▸ 1099  1099")


async def test_a_search_far_into_a_long_string_goes_there_and_stays_there(stage: KeyStage) -> None:
    value = b"." * 2_000_000 + b"NEEDLE" + b"." * 400_000
    async with stage.server(("SET", "s", value)), stage.running() as pilot:
        screen = await opened(pilot, "s", "bytes 0 to 65,536")
        await pilot.press("slash")
        await typed(pilot, "needle")
        await pilot.press("enter")
        await shown(pilot, "NEEDLE", "bytes 1,966,080 to 2,097,152 of 2,400,006")
        await pilot.press("r")
        await pilot.pause()
        await shown(pilot, "NEEDLE", "bytes 1,966,080 to 2,097,152 of 2,400,006")
        await pilot.press("c")
        await shown(pilot, "only what was read both times is compared", "none")
        await pilot.press("c")
        await shown(pilot, "utf-8 (guessed)")
        await pilot.press("n")
        await shown(pilot, "NEEDLE")
        await pilot.press("n")
        await shown(pilot, "no more “needle”")
        assert screen.live.loaded is not None
        assert len(screen.live.loaded.data or b"") < 1 << 20


async def test_a_search_finds_its_place_in_one_long_line(stage: KeyStage) -> None:
    async with stage.server(("SET", "s", "a " * 20_000 + "over the edge" + " b" * 5000)), stage.running() as pilot:
        await opened(pilot, "s", "all 50,013 bytes")
        await pilot.press("slash")
        await typed(pilot, "OVER THE EDGE")
        await shown(pilot, "over the")


async def test_a_small_value_that_unpacks_to_millions_is_unpacked_aside(
    stage: KeyStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[bool] = []

    def noted(raw: bytes, *, truncated: bool = False, offset: int = 0) -> Decoded:
        threads.append(threading.current_thread() is threading.main_thread())
        return guess(raw, truncated=truncated, offset=offset)

    monkeypatch.setattr(value_decoding, "guess", noted)
    packed = gzip.compress(b"x" * 3_000_000)
    keys = (("SET", "b", packed), ("SET", "c", base64.b64encode(packed)), ("SET", "d", '{"plain": 1}'))
    async with stage.server(*keys), stage.running() as pilot:
        for name, words in (("b", "gzip"), ("c", "base64 → gzip"), ("d", "json")):
            threads.clear()
            await opened(pilot, name, words)
            assert set(threads) == {name == "d"}
            await pilot.press("escape")
