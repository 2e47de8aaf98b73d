"""What becomes of the old primary: stopped for good, started anew as a replica, or caught the moment it is back."""

from contextlib import suppress

from dfly_tui.clients import writer
from dfly_tui.clients.container_writer import recreate_text, remove_previous_text, start_text, stop_text
from dfly_tui.errors import Loading, Refused, Unreachable
from dfly_tui.models.container import ContainerInfo, RestartPolicy
from dfly_tui.models.operation import Finding, required
from dfly_tui.operations.access import Hands
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.failover.steps import (
    STOP_SECONDS,
    attach,
    attach_lines,
    cli_line,
    docker_of,
    fence,
    restore_policy,
    synced,
)
from dfly_tui.operations.plan import Act, Step, Verify

LOOK_SECONDS = 0.2
"""Between two looks whether the old primary is back: each moment it is, it may take writes that will be lost."""
EXIT_SECONDS = 60.0
ENDED = frozenset({"exited", "dead", "created"})
"""States of a container whose process does not run."""


def bring_back(
    scene: Scene, old: str, new: str, policy: RestartPolicy | None, *, ended_id: str | None = None
) -> tuple[Step, ...]:
    """The steps that make the old primary, which ended, a replica of the new one.

    Args:
        policy: The restart policy of its container before the fence; None when Docker is not at hand.
        ended_id: The replication id of the process that handed over, which may still answer while it ends.
    """
    if not scene.limits.repoint_old_primary:
        return ()
    if policy is None:
        return (catch(scene, old, new, ended_id), synced(scene, old, new, of=f"catch-{old}"))
    begin = (recreate if scene.limits.recreate_container else start)(scene, old, new)
    wait = (ended(scene, old, new), begin, synced(scene, old, new, of=begin.id))
    return (*wait, *settled(scene, old, new, policy))


def settled(scene: Scene, old: str, new: str, policy: RestartPolicy) -> tuple[Step, ...]:
    """Once the old primary follows: its container starts with the machine again, and nothing else is left of it."""
    again = (tidy(scene, old, new),) if scene.limits.recreate_container else ()
    return (restore_policy(scene, old, policy), *again)


def stop(scene: Scene, old: str, *, final: bool = False) -> Act:
    """Stop the old primary's container, be it frozen or not."""
    line = stop_text(docker_of(scene, old), STOP_SECONDS)

    async def run(hands: Hands) -> str:
        await hands.containers[old].stop(STOP_SECONDS)
        return f"the container of {old} is stopped"

    async def holds() -> bool | None:
        seen = await scene.access.container(old)
        return seen.state in ENDED if isinstance(seen, ContainerInfo) else None

    return Act(
        id="stop", title=f"stop {old}, so that it takes no more writes", target=old, commands=(line,), run=run,
        holds=holds, settle_seconds=2.0 * STOP_SECONDS, final=final, left_to_do=f"stop {old}: {line}",
        stays=f"{old} is stopped; with its last snapshot it comes back by: {start_text(docker_of(scene, old))}",
    )  # fmt: skip


def ended(scene: Scene, old: str, new: str) -> Verify:
    """The old primary's process is gone, or, when a run is finished, it was started again already."""

    async def probe() -> Finding:
        seen = await scene.access.container(old)
        state = seen.state if isinstance(seen, ContainerInfo) else ""
        over = state in ENDED or (not state and await _is_shut(scene, old)) or await scene.follows(old, new)
        return required(over, "ended", f"{old} has ended, or follows already", state or str(seen))

    line = stop_text(docker_of(scene, old), STOP_SECONDS)
    return Verify(
        id="ended", title=f"{old} has ended", probe=probe, timeout_seconds=EXIT_SECONDS, every_seconds=0.2,
        left_to_do=f"stop {old}: {line}",
    )  # fmt: skip


def recreate(scene: Scene, old: str, new: str) -> Act:
    """Make the old primary's container again with --replicaof: it never is a writable primary, and stays a replica
    when it restarts."""
    config = scene.access.configs[old]
    host, port = scene.address(new)
    flag = f"{f'[{host}]' if ':' in host else host}:{port}"
    line = recreate_text(docker_of(scene, old), {"--replicaof": flag})
    lines = (
        line,
        *(cli_line(config, words) for words in writer.primary_login_words(scene.access.configs[new].username)),
    )

    async def run(hands: Hands) -> str:
        leader = await scene.access.look_at(new)
        if not leader.leads:
            raise Refused(f"{new} does not lead, so {old} is not started as its replica")
        await hands.containers[old].recreate({"--replicaof": flag})
        password = await scene.access.password(new)
        await _answering(scene, old)
        with suppress(Loading):  # then its own flags let it in: it is syncing already
            await hands.dragonflies[old].set_primary_login(scene.access.configs[new].username, password)
        return f"the container of {old} was made again with --replicaof={flag}"

    async def holds() -> bool | None:
        return await scene.follows(old, new)

    return Act(
        id=f"recreate-{old}", title=f"start {old} again as a replica of {new}", target=old, commands=lines, run=run,
        holds=holds, settle_seconds=30.0, left_to_do=f"start {old} again with --replicaof={flag}",
    )  # fmt: skip


def tidy(scene: Scene, old: str, new: str) -> Act:
    """Remove what the old primary's container was, now that the one in its place follows; also what runs left behind
    that were cut off."""
    line = remove_previous_text(docker_of(scene, old))

    async def run(hands: Hands) -> str:
        if not await scene.follows(old, new):
            raise Refused(f"{old} does not follow {new}")
        stay = await hands.containers[old].remove_previous()
        return f"{', '.join(stay)} is kept aside, as its files are in no volume" if stay else "nothing is kept aside"

    return Act(
        id=f"tidy-{old}", title=f"remove the container that {old} was in", target=old, commands=(line,), run=run,
        left_to_do=f"once {old} follows {new}, see whether a container is left that it was in: {line}",
    )  # fmt: skip


def start(scene: Scene, old: str, new: str) -> Act:
    """Start the old primary's container as it is and point it at the new primary the instant it answers."""
    lines = (start_text(docker_of(scene, old)), *attach_lines(scene, old, new))

    async def run(hands: Hands) -> str:
        await scene.require_dialable(old, new)
        await hands.containers[old].start()
        seconds = await _answering(scene, old)
        await attach(scene, hands, old, new)
        return f"{old} follows {new}; for up to {seconds:.1f} s it was a primary that took writes"

    async def holds() -> bool | None:
        return await scene.follows(old, new)

    return Act(
        id=f"start-{old}", title=f"start {old} and make it a replica of {new}", target=old, commands=lines, run=run,
        holds=holds, left_to_do=f"start {old} again with --replicaof, or: {' ; '.join(lines)}",
    )  # fmt: skip


def catch(scene: Scene, old: str, new: str, ended_id: str | None) -> Act:
    """Where we may not start it: point it at the new primary the moment something else did."""
    lines = attach_lines(scene, old, new)

    async def run(hands: Hands) -> str:
        await _answering(scene, old, but_not=ended_id)
        if await scene.follows(old, new):
            return f"it came back following {new}"
        await attach(scene, hands, old, new)
        return f"it came back as a primary, and now follows {new}"

    async def holds() -> bool | None:
        return await scene.follows(old, new)

    return Act(
        id=f"catch-{old}", title=f"make {old} a replica of {new} when it comes back", target=old, commands=lines,
        run=run, holds=holds,
        left_to_do=f"when {old} is back it is a writable primary with old data; start it with --replicaof, or: "
        + " ; ".join(lines),
    )  # fmt: skip


def fenced_and_stopped(scene: Scene, old: str, policy: RestartPolicy) -> tuple[Step, ...]:
    """Keep Docker from starting it again, then stop it."""
    return (fence(scene, old, policy), stop(scene, old))


async def _is_shut(scene: Scene, name: str) -> bool:
    """Whether nobody listens at an instance's address, which a frozen process would."""
    try:
        await scene.role(name)
    except Unreachable:
        return True
    return False


async def _answering(scene: Scene, name: str, *, but_not: str | None = None) -> float:
    """Wait until an instance answers again.

    Args:
        but_not: The replication id of a process that is about to end, and still may answer.

    Returns:
        How long it took from its first answer's failing predecessor, in seconds: the longest it can have been up.

    Raises:
        Refused: It did not within `return_seconds`.
    """
    clock = scene.access.clock
    before, until = clock.monotonic(), clock.monotonic() + scene.limits.return_seconds
    while True:
        seen = await scene.access.look_at(name)
        if seen.snapshot is not None and (but_not is None or seen.replication_id != but_not):
            return clock.monotonic() - before
        if clock.monotonic() >= until:
            why = seen.error.detail if seen.error else "the process that handed over still answers"
            raise Refused(f"{name} did not come back within {scene.limits.return_seconds:.0f} s: {why}")
        before = clock.monotonic()
        await clock.sleep(LOOK_SECONDS)
