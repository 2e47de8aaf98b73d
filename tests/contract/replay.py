"""Asks a server what the real one was asked, and collects where it answers differently."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tests.contract.recordings import Exchange
from tests.contract.shapes import command_names, metrics_shape, shape
from tests.contract.target import Answer, Node

SKIPPED_HEADERS = {"Server", "Date", "Connection"}
HARMFUL = ("GET /flagz", "CONFIG REWRITE", "CONFIG RESETSTAT", "SHUTDOWN", "SLOWLOG RESET")
"""What only the lab is asked: a real server would show its flags, rewrite its file, lose its counters, or end.

The one place that says what a run against a real server leaves out."""


async def differences(
    nodes: Mapping[str, Node], exchanges: Iterable[Exchange], exceptions: Mapping[str, str]
) -> list[str]:
    """Every question that was answered in another shape; one line each.

    Args:
        nodes: The servers by the names they have in the recording.
        exchanges: What was asked and answered.
        exceptions: Beginning of a command → why the lab may answer differently.
    """
    found: list[str] = []
    known = dict(nodes)
    for exchange in exchanges:
        line = str(exchange)
        excused = any(line.startswith(start) for start in exceptions)
        node = known[exchange.node]
        if not node.is_lab and line.upper().startswith(tuple(start.upper() for start in HARMFUL)):
            continue
        exchange = _with_ports(exchange, nodes)
        answer = await node.ask(exchange)
        if exchange.send[:3] == ("CONFIG", "SET", "requirepass") and node.password is None:
            known[exchange.node] = replace(node, password=exchange.send[3])
        difference = compare(exchange, answer)
        if difference and not excused:
            found.append(f"{exchange.node}: {line}\n    {difference}")
    return found


RECORDED_PORTS = {"17379": "primary", "17380": "replica", "17391": "alpha", "17392": "beta"}


def _with_ports(exchange: Exchange, nodes: Mapping[str, Node]) -> Exchange:
    """The same question with our ports in it."""
    ports = {port: str(nodes[name].port) for port, name in RECORDED_PORTS.items() if name in nodes}
    return replace(exchange, send=tuple(ports.get(word, word) for word in exchange.send))


def compare(exchange: Exchange, answer: Answer) -> str:
    """How the answer differs from the recorded one; empty when it does not."""
    if exchange.path:
        return _compare_http(exchange, answer)
    if exchange.send[:2] == ("SLOWLOG", "GET") and b"*0\r\n" in {exchange.raw, answer.raw}:
        return ""  # whether anything was slow is chance
    if [word.upper() for word in exchange.send] == ["COMMAND"]:
        recorded, answered = command_names(exchange.raw), command_names(answer.raw)
        if recorded != answered:
            return f"missing {sorted(recorded - answered)}, extra {sorted(answered - recorded)}"
    wanted, got = shape(exchange.send, exchange.raw), shape(exchange.send, answer.raw)
    return "" if wanted == got else f"recorded {_brief(wanted, got)}\n    answered {_brief(got, wanted)}"


def _compare_http(exchange: Exchange, answer: Answer) -> str:
    recorded = _http_shape(exchange.status, exchange.headers, exchange.body)
    answered = _http_shape(answer.status, answer.headers, answer.body)
    if recorded != answered:
        return f"recorded {recorded}, answered {answered}"
    if exchange.path == "/metrics":
        wanted, got = metrics_shape(exchange.body), metrics_shape(answer.body)
        return "" if wanted == got else f"recorded {_brief(wanted, got)}\n    answered {_brief(got, wanted)}"
    return ""


def _http_shape(status: int, headers: Mapping[str, str], body: str) -> str:
    names = sorted(set(headers) - SKIPPED_HEADERS)
    media_type = headers.get("Content-Type", "no type").partition(";")[0].strip().lower()
    return f"{status} {names} {media_type} {'with' if body else 'without'} a body"


def _brief(one: object, other: object) -> str:
    """What is in the one and not in the other, as far as it can be told."""
    if isinstance(one, tuple | list) and isinstance(other, tuple | list) and len(one) == len(other):
        parts = [_brief(mine, yours) for mine, yours in zip(one, other, strict=True) if mine != yours]
        return " ".join(parts)[:600]
    if isinstance(one, dict) and isinstance(other, dict):
        parts = [f"{key}: {_brief(one[key], other.get(key))}" for key in one if one[key] != other.get(key)]
        return " ".join(parts)[:900]
    if isinstance(one, list) and isinstance(other, list):
        return str([item for item in one if item not in other] or f"{len(one)} items")[:600]
    return str(one)[:300]
