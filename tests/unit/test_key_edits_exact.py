"""Whatever a key holds, a change of it does just that and nothing else; and undo restores it exactly."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfly_tui.clients import key_edits
from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connection import Command
from dfly_tui.clients.key_edit import Edit
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.keys.undo import Undo, newest
from tests.support.key_changes import SERVERS, url_of, watched
from tests.support.key_world import Digest, World, ask, digest, world
from tests.support.keyspaces import any_bytes, some_bytes

NAME, OTHER = b"key\x00\xff", b"other:\xfe"
AT_MS = 1_900_000_000_000
Value = tuple[str, int | None, Any]
Change = tuple[Callable[[Capabilities], Edit], Callable[[Any], Any]]
"""An edit, and what it makes of a value; None for a key that is gone then."""

NEIGHBOURS: tuple[Command, ...] = (
    ("SET", "n:string", b"\x80"), ("HSET", "n:hash", "f", "v"), ("RPUSH", "n:list", "a", "b"), ("SADD", "n:set", "m"),
    ("ZADD", "n:zset", "1", "m"), ("PEXPIREAT", "n:hash", AT_MS + 1),
)  # fmt: skip


def _strings() -> st.SearchStrategy[tuple[list[Command], Change]]:
    def made(old: bytes, new: bytes, append: bool) -> tuple[list[Command], Change]:
        if append:
            return [("SET", NAME, old)], (lambda can: key_edits.append(NAME, new), lambda was: was + new)
        return [("SET", NAME, old)], (lambda can: key_edits.set_string(NAME, new, can), lambda was: new)

    return st.builds(made, any_bytes, some_bytes, st.booleans())


def _hashes() -> st.SearchStrategy[tuple[list[Command], Change]]:
    def made(fields: dict[bytes, bytes], field: bytes, value: bytes, at: int) -> tuple[list[Command], Change]:
        fill: list[Command] = [("HSET", NAME, *(word for pair in fields.items() for word in pair))]
        if at % 3 == 0:
            gone = sorted(fields)[at % len(fields)]
            rest = {name: was for name, was in fields.items() if name != gone}
            return fill, (lambda can: key_edits.delete_field(NAME, gone), lambda was: rest or None)
        label = field if at % 3 == 1 else sorted(fields)[at % len(fields)]
        return fill, (lambda can: key_edits.set_field(NAME, label, value, can), lambda was: {**was, label: value})

    return st.builds(
        made, st.dictionaries(any_bytes, any_bytes, min_size=1, max_size=4), any_bytes, any_bytes, st.integers(0, 30)
    )


def _lists() -> st.SearchStrategy[tuple[list[Command], Change]]:
    def made(items: list[bytes], value: bytes, at: int) -> tuple[list[Command], Change]:
        fill: list[Command] = [("RPUSH", NAME, *items)]
        index = at % len(items)
        match at % 4:
            case 0:
                return fill, (lambda can: key_edits.push(NAME, value, left=True), lambda was: [value, *was])
            case 1:
                return fill, (lambda can: key_edits.push(NAME, value), lambda was: [*was, value])
            case 2:
                return fill, (
                    lambda can: key_edits.remove_item(NAME, index),
                    lambda was: [*was[:index], *was[index + 1 :]] or None,
                )
            case _:
                return fill, (
                    lambda can: key_edits.set_item(NAME, index, value),
                    lambda was: [*was[:index], value, *was[index + 1 :]],
                )

    return st.builds(made, st.lists(any_bytes, min_size=1, max_size=5), any_bytes, st.integers(0, 40))


def _sets() -> st.SearchStrategy[tuple[list[Command], Change]]:
    def made(members: set[bytes], member: bytes, at: int) -> tuple[list[Command], Change]:
        fill: list[Command] = [("SADD", NAME, *sorted(members))]
        if at % 2:
            return fill, (lambda can: key_edits.add_member(NAME, member), lambda was: was | {member})
        gone = sorted(members)[at % len(members)]
        return fill, (lambda can: key_edits.remove_member(NAME, gone), lambda was: was - {gone} or None)

    return st.builds(made, st.sets(any_bytes, min_size=1, max_size=5), any_bytes, st.integers(0, 30))


def _sorted_sets() -> st.SearchStrategy[tuple[list[Command], Change]]:
    def made(scores: dict[bytes, int], member: bytes, score: int, at: int) -> tuple[list[Command], Change]:
        fill: list[Command] = [("ZADD", NAME, *(word for name, was in scores.items() for word in (was, name)))]
        if at % 3 == 0:
            gone = sorted(scores)[at % len(scores)]
            return fill, (
                lambda can: key_edits.remove_scored(NAME, gone),
                lambda was: [pair for pair in was if pair[0] != gone] or None,
            )
        label = member if at % 3 == 1 else sorted(scores)[at % len(scores)]
        after = {**scores, label: score}
        ranked = sorted(after.items(), key=lambda pair: (pair[1], pair[0]))
        wanted = [(name, str(each).encode()) for name, each in ranked]
        return fill, (lambda can: key_edits.set_score(NAME, label, str(score)), lambda was: wanted)

    numbers = st.integers(-1000, 1000)
    return st.builds(
        made, st.dictionaries(any_bytes, numbers, min_size=1, max_size=4), any_bytes, numbers, st.integers(0, 30)
    )


def _whole_keys() -> st.SearchStrategy[tuple[list[Command], Change]]:
    def made(value: bytes, fields: dict[bytes, bytes], at: int) -> tuple[list[Command], Change]:
        words: list[bytes] = [word for pair in fields.items() for word in pair]
        fill: list[Command] = [("HSET", NAME, *words)] if words else [("SET", NAME, value)]
        edits: list[Change] = [
            (lambda can: key_edits.delete(NAME), lambda was: None),
            (lambda can: key_edits.expire_at(NAME, AT_MS, 0), lambda was: was),
            (lambda can: key_edits.persist(NAME), lambda was: was),
            (lambda can: key_edits.rename(NAME, OTHER), lambda was: was),
            (lambda can: key_edits.duplicate(NAME, OTHER, can), lambda was: was),
        ]
        return fill, edits[at % len(edits)]

    return st.builds(made, any_bytes, st.dictionaries(any_bytes, any_bytes, max_size=3), st.integers(0, 30))


CASES = st.tuples(
    st.one_of(_strings(), _hashes(), _lists(), _sets(), _sorted_sets(), _whole_keys()),
    st.none() | st.just(AT_MS + 100_000),
)


def _expected(before: Digest, edit: Edit, outcome: Callable[[Any], Any]) -> Digest:
    """What the database should hold."""
    after = dict(before)
    kind, expiry, value = after.pop(NAME)
    made = outcome(value)
    words = edit.title
    if words.startswith("rename"):
        return {**after, OTHER: (kind, expiry, value)}
    if words.startswith("duplicate"):
        return {**after, NAME: (kind, expiry, value), OTHER: (kind, expiry, value)}
    if words.startswith("let "):
        expiry = None if words.endswith(" stay") else AT_MS
    return after if made is None else {**after, NAME: (kind, expiry, made)}


async def _check(there: World, url: str, fill: list[Command], change: Change, expires_at_ms: int | None) -> None:
    await ask(url, ("FLUSHALL",), *NEIGHBOURS, *fill, *([("PEXPIREAT", NAME, expires_at_ms)] if expires_at_ms else []))
    before = await digest(url)
    make, outcome = change
    edit = make(await there.can())
    result = await there.edit(edit)
    assert result.outcome is Outcome.DONE, (edit.title, result.texts, result.blocked)
    assert await digest(url) == _expected(before, edit, outcome), edit.title
    run = result.events[0].at
    kept = newest([each for each in there.trash.kept() if each.at >= run and each.name == NAME])
    if kept:
        await there.run(Undo(await there.place(), kept, replace=True).plan())
        assert (await digest(url))[NAME] == before[NAME], f"undo of: {edit.title}"
    for path in there.paths.trash_dir.glob("*"):
        path.unlink()


@pytest.mark.parametrize("server", SERVERS)
def test_a_change_does_just_that(server: str) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            url = runner.run(stack.enter_async_context(url_of(server)))
            there = runner.run(stack.enter_async_context(world(url)))

            @settings(max_examples=80)
            @given(CASES)
            def check(case: tuple[tuple[list[Command], Change], int | None]) -> None:
                (fill, change), expires_at_ms = case
                runner.run(_check(there, url, fill, change, expires_at_ms))

            check()
        finally:
            runner.run(stack.aclose())


async def test_what_the_server_refuses_inside_a_transaction_was_not_done() -> None:
    async with watched() as (there, _, url):
        await ask(url, ("SET", "k", "v"))
        result = await there.edit(key_edits.expire_at(b"k", 4_000_000_000_000, 0))  # Dragonfly knows 8.5 years
        assert result.outcome is Outcome.FAILED
        assert "out of range" in result.texts
