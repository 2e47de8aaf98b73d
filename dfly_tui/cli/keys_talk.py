"""What the commands that change keys say while they run. Talk goes to stderr, data to stdout."""

import json
from dataclasses import dataclass

from dfly_tui.cli.failover_talk import EXIT_CODES, talk
from dfly_tui.cli.plan_run import PlanRun
from dfly_tui.models.key_text import date_text
from dfly_tui.models.keys import kind_name
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.keys.bulk import Progress
from dfly_tui.operations.keys.place import run
from dfly_tui.operations.keys.trash import Kept
from dfly_tui.operations.plan import Plan
from dfly_tui.text import safe
from dfly_tui.units import bytes_text


@dataclass
class Talking(PlanRun):
    """Runs plans that change keys, and tells how they ended and how far they are."""

    async def run(self, plan: Plan) -> Outcome:
        """Run a plan to its end; what it prints last is the outcome."""
        return await self.to_the_end(plan, run)

    def progress(self, progress: Progress) -> None:
        """How far a change of many keys is."""
        talk(f"           {progress.text}")
        told = {"rate": round(progress.rate, 1), "eta_seconds": progress.eta_seconds}
        self.print({"progress": {**progress.model_dump(mode="json"), **told}})

    def say(self, line: str) -> None:
        """A line for the person who watches."""
        talk(line)


def kept_line(kept: Kept) -> str:
    """A key in the trash, for a person."""
    where = f"{safe(kept.instance)} db{kept.database}"
    kind, size = safe(kind_name(kept.kind), limit=20), bytes_text(kept.size_bytes)
    about = f"{kind}, {size}, expires {date_text(kept.expires_at_ms)}"
    name = safe(kept.name, limit=200)
    return f"{kept.at:%Y-%m-%d %H:%M:%S} UTC  {where}  {name}  ({about})  {kept.why}  run {kept.run}"


def kept_record(kept: Kept) -> str:
    """The same as a JSON line; the name exactly."""
    return json.dumps(
        {
            "at": kept.at.isoformat(),
            "run": kept.run,
            "why": kept.why,
            "instance": kept.instance,
            "database": kept.database,
            "name": safe(kept.name, limit=1 << 20),
            "name_hex": kept.name.hex(),
            "type": kept.kind,
            "expires_at_ms": kept.expires_at_ms,
            "dump_bytes": kept.size_bytes,
        }
    )


def exit_code(outcome: Outcome) -> int:
    """See `dfly_tui.cli.exit_codes.ExitCode`."""
    return EXIT_CODES[outcome]
