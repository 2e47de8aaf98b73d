"""`dfly-tui keys get KEY`: one value, decoded, as JSON, or its exact bytes."""

import argparse
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.keys_common import chosen_instance, ttl_words
from dfly_tui.cli.read import password_source, prompted, settings_from
from dfly_tui.clients.address import Address
from dfly_tui.clients.values import ValueReader
from dfly_tui.clock import SystemClock
from dfly_tui.decode import Decoded, decode, guess, parse_stack
from dfly_tui.errors import BadInput, DflyError, ServerError
from dfly_tui.models.value import PAGE_ELEMENTS, Element, ValueFacts
from dfly_tui.models.value_loaded import MOST_DATA, Loaded
from dfly_tui.text import safe
from dfly_tui.units import MISSING, bytes_text

_TRIES = 3


def add(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", common: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Add `get` to the actions of `keys`; `common` adds the options for instance and database."""
    parser = actions.add_parser(
        "get",
        help="one value: decoded, as JSON, or its exact bytes",
        description="One value. What its bytes are is guessed, step by step. Exit code 1 when there is no such key.",
    )
    parser.add_argument("key", metavar="KEY", help="its name, exactly")
    common(parser)
    parser.add_argument("--raw", action="store_true", help="the exact bytes of a string or JSON document, nothing else")
    parser.add_argument("--decode", metavar="STACK", help="decoders, outermost first: base64,gzip,json")
    parser.add_argument(
        "--limit", type=int, default=PAGE_ELEMENTS, metavar="N", help=f"elements printed; 0 for all ({PAGE_ELEMENTS})"
    )
    parser.set_defaults(act=get)


async def get(args: argparse.Namespace) -> int:
    """Print it; returns the exit code."""
    stack = _stack(args.decode)
    if args.raw and sys.stdout.isatty():
        raise BadInput("--raw gives the bytes as they are, which a terminal may obey", "send them to a file or a pipe")
    async with _reader(args) as reader:
        facts = await reader.facts()
        if facts.is_gone:
            print(f"dfly-tui: there is no key {safe(reader.name)}", file=sys.stderr)
            return ExitCode.FAILED
        if args.raw:
            return await _raw(reader, facts)
        loaded = await _load(reader, facts, args.limit)
    if args.json:
        print(json.dumps(_document(loaded, stack), indent=2))
    else:
        for line in _lines(loaded, stack):
            print(line)
    return ExitCode.DONE


def _stack(typed: str | None) -> tuple[str, ...] | None:
    try:
        return parse_stack(typed) if typed is not None else None
    except ValueError as error:
        raise BadInput(f"--decode: {error}") from None


@asynccontextmanager
async def _reader(args: argparse.Namespace) -> AsyncIterator[ValueReader]:
    settings = settings_from(args, args.environ)
    config = chosen_instance(settings, args.instance)
    reader = ValueReader(
        config,
        password_source(config, args.environ, prompted(settings)),
        database=Address.parse(config.url).database if args.db is None else args.db,
        name=os.fsencode(args.key),
        clock=SystemClock(),
        timeout_seconds=settings.defaults.timeout_seconds,
    )
    try:
        yield reader
    finally:
        await reader.aclose()


async def _raw(reader: ValueReader, facts: ValueFacts) -> int:
    out = sys.stdout.buffer
    async with aclosing(reader.chunks(facts)) as chunks:
        async for piece in chunks:
            out.write(piece)
    out.flush()
    return ExitCode.DONE


async def _load(reader: ValueReader, facts: ValueFacts, limit: int) -> Loaded:
    """The value, as far as asked for. One that became another type meanwhile is looked at anew."""
    for _ in range(_TRIES):
        loaded = Loaded(facts)
        while True:
            page = await reader.page(facts, loaded.next)
            if page.is_stale:
                break
            loaded.take(page)
            many = 0 < limit <= loaded.looked_at or len(loaded.data or b"") >= MOST_DATA
            if many or not loaded.may_go_on:
                return loaded
        facts = await reader.facts()
    raise ServerError(f"{safe(facts.name)} becomes another type while it is read", "try again")


def _decoded(raw: bytes, stack: tuple[str, ...] | None, *, truncated: bool = False) -> Decoded:
    return decode(raw, stack, truncated=truncated) if stack else guess(raw, truncated=truncated)


def _lines(loaded: Loaded, stack: tuple[str, ...] | None) -> Iterator[str]:
    facts = loaded.facts
    count = MISSING if facts.count is None else f"{facts.count:,}"
    about = [facts.title, f"{count} {facts.unit}".strip(), f"{bytes_text(facts.memory_bytes)} in memory"]
    about += [facts.encoding or MISSING, f"expires: {ttl_words(facts.ttl_ms)}"]
    yield f"# {safe(facts.name)}"
    yield f"# {' · '.join(about)}"
    yield from (f"# {fact.section}: {fact.name} {fact.value}" for fact in facts.facts)
    yield from (f"# {trouble.what}: {trouble.error}" for trouble in facts.troubles)
    if loaded.data is not None:
        yield from _decoded_lines(_decoded(loaded.data, stack, truncated=loaded.next is not None))
    for element in loaded.elements:
        yield from _element_lines(element, stack)
    if loaded.trouble is not None:
        yield f"# the rest cannot be read: {loaded.trouble}"
    elif loaded.next is not None:
        more = "--limit 0 prints all" if loaded.data is None else "--raw prints all of it"
        yield f"# there is more; {more}"


def _decoded_lines(found: Decoded) -> Iterator[str]:
    yield f"# {found.name}"
    yield from (f"# {note}" for note in found.notes)
    yield from found.lines


def _element_lines(element: Element, stack: tuple[str, ...] | None) -> Iterator[str]:
    label = f"{safe(element.label)}: " if element.label else ""
    if element.fields:
        words = (f"{safe(field)}={_one_line(value, stack)}" for field, value in element.fields)
        yield label + " ".join(words)
    elif element.value is None:
        yield f"{label}({element.note})"
    else:
        score = f"{element.note}  " if element.note and not label else ""
        yield f"{label}{score}{_one_line(element.value, stack)}"


def _one_line(value: bytes, stack: tuple[str, ...] | None) -> str:
    found = _decoded(value, stack)
    if len(found.stack) == 1 and not stack:
        return safe(value)
    return " ".join(line.strip() for line in found.lines)


def _document(loaded: Loaded, stack: tuple[str, ...] | None) -> dict[str, object]:
    facts = loaded.facts
    expires = facts.expires_at
    document: dict[str, object] = {
        "schema": 1,
        "name": _exact(facts.name),
        "type": facts.kind,
        "shape": facts.title,
        "count": facts.count,
        "memory_bytes": facts.memory_bytes,
        "encoding": facts.encoding,
        "ttl_ms": facts.ttl_ms,
        "expires_at": expires.isoformat() if expires else None,
        "facts": [{"section": fact.section, "name": fact.name, "value": fact.value} for fact in facts.facts],
        "not_told": [{"what": what, **_error(error)} for what, error in facts.troubles],
        "complete": loaded.is_complete,
    }
    if loaded.data is not None:
        found = _decoded(loaded.data, stack, truncated=loaded.next is not None)
        document["value"] = _exact(loaded.data)
        document["decoded"] = {"stack": found.stack, "lines": list(found.lines), "notes": found.notes}
    else:
        document["elements"] = [_element(element) for element in loaded.elements]
    if loaded.trouble is not None:
        document["trouble"] = _error(loaded.trouble)
    return document


def _error(error: DflyError) -> dict[str, str]:
    return {"code": error.code, "detail": error.detail}


def _element(element: Element) -> dict[str, object]:
    found: dict[str, object] = {}
    if element.label:
        found["label"] = _exact(element.label)
    if element.fields:
        found["fields"] = [[_exact(field), _exact(value)] for field, value in element.fields]
    elif element.value is not None:
        found["value"] = _exact(element.value)
    if element.note:
        found["note"] = element.note
    return found


def _exact(raw: bytes) -> object:
    """Text where the bytes are UTF-8, else an object with their base64."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode("ascii")}
