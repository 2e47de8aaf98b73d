"""A page of /metrics: every sample with its name and labels, and the names that differ between versions."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property

from dfly_tui.models.base import Frozen


class Sample(Frozen):
    """One line of a Prometheus text page.

    Attributes:
        name: As printed, with the `dragonfly_` prefix.
        kind: `counter`, `gauge`, `summary`, `histogram` or `unknown`.
    """

    name: str
    labels: tuple[tuple[str, str], ...] = ()
    value: float
    kind: str = "unknown"

    @property
    def series(self) -> str:
        """The name a person types and a search finds: `dragonfly_db_keys{db="db0"}`."""
        if not self.labels:
            return self.name
        return self.name + "{" + ",".join(f'{key}="{value}"' for key, value in self.labels) + "}"


class MetricsPage(Frozen):
    """All samples of one scrape, in the server's order."""

    taken_at: datetime
    samples: tuple[Sample, ...]

    @cached_property
    def by_series(self) -> Mapping[str, Sample]:
        """Every sample under its series name."""
        return {sample.series: sample for sample in self.samples}

    def named(self, name: str) -> Iterator[Sample]:
        """The samples of one metric, whatever their labels."""
        return (sample for sample in self.samples if sample.name == name)
