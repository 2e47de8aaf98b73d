"""A Textual program that does nothing: 8 boxes of text and 4 sparklines that change every second."""

import random

from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.widgets import Sparkline, Static

rng = random.Random(1)


class Bare(App[None]):
    CSS = "Grid { grid-size: 4; } Static { border: round gray; } Sparkline { height: 3; }"

    def compose(self) -> ComposeResult:
        with Grid():
            for _ in range(8):
                yield Static("ready")
            for _ in range(4):
                yield Sparkline([rng.random() for _ in range(100)])

    def on_mount(self) -> None:
        self.set_interval(1.0, self.tick)

    def tick(self) -> None:
        for box in self.query(Static):
            box.update(f"live {rng.random():.6f}")
        for line in self.query(Sparkline):
            line.data = [*(line.data or [])[1:], rng.random()]


if __name__ == "__main__":
    Bare().run()
