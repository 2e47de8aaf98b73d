"""Draws what the README shows from the program itself: its key table and a picture of each screen (`make pictures`)."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from screens.commands import COMMANDS, SCOPE_TITLES, keys_of
from tests.screens.backups_stage import Shelf, open_backups, ordinary
from tests.screens.keys_stage import browse, shelf
from tests.screens.stage import Stage, down, seconds
from tests.support.fakes import changed_info, recorded_info

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
PICTURES = DOCS / "pictures"
BEGIN, END = "<!-- keys: made by `make pictures` -->", "<!-- end of keys -->"


@dataclass(frozen=True)
class Picture:
    """A screen worth showing, `wait` seconds into a story, after these keys."""

    name: str
    title: str
    keys: Sequence[str] = ()
    size: tuple[int, int] = (120, 32)
    wait: int = 50


ALL = (
    Picture("status", "dfly-tui: the fleet", keys=("home",), size=(120, 26)),
    Picture("instance", "dfly-tui: one instance", keys=("home", "down", "down", "enter")),
    Picture("metrics", "dfly-tui: charts", keys=("home", "down", "down", "2"), size=(120, 40), wait=200),
    Picture("replication", "dfly-tui: who follows whom", keys=("home", "down", "down", "down", "3"), size=(120, 30)),
)


def key_table() -> str:
    """Every command with its default keys, as a Markdown table per scope."""
    parts = []
    for scope, title in SCOPE_TITLES.items():
        rows = [
            f"| {' '.join(f'`{key}`' for key in keys_of(command, {}))} | {command.title} | {command.help} |"
            for command in COMMANDS
            if command.scope == scope
        ]
        parts.append("\n".join([f"**{title}**\n", "| key | | |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(parts)


def with_key_table(readme: str) -> str:
    """The README with the table between its marks; raises ValueError where they are missing."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{key_table()}\n\n{END}{after}"


def fleet(folder: Path) -> Stage:
    """Instances in the states that somebody on call meets; the pair is in the third and fourth row."""
    stage = Stage(folder)
    pair = {"group": "main", "url": "redis://127.0.0.1:17379"}
    busy = stage.add("workhorse", role="primary", environment="production", **pair)
    busy.text = changed_info(
        recorded_info("v1.40.1-primary"), {"instantaneous_ops_per_sec": 1204, "connected_clients": 212}
    )
    stage.add("nas", "v1.40.1-replica", role="replica", replica_of="workhorse", environment="staging", **pair)
    full = stage.add("old-cache", group="cache", role="primary", environment="staging")
    full.text = changed_info(recorded_info("v1.22.2-primary"), {"used_memory": 901_943_132})
    stage.add("attic", group="archive", environment="lab").fails_after = (40, down())
    return stage


async def draw(picture: Picture, folder: Path) -> str:
    """The picture as SVG; the same program gives the same text."""
    stage = fleet(folder)
    app = stage.app()
    async with app.run_test(size=picture.size) as pilot:
        await seconds(stage, pilot, picture.wait)
        for key in picture.keys:
            await pilot.press(key)
            await seconds(stage, pilot, 2)
        return app.export_screenshot(title=picture.title, simplify=True)


async def draw_keys(folder: Path) -> str:
    """The key browser, on what is in a lab server."""
    stage = fleet(folder)
    app = stage.app()
    async with app.run_test(size=(120, 30)) as pilot, shelf(stage, app):
        await seconds(stage, pilot, 10)
        for key in ("home", "down", "down"):
            await pilot.press(key)
        await browse(stage, pilot, "down", "enter")
        return app.export_screenshot(title="dfly-tui: what is in an instance", simplify=True)


async def draw_backups(folder: Path) -> str:
    """The backups of an instance, good and bad."""
    on_it = Shelf(Stage(folder))
    ordinary(on_it)
    app = on_it.app()
    async with app.run_test(size=(120, 30)) as pilot:
        await open_backups(on_it, pilot, "down")
        return app.export_screenshot(title="dfly-tui: what was saved, and what it is worth", simplify=True)


def main() -> None:
    README.write_text(with_key_table(README.read_text("utf-8")), "utf-8")
    PICTURES.mkdir(exist_ok=True)
    for picture in ALL:
        with TemporaryDirectory() as folder:
            (PICTURES / f"{picture.name}.svg").write_text(asyncio.run(draw(picture, Path(folder))), "utf-8")
        sys.stdout.write(f"docs/pictures/{picture.name}.svg\n")
    with TemporaryDirectory() as folder:
        (PICTURES / "keys.svg").write_text(asyncio.run(draw_keys(Path(folder))), "utf-8")
    with TemporaryDirectory() as folder:
        (PICTURES / "backups.svg").write_text(asyncio.run(draw_backups(Path(folder))), "utf-8")


if __name__ == "__main__":
    main()
