"""The console: what a person types, what is sent of it, what is seen."""

from pathlib import Path

import pytest

from screens.console import ConsoleScreen
from tests.screens.console_stage import console
from tests.screens.value_stage import shown
from tests.support.eventually import eventually
from widgets.console import ConsoleOutput


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
async def test_reading_and_writing(tmp_path: Path, flavour: str) -> None:
    async with console(tmp_path, flavour=flavour) as scene:
        await scene.send("set 'a b' \"\\x00größe\"", "OK")
        await scene.send('get "a b"', '"\\x00größe"')
        await scene.send("lrange nosuch 0 -1", "(empty array)")
        await scene.send("lpush 'a b' x", "(error) WRONGTYPE")
        await scene.send('get "a b', "a quote is not closed")
        assert [words[0] for words in scene.passed] == ["set", "get", "lrange", "lpush"]
        assert 'workhorse[0]> get "a b"' in scene.said


async def test_the_class_is_told_in_a_word_while_typing(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        assert "nothing typed" in scene.text
        for line, words in {
            "get a": "read  GET",
            "set a b": "write  SET",
            "flushall": "dangerous  FLUSHALL: It deletes every key of every database.",
            "monitor": "refused  MONITOR: what it answers never ends",
            "blpop q 0": "refused  BLPOP: it would wait for ever",
            "nosuch x": "write  NOSUCH: the server does not list NOSUCH",
            "zra": "6 commands begin with ZRA",
            'set a "half': "write  SET",
        }.items():
            await scene.type(line)
            assert words in scene.text, line
        await scene.type("zadd")
        assert "ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member" in scene.text
        assert scene.passed == []


async def test_production_gets_nothing_while_it_is_locked(tmp_path: Path) -> None:
    async with console(tmp_path, environment="production") as scene:
        assert "read-only, F2 unlocks it" in scene.text
        await scene.type("set a b")
        assert "write  SET: not sent while the instance is read-only" in scene.text
        for line in ("set a b", "eval x 0", "nosuch"):
            await scene.send(line, "Read-only: workhorse is a production instance")
            await scene.pilot.press("ctrl+l")
        for line in ("flushall", "auth x"):
            await scene.send(line, "Not sent:")
            await scene.pilot.press("ctrl+l")
        assert scene.passed == []
        await scene.send("ping", "PONG")
        assert scene.passed == [("ping",)]


async def test_unlocking_then_a_name_then_it_is_sent_once(tmp_path: Path) -> None:
    async with console(tmp_path, environment="production") as scene:
        await scene.pilot.press("f2", *"workhorse", "enter", "enter")
        await shown(scene.pilot, "UNLOCKED", "writes are asked about")
        await scene.send("config set maxmemory 1gb", "CONFIG SET on workhorse", "Type workhorse to confirm")
        await scene.pilot.press("enter")  # Cancel has the focus
        await shown(scene.pilot, "not sent")
        assert scene.passed == []
        await scene.send("config set maxmemory 1gb", "Type workhorse to confirm")
        await scene.pilot.press(*"workhors", "enter")
        assert scene.passed == []
        await scene.pilot.press("e", "enter", "enter")
        await eventually(lambda: answered(scene.screen, "OK"))
        assert scene.passed == [("config", "set", "maxmemory", "1gb")]
        await scene.send("flushall", "not offered where production is")
        assert len(scene.passed) == 1


async def answered(screen: ConsoleScreen, words: str) -> bool:
    return words in screen.query_one(ConsoleOutput).text


async def test_what_is_dangerous_is_asked_about_and_cancel_is_the_default(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        await scene.send("flushall", "every key of every database", "> flushall")
        await scene.pilot.press("enter")
        await shown(scene.pilot, "not sent")
        assert scene.passed == []
        await scene.send("flushall", "every key of every database")
        await scene.pilot.press(*scene.screen.instance_name, "enter", "enter")
        await eventually(lambda: answered(scene.screen, "OK"))
        assert scene.passed == [("flushall",)]


async def test_keys_can_be_scanned_instead(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        for number in range(3):
            await scene.send(f"set user:{number} x", "OK")
        await scene.send("keys user:*", "leaves out, without a word", "Scan instead")
        await scene.pilot.press("right", "enter")
        await shown(scene.pilot, 'SCAN MATCH "user:*": 3 names, all there are', '"user:2"')
        assert not scene.proxy.sent("KEYS")
        await scene.send("keys nosuch*", "Scan instead")
        await scene.pilot.press("right", "right", "enter")
        await shown(scene.pilot, "(empty array)")
        assert len(scene.proxy.sent("KEYS")) == 1
        await scene.send("keys nosuch*", "Scan instead")
        await scene.pilot.press("right", "enter")
        await shown(scene.pilot, "0 names, all there are")


async def test_select_shows_in_the_prompt(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        await scene.send("select 3", "workhorse[3]>", "workhorse db3")
        await scene.send("set there x", "OK")
        await scene.send("select 99", "(error)")
        assert scene.screen.console.database == 3
