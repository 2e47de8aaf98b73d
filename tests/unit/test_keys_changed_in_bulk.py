"""Many keys changed at a time: the plan run whole, on lab servers and a real redis-server."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from dfly_tui.clients.key_bulk import BulkChanges
from dfly_tui.clients.scan import Pace
from dfly_tui.errors import BadInput
from dfly_tui.models.keys import Access, KeyFacts, KeyFilter
from dfly_tui.models.operation import Level, Outcome
from dfly_tui.operations.keys.bulk import BulkChange, Progress
from dfly_tui.operations.keys.trash import Limits
from dfly_tui.operations.keys.undo import Undo, oldest
from dfly_tui.operations.keys.wish import Preview, What, Wish, persisting, preview, renaming, wish_from
from tests.support.key_changes import SERVERS, bulk, deleting, many, url_of, watched
from tests.support.key_world import Result, Says, World, ask, digest, world
from tests.support.lab import lab
from tests.support.proxy import Harm


class TestManyKeys:
    @pytest.mark.parametrize("server", SERVERS)
    async def test_they_are_deleted_and_come_back_exactly(self, server: str) -> None:
        async with url_of(server) as url, world(url) as there:
            await many(url, 300, ttl=9000)
            await ask(url, ("SET", "other", "1"))
            before = await digest(url)
            says, told = Says(), list[Progress]()
            change, result = await bulk(there, deleting(), says, told=told.append)
            assert result.outcome is Outcome.DONE, result.texts
            assert set(await digest(url)) == {b"other"}
            assert says.asked[0].level is Level.BUTTON
            assert "300 keys, of 301 in the database" in says.asked[0].consequence
            assert told[-1].changed == 300
            assert "300 of 300 keys" in told[-1].text
            kept = oldest(there.trash.kept(run=change.place.run))
            job = Undo(await there.place(), kept)
            assert (await there.run(job.plan(), says)).outcome is Outcome.DONE
            assert await digest(url) == before

    async def test_expire_persist_and_rename(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 50)
            at_ms = round(there.clock.now().timestamp() * 1000) + 9_000_000
            cache = KeyFilter(pattern=b"cache:*")
            await bulk(there, Wish(What.EXPIRE, cache, expires_at_ms=at_ms, pace=Pace.FAST))
            assert {entry[1] for entry in (await digest(url)).values()} == {at_ms}
            _, result = await bulk(there, persisting(cache, pace=Pace.FAST, rate=1000.0))
            assert result.outcome is Outcome.DONE, result.texts
            assert {entry[1] for entry in (await digest(url)).values()} == {None}
            await ask(url, ("SET", "store:7", "in the way"))
            change, result = await bulk(there, renaming(b"cache:", b"store:", KeyFilter(), pace=Pace.FAST, rate=None))
            assert result.outcome is Outcome.INCOMPLETE
            assert change.failures == {b"cache:7": "there is a key of the new name already"}
            assert len([name for name in await digest(url) if name.startswith(b"store:")]) == 50
            assert change.title == "rename cache:* to store:*"

    async def test_many_or_all_are_confirmed_by_name(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 1100)
            await ask(url, ("SET", "other", "1"))
            says = Says(answer=False)
            await bulk(there, deleting(), says)
            await bulk(there, deleting(b"*"), says)
            await bulk(there, deleting(b"other"), says)
            assert [asked.level for asked in says.asked] == [Level.NAME, Level.NAME, Level.BUTTON]
            assert [asked.token for asked in says.asked][:2] == [there.config.name] * 2
            assert len(await digest(url)) == 1101

    async def test_nothing_to_do(self) -> None:
        async with watched() as (there, _, _url):
            _, result = await bulk(there, deleting())
            assert result.outcome is Outcome.BLOCKED
            assert "nothing to do" in "".join(each.advice for event in result.events for each in event.findings)

    async def test_many_more_than_were_previewed_are_not_touched(self) -> None:
        async with watched() as (there, proxy, url):
            await many(url, 100)
            _, result = await bulk(there, deleting(), Says(before=lambda: many(url, 400)))
            assert result.outcome is Outcome.BLOCKED
            assert "400, and 100 when it was previewed" in result.blocked
            assert not proxy.sent("UNLINK")

    async def test_it_is_given_up_between_windows(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 900)
            change, result = await bulk(there, deleting(), stop=lambda: True)
            assert (result.outcome, change.stopped) == (Outcome.INCOMPLETE, "it was given up")
            assert len(await digest(url)) == 900
            assert "run it again" in "".join(result.left)

    async def test_a_silent_server_leaves_it_unknown_and_says_what_to_do(self) -> None:
        async with watched(timeout=0.3) as (there, proxy, url):
            await many(url, 30)
            proxy.chosen, proxy.harm = (lambda words: words[0] == "UNLINK"), Harm.DROPPED
            _, result = await bulk(there, deleting(undoable=False))
            assert result.outcome is Outcome.UNKNOWN, result.texts
            assert len(proxy.sent("UNLINK")) == 1

    async def test_a_server_that_goes_away_between_windows_stops_it(self) -> None:
        async with watched() as (there, proxy, url):
            await many(url, 900)
            place, wish = await there.place(), deleting()
            change = BulkChange(place, wish, await preview(place, wish, rng=random.Random(1)))
            change.told = lambda progress: proxy.cut()
            monkeypatched = change._tell
            change._tell = lambda *, at_once=False: monkeypatched(at_once=True)  # type: ignore[method-assign]
            result = await there.run(change.plan())
            assert result.outcome in {Outcome.INCOMPLETE, Outcome.UNKNOWN}, result.texts
            assert 0 < len(await digest(url)) < 900

    @pytest.mark.parametrize("flavour", ["1.22", "1.40"])
    async def test_a_full_server_stops_what_needs_room(self, flavour: str) -> None:
        async with watched(flavour) as (there, _, url):
            await many(url, 30, ttl=900)
            await ask(url, ("DEBUG", "LAB", "oom", "on"))
            change, result = await bulk(there, persisting(KeyFilter(pattern=b"cache:*"), pace=Pace.FAST, rate=None))
            assert result.outcome in {Outcome.INCOMPLETE, Outcome.DONE}
            assert change.stopped or change.changed == 30

    async def test_a_trash_that_cannot_be_written_deletes_nothing(self) -> None:
        async with watched() as (there, proxy, url):
            await many(url, 30)
            there.trash.folder.parent.mkdir(parents=True, exist_ok=True)
            there.trash.folder.write_text("not a folder")
            change, result = await bulk(there, deleting())
            assert result.outcome is Outcome.INCOMPLETE
            assert "the trash cannot be written" in change.stopped
            assert not proxy.sent("UNLINK")

    async def test_a_key_that_cannot_be_kept_is_not_touched(self) -> None:
        async with watched(limits=Limits(key_bytes=200)) as (there, _, url):
            await many(url, 20)
            change_place, wish = await there.place(), deleting()
            seen = await preview(change_place, wish, rng=random.Random(1))
            await ask(url, ("SET", "cache:large", random.Random(1).randbytes(4000)))
            change = BulkChange(change_place, wish, seen)
            result = await there.run(change.plan())
            assert result.outcome is Outcome.INCOMPLETE
            assert set(await digest(url)) == {b"cache:large"}
            assert "not kept in the trash, so not touched" in change.failures[b"cache:large"]

    async def test_keys_that_go_meanwhile_are_counted_apart(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 20)
            _, result = await bulk(there, deleting(), Says(before=lambda: ask(url, ("DEL", "cache:1", "cache:2"))))
            assert result.outcome is Outcome.DONE
            assert "18 keys changed" in result.texts


class TestWhatHappensMeanwhile:
    """Something happens right before the first window is changed."""

    async def change(
        self, there: World, wish: Wish, happens: Callable[[], object], **options: object
    ) -> tuple[BulkChange, Result]:
        place = await there.place()
        change = BulkChange(place, wish, await preview(place, wish, rng=random.Random(1)), **options)  # type: ignore[arg-type]
        original, begun = change._lot, False

        async def lot(changes: BulkChanges, names: Sequence[bytes]) -> None:
            nonlocal begun
            if not begun:
                begun = True
                await happens()  # type: ignore[misc]
            await original(changes, names)

        change._lot = lot  # type: ignore[method-assign]
        return change, await there.run(change.plan())

    async def test_it_became_a_replica(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("dfly_tui.operations.keys.bulk.LOOK_SECONDS", 0.0)
        async with watched() as (there, _, url), lab(port=0, flavour="1.40", seed=2) as other:
            await many(url, 900)
            change, result = await self.change(
                there, deleting(undoable=False), lambda: ask(url, ("REPLICAOF", "127.0.0.1", other.port))
            )
            assert result.outcome is Outcome.INCOMPLETE
            assert change.stopped
            assert change.changed == 0

    async def test_it_became_a_replica_that_was_to_expire_keys(self) -> None:
        async with watched() as (there, _, url), lab(port=0, flavour="1.40", seed=2) as other:
            await many(url, 20)
            wish = Wish(What.EXPIRE, KeyFilter(pattern=b"cache:*"), expires_at_ms=1 << 42, pace=Pace.FAST)
            change, result = await self.change(
                there, replace(wish, undoable=False), lambda: ask(url, ("REPLICAOF", "127.0.0.1", other.port))
            )
            assert result.outcome is Outcome.INCOMPLETE
            assert change.changed == 0

    async def test_keys_are_written_that_match(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 10)
            change, result = await self.change(there, deleting(), lambda: ask(url, ("SET", "cache:new", "1")))
            assert change.changed == 10
            assert result.outcome is Outcome.INCOMPLETE
            assert "written meanwhile" in result.blocked

    async def test_a_deletion_of_several_is_refused(self) -> None:
        async with watched() as (there, proxy, url):
            await many(url, 20)
            proxy.chosen, proxy.harm = (lambda words: words[0] == "UNLINK"), Harm.REFUSED
            change, result = await bulk(there, deleting(undoable=False))
            assert result.outcome is Outcome.DONE, "each was tried by itself"
            assert change.changed == 20

    async def test_keys_are_gone_before_they_are_kept(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 20)
            change, result = await self.change(there, deleting(), lambda: ask(url, ("DEL", "cache:3")))
            assert result.outcome is Outcome.DONE
            assert (change.changed, change.missing) == (19, 1)

    async def test_keys_are_gone_before_they_are_renamed_or_stay(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 20, ttl=900)
            wish = persisting(KeyFilter(pattern=b"cache:*"), pace=Pace.FAST, rate=None)
            change, _ = await self.change(there, wish, lambda: ask(url, ("PERSIST", "cache:3")))
            assert (change.changed, change.missing) == (19, 1)
            wish = renaming(b"cache:", b"store:", KeyFilter(), pace=Pace.FAST, rate=None)
            change, _ = await self.change(there, wish, lambda: ask(url, ("DEL", "cache:4")))
            assert (change.changed, change.missing, change.failed) == (19, 1, 0)

    async def test_of_very_many_failures_the_first_are_named(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 130)
            await ask(url, *(("SET", f"store:{n}", "there") for n in range(130)))
            wish = renaming(b"cache:", b"store:", KeyFilter(), pace=Pace.FAST, rate=None)
            change, _ = await bulk(there, wish)
            assert (change.failed, len(change.failures)) == (130, 100)

    async def test_a_trash_that_fills_stops_it(self) -> None:
        async with watched(limits=Limits(total_bytes=60_000, key_bytes=20_000)) as (there, _, url):
            await many(url, 900)
            change, result = await bulk(there, deleting())
            assert result.outcome is Outcome.INCOMPLETE
            assert change.stopped == "the keys are larger than the preview told, and the trash is full"
            assert 0 < len(await digest(url)) < 900

    async def test_keys_cannot_be_looked_for_any_more(self) -> None:
        async with watched() as (there, proxy, url):
            await many(url, 20)
            proxy.chosen = lambda words: words[0] == "SCAN" and len(proxy.sent("SCAN")) == 3
            proxy.harm = Harm.REFUSED
            _, result = await bulk(there, deleting())
            assert result.outcome is Outcome.FAILED
            assert len(await digest(url)) == 20

    async def test_a_slow_server_gets_smaller_windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("dfly_tui.operations.keys.bulk.SLOW_SECONDS", -1.0)
        async with watched() as (there, _, url):
            await many(url, 900)
            change, _ = await bulk(there, deleting(undoable=False))
            assert change.window < 512
            assert change.changed == 900


def facts(size: int | None, count: int = 5) -> tuple[KeyFacts, ...]:
    return tuple(KeyFacts(b"k%d" % n, "string", -1, size) for n in range(count))


class TestWhatIsSaidBefore:
    async def change(self, there: World, seen: Preview, wish: Wish | None = None) -> BulkChange:
        return BulkChange(await there.place(), wish or deleting(), seen)

    async def test_why_it_cannot_be_undone(self) -> None:
        async with watched() as (there, _, _url):
            said = [
                (await self.change(there, Preview(keys, facts(size), keys + 5, 0.1), wish)).why_not_kept
                for keys, size, wish in [
                    (5, 100, deleting()), (0, 100, deleting()), (5, 100, deleting(undoable=False)),
                    (30_000, 100, deleting()), (5, None, deleting()), (5, 100 << 20, deleting()),
                    (5, 100, persisting(KeyFilter(), pace=Pace.FAST, rate=None)),
                ]
            ]  # fmt: skip
        assert said[0] == said[1] == said[6] == ""
        assert said[2] == "it was chosen so"
        assert "20,000 keys" in said[3]
        assert "does not tell" in said[4]
        assert "16 MiB of one key" in said[5]

    async def test_what_is_told_of_an_empty_sample(self) -> None:
        async with watched() as (there, _, _url):
            change = await self.change(there, Preview(5, (), 0, 0.1))
            assert change.consequence().splitlines()[0] == "5 keys; about – of memory."
            assert change.preview.kinds == {}
            assert change.preview.largest_bytes == 0
            assert change.progress.eta_seconds is None
            assert change.progress.rate == 0.0

    def test_a_progress_tells_failures_and_what_is_left(self) -> None:
        told = Progress(
            seen=50, changed=40, missing=5, failed=5, total=100, seconds=5.0, latency_seconds=0.1, window=64
        )
        assert told.text == "50 of 100 keys, 5 failed, 10/s, 5 s left"

    async def test_a_sample_is_drawn_from_all(self) -> None:
        async with watched() as (there, _, url):
            await many(url, 1500)
            seen = await preview(await there.place(), deleting(), rng=random.Random(3))
        assert (seen.keys, len(seen.sample), seen.database_keys) == (1500, 500, 1500)
        assert len({int(name.removeprefix("cache:")) // 500 for name in seen.names}) == 3
        assert seen.kinds == {"string": 1500}


class TestWishes:
    @pytest.mark.parametrize(
        "wish",
        [
            deleting(), Wish(What.EXPIRE, KeyFilter(kind="set", access=Access.UNTOUCHED), expires_at_ms=77, rate=5.0),
            persisting(KeyFilter(pattern=b"\xff*"), pace=Pace.GENTLE, rate=None),
            renaming(b"a\x00", b"b:", KeyFilter(min_bytes=7), pace=Pace.NORMAL, rate=None),
        ],
    )  # fmt: skip
    def test_a_record_tells_it_whole(self, wish: Wish) -> None:
        assert wish_from(wish.facts()) == wish
        assert wish.shown

    @pytest.mark.parametrize("facts_", [{}, {"wanted": "nonsense"}, deleting().facts() | {"what": "explode"}])
    def test_a_record_of_something_else(self, facts_: dict[str, str]) -> None:
        with pytest.raises(BadInput, match="not one of ours"):
            wish_from(facts_)

    def test_what_cannot_be_wished(self) -> None:
        with pytest.raises(BadInput, match="stay anyway"):
            persisting(KeyFilter(expires=False), pace=Pace.FAST, rate=None)
        for prefix, other in ((b"", b"a"), (b"a", b"a")):
            with pytest.raises(BadInput, match="another one"):
                renaming(prefix, other, KeyFilter(), pace=Pace.FAST, rate=None)
        with pytest.raises(BadInput, match="a pattern besides"):
            renaming(b"a", b"b", KeyFilter(pattern=b"x"), pace=Pace.FAST, rate=None)

    def test_what_was_renamed_is_not_renamed_once_more(self) -> None:
        wish = renaming(b"a:", b"a:b:", KeyFilter(), pace=Pace.FAST, rate=None)
        assert [wish.admits(name) for name in (b"a:1", b"a:b:1", b"c:1")] == [True, False, False]
        assert wish.command(b"a:1") == ("RENAMENX", b"a:1", b"a:b:1")
        assert deleting().command(b"x") == ("UNLINK", b"x")
