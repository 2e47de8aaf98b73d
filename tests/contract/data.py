"""The keys the recorded servers had."""

from collections.abc import Iterator

from tests.contract.target import Connection, Node

SLOW_AGAIN = ("CONFIG", "SET", "slowlog_log_slower_than", "10000")


async def fill(node: Node) -> None:
    """Write them."""
    connection = await Connection.open(node.port)
    try:
        if node.password:
            await connection.raw("AUTH", node.password)
        for words in (("CONFIG", "SET", "slowlog_log_slower_than", "0"), *commands(), SLOW_AGAIN):
            answer = await connection.raw(*words)
            assert answer[:1] != b"-", (words[:2], answer)
    finally:
        await connection.close()


def commands() -> Iterator[tuple[str | bytes, ...]]:
    """What writes them, roughly a tenth of the strings."""
    for number in range(200):
        yield "SET", f"user:{number}:name", f"name-{number}", *(("EX", "3600") if number % 2 else ())
    for number in range(0, 200, 10):
        agent = "x" * 40
        yield "HSET", f"session:{number}", "user", str(number), "ip", f"10.0.0.{number % 250 + 1}", "agent", agent
    for number in range(4):
        yield "RPUSH", f"queue:{number}", *(f"job-{job % 10}" for job in range(400))
        yield "SADD", f"tags:{number}", *(f"t{tag}" for tag in range(12))
    yield "ZADD", "leaderboard", *(word for n in range(0, 2000, 10) for word in (str(n), f"player{n}"))
    for number in range(100):
        yield "XADD", "events:0", "*", "kind", "click", "n", str(number)
    yield "SET", "bin\x00key", b"\x00\xff\x80binary"
    yield "SET", "int", "42"
    yield "SET", "json", '{"a": [1, 2, {"b": null}]}'
    yield "SET", "big", "x" * 3_000_000
    for start in range(0, 5000, 500):
        yield "HSET", "bighash", *(word for n in range(start, start + 500) for word in (f"f{n}", f"v{n}"))
    yield "SET", "tef:state:LAW-123:planning:planning-agent", "{}"
    yield "JSON.SET", "doc", "$", '{"x":1,"y":[1,2,3]}'
    yield "PFADD", "hll", *(f"m{n}" for n in range(100))
    yield "GEOADD", "geo", "13.361389", "38.115556", "Palermo"
    yield "SETBIT", "bits", "100", "1"
    yield "BF.ADD", "bloom", "x"
    yield "SELECT", "3"
    yield "SET", "other", "1"
    yield "SELECT", "0"
