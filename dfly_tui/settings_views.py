"""The `[[views]]` tables: keys of a kind as rows with columns, and the views that are shipped."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Self, TypeVar

from pydantic import Field, field_validator, model_validator

from dfly_tui.settings_base import Table, plain, problem
from dfly_tui.view_words import Column, parse_column, pattern_parts, placeholders

T = TypeVar("T")


class ViewConfig(Table):
    """One `[[views]]` table: keys of a kind as rows with columns."""

    name: str = Field(min_length=1, max_length=40)
    delimiter: str = Field(":", min_length=1, max_length=20)
    patterns: tuple[str, ...] = Field(min_length=1, max_length=20)
    """Names of keys, such as `queue:{name}`; a placeholder is one part between delimiters."""
    group_by: tuple[str, ...] = ()
    """Placeholders; rows with the same are shown under one heading."""
    columns: tuple[str, ...] = Field(min_length=1, max_length=16)
    """Placeholders, `field:NAME`, `since:FIELD`, `ttl`, `type`, `size`, `length`, `trend`; ` as TITLE` behind it."""
    sort: str = ""
    """The title of a column, `-` in front of it for the largest first; default: by name."""
    refresh_seconds: float = Field(5.0, ge=1, le=3600, allow_inf_nan=False)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Those that every pattern has, in the order of the first."""
        first, *others = (placeholders(pattern) for pattern in self.patterns)
        return tuple(name for name in first if all(name in other for other in others))

    @property
    def parsed_columns(self) -> tuple[Column, ...]:
        """The columns, taken apart."""
        return tuple(parse_column(column, self.placeholders) for column in self.columns)

    @field_validator("name")
    @classmethod
    def _name_is_plain(cls, name: str) -> str:
        return plain(name)

    @field_validator("patterns")
    @classmethod
    def _patterns_are_some(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for index, pattern in enumerate(patterns):
            if not _try(partial(placeholders, pattern), (index,)):
                raise problem("a placeholder is missing, such as session:{user}", (index,))
        return patterns

    @model_validator(mode="after")
    def _words_fit_together(self) -> Self:
        for index, pattern in enumerate(self.patterns):
            _try(partial(pattern_parts, pattern, self.delimiter), ("patterns", index))
        for index, column in enumerate(self.columns):
            _try(partial(parse_column, column, self.placeholders), ("columns", index))
        titles = [column.title for column in self.parsed_columns]
        for index, title in enumerate(titles):
            if title in titles[:index]:
                raise problem(f"two columns are called {title}; name one of them: … as TITLE", ("columns", index))
        for index, name in enumerate(self.group_by):
            if name not in self.placeholders:
                raise problem(f"{name} is not a placeholder of all patterns", ("group_by", index))
        if self.sort and self.sort.removeprefix("-") not in titles:
            raise problem(f"there is no such column; there are {', '.join(titles)}", ("sort",))
        return self


def _try(parse: Callable[[], T], at: Sequence[str | int]) -> T:
    """What parsing gives; what it complains of is a mistake in the configuration."""
    try:
        return parse()
    except ValueError as error:
        raise problem(str(error), at) from None


SHIPPED_VIEWS = (
    ViewConfig(
        name="Workflows",
        patterns=("tef:state:{issue}:{phase}:{agent}",),
        group_by=("issue", "phase"),
        columns=("agent", "field:status", "since:completed_at,timestamp as age", "ttl"),
    ),
    ViewConfig(
        name="Agents",
        patterns=("agent:{name}:state:{issue}",),
        group_by=("name",),
        columns=("issue", "field:phase", "field:status", "since:updated_at as age", "ttl"),
    ),
    ViewConfig(
        name="Sessions", patterns=("session:{user}",), columns=("user", "type", "length", "size", "ttl"), sort="TTL"
    ),
    ViewConfig(name="Queues", patterns=("queue:{name}",), columns=("name", "type", "length", "trend"), sort="-length"),
)
"""What is looked at when nothing else is configured."""
