"""Makes the part of `dfly_tui/models/console_help.tsv` that is read off redis-server's COMMAND DOCS.

`python -m tests.support.console_docs PORT` writes it anew from a redis-server 7.0 on that port of this machine; the
lines marked `ours` stay as they are.
"""

import asyncio
import sys
from pathlib import Path

import dfly_tui.models
from dfly_tui.clients.console import ConsoleReader
from dfly_tui.models.console_help import CommandHelp, help_from, help_table
from dfly_tui.settings import InstanceConfig
from tests.support.secrets import Password

TABLE = Path(dfly_tui.models.__file__).parent / "console_help.tsv"
SOURCE = "redis-7.0"
HEAD = """\
# name, arguments, what it does, and where the line is from; made by `python -m tests.support.console_docs PORT`.
# redis-7.0: COMMAND DOCS of redis-server 7.0, BSD licence, (c) Salvatore Sanfilippo and contributors. ours: by hand.
"""


async def documented(port: int) -> dict[str, CommandHelp]:
    """What the server on this port says of all its commands."""
    reader = ConsoleReader(InstanceConfig(name="docs", url=f"redis://127.0.0.1:{port}"), Password(), timeout_seconds=5)
    found: dict[str, CommandHelp] = {}
    try:
        for name in (await reader.learn()).known:
            docs = await reader.docs(name) if " " not in name else None
            found |= {each.name: each for each in help_from(docs)} if docs is not None else {}
    finally:
        await reader.aclose()
    return found


def table(found: dict[str, CommandHelp]) -> str:
    """The file, sorted by name."""
    theirs = [CommandHelp(each.name, each.arguments, each.summary, SOURCE) for each in found.values()]
    rows = {each.name: each for each in (*theirs, *(row for row in help_table().values() if row.source == "ours"))}
    lines = ("\t".join((row.name, row.arguments, row.summary, row.source)) for _, row in sorted(rows.items()))
    return HEAD + "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    TABLE.write_text(table(asyncio.run(documented(int(sys.argv[1])))), encoding="utf-8")
