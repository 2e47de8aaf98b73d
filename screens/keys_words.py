"""What the key browser says beside its rows."""

from collections.abc import Mapping, Sequence

from dfly_tui.clients.scan import Pace
from dfly_tui.errors import DflyError, Timeout, Unreachable
from dfly_tui.models.key_query import query_text
from dfly_tui.models.keys import NO_TTL, KeyFacts, kind_name
from dfly_tui.models.namespaces import Namespace
from dfly_tui.pollers.keyspace import KeyspaceScan, ScanState
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, duration_text, percent_text
from screens.keys_rows import Order
from widgets.lines import Run
from widgets.sheet import Entry

MANY = 100
SAMPLE = 100
"""Keys of a namespace that are looked at to say what its keys are like."""


def progress_words(scan: KeyspaceScan) -> str:
    """How far a scan is: never left open whether all keys were seen."""
    total, seen = scan.total, scan.scanned
    if scan.plan is not None and scan.plan.by_server:
        return _found_words(scan)
    of = f" of {total:,}" if total is not None else ""
    match scan.state:
        case ScanState.COMPLETE:
            return f"{seen:,}{of} keys scanned, complete"
        case ScanState.FAILED:
            return f"{seen:,}{of} keys scanned, incomplete: it failed"
        case ScanState.WAITING:
            return f"{seen:,}{of} keys scanned, incomplete: {_away(scan)}, trying again"
        case ScanState.PAUSED:
            return f"{seen:,}{of} keys scanned, incomplete: paused"
        case _:
            share = f" ({percent_text(seen / total)})" if total else ""
            return f"{seen:,}{of} keys scanned{share}{_silence(scan)}"


def _found_words(scan: KeyspaceScan) -> str:
    """The same where the server tells only of some of the keys that it looks at."""
    found = f"{scan.scanned:,} match{'es' * (scan.scanned != 1)}"
    those = f" in {scan.total:,} keys" if scan.total is not None else ""
    match scan.state:
        case ScanState.COMPLETE:
            return f"{found}{those}, complete"
        case ScanState.FAILED:
            return f"{found} so far{those}, incomplete: it failed"
        case ScanState.WAITING:
            return f"{found} so far{those}, incomplete: {_away(scan)}, trying again"
        case ScanState.PAUSED:
            return f"{found} so far{those}, incomplete: paused"
        case _:
            return f"{found} so far{those}{_silence(scan)}"


def _away(scan: KeyspaceScan) -> str:
    return "the server is away" if isinstance(scan.error, Unreachable | Timeout) else "the server is not ready"


def _silence(scan: KeyspaceScan) -> str:
    return f", no answer for {duration_text(scan.silent_seconds)}" if scan.silent_seconds else " …"


def empty_words(scan: KeyspaceScan) -> str:
    """What stands where no row does."""
    match scan.state:
        case ScanState.FAILED:
            return "it is not known what is in it"
        case ScanState.COMPLETE if query_text(scan.wanted):
            return "no such key"
        case ScanState.COMPLETE:
            return "this database is empty"
        case _:
            return "looking …"


_PROBE_WORDS = {"TYPE": "type", "PTTL": "TTL", "MEMORY USAGE": "size"}


def how_words(
    scan: KeyspaceScan, untold: DflyError | None = None, refused: Mapping[str, DflyError] | None = None
) -> list[str]:
    """What else there is to say of a scan, a line each.

    Args:
        untold: Why types, TTLs and sizes are missing.
        refused: Why some of them are, by the command that tells them.
    """
    lines = [_search_words(scan, wanted)] if (wanted := query_text(scan.wanted)) else []
    if scan.note:
        lines.append(scan.note)
    if scan.error is not None:
        lines.append(f"{scan.error}{f' ({scan.error.hint})' if scan.error.hint else ''}")
    if scan.left_out:
        why = next(iter(scan.refused.values()), "")
        lines.append(f"{scan.left_out:,} keys that may be among them are left out: {why}")
    if untold is not None:
        lines.append(f"type, TTL and size are not known: {untold}")
    elif refused:
        missing = ", ".join(_PROBE_WORDS[probe] for probe in _PROBE_WORDS if probe in refused)
        lines.append(f"{missing} of some keys is not known: {next(iter(refused.values()))}")
    if not scan.spaces.has_all_names:
        lines.append(f"only the first {scan.spaces.kept_names:,} names are listed; the counts are of all")
    return lines


def _search_words(scan: KeyspaceScan, wanted: str) -> str:
    parts = [f"looking for {wanted}"]
    if scan.plan is not None and scan.plan.by_server:
        parts.append(f"the server filters by {', '.join(scan.plan.by_server)}")
    if scan.plan is not None and scan.plan.by_us:
        parts.append(f"each key is asked for its {', '.join(scan.plan.by_us)}")
    if scan.plan is not None and (scan.plan.by_us or scan.plan.by_server):
        parts.append(f"{scan.spaces.root.keys:,} found")
    return "; ".join(parts)


def counted(number: int, what: str) -> str:
    """`1 key`, `2 keys`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def pace_words(pace: Pace) -> str:
    """How much a scan may take."""
    return f"{pace.name.lower()} pace"


def order_words(order: Order, waiting: int) -> str:
    """What rows are sorted by, and how many are not sorted yet."""
    words = f"by {order.value}"
    return f"{words}, {waiting:,} still to be looked at" if order.needs_facts and waiting > MANY else words


def space_entries(space: Namespace, share: float, sample: Sequence[KeyFacts]) -> list[Entry]:
    """A namespace in a few words."""
    entries = [
        Entry("in it", (Run(counted(space.keys, "key"), "strong"), Run(f"  {percent_text(share)} of what was counted")))
    ]
    if space.below:
        entries.append(
            Entry(
                "below",
                (Run(f"{counted(len(space.below), 'namespace')}, {counted(space.own_keys, 'key')} of its own"),),
            )
        )
    if space.folded:
        entries.append(Entry("below", (Run("too many namespaces to tell apart: its keys are listed"),)))
    told = [key for key in sample if key.kind is not None and not key.is_gone]
    if told:
        entries += _sample_entries(space, told)
    elif space.keys:
        entries.append(Entry("sample", (Run("none of its names is kept; open it to look", "muted"),)))
    return entries


def _sample_entries(space: Namespace, told: Sequence[KeyFacts]) -> list[Entry]:
    kinds = {kind: sum(key.kind == kind for key in told) for kind in sorted({key.kind or "" for key in told})}
    sizes = [key.size_bytes for key in told if key.size_bytes is not None]
    expiring = [key.ttl_ms for key in told if key.ttl_ms is not None and key.ttl_ms != NO_TTL]
    types = ", ".join(f"{safe(kind_name(kind), limit=20)} {percent_text(n / len(told))}" for kind, n in kinds.items())
    entries = [Entry("types", (Run(types),))]
    if sizes and not any(sizes):
        entries.append(Entry("size", (Run("small values, which lie in the table itself"),)))
    elif sizes:
        mean = sum(sizes) / len(sizes)
        about = f"about {bytes_text(mean * space.keys)} in all, {bytes_text(mean)} a key, the largest seen "
        entries.append(Entry("size", (Run(about + bytes_text(max(sizes))),)))
    if expiring:
        spread = f"{percent_text(len(expiring) / len(told))} expire, in {duration_text(min(expiring) / 1000)} to "
        entries.append(Entry("TTL", (Run(spread + duration_text(max(expiring) / 1000)),)))
    else:
        entries.append(Entry("TTL", (Run("none of them expires"),)))
    entries.append(Entry("", (Run(f"judged by {len(told)} of its keys", "muted"),)))
    return entries
