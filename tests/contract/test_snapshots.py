"""Snapshots: the answers, the names of the files, and that they are loaded again."""

import re
from contextlib import AsyncExitStack

from tests.contract.data import fill
from tests.contract.recordings import load
from tests.contract.replay import differences
from tests.contract.target import Target
from tests.support.eventually import eventually

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
EXCEPTIONS = {"GET int": "whether the recorded server still had this key differs"}


async def test_saving(target: Target, stack: AsyncExitStack) -> None:
    node = await target.start(stack)
    await fill(node)

    async def idle() -> bool:
        return b"saving:0" in await node.do("INFO", "PERSISTENCE")

    found: list[str] = []
    for exchange in load(target.flavour, "05-persistence"):
        if exchange.send[0] == "DEBUG":
            break  # from here on a save of a million keys is watched
        found += await differences({"primary": node}, [exchange], EXCEPTIONS)
        await eventually(idle)
    assert not found, "\n".join(found)
    names = {re.sub(TIME, "TIME", path.name) for path in node.folder.iterdir()}
    assert names == {
        *(f"dump-TIME-{part}.dfs" for part in ("0000", "0001", "summary")),
        *(f"named-{part}.dfs" for part in ("0000", "0001", "summary")),
        "dump-TIME.rdb",
        "named.rdb",
        "bg.rdb",
    }
    last = await node.do("INFO", "PERSISTENCE")
    assert re.search(rb"last_saved_file:.*/dump-.*-summary.dfs\r|last_saved_file:.*/bg\r", last), last
