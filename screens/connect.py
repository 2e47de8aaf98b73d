"""The first screen of somebody who has configured nothing: an address, a password, and whether to keep them."""

from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Button, Input, Static

from dfly_tui.errors import AuthFailed, DflyError
from dfly_tui.settings import Environment, InstanceConfig
from dfly_tui.text import safe

Attempt = Callable[[InstanceConfig, str], Awaitable[None]]
"""Try to read an instance with a password; raises DflyError."""

INTRO = (
    "No instance is configured yet. Where is your Dragonfly?\n"
    "The password is used for this session; “save as” keeps the address, never the password."
)


class ConnectScreen(Screen[tuple[InstanceConfig, str, bool] | None]):
    """Asks for an address and tries it before going on.

    Args:
        attempt: How to try it.

    The result is the instance, its password and whether to save it; None when the user gave up.
    """

    BINDINGS = [("escape", "cancel", "Quit")]

    def __init__(self, attempt: Attempt) -> None:
        super().__init__()
        self._attempt = attempt

    def compose(self) -> ComposeResult:
        with Vertical(id="connect"):
            yield Static("dfly-tui", classes="dialog-title", markup=False)
            yield Static(INTRO, markup=False)
            yield Static("Address", markup=False)
            yield _input("url", "redis://workhorse:6379, rediss:// for TLS, or host:port")
            yield Static("User (optional)", markup=False)
            yield _input("username", "default")
            yield Static("Password (optional)", markup=False)
            yield _input("password", "", password=True)
            yield Static("Save as (optional: a name in the configuration file)", markup=False)
            yield _input("save-as", "workhorse")
            yield Static("", id="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Connect", id="connect-now", variant="primary")
                yield Button("Quit", id="cancel")

    def on_mount(self) -> None:
        self.query_one("#url", Input).focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#connect-now")
    @work(exclusive=True, exit_on_error=False)
    async def _connect(self) -> None:
        problem = self.query_one("#problem", Static)
        try:
            config = self._config()
        except ValidationError as error:
            problem.update(safe("; ".join(item["msg"] for item in error.errors())))
            return
        problem.update("connecting …")
        password = self.query_one("#password", Input).value
        try:
            await self._attempt(config, password)
        except AuthFailed as error:  # its hint is about the configuration file
            problem.update(f"{error}\nType the password, and the user if it is not “default”.")
            box = self.query_one("#password", Input)
            box.value = ""
            box.focus()
            return
        except DflyError as error:
            problem.update(f"{error}\n{error.hint}".strip())
            return
        self.dismiss((config, password, bool(self._value("save-as"))))

    def _config(self) -> InstanceConfig:
        url = self._value("url") or "redis://localhost:6379"
        if "://" not in url:
            url = f"redis://{url}"
        password = bool(self.query_one("#password", Input).value)
        name = self._value("save-as") or url.split("://", 1)[1].rsplit("@", 1)[-1]
        user = self._value("username") or None
        return InstanceConfig(
            name=name, url=url, username=user, password_prompt=password, environment=Environment.UNKNOWN
        )

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Leave without connecting."""
        self.dismiss(None)


def _input(name: str, placeholder: str, *, password: bool = False) -> Input:
    box = Input(id=name, placeholder=placeholder, password=password, compact=True)
    box.cursor_blink = False
    return box
