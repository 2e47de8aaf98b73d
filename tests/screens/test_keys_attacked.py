"""The key browser against what means it ill: servers that fail, names and values that are not what they seem."""

import pytest
from textual.pilot import Pilot

from dfly_tui.clients.keys import KeyReader
from dfly_tui.models.keys import KeyFacts
from dfly_tui.models.namespaces import Namespaces
from dfly_tui.pollers.key_facts import KeyFactsFeed
from dfly_tui.pollers.keyspace import KeyspaceScan, ScanState
from dfly_tui.settings import InstanceConfig
from screens.keys import KeysScreen
from screens.keys_listing import Listing
from screens.keys_rows import Order
from tests.screens.keys_stage import browse, complete, shelf, until
from tests.screens.stage import Stage, repaint, screen_text, seconds
from tests.support.clock import FakeClock
from tests.support.lab import Client
from tests.support.secrets import Password
from widgets.keytree import KeyTree


def browser(pilot: Pilot[int]) -> tuple[KeysScreen, KeyspaceScan]:
    screen = pilot.app.screen
    assert isinstance(screen, KeysScreen)
    assert screen.scan is not None
    return screen, screen.scan


# The tree


async def test_a_database_that_cannot_be_looked_into_is_not_called_empty(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app):
        await browse(pair, pilot, "slash", *"zzz", "enter")
        await until(pair, pilot, complete)
        assert "no such key" in screen_text(app)
        screen, _ = browser(pilot)
        screen._database = 7
        screen._open()
        await until(pair, pilot, lambda s: s.scan is not None and s.scan.database == 7 and complete(s))
        assert "this database is empty" in screen_text(app)
        screen._database = 99
        screen._open()
        await until(pair, pilot, lambda s: s.scan is not None and s.scan.state is ScanState.FAILED)
        assert "out of range" in screen_text(app)
        assert "it is not known what is in it" in screen_text(app)


async def test_with_a_filter_it_says_how_many_match_in_how_many(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app):
        await browse(pair, pilot, "slash", *"user:*", "enter")
        await until(pair, pilot, lambda s: complete(s) and "looking for" in screen_text(app))
        assert "40 matches in 61 keys, complete" in screen_text(app)


async def test_a_namespace_that_is_folded_while_the_cursor_is_on_it(
    pair: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app):
        await browse(pair, pilot, "down", "down")
        screen, scan = browser(pilot)
        row = screen.query_one(KeyTree).chosen
        assert row is not None
        assert row.is_space
        scan.spaces._drop_below(scan.spaces.root)
        await pilot.press("up", "down")
        repaint(pilot)
        await pilot.pause()
        assert app.is_running
        assert "61 of 61 keys scanned, complete" in screen_text(app)


async def test_the_cursor_tells_a_key_from_the_namespace_of_the_same_name(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app) as server:
        async with Client(server.port) as client:
            await client("SET", "user:", "called like the namespace")
        await browse(pair, pilot, "enter")
        tree = browser(pilot)[0].query_one(KeyTree)
        space = tree.chosen
        assert space is not None
        at = next(at for at in range(tree.count) if tree._rows[at].is_key and tree._rows[at].name == space.name)
        tree.cursor = at
        for _ in range(3):
            repaint(pilot)
            await pilot.pause()
        assert tree.cursor == at
        await pilot.press("left")
        await pilot.pause()
        assert tree.chosen == space
        assert tree.cursor == 0


async def test_a_scan_whose_server_is_away_rests_when_the_screen_is_left(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        async with shelf(pair, app):
            pass
        await seconds(pair, pilot, 2)
        await pilot.press("4")
        await until(pair, pilot, lambda s: s.scan is not None and s.scan.state is ScanState.WAITING)
        _, scan = browser(pilot)
        await pilot.press("1")
        await pilot.pause()
        assert scan.state is ScanState.PAUSED


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("order", list(Order))
async def test_very_many_rows_are_put_together_without_making_anybody_wait(order: Order, flat: bool) -> None:
    class Counting(FakeClock):
        """A slow machine, on which it is counted how often others may go on."""

        yielded = 0

        def monotonic(self) -> float:
            self._now += 1e-5
            return super().monotonic()

        async def sleep(self, seconds: float) -> None:
            self.yielded += 1

    clock = Counting()
    reader = KeyReader(InstanceConfig(name="one", url="redis://x"), Password(), clock=clock, timeout_seconds=1)
    scan, facts, listing = KeyspaceScan(reader), KeyFactsFeed(reader, database=0, changed=lambda: None), Listing(clock)
    names = [b"queue:%d" % (number * 7919 % 20_000) for number in range(20_000)]
    scan.spaces.add(names)
    facts.put([KeyFacts(name, "string", 10**6 * len(name), int(name[6:])) for name in names])
    listing.order, listing.flat, listing.opened = order, flat, {b"queue:"}
    await listing.update(scan, facts)
    listed = list(listing.rows.names())
    if order is Order.TTL:
        assert [len(name) for name in listed] == sorted(map(len, names))
    else:
        assert listed == sorted(names, key=(lambda name: -int(name[6:])) if order is Order.SIZE else None)
    assert len(listing.rows) == 20_000 + (not flat)
    assert clock.yielded >= (5 if order.needs_facts else 0)
    await reader.aclose()


async def test_rows_of_what_was_left_do_not_come_back() -> None:
    clock = FakeClock()
    reader = KeyReader(InstanceConfig(name="one", url="redis://x"), Password(), clock=clock, timeout_seconds=1)
    scan, facts, listing = KeyspaceScan(reader), KeyFactsFeed(reader, database=0, changed=lambda: None), Listing(clock)
    scan.spaces.add([b"here"])
    await listing.update(scan, facts)
    assert list(listing.rows.names()) == [b"here"]
    listing.start_over()
    assert len(listing.rows) == 0
    scan.spaces = Namespaces()
    scan.spaces.add([b"there"])
    await listing.update(scan, facts)
    assert list(listing.rows.names()) == [b"there"]
