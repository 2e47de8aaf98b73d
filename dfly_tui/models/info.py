"""The text of INFO, with nothing lost.

redis-py's parser misreads Dragonfly (CPU times, histograms, error texts with colons, repeated lines: facts §0.12), so
this one keeps every line as it came: section, key, value, in order, repeated keys included.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import isfinite

from dfly_tui.models.base import Frozen

_LONGEST_NUMBER = 20


class InfoSection(Frozen):
    """One `# Section` of INFO: its name as printed and its lines in order."""

    name: str
    fields: tuple[tuple[str, str], ...]


class Info(Frozen):
    """A whole INFO reply.

    Keys are unique across sections but for a few that repeat within one (`module`, several replication blocks); the
    look-ups give the last line of a key, `all()` every one.
    """

    sections: tuple[InfoSection, ...] = ()

    @classmethod
    def parse(cls, raw: bytes | str) -> "Info":
        """Read an INFO reply; anything odd is kept, nothing raises. A reply cut in the middle gives what it has."""
        text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
        sections: list[tuple[str, list[tuple[str, str]]]] = []
        for line in text.split("\n"):
            line = line.rstrip("\r")
            if line.startswith("# "):
                sections.append((line[2:].strip(), []))
            elif line:
                if not sections:
                    sections.append(("", []))
                key, _, value = _split(sections[-1][0], line)
                sections[-1][1].append((key, value))
        return cls(sections=tuple(InfoSection(name=name, fields=tuple(fields)) for name, fields in sections))

    def render(self) -> str:
        """The text again: `parse(text).render()` equals the server's own, up to blank lines."""
        return "\r\n".join(
            "\r\n".join([f"# {section.name}", *(f"{key}:{value}" for key, value in section.fields), ""])
            for section in self.sections
        )

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Every line as (section, key, value)."""
        for section in self.sections:
            for key, value in section.fields:
                yield section.name, key, value

    @cached_property
    def _values(self) -> Mapping[str, str]:
        return {key: value for _, key, value in self.lines()}

    def has(self, key: str) -> bool:
        """Whether the server printed this field."""
        return key in self._values

    def text(self, key: str) -> str | None:
        """A field's text, or None when absent."""
        return self._values.get(key)

    def all(self, key: str) -> list[str]:
        """Every value of a repeated key, in order (`module`, several replication blocks)."""
        return [value for _, name, value in self.lines() if name == key]

    def section(self, name: str) -> Mapping[str, str]:
        """The fields of one section (case-insensitive), or nothing."""
        for section in self.sections:
            if section.name.lower() == name.lower():
                return dict(section.fields)
        return {}

    def whole(self, key: str) -> int | None:
        """A whole number, or None when absent or not one."""
        return whole(self._values.get(key))

    def real(self, key: str) -> float | None:
        """A finite number, or None when absent or not one."""
        try:
            number = float(self._values[key])
        except (KeyError, ValueError):
            return None
        return number if isfinite(number) else None

    def flag(self, key: str) -> bool | None:
        """`1`/`0` as a truth, or None when absent or neither."""
        return {"1": True, "0": False}.get(self._values.get(key, ""))

    def cpu_seconds(self, key: str) -> float | None:
        """A CPU time. Dragonfly prints `seconds.microseconds` without padding (`12.345` is 12 s and 345 µs);
        Redis pads to six digits, which reads the same this way (facts §1.11)."""
        seconds, _, micro = self._values.get(key, "").partition(".")
        before, behind = whole(seconds), whole(micro or "0")
        return None if before is None or behind is None else before + behind / 1e6


def _split(section: str, line: str) -> tuple[str, str, str]:
    """Key and value of a line: at the first colon; in Errorstats at the last, for there the key is an error's text."""
    return line.rpartition(":") if section == "Errorstats" else line.partition(":")


def whole(text: str | None) -> int | None:
    """A whole number from text, or None; no server counts beyond 64 bits, and longer ones cannot be reckoned with."""
    if text is None or len(text) > _LONGEST_NUMBER:
        return None
    try:
        return int(text)
    except ValueError:
        return None


def fields_of(line: str) -> dict[str, str]:
    """The parts of a composite value, as in `ip=10.0.0.1,port=6379,state=online,lag=0`."""
    return {key: value for key, _, value in (part.partition("=") for part in line.split(","))}
