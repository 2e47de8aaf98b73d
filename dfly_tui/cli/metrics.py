"""`dfly-tui metrics NAME…`: current values from /metrics, by name, pattern or our own version-independent names."""

import argparse
import asyncio
import json
import math
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.read import chosen, prompted, read_page, settings_from
from dfly_tui.clients.metric_names import METRICS, numbers
from dfly_tui.clock import SystemClock
from dfly_tui.models.metrics import MetricsPage, Sample
from dfly_tui.models.reading import Reading
from dfly_tui.settings import InstanceConfig
from dfly_tui.settings_load import nearest
from dfly_tui.text import safe

PREFIX = "dragonfly_"

Pages = Sequence[tuple[InstanceConfig, Reading[MetricsPage]]]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "metrics",
        help="current values from /metrics",
        description="Current values from /metrics. NAME is a metric's name with or without dragonfly_, a pattern such "
        "as 'memory_*', a series with its labels, or one of the names that are the same for all versions. "
        "Without NAME: the names there are; with --json everything.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--instance", action="append", metavar="NAME", help="only this one; may be repeated")


def run(args: argparse.Namespace) -> int:
    """Print values or names; 0 when every instance was read and every NAME found, 1 otherwise."""
    settings, clock = settings_from(args, args.environ), SystemClock()
    instances = chosen(settings, args.instance)
    answers = prompted(settings.model_copy(update={"instances": instances}))

    async def read() -> list[Reading[MetricsPage]]:
        return await asyncio.gather(
            *(read_page(config, settings, args.environ, clock=clock, answers=answers) for config in instances)
        )

    pages: Pages = list(zip(instances, asyncio.run(read()), strict=True))
    if args.json:
        document = _document(pages, args.names or ["*"], f"{clock.now():%Y-%m-%dT%H:%M:%SZ}")
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif args.names:
        _print_values(pages, args.names)
    else:
        _print_names(pages)
    return ExitCode.FAILED if _complaints(pages, args.names) else ExitCode.DONE


def matching(page: MetricsPage, name: str) -> list[Sample]:
    """The samples a person means by `name`, in the page's order; our own number where the server has no such name."""
    names = (name, PREFIX + name)
    found = [
        sample
        for sample in page.samples
        if sample.series in names or any(fnmatchcase(sample.name, pattern) for pattern in names)
    ]
    if not found and name in METRICS:
        value = numbers(page)[name]
        found = [] if value is None else [Sample(name=name, value=value)]
    return found


def _selected(page: MetricsPage | None, names: Sequence[str]) -> Iterator[Sample]:
    """What was asked for, each sample once."""
    seen = set()
    for name in names:
        for sample in matching(page, name) if page else ():
            if sample.series not in seen:
                seen.add(sample.series)
                yield sample


def _print_names(pages: Pages) -> None:
    kinds = {sample.name: sample.kind for _, reading in pages if reading.value for sample in reading.value.samples}
    for name, kind in kinds.items():
        print(f"{name}\t{kind}")
    if kinds:
        for name in METRICS:
            print(f"{name}\tany version")


def _print_values(pages: Pages, names: Sequence[str]) -> None:
    for config, reading in pages:
        for sample in _selected(reading.value, names):
            print(f"{config.name}\t{sample.series}\t{_plain(sample.value)}")


def _document(pages: Pages, names: Sequence[str], taken_at: str) -> dict[str, object]:
    return {
        "schema": 1,
        "taken_at": taken_at,
        "instances": [
            {
                "name": config.name,
                "error": str(reading.error) if reading.error else None,
                "samples": [
                    {
                        "name": sample.name,
                        "labels": dict(sample.labels),
                        "kind": sample.kind,
                        # JSON has no infinities and no NaN.
                        "value": sample.value if math.isfinite(sample.value) else None,
                    }
                    for sample in _selected(reading.value, names)
                ],
            }
            for config, reading in pages
        ],
    }


def _complaints(pages: Pages, names: Sequence[str]) -> int:
    """Say on stderr what could not be read or found; returns how much that is."""
    count = 0
    for config, reading in pages:
        if reading.error is not None:
            print(f"dfly-tui: {config.name}: {reading.error}", file=sys.stderr)
            count += 1
    known = [reading.value for _, reading in pages if reading.value]
    for name in names if known else ():
        if not any(matching(page, name) for page in known):
            there = sorted({sample.name.removeprefix(PREFIX) for page in known for sample in page.samples} | {*METRICS})
            print(
                f"dfly-tui: there is no metric {safe(name)}{nearest(name.removeprefix(PREFIX), there)}", file=sys.stderr
            )
            count += 1
    return count


def _plain(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
