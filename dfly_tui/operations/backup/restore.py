"""The restore: a server's data is replaced by a set, and what it had comes back if anything fails."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dfly_tui.clients.container_log import Life
from dfly_tui.clients.stores.switch import switch_of
from dfly_tui.errors import Refused
from dfly_tui.models.backup import ProofLevel
from dfly_tui.models.container import RestartPolicy
from dfly_tui.models.operation import Finding, Level, blocked, passed, preferred, required, warned
from dfly_tui.models.replication import Role
from dfly_tui.models.world import Seen
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.backup.drill import attempt_of, head_of
from dfly_tui.operations.backup.drill import checks as drill_checks
from dfly_tui.operations.backup.fitting import (
    Server,
    base_of,
    load_findings,
    memory_finding,
    name_findings,
    server_of,
    set_findings,
)
from dfly_tui.operations.backup.needs import Needs
from dfly_tui.operations.backup.restore_back import WayBack
from dfly_tui.operations.backup.restore_steps import STOP_SECONDS, Restoring, restored_files
from dfly_tui.operations.failover import steps
from dfly_tui.operations.failover.looking import alone
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.plan import Check, Confirm, Plan
from dfly_tui.settings import FailoverSettings
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, duration_text

BY_HAND = (
    "by hand: stop its clients; BGSAVE and wait for it; stop it, which saves once more; copy the set into its dir, "
    "under a base name of its own that fits dbfilename; touch the summary or .rdb file last; start it; see which file "
    "it loads in its log; compare the keys"
)


@dataclass(frozen=True)
class Wish:
    """What a person chose.

    Attributes:
        skip_drill: Although it was not tried lately, do not try it first.
    """

    skip_drill: bool = False


async def restore(needs: Needs, chosen: Chosen, wish: Wish | None = None) -> Plan:
    """The plan that replaces what an instance holds by a set.

    Raises:
        Refused: It cannot be done here; the hint says how it is done by hand.
    """
    wish = wish or Wish()
    seen = await needs.access.look_at(needs.name)
    restoring, scene = await _restoring(needs, chosen, seen), await scene_of(needs)
    days = _days_since_drill(needs, chosen)
    if not wish.skip_drill and not _is_recent(days, needs.settings.drill_days):
        restoring.tried = attempt_of(needs, chosen, seen)
    settings, policy = needs.settings, _policy(seen)
    tried, unfenced = restoring.tried, policy.name == "no"
    fence = () if unfenced else (steps.fence(scene, needs.name, policy),)
    unfence = () if unfenced else (steps.restore_policy(scene, needs.name, policy),)
    before, after = settings.restore_hook_before, settings.restore_hook_after
    return Plan(
        id=needs.plan_id,
        kind="restore",
        title=f"restore {chosen.found.shown} into {needs.name}",
        group=needs.access.configs[needs.name].group or needs.name,
        steps=(
            alone(scene),
            *_checks(needs, restoring, days),
            *(drill_checks(needs, chosen, tried.throwaway)[1:] if tried is not None else ()),
            _question(needs, restoring, seen),
            *(tried.steps(final=False) if tried is not None else ()),
            *((restoring.back.hook("before", before, chosen.found.base),) if before is not None else ()),
            *fence,
            *restoring.before(),
            *restoring.change(),
            *unfence,
            *((restoring.back.hook("after", after, chosen.found.base),) if after is not None else ()),
            *restoring.after(),
        ),
        facts=_facts(restoring, policy),
        look_with=(*steps.look_with(scene), what_it_loads(safe(restoring.back.file, limit=120))),
        notes=_notes(restoring),
    )


async def _restoring(needs: Needs, chosen: Chosen, seen: Seen) -> Restoring:
    config = needs.access.configs[needs.name]
    if not chosen.found.is_complete:
        raise Refused(f"{chosen.shown} is not whole: {'; '.join(chosen.found.problems)}", "choose another set")
    if seen.snapshot is None:
        raise Refused(f"{needs.name} does not answer: {seen.error}", "start it first, or restore it by hand")
    if seen.snapshot.role is Role.REPLICA:
        raise Refused(f"{needs.name} is a replica: its primary would replace what it loads", "restore the primary")
    if config.docker is None or seen.container is None:
        raise Refused(f"{needs.name} runs in no container that dfly-tui can stop and start", BY_HAND)
    server = server_of(seen.snapshot, await needs.access.reader(needs.name).config(), needs.name)
    now, run = needs.access.clock.now(), needs.plan_id
    base = base_of(server.dbfilename, now, "restored", run)
    file, others = restored_files(chosen, server, base)
    aside = f"{file}.before-{run}" if server.is_exact else ""
    last = seen.snapshot.persistence.last_snapshot_seconds or 0
    safety = base_of(server.dbfilename, now, "before", run)
    back = WayBack(
        needs, config.docker, switch_of(needs.instance_store), file, others, aside, f"{safety}.rdb",
        seen.snapshot.keys or 0,
    )  # fmt: skip
    return Restoring(
        chosen=chosen,
        server=server,
        back=back,
        base=base,
        safety=safety,
        stop_seconds=STOP_SECONDS + 5 * last,
        replicas=len(seen.snapshot.replication.replicas),
    )


async def scene_of(needs: Needs, resumed: frozenset[str] = frozenset()) -> Scene:
    """For the steps that a change of roles has, too."""
    world, group = await needs.access.look(), needs.access.configs[needs.name].group or needs.name
    return Scene(needs.access, group, world, FailoverSettings(), needs.plan_id, needs.who, needs.environ, resumed)


def _policy(seen: Seen) -> RestartPolicy:
    assert seen.container is not None
    return seen.container.policy


def _days_since_drill(needs: Needs, chosen: Chosen) -> float | None:
    """Since this set was restored somewhere; None if it never was, or the last try failed."""
    proof = chosen.record.last_proof(ProofLevel.RESTORED) if chosen.record is not None else None
    if proof is None or not proof.ok:
        return None
    return (needs.access.clock.now() - proof.at).total_seconds() / 86400


def _is_recent(days: float | None, limit: float) -> bool:
    return days is not None and days <= limit


def _question(needs: Needs, restoring: Restoring, seen: Seen) -> Confirm:
    assert seen.snapshot is not None
    chosen, keys = restoring.chosen, seen.snapshot.keys
    written = f"{chosen.found.written_at:%Y-%m-%d %H:%M:%S} UTC"
    replicas = f" Its {restoring.replicas} replicas copy it afterwards." if restoring.replicas else ""
    return Confirm(
        id="confirm",
        title=f"Restore {chosen.shown} into {needs.name}",
        consequence=f"All {keys if keys is not None else ''} keys that {needs.name} holds now are replaced by what was "
        f"saved at {written}. It is stopped and started again for that.{replicas} What it holds now is saved as "
        f"{restoring.safety} first, and comes back by itself if anything fails.",
        level=Level.NAME,
        token=needs.name,
    )


def _checks(needs: Needs, restoring: Restoring, days: float | None) -> tuple[Check, ...]:
    chosen, server = restoring.chosen, restoring.server

    async def ready() -> Sequence[Finding]:
        seen = await needs.access.look_at(needs.name)
        return [*_ready(needs, seen), *_log(await restoring.back.life()), *_followers(restoring, server)]

    async def fits() -> Sequence[Finding]:
        found = [*set_findings(chosen.found, chosen.record)]
        files = await needs.instance_store.files()
        found += load_findings(chosen.found, chosen.record, await head_of(chosen), server)
        found += name_findings(chosen.found, server, files, restoring.base, needs.access.clock.now())
        found.append(memory_finding(chosen.found, server.max_memory_bytes, needs.name, "raise its maxmemory first"))
        return [*found, await _room(needs, chosen), _tried(restoring, days, needs.settings.drill_days)]

    return (
        Check(id="ready", title=f"{needs.name} can be stopped and started", run=ready),
        Check(id="set", title=f"{needs.name} can load the set", run=fits),
    )


def _ready(needs: Needs, seen: Seen) -> list[Finding]:
    name, now = needs.name, seen.snapshot
    if now is None:
        return [blocked("reachable", f"{name} answers", str(seen.error))]
    busy = [word for word, flag in (("loading", now.persistence.loading), ("saving", now.persistence.saving)) if flag]
    state = seen.container.state if seen.container is not None else "not known"
    return [
        required(now.role is Role.PRIMARY, "role", f"{name} is a primary", str(now.role)),
        required(not busy, "busy", f"{name} is neither loading nor saving", ", ".join(busy) or "neither"),
        required(state == "running", "container", f"the container of {name}", state, "running"),
    ]


def _log(now: Life) -> list[Finding]:
    advice = "which file was loaded cannot be proven then, only what is in it: choose a driver that can be read"
    return [preferred(now.tells, "log", "its log can be read", "yes" if now.tells else "no", advice=advice)]


def _followers(restoring: Restoring, server: Server) -> list[Finding]:
    found = []
    if restoring.replicas:
        advice = "each copies all of it anew; until then they have what was there, and serve it"
        found.append(warned("replicas", "replicas that will follow", str(restoring.replicas), advice=advice))
    if not server.ends_pauses:
        advice = "what they write before the restore is proven is lost if it is taken back: stop them"
        found.append(warned("writers", "writers can be made to wait", f"no, it is {server.version}", advice=advice))
    return found


async def _room(needs: Needs, chosen: Chosen) -> Finding:
    """For the set, and for what is there now, which is saved twice."""
    seen, space = (await needs.access.look_at(needs.name)).snapshot, await needs.instance_store.space()
    used = seen.used_memory_bytes or 0 if seen is not None else 0
    title, wanted = f"room in {needs.instance_store.address}", chosen.found.size_bytes + 2 * used
    if space is None:
        return warned("room", title, "not known", f"at most {bytes_text(wanted)} are needed")
    advice = "make room there: the set, and what is there now, which is saved twice"
    if space.free_bytes < chosen.found.size_bytes:
        return blocked("room", title, bytes_text(space.free_bytes), bytes_text(wanted), advice)
    return preferred(
        space.free_bytes >= wanted, "room", title, bytes_text(space.free_bytes), bytes_text(wanted), advice
    )


def _tried(restoring: Restoring, days: float | None, limit: float) -> Finding:
    title = "that it can be restored was proven"
    if restoring.tried is not None:
        return passed("drilled", title, "it is tried first, in a throw-away server")
    value = "never" if days is None else f"{duration_text(days * 86400)} ago"
    if restoring.server.may_start_empty:
        advice = "let it be tried first: this version goes on with nothing when it cannot read a set"
        return required(_is_recent(days, limit), "drilled", title, value, advice=advice)
    return preferred(_is_recent(days, limit), "drilled", title, value, advice="better let it be tried first")


def _notes(restoring: Restoring) -> tuple[str, ...]:
    """What stays."""
    store = restoring.back.needs.instance_store
    found = [f"what was there before stays as {restoring.safety}: remove it when it is not wanted any more"]
    if restoring.back.aside:
        found.append(f"so does its last own snapshot: {store.remove_text(restoring.back.aside)}")
    return tuple(found)


def what_it_loads(file: str) -> str:
    """What a person has to know who looks at a restore that did not end."""
    return f"the set is loaded by a start while {file} is there"


def _facts(restoring: Restoring, policy: RestartPolicy) -> dict[str, str]:
    back = restoring.back
    return {
        "instance": restoring.name,
        "base": restoring.chosen.found.base,
        "store": restoring.chosen.store.name,
        "file": back.file,
        "staged": json.dumps(back.staged),
        "aside": back.aside,
        "keys": str(back.keys),
        "safety": restoring.safety,
        "restart_policy": str(policy),
    }
