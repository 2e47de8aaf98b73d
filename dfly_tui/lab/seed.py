"""Invented keys, of the kinds one finds: users, sessions, queues, agents' states, a leaderboard, events, a document."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer

PHASES = ("planning", "build", "review", "test", "release")
AGENTS = ("planning-agent", "coder", "reviewer", "tester", "releaser")
NAMES = ("ada", "grace", "alan", "edsger", "barbara", "donald", "margaret", "linus")
Words: TypeAlias = tuple[str | int, ...]


def seed(server: "LabServer", count: int) -> None:
    """Write that many keys."""
    socket = server.keyspace.socket(lambda reply: None)
    for words in _commands(count, server.rng):
        socket.run([str(word).encode() for word in words])
    server.keyspace.settle()
    server.keyspace.forget_socket(socket)


def _commands(count: int, rng: random.Random) -> Iterator[Words]:
    specials: Sequence[Words] = (
        ("ZADD", "leaderboard", *(word for n in range(200) for word in (rng.randrange(10_000), f"player{n}"))),
        ("XADD", "events:orders", "*", "kind", "order", "total", "12.50"),
        ("JSON.SET", "config:features", "$", '{"dark": true, "limits": {"rps": 100}}'),
        ("SADD", "tags:all", *(f"tag{n}" for n in range(12))),
    )
    for number in range(count):
        if number < len(specials):
            yield specials[number]
        else:
            yield KINDS[number % len(KINDS)](number, rng)


def user(number: int, rng: random.Random) -> Words:
    name = rng.choice(NAMES)
    return ("HSET", f"users:{number}", "name", name, "mail", f"{name}@example.org", "visits", rng.randrange(900))


def session(number: int, rng: random.Random) -> Words:
    return ("SET", f"session:{number:06x}", f"{rng.getrandbits(256):064x}", "EX", rng.randrange(600, 7200))


def agent_state(number: int, rng: random.Random) -> Words:
    return ("SET", f"agent:{AGENTS[number % 5]}:state:LAW-{number}", rng.choice(("idle", "working", "waiting")))


def phase(number: int, rng: random.Random) -> Words:
    step, agent = PHASES[number % 5], AGENTS[number % 5]
    del rng
    return ("SET", f"tef:state:LAW-{number}:{step}:{agent}", f'{{"step": {number}, "phase": "{step}"}}')


def queue(number: int, rng: random.Random) -> Words:
    return ("RPUSH", f"queue:{number}", *(f"job-{rng.randrange(10_000)}" for _ in range(rng.randrange(1, 40))))


KINDS: Sequence[Callable[[int, random.Random], Words]] = (user, user, session, session, agent_state, phase, queue)
"""What the key of each number is, over and over."""
