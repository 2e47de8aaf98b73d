"""One key on the screen: read on, searched, compared, followed, copied, saved, and what can go wrong."""

import asyncio
import base64
import json
import time
from pathlib import Path

import pytest

from dfly_tui.app import DflyApp
from tests.screens.stage import seconds
from tests.screens.value_stage import KeyStage, opened, shown, text_of, typed
from tests.support.secrets import Password
from tests.support.servers import running_redis
from tests.support.values import MORE_TYPES, PLAIN_TYPES, fill


@pytest.fixture
def stage(tmp_path: Path) -> KeyStage:
    return KeyStage(tmp_path)


async def test_elements_are_read_as_one_scrolls(stage: KeyStage) -> None:
    async with stage.server(*PLAIN_TYPES), stage.running() as pilot:
        await opened(pilot, "queue:0", "200 of 450")
        await pilot.press("end")
        await shown(pilot, "400 of 450")
        await pilot.press("end")
        await shown(pilot, "450 of 450 elements read")
        await pilot.press("end")
        await shown(pilot, "▸ 449", "job-449")


async def test_the_element_under_the_cursor_is_decoded_and_zoomed(stage: KeyStage) -> None:
    async with stage.server(*PLAIN_TYPES), stage.running() as pilot:
        await opened(pilot, "session:0", "json (guessed)")
        await pilot.press("down")
        await shown(pilot, "utf-8 (guessed)", "▸ ip")
        await pilot.press("up", "enter")
        await shown(pilot, '"name": "curl"')
        assert "10.0.0.1" not in text_of(pilot)
        await pilot.press("escape")
        await shown(pilot, "10.0.0.1")
        await pilot.press("escape")
        await shown(pilot, "dfly-tui")
        assert pilot.app.screen.id != "value"


async def test_a_search_shows_what_matches_and_reads_on(stage: KeyStage) -> None:
    fields = [word for at in range(2000) for word in (f"field-{at}", f"value {at}")]
    async with stage.server(("HSET", "h", *fields)), stage.running() as pilot:
        screen = await opened(pilot, "h", "of 2,000 fields read")
        await pilot.press("slash")
        await typed(pilot, "field-1999")
        await shown(pilot, "match")
        assert screen.live.loaded is not None
        await pilot.press("enter")
        await shown(pilot, "1 match in", "▸ field-1999")
        await pilot.press("escape")
        await shown(pilot, "field-0 ")


async def test_a_search_in_a_string_goes_to_the_place_and_reads_on(stage: KeyStage) -> None:
    text = "\n".join(f"line {at}" for at in range(30_000)).encode()
    async with stage.server(("SET", "s", text)), stage.running() as pilot:
        await opened(pilot, "s", "bytes 0 to")
        await pilot.press("slash")
        await typed(pilot, "line 29123")
        await pilot.press("enter")
        await shown(pilot, "▸ line 29123")
        await pilot.press("slash")
        await typed(pilot, "line 29123x")
        await pilot.press("enter")
        await shown(pilot, "no more “line 29123x”")


async def test_decoders_are_chosen_typed_and_given_up(stage: KeyStage) -> None:
    packed = base64.b64encode(b"\x08\x96\x01\x12\x04test")
    async with stage.server(("SET", "s", packed)), stage.running() as pilot:
        await opened(pilot, "s", "utf-8 (guessed)")
        await pilot.press("d")
        await typed(pilot, "type")
        await pilot.press("enter")
        await shown(pilot, "Steps, outermost first")
        await typed(pilot, "base64,protobuf")
        await pilot.press("enter")
        await shown(pilot, "base64 → protobuf (chosen)", '2: "test"')
        await pilot.press("v")
        await shown(pilot, "utf-8 (raw)", packed.decode())
        await pilot.press("v", "d")
        await typed(pilot, "hex")
        await pilot.press("enter")
        await shown(pilot, "hex (chosen)")
        await pilot.press("d")
        await typed(pilot, "guess")
        await pilot.press("enter")
        await shown(pilot, "utf-8 (guessed)")


async def test_what_changed_since_the_reading_before(stage: KeyStage) -> None:
    async with stage.server(*PLAIN_TYPES), stage.running() as pilot:
        await opened(pilot, "session:0", "3 of 3")
        await pilot.press("c")
        await shown(pilot, "it was read once")
        await pilot.press("c")
        await fill(stage.url, [("HSET", "session:0", "ip", "10.9.9.9", "new", "x"), ("HDEL", "session:0", "user")])
        await stage.clock.advance(5)
        await pilot.press("r")
        await shown(pilot, "~ ip", "+ new")
        await pilot.press("c")
        await shown(pilot, "~ ip  10.0.0.1 → 10.9.9.9", "+ new  x", "- user  0")


async def test_a_string_s_changes_are_lines(stage: KeyStage) -> None:
    async with (
        stage.server(("SET", "s", '{"a": 1, "b": 2}')),
        stage.running() as pilot,
    ):
        await opened(pilot, "s", "all 16 bytes")
        await fill(stage.url, [("SET", "s", '{"a": 1, "b": 3}')])
        await pilot.press("r", "c")
        await shown(pilot, '-   "b": 2', '+   "b": 3', '    "a": 1,')


async def test_a_key_is_followed_while_it_is_shown_and_not_paused(stage: KeyStage) -> None:
    async with (
        stage.server(("SET", "counter", "1")) as server,
        stage.running() as pilot,
    ):
        await opened(pilot, "counter", "▸ 1")
        await pilot.press("f")
        await shown(pilot, "following, each second")

        async def next_second() -> None:
            await seconds(stage, pilot, 1)

        await fill(stage.url, [("SET", "counter", "22")])
        await next_second()
        await shown(pilot, "▸ 22")
        await pilot.press("p")
        await fill(stage.url, [("SET", "counter", "333")])
        asked = server.stats.commands
        await next_second()
        await asyncio.sleep(0.05)
        assert server.stats.commands == asked
        await pilot.press("p")
        await next_second()
        await shown(pilot, "▸ 333")
        await fill(stage.url, [("DEL", "counter")])
        await next_second()
        await shown(pilot, "gone since", "this is what it was", "333")
        await fill(stage.url, [("RPUSH", "counter", "a", "b")])
        await next_second()
        await shown(pilot, "list · 2 elements", "▸ 0")
        await pilot.press("f")
        await pilot.pause()
        assert "following" not in text_of(pilot)


async def test_a_large_json_document_is_entered_part_by_part(stage: KeyStage) -> None:
    document = json.dumps({f"key {at}": {"text": "x" * 3000, "list": [1, {"deep": True}]} for at in range(150)})
    async with (
        stage.server(("JSON.SET", "d", "$", document)),
        stage.running() as pilot,
    ):
        await opened(pilot, "d", "100 of 150 items read", "key 0", "object, 2 keys")
        await pilot.press("enter")
        await shown(pilot, 'in $["key 0"], Esc goes back', "array, 2 items")
        await pilot.press("down", "enter")
        await shown(pilot, "2 items read", "object, 1 keys")
        await pilot.press("escape", "escape")
        await shown(pilot, "100 of 150 items read")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (("-@all", "+hello", "+type", "+client"), ("Not permitted", "hash · – fields")),
        (("+@all", "-memory", "-debug", "-object"), ("3 of 3 fields", "size in memory: not permitted")),
    ],
    ids=["nothing", "no-facts"],
)
@pytest.mark.redis_server
async def test_a_user_who_lacks_commands_sees_the_rest(
    stage: KeyStage, rules: tuple[str, ...], words: tuple[str, ...]
) -> None:
    options = ["--user", "viewer", "on", ">look", "~*", *rules, "--user", "default", "on", "nopass", "~*", "+@all"]
    async with running_redis(*options) as server:
        await fill(server.url, PLAIN_TYPES)
        stage.add("workhorse", url=server.url, username="viewer")
        app = stage.app()
        app.services.password_of = lambda config: Password("look")
        async with app.run_test(size=(120, 30)) as pilot:
            await opened(pilot, "session:0", *words)


async def test_a_server_that_goes_away_and_comes_back(stage: KeyStage) -> None:
    async with stage.running() as pilot:
        async with stage.server(*MORE_TYPES):
            await opened(pilot, "doc", "bytes of JSON")
        await pilot.press("r")
        await shown(pilot, "Unreachable", '"x": 1')
        async with stage.server(*MORE_TYPES):
            await pilot.press("r")
            await shown(pilot, "57 bytes of JSON")


async def test_large_values_freeze_nothing(stage: KeyStage) -> None:
    fields = [word for at in range(100_000) for word in (f"f{at}", "v" * 20)]
    big = json.dumps([{"number": at, "text": "y" * 60} for at in range(60_000)]).encode()
    app = stage.app()
    async with (
        stage.server(("HSET", "h", *fields), ("SET", "s", big)),
        stage.running(app) as pilot,
    ):
        for name, words in (("h", "of 100,000 fields"), ("s", f"of {len(big):,}")):
            await opened(pilot, name, words)
            for key in ("end", "pagedown", "end", "v", "v", "end", "up"):
                begun = time.perf_counter()
                await pilot.press(key)
                assert time.perf_counter() - begun < 3
            await pilot.press("escape")


async def test_what_has_been_left_is_no_longer_read(stage: KeyStage) -> None:
    app = stage.app()
    async with stage.server(*PLAIN_TYPES) as server, stage.running(app) as pilot:
        assert isinstance(app, DflyApp)
        await opened(pilot, "text", "all 5 bytes")
        await pilot.press("f", "escape")
        await pilot.pause()
        asked = server.stats.commands
        await stage.clock.advance(5)
        await asyncio.sleep(0.05)
        assert server.stats.commands == asked
