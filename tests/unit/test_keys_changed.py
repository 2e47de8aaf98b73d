"""One key changed and undone as a person does it, on lab servers and a real redis-server; the trash."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfly_tui.clients.key_edit import Edit
from dfly_tui.clients.key_edits import append, delete, delete_field, expire_at, persist, rename, set_field, set_string
from dfly_tui.clients.key_talk import Dump
from dfly_tui.errors import Refused
from dfly_tui.models.operation import Level, Outcome
from dfly_tui.operations.access import Hands
from dfly_tui.operations.confirmer import Deny
from dfly_tui.operations.keys.edit import KeyEdit
from dfly_tui.operations.keys.trash import Limits, Trash
from dfly_tui.operations.keys.undo import Undo, newest, oldest
from tests.support.clock import FakeClock
from tests.support.key_changes import SERVERS, bulk, deleting, many, url_of, watched
from tests.support.key_world import Says, ask, digest, world
from tests.support.lab import lab
from tests.support.proxy import Harm

WORDS = st.binary(min_size=1, max_size=12)


class TestOneKey:
    @pytest.mark.parametrize("server", SERVERS)
    async def test_an_edit_is_undone_exactly(self, server: str) -> None:
        async with url_of(server) as url, world(url) as there:
            await ask(url, ("HSET", "h", "a", b"\x00\xff", "b", "2"), ("EXPIRE", "h", 5000), ("SET", "other", "1"))
            before = await digest(url)
            says = Says()
            result = await there.edit(set_field(b"h", b"a", b"new", await there.can()), confirmer=says)
            assert result.outcome is Outcome.DONE, result.texts
            after = await digest(url)
            assert after[b"h"][2] == {b"a": b"new", b"b": b"2"}
            assert (after[b"h"][1], after[b"other"]) == (before[b"h"][1], before[b"other"])
            assert "can be restored" in says.asked[0].consequence
            place = await there.place()
            job = Undo(place, newest(there.trash.kept()), replace=True)
            assert (await there.run(job.plan())).outcome is Outcome.DONE
            assert await digest(url) == before

    @settings(max_examples=25, deadline=None)
    @given(fields=st.dictionaries(WORDS, WORDS, min_size=2, max_size=6), value=WORDS, data=st.data())
    def test_an_edit_never_changes_another_field(
        self, fields: dict[bytes, bytes], value: bytes, data: st.DataObject
    ) -> None:
        chosen = data.draw(st.sampled_from(sorted(fields)))

        async def check() -> None:
            async with url_of("1.40") as url, world(url) as there:
                await ask(url, ("HSET", "h", *(word for pair in fields.items() for word in pair)))
                await there.edit(set_field(b"h", chosen, value, await there.can()))
                assert (await digest(url))[b"h"][2] == fields | {chosen: value}

        asyncio.run(check())  # hypothesis calls plain functions

    async def test_what_somebody_else_changed_is_not_overwritten(self) -> None:
        async with watched() as (there, proxy, url):
            await ask(url, ("SET", "s", "mine"))
            edit = set_string(b"s", b"new", await there.can())
            seen = await there.seen(edit)
            await ask(url, ("SET", "s", "theirs"))
            result = await there.edit(edit, seen)
            assert result.outcome is Outcome.BLOCKED
            assert (await digest(url))[b"s"][2] == b"theirs"
            assert not proxy.sent("SET")

    async def test_nor_is_what_they_changed_while_the_question_stood(self) -> None:
        async with watched() as (there, _, url):
            await ask(url, ("SET", "s", "mine"))
            edit = append(b"s", b"more")
            job = await KeyEdit.prepare(await there.place(), edit)
            result = await there.run(job.plan(), Says(before=lambda: ask(url, ("SET", "s", "theirs"))))
            assert result.outcome is Outcome.BLOCKED
            assert job.changed is not None
            assert (await digest(url))[b"s"][2] == b"theirs"

    async def test_nor_what_they_changed_in_the_last_moment(self) -> None:
        async with watched() as (there, proxy, url):
            await ask(url, ("SET", "s", "mine"))
            job = await KeyEdit.prepare(await there.place(), set_string(b"s", b"new", await there.can()))
            original = job._act

            async def act(hands: Hands) -> str:
                await ask(url, ("SET", "s", "theirs"))
                return await original(hands)

            job._act = act  # type: ignore[method-assign]
            result = await there.run(job.plan())
            assert result.outcome is Outcome.FAILED
            assert job.changed is not None
            assert not proxy.sent("EXEC")
            assert (await digest(url))[b"s"][2] == b"theirs"

    @pytest.mark.parametrize("harm", [Harm.SILENT, Harm.DROPPED])
    async def test_an_answer_that_does_not_come_is_settled_by_looking(self, harm: Harm) -> None:
        async with watched(timeout=0.4) as (there, proxy, url):
            await ask(url, ("SET", "s", "mine"))
            proxy.chosen, proxy.harm = (lambda words: words[0] == "EXEC"), harm
            result = await there.edit(set_string(b"s", b"new", await there.can()))
            assert result.outcome in {Outcome.DONE, Outcome.UNKNOWN}, result.texts
            assert len(proxy.sent("SET", "s")) == 1

    @pytest.mark.parametrize(
        ("make", "said"),
        [
            (lambda: delete(b"gone"), "type"),
            (lambda: delete_field(b"s", b"f"), "type"),
            (lambda: rename(b"s", b"taken"), "there already"),
        ],
    )
    async def test_what_cannot_be_is_not_asked(self, make: Callable[[], Edit], said: str) -> None:
        async with watched() as (there, _, url):
            await ask(url, ("SET", "s", "1"), ("SET", "taken", "2"))
            says = Says()
            result = await there.edit(make(), confirmer=says)
            assert result.outcome is Outcome.BLOCKED, result.texts
            assert said in result.blocked
            assert says.asked == []

    async def test_a_new_name_and_an_expiry(self) -> None:
        async with watched() as (there, _, url):
            await ask(url, ("SET", "s", "1"))
            assert (await there.edit(rename(b"s", b"t"))).outcome is Outcome.DONE
            now_ms = round(there.clock.now().timestamp() * 1000)
            says = Says()
            assert (await there.edit(expire_at(b"t", now_ms + 90_000, now_ms), confirmer=says)).outcome is Outcome.DONE
            assert "It expires now: never" in says.asked[0].consequence
            assert (await digest(url))[b"t"][1] == now_ms + 90_000
            assert (await there.edit(persist(b"t"))).outcome is Outcome.DONE
            assert (await digest(url))[b"t"][1] is None

    async def test_what_the_trash_cannot_take_is_said_and_needs_the_name(self) -> None:
        async with watched(limits=Limits(key_bytes=50)) as (there, _, url):
            await ask(url, ("SET", "s", random.Random(1).randbytes(400)))
            says = Says()
            result = await there.edit(delete(b"s"), confirmer=says)
            assert result.outcome is Outcome.DONE
            assert says.asked[0].level is Level.NAME
            assert "This cannot be undone" in says.asked[0].consequence
            assert there.trash.kept() == []

    @pytest.mark.parametrize(("read_only", "environment"), [(True, "lab"), (False, "production")])
    async def test_read_only_sends_nothing(self, read_only: bool, environment: str) -> None:
        async with watched(read_only=read_only, environment=environment) as (there, proxy, url):
            await ask(url, ("SET", "s", "1"))
            result = await there.edit(delete(b"s"))
            assert result.outcome is not Outcome.DONE
            assert not proxy.sent("UNLINK")
            assert not proxy.sent("DEL")

    async def test_nothing_is_sent_without_a_yes_or_when_it_is_a_dry_run(self) -> None:
        async with watched() as (there, proxy, url):
            await ask(url, ("SET", "s", "1"))
            job = await KeyEdit.prepare(await there.place(), delete(b"s"))
            assert (await there.run(job.plan(), Deny())).outcome is Outcome.DECLINED
            assert (await there.edit(delete(b"s"), dry_run=True)).outcome is Outcome.PLANNED
            assert not proxy.sent("UNLINK")

    @pytest.mark.parametrize("state", ["replica", "another", "loading"])
    async def test_only_the_primary_that_was_looked_at_is_changed(self, state: str) -> None:
        async with watched() as (there, proxy, url):
            await ask(url, ("SET", "s", "1"))
            job = await KeyEdit.prepare(await there.place(), delete(b"s"))
            async with lab(port=0, flavour="1.40", seed=2) as other:
                match state:
                    case "replica":
                        await ask(url, ("REPLICAOF", "127.0.0.1", other.port))
                    case "loading":
                        await ask(url, ("DEBUG", "LAB", "loading", "on"))
                    case _:
                        proxy.lead_to(other.port)
                result = await there.run(job.plan())
            assert result.outcome is Outcome.BLOCKED, result.texts
            assert "server" in result.blocked


class TestUndo:
    async def test_over_something_else_only_when_it_is_meant(self) -> None:
        async with watched() as (there, _, url):
            await ask(url, ("SET", "s", "old"))
            await there.edit(delete(b"s"))
            await ask(url, ("RPUSH", "s", "new"))
            kept = newest(there.trash.kept())
            refused = await there.run(Undo(await there.place(), kept).plan())
            assert refused.outcome is Outcome.BLOCKED
            assert "hold something now, such as s: list" in refused.blocked
            says = Says()
            done = await there.run(Undo(await there.place(), kept, replace=True).plan(), says)
            assert done.outcome is Outcome.DONE
            assert (await digest(url))[b"s"][:1] == ("string",)
            assert "replaced" in says.asked[0].consequence
            assert {each.kind for each in there.trash.kept()} == {"string", "list"}

    async def test_an_expiry_that_has_passed_is_said(self) -> None:
        async with watched() as (there, _, url):
            await ask(url, ("SET", "s", "old", "PX", 60_000))
            await there.edit(delete(b"s"))
            kept = [replace(each, expires_at_ms=1000) for each in there.trash.kept()]
            refused = await there.run(Undo(await there.place(), kept).plan())
            assert "passed for 1 of 1: s, 1970" in refused.blocked
            done = await there.run(Undo(await there.place(), kept, persist=True).plan())
            assert done.outcome is Outcome.DONE
            assert "restored without one" in done.warned
            assert (await digest(url))[b"s"][1] is None

    async def test_what_is_no_longer_in_the_trash_fails_by_name(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 5)
            change, _ = await bulk(there, deleting())
            kept = there.trash.kept(run=change.place.run)
            broken = [replace(kept[0], file=Path("/nowhere")), *kept[1:]]
            job = Undo(await there.place(), broken)
            result = await there.run(job.plan())
            assert result.outcome is Outcome.INCOMPLETE
            assert list(job.failures) == [kept[0].name]
            assert "no longer in the trash" in result.blocked + result.texts
            nothing = Undo(await there.place(), broken[:1], replace=True)
            assert (await there.run(nothing.plan())).outcome in {Outcome.FAILED, Outcome.INCOMPLETE}

    async def test_what_cannot_be_replaced_fails_by_name(self) -> None:
        async with watched() as (there, _, url):
            await ask(url, ("SET", "s", "old"), ("SET", "t", "old"))
            await there.edit(delete(b"s"))
            await there.edit(delete(b"t"))
            await ask(url, ("SET", "s", "new"), ("SET", "t", "new"))
            kept = newest(there.trash.kept())
            job = Undo(await there.place(), [kept[0], replace(kept[1], file=Path("/nowhere"))], replace=True)
            result = await there.run(job.plan())
            assert result.outcome is Outcome.INCOMPLETE
            assert list(job.failures) == [kept[1].name]

    async def test_a_silent_server_leaves_a_replacement_unknown(self) -> None:
        async with watched(timeout=0.3) as (there, proxy, url):
            await ask(url, ("SET", "s", "old"))
            await there.edit(delete(b"s"))
            await ask(url, ("SET", "s", "new"))
            proxy.chosen, proxy.harm = (lambda words: words[0] == "EXEC"), Harm.DROPPED
            job = Undo(await there.place(), newest(there.trash.kept()), replace=True)
            assert (await there.run(job.plan())).outcome is Outcome.UNKNOWN

    async def test_very_many_go_in_lots(self) -> None:
        async with watched() as (there, proxy, url):
            await many(url, 450)
            change, _ = await bulk(there, deleting())
            job = Undo(await there.place(), oldest(there.trash.kept(run=change.place.run)))
            says = Says()
            assert (await there.run(job.plan(), says)).outcome is Outcome.DONE
            assert len(proxy.sent("RESTORE")) == 450
            assert "restore 450 keys" in says.asked[0].title


class TestTrash:
    def dump(self, name: bytes = b"k", size: int = 100) -> Dump:
        return Dump(name, "string", None, b"x" * size)

    async def keep(self, trash: Trash, *dumps: Dump) -> None:
        await trash.keeper(instance="one", database=0, run="r", why="test").keep(dumps)

    async def test_the_oldest_make_room_and_old_ones_go(self, tmp_path: Path) -> None:
        clock = FakeClock()
        trash = Trash(tmp_path / "trash", clock=clock, limits=Limits(total_bytes=2000, key_bytes=900, hours=2))
        for number in range(4):
            await clock.advance(60)
            await self.keep(trash, self.dump(b"k%d" % number, 600))
        assert [kept.name for kept in trash.kept()] == [b"k3", b"k2"]
        assert trash.payload(trash.kept()[0]) == b"x" * 600
        await clock.advance(7201)
        assert trash.kept() == []

    async def test_more_than_all_room_is_refused(self, tmp_path: Path) -> None:
        trash = Trash(tmp_path / "trash", clock=FakeClock(), limits=Limits(total_bytes=100))
        with pytest.raises(OSError, match="more than the trash takes"):
            await self.keep(trash, self.dump(size=200))
        assert trash.kept() == []

    async def test_what_went_or_was_cut_is_told(self, tmp_path: Path) -> None:
        trash = Trash(tmp_path / "trash", clock=FakeClock())
        await self.keep(trash, self.dump())
        (kept,) = trash.kept()
        kept.file.write_bytes(kept.file.read_bytes()[:-10])
        assert trash.kept() == []
        with pytest.raises(Refused, match="no longer in the trash"):
            trash.payload(kept)
        kept.file.unlink()
        with pytest.raises(Refused, match="no longer in the trash"):
            trash.payload(kept)

    @pytest.mark.parametrize(
        "damage", [b"\xff" * 8, b"\x00\x00\x00\x05\x00\x00\x00\x05{bad}", b"\x00\x00\x00\x02\x00\x00\x00\x00{}"]
    )
    async def test_a_damaged_file_is_left_out(self, tmp_path: Path, damage: bytes) -> None:
        trash = Trash(tmp_path / "trash", clock=FakeClock())
        await self.keep(trash, self.dump(b"good"))
        (kept,) = trash.kept()
        kept.file.with_name(kept.file.name.replace(".keys", "2.keys")).write_bytes(damage)
        (trash.folder / ".new-left").write_bytes(b"half")
        assert [each.name for each in trash.kept()] == [b"good"]
        assert not (trash.folder / ".new-left").exists()

    async def test_a_write_that_fails_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        trash = Trash(tmp_path / "trash", clock=FakeClock())

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            await self.keep(trash, self.dump())
        assert [path.name for path in trash.folder.iterdir()] == ["lock"]
