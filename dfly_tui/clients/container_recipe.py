"""What it takes to make a container again, the same but for flags on its command line: from `docker inspect` alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_pascal

from dfly_tui.errors import Refused
from dfly_tui.text import safe

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})

Arguments = Mapping[str, str | None]
"""Flag, such as `--replicaof`, and its value; None takes the flag away."""


class _Inspected(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore")


class _State(_Inspected):
    running: bool = False
    status: str = ""


class _Policy(_Inspected):
    name: str = ""
    maximum_retry_count: int = 0


class _Config(_Inspected):
    image: str
    hostname: str = ""
    entrypoint: list[str] | None = Field(None, repr=False)
    cmd: list[str] | None = Field(None, repr=False)
    env: list[str] | None = Field(None, repr=False)
    stop_timeout: int | None = None


class _Host(_Inspected):
    network_mode: str = "default"
    uts_mode: str = Field("", alias="UTSMode")
    auto_remove: bool = False
    restart_policy: _Policy = _Policy()
    binds: list[str] | None = None
    mounts: list[dict[str, JsonValue]] | None = None


class _Mount(_Inspected):
    type: str = ""
    name: str = ""
    source: str = ""
    destination: str = ""
    rw: bool = Field(True, alias="RW")


class _Addresses(_Inspected):
    ipv4: str | None = Field(None, alias="IPv4Address")
    ipv6: str | None = Field(None, alias="IPv6Address")
    link_local: list[str] | None = Field(None, alias="LinkLocalIPs")


class Endpoint(_Inspected):
    """A container's place in a network: what somebody chose. The rest Docker makes up."""

    addresses: _Addresses | None = Field(None, alias="IPAMConfig")
    aliases: list[str] | None = None
    links: list[str] | None = None
    driver_opts: dict[str, str] | None = None
    network_id: str = Field("", alias="NetworkID", exclude=True)


class _Networks(_Inspected):
    networks: dict[str, Endpoint] | None = None


class Inspected(_Inspected):
    """What we use of `docker inspect`; the two `raw_…` are kept whole, as creating a container takes them again.

    Attributes:
        slashed_name: Its name, as Docker writes it: after a slash.
        image: The image's id, whatever its tag means by now.
    """

    id: str
    slashed_name: str = Field(alias="Name")
    created: str = ""
    image: str
    state: _State
    config: _Config
    host_config: _Host
    raw_config: dict[str, JsonValue] = Field(alias="Config", repr=False)
    raw_host_config: dict[str, JsonValue] = Field(alias="HostConfig", repr=False)
    mounts: list[_Mount] = []
    network_settings: _Networks = _Networks()

    @property
    def name(self) -> str:
        """Its name."""
        return self.slashed_name.removeprefix("/")

    @property
    def short_id(self) -> str:
        """The id as `docker ps` shows it; also a container's host name, unless one was chosen."""
        return self.id[:12]

    @property
    def volumes(self) -> set[tuple[str, str]]:
        """Where it writes what outlives it: folder of the machine, folder in the container."""
        return {(each.source, each.destination) for each in self.mounts if each.rw and each.type != "tmpfs"}


@dataclass(frozen=True)
class Recipe:
    """A container to make.

    Attributes:
        body: Of the engine's "create a container".
        further_networks: To be connected to before it starts: name of a network → endpoint. An engine before API 1.44
            takes one network only when it makes a container.
    """

    body: dict[str, JsonValue] = field(repr=False)
    further_networks: Mapping[str, Endpoint]


def recipe(old: Inspected, arguments: Arguments, tagged_image: str | None) -> Recipe:
    """The same container with other flags.

    Args:
        tagged_image: Id of the image that the container's image name means now; None when it means none.

    Raises:
        Refused: It cannot be made again so that it is the same but for the flags.
    """
    if old.host_config.auto_remove:
        raise Refused(f"the container {safe(old.name)} was started with --rm: it vanishes when it stops")
    body = dict(old.raw_config)
    if tagged_image != old.image:
        body["Image"] = old.image
    if _has_no_hostname(old):
        body.pop("Hostname", None)
        body.pop("Domainname", None)
    body |= _command(old, arguments)
    body["HostConfig"] = old.raw_host_config | _volumes(old)
    networks = _endpoints(old)
    first = _first_network(old, networks)
    written = networks[first].model_dump(mode="json", by_alias=True, exclude_none=True) if first else {}
    body["NetworkingConfig"] = {"EndpointsConfig": {first: written} if first else {}}
    return Recipe(body, {name: endpoint for name, endpoint in networks.items() if name != first})


def _has_no_hostname(old: Inspected) -> bool:
    """Whether nobody chose a host name, or none may be given."""
    host = old.host_config
    return old.config.hostname == old.short_id or host.network_mode.startswith("container:") or host.uts_mode == "host"


def _command(old: Inspected, arguments: Arguments) -> dict[str, JsonValue]:
    """Entrypoint, command and environment. A flag may also be a variable, `DFLY_flag` (facts §6.2)."""
    entrypoint, command = old.config.entrypoint, list(old.config.cmd or [])
    words = [*(entrypoint or []), *command]
    for shell, option in pairwise(words):
        if option == "-c" and PurePosixPath(shell).name in _SHELLS:
            raise Refused(
                f"the command of the container {safe(old.name)} is a line for a shell: no flag can be added to it",
                "write command: as a list of words, without sh -c",
            )
    variables = list(old.config.env or [])
    for flag, value in arguments.items():
        entrypoint = None if entrypoint is None else _without(entrypoint, flag)
        command = _without(command, flag)
        if value is None:
            variables = [each for each in variables if not each.startswith(f"DFLY_{flag.lstrip('-')}=")]
        else:
            command.append(f"{flag}={value}")
    return {"Entrypoint": _json(entrypoint), "Cmd": _json(command), "Env": _json(variables)}


def _json(words: Sequence[str] | None) -> JsonValue:
    return None if words is None else list(words)


def _without(words: Sequence[str], flag: str) -> list[str]:
    """The words without a flag: `--flag=value`, `--flag value`, with one dash or two."""
    name = flag.lstrip("-")
    kept: list[str] = []
    value_follows = False
    for word in words:
        option = word.lstrip("-") if word.startswith("-") else ""
        if option == name:
            value_follows = True
        elif value_follows and not word.startswith("-"):
            value_follows = False
        else:
            value_follows = False
            if not option.startswith(f"{name}="):
                kept.append(word)
    return kept


def _volumes(old: Inspected) -> dict[str, JsonValue]:
    """Binds and mounts that name every volume, so that an anonymous one is not made anew, empty.

    To Docker such a volume is a named one from then on: `docker rm -v` leaves it.
    """
    names = {mount.destination: mount for mount in old.mounts if mount.type == "volume" and mount.name}
    # The Docker SDK writes an anonymous volume as a bind without a source.
    binds = [bind for bind in old.host_config.binds or [] if ":" in bind or bind not in names]
    bound = {bind.split(":")[1] for bind in binds if ":" in bind}
    mounts: list[JsonValue] = []
    for mount in old.host_config.mounts or []:
        target = str(mount.get("Target"))
        bound.add(target)
        anonymous = mount.get("Type") == "volume" and not mount.get("Source") and target in names
        mounts.append(mount | {"Source": names[target].name} if anonymous else dict(mount))
    for target, volume in names.items():
        if target not in bound:
            binds.append(f"{volume.name}:{target}" + ("" if volume.rw else ":ro"))
    return {"Binds": _json(binds), "Mounts": mounts}


def _endpoints(old: Inspected) -> dict[str, Endpoint]:
    """The networks it is in, without the alias that is its id: the new one gets its own."""
    if old.host_config.network_mode in {"host", "none"} or old.host_config.network_mode.startswith("container:"):
        return {}
    return {
        name: endpoint.model_copy(
            update={"aliases": [alias for alias in endpoint.aliases or [] if alias != old.short_id] or None}
        )
        for name, endpoint in (old.network_settings.networks or {}).items()
    }


def _first_network(old: Inspected, networks: Mapping[str, Endpoint]) -> str | None:
    """The network it is made in. Its mode names one, by name or id; `default` means the bridge."""
    mode = old.host_config.network_mode
    for name, endpoint in networks.items():
        if mode in {name, endpoint.network_id} or (mode == "default" and name == "bridge"):
            return name
    return next(iter(networks), None)
