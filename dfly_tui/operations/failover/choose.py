"""Which plan fits a group as it is now, and for whom."""

from dataclasses import dataclass
from pathlib import Path

from dfly_tui.errors import ConfigError, Refused
from dfly_tui.models.world import Seen, World
from dfly_tui.operations.failover.candidates import ranked
from dfly_tui.operations.failover.emergency import LastSeen, emergency
from dfly_tui.operations.failover.rejoin import rejoin
from dfly_tui.operations.failover.scene import Scene, names_of
from dfly_tui.operations.failover.switchover import switchover
from dfly_tui.operations.journal import Record, records
from dfly_tui.operations.plan import Plan
from dfly_tui.text import safe


@dataclass(frozen=True)
class Wish:
    """What a person asked for.

    Attributes:
        to: The new primary; None for the best candidate.
        override_cooldown: They mean it although the last change was a moment ago.
    """

    journals: Path
    to: str | None = None
    override_cooldown: bool = False
    last_seen: LastSeen | None = None


def change_of_roles(scene: Scene, wish: Wish) -> Plan:
    """A switchover when the primary answers, else an emergency promotion.

    Raises:
        Refused: The group has two primaries, or nobody to promote.
        ConfigError: There is no such instance in the group.
    """
    old = _primary(scene.world)
    new = member(scene, wish.to) if wish.to is not None else _best(scene.world, old)
    if old.name == new:
        raise Refused(f"{new} leads {scene.group} already", "nothing is to be done")
    if old.leads:
        return switchover(scene, old.name, new, journals=wish.journals, override_cooldown=wish.override_cooldown)
    return emergency(
        scene,
        old.name,
        new,
        journals=wish.journals,
        last_seen=wish.last_seen,
        override_cooldown=wish.override_cooldown,
    )


def swap_back(scene: Scene, wish: Wish) -> Plan:
    """The switchover that restores the intended roles.

    Raises:
        Refused: They are as intended, or the group has no primary that answers.
        ConfigError: The configuration does not say who is meant to lead.
    """
    intended = intended_primary(scene)
    old = _primary(scene.world)
    if old.name == intended:
        raise Refused(f"{intended} leads {scene.group}, as intended", "nothing is to be done")
    if not old.leads:
        raise Refused(f"{old.name} does not answer", "a group without a primary is promoted first: failover run")
    return switchover(
        scene, old.name, intended, journals=wish.journals, kind="swap-back", override_cooldown=wish.override_cooldown
    )


def coming_back(scene: Scene, wish: Wish) -> Plan:
    """The rejoin of whoever is not part of the group's replication now.

    Raises:
        Refused: Nobody is left out, or more than one is and it was not said which leads.
    """
    leading = leader(scene, wish)
    outside = [seen for seen in scene.world if seen.name != leading and not _follows(scene.world, seen, leading)]
    if not outside:
        raise Refused(f"everybody in {scene.group} follows {leading}", "nothing is to be done")
    first = outside[0].name
    return rejoin(scene, first, leading, policy=_policy_before(scene, wish, first))


def _policy_before(scene: Scene, wish: Wish, name: str) -> str:
    """The restart policy that a run took from an instance's container; empty when it has one, or none did."""
    container = scene.world[name].container
    if container is not None and container.restart_policy != "no":
        return ""
    facts = (record.plan.facts for record in records(wish.journals) if record.plan.group == scene.group)
    policies = (each.get("restart_policy", "") for each in facts if each.get("old") == name)
    return next(filter(None, policies), "")


def leader(scene: Scene, wish: Wish) -> str:
    """Who leads the group now; whom the person says, or whom the world shows. Raises `Refused` and `ConfigError`."""
    if wish.to is not None:
        return member(scene, wish.to)
    last = _last(scene, wish)
    return _leader(scene.world, last.plan.facts if last else {})


def _last(scene: Scene, wish: Wish) -> Record | None:
    """The newest run in this group that made somebody its primary; one that was let go only leads itself."""
    mine = (record for record in records(wish.journals) if record.plan.group == scene.group)
    return next((each for each in mine if each.plan.facts.get("kind", each.plan.kind) != "detach"), None)


def intended_primary(scene: Scene) -> str:
    """Who is meant to lead, by the configuration; raises `ConfigError`."""
    names = [config.name for config in scene.access.configs.values() if config.role == "primary"]
    if len(names) != 1:
        raise ConfigError(
            f"the configuration does not say who is meant to lead group {safe(scene.group)}",
            'give exactly one of its instances role = "primary"',
        )
    return names[0]


def member(scene: Scene, name: str) -> str:
    """The name, if there is such an instance in the group; else raises `ConfigError`."""
    if name not in scene.access.configs:
        known = ", ".join(scene.access.configs)
        raise ConfigError(f"group {safe(scene.group)} has no instance {safe(name)}; it has {known}")
    return name


def _primary(world: World) -> Seen:
    """The one that leads; when nobody answers as primary, the one that did."""
    if len(world.primaries) > 1:
        names = names_of(world.primaries)
        raise Refused(f"two primaries: {names}", "make the wrong one a replica first: failover rejoin --to RIGHT_ONE")
    if world.primaries:
        return world.primaries[0]
    followed = [world.primary_of(replica) for replica in world.replicas]
    known = {seen.name: seen for seen in followed if seen is not None}
    meant = {seen.name: seen for seen in world if seen.config.role == "primary" and seen.snapshot is None}
    lost = known or meant
    if len(lost) != 1:
        raise Refused("who led this group cannot be told", "name the new primary with --to once you know")
    return next(iter(lost.values()))


def _best(world: World, old: Seen) -> str:
    candidates = ranked(world, old.name)
    best = next((candidate for candidate in candidates if not candidate.barred), None)
    if best is None:
        why = "; ".join(f"{candidate.name}: {candidate.barred}" for candidate in candidates) or "it has no replica"
        raise Refused(f"nobody can be promoted: {why}", "wait until a replica is in sync, or name one with --to")
    return best.name


def _leader(world: World, facts: dict[str, str]) -> str:
    """Who leads now: the only primary, the one that was promoted last, or the only one that is followed."""
    if len(world.primaries) == 1:
        return world.primaries[0].name
    if facts.get("new") in [seen.name for seen in world.primaries]:
        return facts["new"]
    followed = [seen.name for seen in world.primaries if any(_follows(world, other, seen.name) for other in world)]
    if len(followed) == 1:
        return followed[0]
    raise Refused(
        f"{names_of(world.primaries)} lead, and who is right cannot be told", "say it with --to NAME_OF_THE_PRIMARY"
    )


def _follows(world: World, seen: Seen, leader: str) -> bool:
    followed = world.primary_of(seen)
    return followed is not None and followed.name == leader
