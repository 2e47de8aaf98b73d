"""What the server is configured with: each setting beside its default, and whether it can be changed while it runs.

Only for Dragonfly, whose defaults are known release by release (`data/settings.toml`).
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from pydantic import TypeAdapter

from dfly_tui.models.base import Frozen
from dfly_tui.models.instance import Flavour

_TRUTHS = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}
_UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


class Setting(Frozen):
    """One line of `CONFIG GET *`.

    Attributes:
        default: what a server of this release shows when started without the option; None where that is not known, or
            depends on the host.
        is_default: whether the value is the default, however it is spelled; None where that is not known.
        changeable: whether CONFIG SET can change it while the server runs; None where that is not known.
        explanation: one sentence of at most 90 characters, or "".
    """

    name: str
    value: str
    default: str | None
    is_default: bool | None
    changeable: bool | None
    explanation: str


class _Known(Frozen):
    """What is known of a setting; `defaults` by the first release that has each."""

    explanation: str
    changeable: bool = True
    defaults: dict[str, str] = {}


def settings_of(config: Mapping[str, str], version: str | None, flavour: Flavour) -> tuple[Setting, ...]:
    """The settings in the server's order.

    Args:
        config: `CONFIG GET *`, secrets masked (a mask counts as a changed password).
        version: as in `InstanceSnapshot.version`, such as "1.22.2". Without one, and below v1.22, only defaults that
            never changed are told; above the newest known release, its own.
        flavour: of Redis and Valkey only name and value are known.
    """
    release = _release(version or "")
    known = _known() if flavour is Flavour.DRAGONFLY else {}
    return tuple(_setting(name, value, known.get(_key(name)), release) for name, value in config.items())


def _setting(name: str, value: str, known: _Known | None, release: tuple[int, ...]) -> Setting:
    default = _default(known.defaults, release) if known else None
    return Setting(
        name=name,
        value=value,
        default=default,
        is_default=None if default is None else _same(value, default),
        changeable=known.changeable if known else None,
        explanation=known.explanation if known else "",
    )


def _default(defaults: Mapping[str, str], release: tuple[int, ...]) -> str | None:
    if len(defaults) == 1:
        return next(iter(defaults.values()))
    since = [first for first in defaults if _release(first) <= release]
    return defaults[max(since, key=_release)] if since else None


def _release(version: str) -> tuple[int, ...]:
    """`1.28.32` as numbers; empty, which is before all others, for what is no release ("main")."""
    match = re.match(r"v?(\d+(?:\.\d+)+)", version)
    return tuple(int(number) for number in match[1].split(".")) if match else ()


def _key(name: str) -> str:
    """CONFIG takes `-`, `_` and, on v1.40, `.` for each other."""
    return re.sub(r"[-.]", "_", name.lower())


def _same(value: str, default: str) -> bool:
    if default in ("true", "false"):
        return _TRUTHS.get(value.lower()) == default
    if (number := _number(value)) is not None:
        return number == _number(default)
    return value == default


def _number(text: str) -> float | None:
    """A number, in bytes where it is a size: v1.22 shows `1.00GiB`, v1.40 `1073741824`."""
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)([KMGT]iB|B|)", text, re.IGNORECASE)
    return float(match[1]) * _UNITS[match[2].upper()] if match else None


@cache
def _known() -> Mapping[str, _Known]:
    text = (resources.files("dfly_tui.models.data") / "settings.toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, _Known]).validate_python(tomllib.loads(text))
