"""SAVE, BGSAVE, LASTSAVE."""

from contextlib import suppress

from dfly_tui.lab.commands import Call, Handlers
from dfly_tui.lab.protocol import OK, Reply, Simple, bad_subcommand, error
from dfly_tui.lab.saver import SaveRefused

HELP = ("SAVE [DF|RDB [basename]]. Write a snapshot.", "HELP", "    Print this help.")


async def save(call: Call) -> Reply:
    return await _save(call, background=False)


async def bgsave(call: Call) -> Reply:
    """Answers when the save has begun; how it ended is in INFO PERSISTENCE."""
    return await _save(call, background=True)


async def _save(call: Call, *, background: bool) -> Reply:
    new = call.server.flavour.is_new
    words = [word.decode("utf-8", "replace") for word in call.args]
    if words and words[0].upper() == "HELP":
        return [Simple(line) for line in HELP]
    if new and background and words and words[0].upper() == "SCHEDULE":
        words.pop(0)
    rdb: bool | None = None
    if words:
        kind = words.pop(0).upper()
        if kind not in {"DF", "RDB"} or len(words) > 1:
            return bad_subcommand(call.upper(1), "SAVE")
        rdb = kind == "RDB"
    name = words[0] if words else None
    saver = call.server.saver
    try:
        if background:
            as_rdb = not call.server.options.df_snapshot_format if rdb is None else rdb
            saver.check(rdb=as_rdb, name=name)
            call.server.spawn(_in_background(call, rdb=rdb, name=name))
        else:
            await saver.save(rdb=rdb, name=name)
    except SaveRefused as problem:
        return error(str(problem))
    return OK


async def _in_background(call: Call, *, rdb: bool | None, name: str | None) -> None:
    with suppress(SaveRefused):  # it is in INFO PERSISTENCE
        await call.server.saver.save(rdb=rdb, name=name)


async def lastsave(call: Call) -> Reply:
    return int(call.server.saver.last_success.timestamp())


COMMANDS: Handlers = {"SAVE": save, "BGSAVE": bgsave, "LASTSAVE": lastsave}
