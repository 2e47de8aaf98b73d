"""Keys changed from the screens that show them: what is asked, what is sent, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, TextArea

from dfly_tui.app import DflyApp
from dfly_tui.models.keys import KeyFilter
from screens.key_bulk import change_many
from screens.key_edits import create_key
from screens.key_menu import change_key
from screens.key_undo import undo_changes
from screens.key_work import KeyTarget
from tests.screens.stage import Stage
from tests.screens.value_stage import KeyStage, opened, shown, text_of, typed
from tests.support.keyspaces import contents
from tests.support.proxy import Proxy
from tests.support.values import PLAIN_TYPES, fill

MANY = tuple(("SET", f"job:{at:04}", "x") for at in range(40))
CHANGES = {"SET", "UNLINK", "DEL", "HSET", "LSET", "ZADD", "RPUSH", "PEXPIREAT", "PERSIST", "RENAMENX", "RESTORE"}


class Scene:
    """A server behind a proxy, and the dashboard before it."""

    def __init__(self, url: str, proxy: Proxy, pilot: Pilot[int]) -> None:
        self.url = url
        self.proxy = proxy
        self.pilot = pilot

    @property
    def app(self) -> DflyApp:
        assert isinstance(self.pilot.app, DflyApp)
        return self.pilot.app

    @property
    def sent(self) -> list[str]:
        """The changes that the server was asked for."""
        return [words[0].upper() for words in self.proxy.commands if words[0].upper() in CHANGES]

    async def now(self) -> dict[bytes, Any]:
        return await contents(self.url)

    def begin(self, work: Awaitable[object]) -> "asyncio.Future[object]":
        """Run it as a screen does, in a worker."""
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        async def run() -> None:
            done.set_result(await work)

        self.app.run_worker(run(), exit_on_error=False)
        return done

    def menu(self, name: bytes) -> "asyncio.Future[object]":
        """What the key `e` opens for a key that is known by name only."""
        return self.begin(change_key(self.app, self.app.services, KeyTarget("workhorse", 0, name)))

    async def choose(self, title: str, words: str) -> None:
        """Pick a line of a list by some of its letters."""
        await shown(self.pilot, title)
        await typed(self.pilot, words)
        await self.pilot.press("enter")

    async def answer(self, text: str, *words: str) -> None:
        """Type into the one field there is."""
        await shown(self.pilot, *words)
        await typed(self.pilot, text)
        await self.pilot.press("enter")

    async def write(self, text: str, *words: str) -> None:
        """Type into the editor and go on."""
        await shown(self.pilot, *words)
        self.app.screen.query_one(TextArea).text = text
        await self.pilot.press("ctrl+s")

    async def agree(self, *words: str) -> None:
        """See the question, whose default is Cancel, and say yes."""
        await shown(self.pilot, *words)
        assert self.cancels
        await self.pilot.press("right", "enter")

    @property
    def cancels(self) -> bool:
        """Whether Enter would cancel."""
        return isinstance(self.app.focused, Button) and self.app.focused.id == "cancel"


@asynccontextmanager
async def scene(tmp_path: Path, *commands: Any, environment: str = "lab") -> AsyncIterator[Scene]:
    behind, stage = KeyStage(tmp_path), Stage(tmp_path)
    stage.clock = behind.clock
    async with behind.server(*commands), Proxy(behind.port, lambda: None) as proxy:
        stage.add("workhorse", url=f"redis://127.0.0.1:{proxy.port}", environment=environment)
        async with stage.app().run_test(size=(100, 30), notifications=True) as pilot:
            await pilot.pause()
            yield Scene(behind.url, proxy, pilot)


async def test_a_deletion_asks_and_enter_alone_cancels(tmp_path: Path) -> None:
    async with scene(tmp_path, *PLAIN_TYPES) as desk:
        done = desk.menu(b"text")
        await desk.choose("Change text", "delete")
        await shown(desk.pilot, "UNLINK text", "Cancel")
        assert desk.cancels
        assert desk.sent == []
        await desk.pilot.press("enter")
        assert await done is False
        assert desk.sent == []
        done = desk.menu(b"text")
        await desk.choose("Change text", "delete")
        await desk.agree("UNLINK text")
        assert await done is True
        assert desk.sent == ["UNLINK"]
        assert b"text" not in await desk.now()


async def test_what_was_deleted_is_restored_from_the_trash(tmp_path: Path) -> None:
    async with scene(tmp_path, *PLAIN_TYPES) as desk:
        before = await desk.now()
        done = desk.menu(b"session:0")
        await desk.choose("Change session:0", "delete")
        await desk.agree("UNLINK session:0")
        assert await done is True
        done = desk.begin(undo_changes(desk.app, desk.app.services, "workhorse", 0))
        await desk.choose("Restore to workhorse db0", "session")
        await desk.agree("RESTORE")
        assert await done is True
        assert await desk.now() == before


async def test_a_field_is_edited_and_the_others_stay(tmp_path: Path) -> None:
    async with scene(tmp_path, *PLAIN_TYPES) as desk:
        before = await desk.now()
        await opened(desk.pilot, "session:0", "agent")
        await desk.pilot.press("down", "e")
        await desk.choose("Change session:0", "edit the element")
        await desk.write("10.9.9.9", "Edit session:0")
        await desk.agree("HSET session:0")
        await shown(desk.pilot, "10.9.9.9")
        was, now = dict(before[b"session:0"][2]), dict((await desk.now())[b"session:0"][2])
        assert [field for field in was if was[field] != now[field]] == [b"ip"]
        assert now[b"ip"] == b"10.9.9.9"
        assert {name: value for name, value in (await desk.now()).items() if name != b"session:0"} == {
            name: value for name, value in before.items() if name != b"session:0"
        }


async def test_a_value_that_changed_meanwhile_is_shown_and_not_overwritten(tmp_path: Path) -> None:
    async with scene(tmp_path, *PLAIN_TYPES) as desk:
        await opened(desk.pilot, "text", "hello")
        await desk.pilot.press("e")
        await desk.choose("Change text", "edit the value")
        await shown(desk.pilot, "Edit text")
        await fill(desk.url, [("SET", "text", "somebody else's", "KEEPTTL")])
        await desk.write("mine", "Edit text")
        if "It changed under you" not in text_of(desk.pilot):
            await desk.agree("SET text")
        await shown(desk.pilot, "It changed under you: nothing was written", "-", "hello", "+", "somebody else's")
        assert desk.cancels
        assert (await desk.now())[b"text"][2] == b"somebody else's"
        await desk.pilot.press("enter")
        await desk.pilot.pause()
        assert (await desk.now())[b"text"][2] == b"somebody else's"


@pytest.mark.parametrize(
    ("words", "typed_text", "question", "check"),
    [
        ("expiry", "2h", "PEXPIREAT tags:0", lambda was, now: now[b"tags:0"][1] > 0),
        ("rename", "labels", "RENAMENX tags:0 labels", lambda was, now: now[b"labels"] == was[b"tags:0"]),
        ("duplicate", "labels", "labels", lambda was, now: now[b"labels"] == was[b"tags:0"] == now[b"tags:0"]),
    ],
)
async def test_other_changes_of_a_key(
    tmp_path: Path, words: str, typed_text: str, question: str, check: Callable[[Any, Any], bool]
) -> None:
    async with scene(tmp_path, *PLAIN_TYPES) as desk:
        before = await desk.now()
        done = desk.menu(b"tags:0")
        await desk.choose("Change tags:0", words)
        await desk.answer(typed_text, "tags:0")
        await desk.agree(question)
        assert await done
        now = await desk.now()
        assert check(before, now)
        others = set(before) - {b"tags:0"}
        assert {name: now[name] for name in others} == {name: before[name] for name in others}


async def test_a_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    async with scene(tmp_path, *PLAIN_TYPES) as desk:
        before = await desk.now()
        done = desk.menu(b"tags:0")
        await desk.choose("Change tags:0", "rename")
        await desk.answer("text", "tags:0")
        await shown(desk.pilot, "text")
        for _ in range(3):
            if desk.cancels:
                await desk.pilot.press("right", "enter")
            await desk.pilot.pause(0.05)
        assert not await asyncio.wait_for(done, 5)
        assert await desk.now() == before


async def test_a_key_is_made(tmp_path: Path) -> None:
    async with scene(tmp_path, *PLAIN_TYPES) as desk:
        done = desk.begin(create_key(desk.app, desk.app.services, "workhorse", 0))
        await desk.choose("Type of the new key", "hash")
        await desk.answer("fresh", "Its name")
        await desk.answer("colour", "Field")
        await desk.answer("1h", "When does it expire")
        await desk.write("blue", "Value of fresh")
        await desk.agree("HSET fresh")
        assert await done == b"fresh"
        kind, expiry, value = (await desk.now())[b"fresh"]
        assert (kind, dict(value)) == (b"hash", {b"colour": b"blue"})
        assert expiry > 0


async def test_a_read_only_instance_is_not_changed(tmp_path: Path) -> None:
    async with scene(tmp_path, *PLAIN_TYPES, environment="production") as desk:
        done = desk.menu(b"text")
        await desk.choose("Change text", "delete")
        await shown(desk.pilot, "workhorse", "Cancel")  # it is unlocked first, by its name
        await desk.pilot.press("escape")
        assert await done is False
        assert desk.sent == []


async def test_many_are_counted_and_shown_before_the_question(tmp_path: Path) -> None:
    async with scene(tmp_path, *PLAIN_TYPES, *MANY) as desk:
        before = await desk.now()
        done = desk.begin(change_many(desk.app, desk.app.services, "workhorse", 0, KeyFilter(pattern=b"job:*")))
        await desk.choose("what is to happen?", "delete them")
        await shown(desk.pilot, "40 keys", "job:00", "Cancel")
        assert desk.sent == []
        await desk.agree("UNLINK")
        await shown(desk.pilot, "done: ", "40")
        await desk.pilot.press("escape")
        assert await done is True
        assert set(before) - set(await desk.now()) == {words[1].encode() for words in MANY}
        done = desk.begin(undo_changes(desk.app, desk.app.services, "workhorse", 0))
        await desk.choose("Restore to workhorse db0", "all 40 keys")
        await desk.agree("RESTORE")
        assert await done is True
        assert await desk.now() == before


async def test_all_of_a_database_needs_the_name(tmp_path: Path) -> None:
    async with scene(tmp_path, *MANY) as desk:
        done = desk.begin(change_many(desk.app, desk.app.services, "workhorse", 0, KeyFilter()))
        await desk.choose("what is to happen?", "delete them")
        await shown(desk.pilot, "Type “workhorse” to confirm")
        desk.app.screen.query_one(Input).value = "workhors"
        await desk.pilot.pause()
        assert desk.app.screen.query_one("#confirm", Button).disabled
        await desk.pilot.press("escape")
        assert await done is False
        assert desk.sent == []
        assert len(await desk.now()) == 40


@pytest.mark.parametrize(
    ("words", "typed_text", "question", "check"),
    [
        ("let them expire", "1h", "PEXPIREAT", lambda key: key[1] > 0),
        ("let them stay", "", "PERSIST", lambda key: key[1] == -1),
    ],
)
async def test_other_changes_of_many(
    tmp_path: Path, words: str, typed_text: str, question: str, check: Callable[[Any], bool]
) -> None:
    keys = [(*command, "EX", "5000") if words == "let them stay" else command for command in MANY]
    async with scene(tmp_path, *keys) as desk:
        wanted = KeyFilter(pattern=b"job:000*")
        done = desk.begin(change_many(desk.app, desk.app.services, "workhorse", 0, wanted))
        await desk.choose("what is to happen?", words)
        if typed_text:
            await desk.answer(typed_text, "When?")
        await desk.agree(question)
        await shown(desk.pilot, "done: ")
        assert await done is True
        now = await desk.now()
        assert [check(key) for name, key in sorted(now.items()) if name.startswith(b"job:000")] == [True] * 10
        assert [check(key) for name, key in sorted(now.items()) if not name.startswith(b"job:000")] == [False] * 30


async def test_a_prefix_is_renamed(tmp_path: Path) -> None:
    async with scene(tmp_path, *MANY, ("SET", "task:0003", "mine")) as desk:
        done = desk.begin(change_many(desk.app, desk.app.services, "workhorse", 0, KeyFilter(pattern=b"job:*")))
        await desk.choose("what is to happen?", "rename their prefix")
        await desk.answer("task:", "becomes:")
        await desk.agree("RENAMENX")
        await shown(desk.pilot, "job:0003")  # it could not be: the name was taken
        assert await done is True
        now = await desk.now()
        assert now[b"task:0003"][2] == b"mine"
        assert len([name for name in now if name.startswith(b"task:")]) == 40
        assert [name for name in now if name.startswith(b"job:")] == [b"job:0003"]


async def test_a_value_that_is_not_shown_beside_its_name_can_be_edited(tmp_path: Path) -> None:
    behind = KeyStage(tmp_path)
    async with behind.server(("SET", "text", "hello")), behind.app().run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shown(pilot, "text")
        await pilot.press("e")
        await shown(pilot, "Change text", "edit the value")
