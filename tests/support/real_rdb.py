"""RDB files that a real redis-server wrote."""

from pathlib import Path

from tests.support.lab import Client
from tests.support.servers import running_redis

KEYS = {0: 207, 3: 1}
"""Per database, of what is written."""


async def real_rdb(target: Path, *more: tuple[str, ...]) -> Path:
    """Let a redis-server write one.

    Args:
        more: Commands before it is saved.
    """
    async with running_redis() as redis:
        async with Client(redis.port) as ask:
            for words in (
                ("SET", "number", "42"), ("SET", "big", "x" * 5000), ("SET", "soon", "1", "PX", "9000000"),
                ("RPUSH", "list", "a", "b", "3"), ("SADD", "set", "a", "b"), ("HSET", "hash", "f", "v"),
                ("ZADD", "scores", "1.5", "a", "inf", "b"), *(("SET", f"key:{n}", str(n)) for n in range(200)),
                *more, ("SELECT", "3"), ("SET", "other", "1"), ("SAVE",),
            ):  # fmt: skip
                await ask(*words)
        target.write_bytes((redis.folder / "dump.rdb").read_bytes())
    return target
