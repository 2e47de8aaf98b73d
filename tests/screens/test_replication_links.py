"""Links on the replication screen: their lag, of which server ever, and who is at their ends."""

from tests.screens.replication_stage import CUT_LINK, changed, text_of
from tests.screens.stage import Stage, down, screen_text, seconds


async def test_the_lag_is_that_of_the_chosen_replica_in_records_and_in_time(pair: Stage) -> None:
    changed(pair, "workhorse", ("state=online,lag=1", "state=online,lag=4801"))
    pair.actors["workhorse"].steady = True
    text = await text_of(pair)
    # 4800 records of each of two shards, 303 writes a second, of which only three seconds were watched.
    assert "[catching up]" in text
    assert "4.80k records, 32 s behind" in text
    assert "✖ no: replication lag: 4801 records, 31.7 s (wanted: at most 1 s)" in text
    assert "Lag of nas in seconds, estimated 32 s" in text


async def test_a_lag_is_shown_in_records_while_no_rate_of_writes_is_known(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await seconds(pair, pilot, 0)
        text = screen_text(app)
    assert "1 record behind, rate of writes not known" in text
    assert "Lag of nas in records 1" in text


async def test_the_lag_of_a_redis_is_in_bytes(redis_pair: Stage) -> None:
    changed(redis_pair, "alpha", ("offset=660", "offset=120"))
    text = await text_of(redis_pair)
    assert "lag      540 B, 8 s behind" in text
    assert "offset   660; resyncs that alpha gave all its replicas: 1 full, 0 partial" in text
    assert "beta knows REPLTAKEOVER: no, it is redis" in text


async def test_a_redis_in_full_sync_tells_bytes(redis_pair: Stage) -> None:
    syncing = "master_sync_in_progress:1\r\nmaster_sync_total_bytes:4096\r\nmaster_sync_left_bytes:1024"
    changed(
        redis_pair, "beta", ("master_link_status:up", "master_link_status:down"), ("master_sync_in_progress:0", syncing)
    )
    text = await text_of(redis_pair)
    assert "[full sync 3 KiB of 4 KiB]" in text
    assert "promote: no" in text


async def test_when_the_primary_is_gone_its_last_words_on_the_lag_stay(pair: Stage) -> None:
    changed(pair, "workhorse", ("state=online,lag=1", "state=online,lag=983"))
    changed(pair, "nas", *CUT_LINK)
    pair.actors["workhorse"].fails_after = (3, down())
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 12)
        await pilot.press("3")
        await seconds(pair, pilot, 1)
        text = screen_text(app)
    assert "main: workhorse DOES NOT ANSWER" in text
    assert "no: workhorse cannot hand over. f plans an emergency promotion" in text
    assert "983 records, 4 s behind when workhorse was last read, 11 s ago" in text


async def test_a_replica_behind_nat_stays_with_its_primary_that_is_gone(pair: Stage) -> None:
    changed(pair, "nas", *CUT_LINK, ("master_host:127.0.0.1", "master_host:172.19.0.2"))
    pair.actors["workhorse"].error = down()
    text = await text_of(pair)
    assert "└▶ ✖ nas" in text
    assert "no: workhorse cannot hand over" in text


async def test_what_nobody_configured_is_shown_in_a_primarys_list(pair: Stage) -> None:
    known = "slave0:ip=127.0.0.1,port=17380,state=online,lag=1"
    changed(pair, "workhorse", (known, f"{known}\r\nslave1:ip=10.9.9.9,port=6379,state=online,lag=3"))
    text = await text_of(pair)
    assert "├▶ ● nas" in text
    assert "└▶ ◇ 10.9.9.9:6379" in text
    assert "connected, not configured  stable  lag 3 records" in text


async def test_a_configured_replica_that_does_not_answer_us_is_no_stranger(pair: Stage) -> None:
    known = "slave0:ip=127.0.0.1,port=17380,state=online,lag=1"
    changed(pair, "workhorse", (known, f"{known}\r\nslave1:ip=10.0.0.8,port=6379,state=online,lag=3"))
    pair.add("third", group="main", role="replica", replica_of="workhorse", url="redis://10.0.0.8:6379").error = down()
    text = await text_of(pair)
    assert "✖ third" in text
    assert "10.0.0.8:6379  " not in text


async def test_a_chain_and_a_circle_are_drawn_once(pair: Stage) -> None:
    third = pair.add("third", "v1.40.1-replica", group="main", url="redis://127.0.0.1:17381")
    third.text = third.text.replace("master_port:17379", "master_port:17380").replace("e26827", "ffffff")
    pair.actors["nas"].config = pair.actors["nas"].config.model_copy(update={"url": "redis://127.0.0.1:17380"})
    assert "   └▶ ● third" in await text_of(pair)
    pair.actors["workhorse"].text = third.text.replace("master_port:17380", "master_port:17381")
    text = await text_of(pair)
    assert "main: NOBODY LEADS" in text
    assert [text.count(f" {name}  ") >= 1 for name in ("workhorse", "third")] == [True, True]


async def test_a_replica_that_follows_another_than_is_meant(pair: Stage) -> None:
    other = pair.add("other", group="else", url="redis://10.0.0.5:6379")
    other.text = other.text.replace("e26827", "abcdef")
    changed(pair, "nas", ("master_host:127.0.0.1", "master_host:10.0.0.5"), ("master_port:17379", "master_port:6379"))
    changed(pair, "nas", ("e26827", "abcdef"))
    text = await text_of(pair, "down", "down")
    assert "follows 10.0.0.5:6379, not workhorse" in text
