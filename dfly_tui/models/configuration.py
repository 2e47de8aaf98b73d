"""What the server is configured with: each setting beside its default, and whether it can be changed while it runs.

Only for Dragonfly. Two versions' defaults are known (`data/defaults.toml`); another version is compared with the nearer
one, and has no known default where the two disagree.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from dfly_tui.models.base import Frozen
from dfly_tui.models.instance import Flavour

_TRUTHS = {"true": "true", "1": "true", "false": "false", "0": "false"}
_BETWEEN = (1, 30)
"""Older versions resemble v1.22 more, this one and newer ones v1.40."""


class Setting(Frozen):
    """One line of `CONFIG GET *`.

    Attributes:
        default: what a server started without this option shows; None where that is not known, or depends on the host.
        is_default: whether the value is the default; None where that is not known.
        changeable: whether CONFIG SET can change it while the server runs; None where that is not known.
        explanation: one sentence, or "".
    """

    name: str
    value: str
    default: str | None
    is_default: bool | None
    changeable: bool | None
    explanation: str


class _Defaults(Frozen):
    """The parsed data, by name of a setting."""

    v1_22: dict[str, str]
    v1_40: dict[str, str]
    fixed: tuple[str, ...]
    explanations: dict[str, str]


def settings_of(config: Mapping[str, str], version: str | None, flavour: Flavour) -> tuple[Setting, ...]:
    """The settings in the server's order.

    Args:
        config: `CONFIG GET *`, secrets masked (a mask counts as a changed password).
        version: as in `InstanceSnapshot.version`, such as "1.22.2".
        flavour: of Redis and Valkey only name and value are known.
    """
    known = _known()
    if flavour is not Flavour.DRAGONFLY:
        return tuple(_setting(name, value, None, None, "") for name, value in config.items())
    defaults = _defaults_of(version)
    return tuple(
        _setting(name, value, defaults.get(name), _changeable(name), known.explanations.get(name, ""))
        for name, value in config.items()
    )


def _setting(name: str, value: str, default: str | None, changeable: bool | None, explanation: str) -> Setting:
    return Setting(
        name=name,
        value=value,
        default=default,
        is_default=None if default is None else _same(value, default),
        changeable=changeable,
        explanation=explanation,
    )


def _same(value: str, default: str) -> bool:
    """Equality; a flag that is true or false is also set, and shown, as 1 or 0."""
    if default in ("true", "false"):
        return _TRUTHS.get(value.lower(), value) == default
    return value == default


def _changeable(name: str) -> bool | None:
    known = _known()
    if name in known.fixed:
        return False
    return True if name in known.explanations else None


def _defaults_of(version: str | None) -> Mapping[str, str]:
    known = _known()
    match = re.match(r"v?(\d+)\.(\d+)", version or "")
    line = (int(match[1]), int(match[2])) if match else None
    if line == (1, 22):
        return known.v1_22
    if line == (1, 40):
        return known.v1_40
    nearer = known.v1_22 if line is not None and line < _BETWEEN else known.v1_40
    other = known.v1_40 if nearer is known.v1_22 else known.v1_22
    return {name: value for name, value in nearer.items() if other.get(name, value) == value}


@cache
def _known() -> _Defaults:
    text = (resources.files("dfly_tui.models.data") / "defaults.toml").read_text(encoding="utf-8")
    return _Defaults.model_validate(tomllib.loads(text))
