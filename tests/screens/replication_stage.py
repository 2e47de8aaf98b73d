"""What the replication screen's tests share: changed words of a server, and what stands on the screen then."""

from tests.screens.stage import Stage, screen_text, seconds

CUT_LINK = (("master_link_status:up", "master_link_status:down"), ("slave_repl_offset", "x_offset"))


def changed(stage: Stage, name: str, *pairs: tuple[str, str]) -> None:
    """Replace words in what an instance answers."""
    actor = stage.actors[name]
    for old, new in pairs:
        assert old in actor.text, old
        actor.text = actor.text.replace(old, new)


async def text_of(stage: Stage, *keys: str, size: tuple[int, int] = (120, 40)) -> str:
    app = stage.app()
    async with app.run_test(size=size) as pilot:
        await seconds(stage, pilot, 4)
        await pilot.press("3", *keys)
        await seconds(stage, pilot, 1)
        return screen_text(app)
