"""Everything about one instance: every INFO field explained, the configuration, the container and its log."""

from collections.abc import Mapping

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Input, Static

from dfly_tui.errors import DflyError, Loading, Timeout, Unreachable
from dfly_tui.models.configuration import settings_of
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.explanations import explain
from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.instance import Flavour
from dfly_tui.models.reading import Freshness
from dfly_tui.text import safe
from dfly_tui.units import MISSING, bytes_text
from screens.base import DashboardScreen, filter_box
from screens.commands import INSTANCE, bindings
from screens.services import Services
from widgets.fields import FieldList, FieldRow

PASSING = (Unreachable, Timeout, Loading)
"""Errors of a server that may be back by now."""
VIEWS = ("INFO", "Configuration", "Container")
SETTING_SECTIONS = {False: "Differs from the default", True: "As by default", None: "Default not known"}
"""Whether a setting is at its default → its heading, in the order shown."""


class InstanceScreen(DashboardScreen):
    """Three views of one instance, each searchable; `tab` goes to the next."""

    scope = INSTANCE
    BINDINGS = bindings(INSTANCE)

    def __init__(self, services: Services, name: str) -> None:
        super().__init__(services)
        self.instance_name = name
        self._view = 0
        self._config: Mapping[str, str] | DflyError | None = None

    def compose_body(self) -> ComposeResult:
        yield Static(id="views", markup=False)
        yield filter_box()
        yield FieldList()
        yield Static(id="explained", markup=False)

    def on_mount(self) -> None:
        self.focus_body()
        self._read_config()

    def focus_body(self) -> None:
        self.query_one(FieldList).focus()

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        status = next(item for item in statuses if item.name == self.instance_name)
        tabs = "   ".join(f"[{view}]" if at == self._view else f" {view} " for at, view in enumerate(VIEWS))
        self.put("#views", f"{self.instance_name}   {tabs}")
        rows = (self._info_rows, self._config_rows, self._container_rows)[self._view](status)
        self.query_one(FieldList).show(rows)
        self._paint_explained()

    def _info_rows(self, status: InstanceStatus) -> list[FieldRow]:
        seen = status.snapshot
        if seen is None:
            return _remarks(status)
        return [
            FieldRow(section, safe(key), safe(value), explain(key, section))
            for section, key, value in seen.info.lines()
        ]

    def _config_rows(self, status: InstanceStatus) -> list[FieldRow]:
        match self._config:
            case None:
                return [FieldRow("Configuration", "", "reading …")]
            case DflyError() as error:
                if status.freshness is Freshness.FRESH and isinstance(error, PASSING):
                    self.read_again()
                return _failed("Configuration", error)
            case config:
                seen = status.snapshot
                flavour = seen.flavour if seen else Flavour.DRAGONFLY
                known = settings_of(config, seen.version if seen else None, flavour)
                return [
                    FieldRow(
                        SETTING_SECTIONS[item.is_default],
                        item.name,
                        item.value,
                        _setting_note(item.default, item.is_default, item.changeable, item.explanation),
                        item.is_default is False,
                    )
                    for item in sorted(
                        known, key=lambda item: (list(SETTING_SECTIONS).index(item.is_default), item.name)
                    )
                ]

    def _container_rows(self, status: InstanceStatus) -> list[FieldRow]:
        if status.config.docker is None:
            return [FieldRow("Container", "", 'not configured: add docker = { container = "…" } to this instance')]
        reading = status.observation.container
        rows = _failed("Container", reading.error) if reading and reading.error else []
        return rows + (container_rows(status.container) if status.container else [])

    @work(exclusive=True, group="config", exit_on_error=False)
    async def _read_config(self) -> None:
        """CONFIG GET * once per visit, and at every explicit refresh: it rarely changes and is not small."""
        try:
            self._config = await self.services.hub[self.instance_name].clients.reader.config()
        except DflyError as error:
            self._config = error
        self.repaint()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        fields = self.query_one(FieldList)
        fields.say_when_empty(f"no field has “{event.value.strip()}” in its name, value or explanation")
        fields.filter(event.value)

    @on(FieldList.Highlighted)
    def _highlighted(self) -> None:
        self._paint_explained()

    def _paint_explained(self) -> None:
        """The field under the cursor in full: beside others there is little room."""
        row = self.query_one(FieldList).highlighted
        text = f"{row.name} = {row.value}\n{row.note}" if row and row.name else row.value if row else ""
        self.put("#explained", text)

    def action_filter(self) -> None:
        self.open_filter()

    def action_view(self) -> None:
        """The next view."""
        self._view = (self._view + 1) % len(VIEWS)
        self.repaint()
        self.query_one(FieldList).go_to_first()

    def read_again(self) -> None:
        self._read_config()


def _remarks(status: InstanceStatus) -> list[FieldRow]:
    """Why there is nothing to show."""
    if not status.reasons:
        return [FieldRow("INFO", "", "connecting …")]
    return [FieldRow("INFO", "", line) for reason in status.reasons for line in (reason.text, reason.advice) if line]


def _failed(section: str, error: DflyError) -> list[FieldRow]:
    """An error in place of a section; its advice has a line of its own, for want of room beside it."""
    rows = [FieldRow(section, error.title, error.detail, marked=True), FieldRow(section, "", error.hint)]
    return rows if error.hint else rows[:1]


def _setting_note(default: str | None, is_default: bool | None, changeable: bool | None, explanation: str) -> str:
    parts = [f"default {default or 'empty'}"] if is_default is False else []
    if changeable is False:
        parts.append("fixed at start")
    return "; ".join([*parts, explanation] if explanation else parts)


def container_rows(info: ContainerInfo) -> list[FieldRow]:
    """A container as fields, its log last."""
    limit = bytes_text(info.memory_limit_bytes) if info.memory_limit_bytes else "none"
    facts = [
        ("name", info.name, ""),
        ("image", info.image, ""),
        ("state", info.state, ""),
        ("health", info.health or MISSING, "Dragonfly's own check calls NOAUTH and LOADING healthy"),
        (
            "restart policy",
            info.restart_policy,
            "after a takeover, always and unless-stopped start the old primary again",
        ),
        ("restarts", str(info.restarts), ""),
        ("exit code", MISSING if info.exit_code is None else str(info.exit_code), "of the last end"),
        ("killed for memory", "yes" if info.oom_killed else "no", ""),
        ("started", f"{info.started_at:%Y-%m-%d %H:%M:%S} UTC" if info.started_at else MISSING, ""),
        ("memory limit", limit, ""),
        ("network", info.network_mode, ""),
        ("command", " ".join(info.command), "secrets masked"),
    ]
    rows = [FieldRow("Container", name, value, note, False) for name, value, note in facts]
    rows += [
        FieldRow(
            "Mounts", mount.target, f"{mount.source} ({mount.kind}{'' if mount.writable else ', read-only'})", "", False
        )
        for mount in info.mounts
    ]
    return rows + [FieldRow("Log", "", line, "", False) for line in info.log]
