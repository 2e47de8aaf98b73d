"""The drill: a set is loaded by a throw-away server, and what is in it is compared with what was recorded."""

from collections.abc import Sequence

from dfly_tui.clients.connect import DOCKER_TIMEOUT_SECONDS
from dfly_tui.clients.throwaway import DATABASES, Throwaway, Trial
from dfly_tui.clients.throwaway_docker import DockerThrowaway
from dfly_tui.clients.throwaway_lab import LabThrowaway
from dfly_tui.errors import Refused
from dfly_tui.models.operation import Finding, preferred, required, warned
from dfly_tui.models.snapshots import SnapshotFormat
from dfly_tui.models.world import Seen
from dfly_tui.operations.backup.attempt import Attempt
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.backup.fitting import load_findings, memory_finding, server_of, set_findings
from dfly_tui.operations.backup.needs import Needs
from dfly_tui.operations.plan import Check, Confirm, Plan
from dfly_tui.units import bytes_text

HEAD_BYTES = 9
_ADVICE = "raise drill_memory_bytes"


async def drill(scene: Needs, chosen: Chosen) -> Plan:
    """The plan that proves that a set can be restored.

    Raises:
        Refused: There is nothing a throw-away server could be made of.
    """
    attempt = attempt_of(scene, chosen, await scene.access.look_at(scene.name))
    size = bytes_text(chosen.found.size_bytes)
    question = Confirm(
        id="confirm",
        title=f"Try to restore {chosen.shown}",
        consequence=f"A throw-away server is started beside {scene.name}, with {size} of files and up to "
        f"{bytes_text(scene.settings.drill_memory_bytes)} of memory, without any network. It is removed afterwards. "
        f"{scene.name} itself is not touched.",
        level=scene.access.level(scene.name),
        token=scene.name,
    )
    return Plan(
        id=scene.plan_id,
        kind="drill",
        title=f"try to restore {chosen.found.shown} of {scene.name}",
        group=f"drill of {scene.name}",
        steps=(*checks(scene, chosen, attempt.throwaway), question, *attempt.steps()),
        facts={"instance": scene.name, "base": chosen.found.base, "store": chosen.store.name},
        look_with=(attempt.throwaway.remove_text,),
    )


def attempt_of(scene: Needs, chosen: Chosen, seen: Seen) -> Attempt:
    """A throw-away server for this set: in a container beside the instance's, or a process where that is simulated.

    Raises:
        Refused: There is neither.
    """
    return Attempt(
        chosen=chosen,
        throwaway=_throwaway(scene, chosen, seen),
        target=scene.name,
        clock=scene.access.clock,
        load_seconds=scene.settings.load_seconds,
        keep=lambda proof: scene.add_proof(chosen.found, chosen.record, proof),
        differ=scene.samples_differ,
    )


def _throwaway(scene: Needs, chosen: Chosen, seen: Seen) -> Throwaway:
    settings, docker, clock = scene.settings, scene.access.configs[scene.name].docker, scene.access.clock
    known = max(chosen.record.keys, default=0) + 1 if chosen.record is not None else 0
    trial = Trial(
        run=scene.plan_id,
        shards=chosen.found.shards,
        memory_bytes=settings.drill_memory_bytes,
        databases=max(DATABASES, known),
        seconds=2 * settings.load_seconds,
    )
    if docker is not None:
        image = settings.drill_image
        return DockerThrowaway(docker, trial, image=image, clock=clock, timeout_seconds=DOCKER_TIMEOUT_SECONDS)
    if seen.snapshot is not None and seen.snapshot.simulated:
        return LabThrowaway(trial, version=seen.snapshot.version or "", clock=clock)
    raise Refused(
        f"{scene.name} runs in no container that is known, so there is no image to make a throw-away server of",
        "set docker.container, or try the set by hand: start a Dragonfly elsewhere with --dir and --dbfilename",
    )


def checks(scene: Needs, chosen: Chosen, throwaway: Throwaway) -> tuple[Check, Check]:
    """Whether the set is good, and whether there is what it takes to try it."""

    async def whole() -> Sequence[Finding]:
        found = [*set_findings(chosen.found, chosen.record)]
        seen = (await scene.access.look_at(scene.name)).snapshot
        if seen is None or not chosen.found.is_complete:
            return found
        server = server_of(seen, await scene.access.reader(scene.name).config(), scene.name)
        return [*found, *load_findings(chosen.found, chosen.record, await head_of(chosen), server)]

    async def ground() -> Sequence[Finding]:
        limit = scene.settings.drill_memory_bytes
        found = [memory_finding(chosen.found, limit, "the throw-away server", _ADVICE)]
        found += await _used(scene, limit)
        if isinstance(throwaway, DockerThrowaway):
            found += await _ground(throwaway, limit)
        return found

    return (
        Check(id="set", title="the set is good, as far as that shows", run=whole, again=False),
        Check(id="ground", title="there is an image and memory for it", run=ground, again=False),
    )


async def _used(scene: Needs, limit: int) -> list[Finding]:
    """Whether what the instance has in memory now would fit."""
    seen = (await scene.access.look_at(scene.name)).snapshot
    if seen is None or seen.used_memory_bytes is None:
        return [warned("used", f"memory that {scene.name} uses now", "not known")]
    value, wanted = bytes_text(seen.used_memory_bytes), f"at most {bytes_text(limit)}, the limit of the drill"
    fits = seen.used_memory_bytes <= limit
    return [preferred(fits, "used", f"memory that {scene.name} uses now", value, wanted, _ADVICE)]


async def _ground(throwaway: DockerThrowaway, limit: int) -> list[Finding]:
    ground = await throwaway.ground()
    there = "there" if ground.image else "not there"
    found = [required(ground.image is not None, "image", f"the image {ground.image_name}", there, advice="pull it")]
    free, title = ground.free_bytes, "memory that is free on that machine"
    if free is None:
        found.append(warned("free", title, f"not known; it has {bytes_text(ground.total_bytes)}"))
    else:
        advice = "the drill would take it from others: lower drill_memory_bytes, or try it elsewhere"
        found.append(required(free >= limit, "free", title, bytes_text(free), f"at least {bytes_text(limit)}", advice))
    return found


async def head_of(chosen: Chosen) -> bytes:
    """The first bytes of an RDB file; none of the other format, which says nothing in them."""
    if chosen.found.format is not SnapshotFormat.RDB:
        return b""
    return await chosen.head(chosen.looked_for, HEAD_BYTES)
