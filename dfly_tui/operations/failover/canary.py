"""Keys of our own, by which is seen that writes are taken and arrive."""

from dfly_tui.clients import writer
from dfly_tui.errors import ServerError
from dfly_tui.operations.access import Hands
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.failover.steps import cli_line
from dfly_tui.operations.plan import Act

CANARY_SECONDS = 10.0
"""What a write may take to arrive."""


def canary(scene: Scene, new: str) -> Act:
    """Write a key on the new primary, read it back and delete it."""
    config, key = scene.access.configs[new], f"dfly-tui:canary:{scene.plan_id}"
    words = (writer.put_canary_words(key, scene.plan_id, 60), ("GET", key), writer.delete_canary_words(key))

    async def run(hands: Hands) -> str:
        hand = hands.dragonflies[new]
        await hand.put_canary(key, scene.plan_id, 60)
        try:
            read = await scene.access.reader(new).text_of(key)
        finally:
            await hand.delete_canary(key)
        if read != scene.plan_id:
            raise ServerError(f"{new} gave back something else than was written", "")
        return "written, read and deleted"

    return Act(
        id="canary", title=f"write to {new} and read it back", target=new,
        commands=tuple(cli_line(config, each) for each in words), run=run,
        left_to_do=f"try whether {new} takes writes",
    )  # fmt: skip


def followed_canary(scene: Scene, primary: str, replica: str) -> Act:
    """Write a key on the primary, see it arrive on the replica, and delete it."""
    config, key = scene.access.configs[primary], f"dfly-tui:canary:{scene.plan_id}"
    words = (writer.put_canary_words(key, scene.plan_id, 60), writer.delete_canary_words(key))
    clock = scene.access.clock

    async def arrived() -> str | None:
        until = clock.monotonic() + CANARY_SECONDS
        while (read := await scene.access.reader(replica).text_of(key)) is None and clock.monotonic() < until:
            await clock.sleep(0.1)
        return read

    async def run(hands: Hands) -> str:
        started = clock.monotonic()
        await hands.dragonflies[primary].put_canary(key, scene.plan_id, 60)
        try:
            read = await arrived()
        finally:
            await hands.dragonflies[primary].delete_canary(key)
        if read != scene.plan_id:
            raise ServerError(f"what was written to {primary} did not arrive on {replica}", "")
        return f"arrived after {clock.monotonic() - started:.1f} s"

    return Act(
        id="canary", title=f"write to {primary} and read it on {replica}", target=primary,
        commands=tuple(cli_line(config, each) for each in words), run=run,
        left_to_do=f"see whether writes arrive on {replica}",
    )  # fmt: skip
