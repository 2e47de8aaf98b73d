"""The steps plans are put together from. Each says what it runs, how to see that it is done, and how to go back."""

import shlex
from collections.abc import Sequence

from dfly_tui.clients import writer
from dfly_tui.clients.container_writer import inspect_text, restart_policy_text
from dfly_tui.errors import NotSupported, ServerError
from dfly_tui.models.container import ContainerInfo, RestartPolicy
from dfly_tui.models.operation import Finding, required
from dfly_tui.models.replication import Role
from dfly_tui.operations.access import Hands
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.hooks import HookFailed, run_hook
from dfly_tui.operations.plan import Act, Verify
from dfly_tui.settings import DockerConfig, InstanceConfig

SAVE_SECONDS = 3600.0
STOP_SECONDS = 10
PAUSE_MARGIN_SECONDS = 2
"""Writes stay paused that much longer than the takeover may take; v1.22 cannot end a pause."""
TAKEOVER_SETTLE_SECONDS = 15.0
NO_RESTART = RestartPolicy(name="no")
WHO_LEADS = "see who leads; then finish what was begun, or take it back: dfly-tui failover status"


def cli_line(config: InstanceConfig, words: Sequence[str]) -> str:
    """What a person would type to send this command; the password comes from REDISCLI_AUTH, never from the line."""
    host, _, port = config.address.rpartition(":")
    options = ["-h", host.strip("[]"), "-p", port]
    options += ["--tls"] if config.url.startswith("rediss:") else []
    options += ["--user", config.username] if config.username else []
    return shlex.join(["redis-cli", *options, *words])


def look_with(scene: Scene) -> tuple[str, ...]:
    """The commands that show who leads the group."""
    configs = scene.access.configs.values()
    inspected = (inspect_text(config.docker) for config in configs if config.docker is not None)
    return (*(cli_line(config, ["ROLE"]) for config in configs), *inspected)


def notes(scene: Scene, old: str, new: str) -> tuple[str, ...]:
    """What a change of roles leaves to a person: the files that still say who was meant to lead."""
    found = [f"config.toml: {new} is the primary now, {old} its replica (or swap back later)"]
    for name, words in ((old, f"add --replicaof={scene.access.configs[new].peer_address}"), (new, "drop --replicaof")):
        container = container_of(scene, name)
        files = container.compose_files if container else ()
        found += [f"{file}: {words} for {name}, or `docker compose up` changes the roles back" for file in files]
    return tuple(found)


def docker_of(scene: Scene, name: str) -> DockerConfig:
    """Where an instance's container is; only asked of instances that have one."""
    docker = scene.access.configs[name].docker
    assert docker is not None, f"{name} has a container"
    return docker


def container_of(scene: Scene, name: str) -> ContainerInfo | None:
    """An instance's container as the plan was made; None where Docker is not configured or did not answer."""
    return scene.world[name].container


def fence(scene: Scene, old: str, policy: RestartPolicy) -> Act:
    """Keep Docker from starting the old primary again; `policy` is what it had before."""

    async def run(hands: Hands) -> str:
        await hands.containers[old].set_restart_policy(NO_RESTART)
        return f"restart policy {policy} → no"

    async def holds() -> bool | None:
        seen = await scene.access.container(old)
        return seen.restart_policy == "no" if isinstance(seen, ContainerInfo) else None

    return Act(
        id="fence",
        title=f"keep Docker from starting {old} again",
        target=old,
        commands=(restart_policy_text(docker_of(scene, old), NO_RESTART),),
        run=run,
        holds=holds,
        undo=restore_policy(scene, old, policy),
    )


def restore_policy(scene: Scene, old: str, policy: RestartPolicy) -> Act:
    """Give the container the restart policy back that it had."""
    line = restart_policy_text(docker_of(scene, old), policy)

    async def run(hands: Hands) -> str:
        await hands.containers[old].set_restart_policy(policy)
        return f"restart policy {policy}"

    async def holds() -> bool | None:
        seen = await scene.access.container(old)
        return seen.restart_policy == policy.name if isinstance(seen, ContainerInfo) else None

    return Act(
        id="restore-policy",
        title=f"give {old} its restart policy back",
        target=old,
        commands=(line,),
        run=run,
        holds=holds,
        left_to_do=f"{old} has no restart policy: {line}",
    )


def snapshot(scene: Scene, name: str, basename: str, why: str) -> tuple[Act, Verify]:
    """Save a snapshot under a name of its own, and wait until it is on disk."""
    config = scene.access.configs[name]
    before = scene.world[name].snapshot
    failed_before = before.persistence.last_failed_at if before else None

    async def run(hands: Hands) -> str:
        await hands.dragonflies[name].begin_save(basename)
        return f"saving {basename}"

    async def probe() -> Finding:
        seen = await scene.access.reader(name).snapshot()
        persistence = seen.persistence
        title = f"snapshot {basename} is on disk"
        if persistence.last_failed_at != failed_before:
            raise ServerError(
                f"the snapshot failed: {persistence.last_error}", "see the server's log; is the disk full?"
            )
        saved = not persistence.saving and basename in (persistence.last_snapshot_file or "")
        value = persistence.last_snapshot_file or "none" if saved else "not yet"
        return required(saved, "saved", title, value)

    async def holds() -> bool | None:
        persistence = (await scene.access.reader(name).snapshot()).persistence
        saved = basename in (persistence.last_snapshot_file or "")
        return None if persistence.saving else saved

    line = cli_line(config, writer.begin_save_words(basename))
    return (
        Act(id=f"save-{name}", title=f"snapshot {name} {why}", target=name, commands=(line,), run=run, holds=holds),
        Verify(
            id=f"saved-{name}", title=f"the snapshot of {name} is on disk", probe=probe, timeout_seconds=SAVE_SECONDS
        ),
    )


def pause_writes(scene: Scene, old: str) -> Act:
    """Hold clients' writes on the primary for as long as the takeover may take."""
    config = scene.access.configs[old]
    milliseconds = (scene.limits.takeover_seconds + PAUSE_MARGIN_SECONDS) * 1000

    async def run(hands: Hands) -> str:
        await hands.dragonflies[old].pause_writes(milliseconds)
        return f"writes are paused for {milliseconds / 1000:.0f} s at most"

    return Act(
        id="pause",
        title=f"pause clients' writes on {old}",
        target=old,
        commands=(cli_line(config, writer.pause_writes_words(milliseconds)),),
        run=run,
        undo=resume_writes(scene, old),
    )


def resume_writes(scene: Scene, old: str) -> Act:
    """Let the clients write again; v1.22 cannot, there the pause ends by itself."""
    config = scene.access.configs[old]

    async def run(hands: Hands) -> str:
        try:
            await hands.dragonflies[old].resume_writes()
        except (NotSupported, ServerError):
            return "this version cannot end a pause: it ends by itself in some seconds"
        return "clients write again"

    words = writer.resume_writes_words()
    return Act(
        id="resume", title=f"let clients write to {old} again", target=old, commands=(cli_line(config, words),), run=run
    )


def take_over(scene: Scene, old: str, new: str) -> Act:
    """The takeover: the old primary hands over everything and ends."""
    seconds = scene.limits.takeover_seconds
    words = writer.take_over_words(seconds)

    async def run(hands: Hands) -> str:
        started = scene.access.clock.monotonic()
        await hands.dragonflies[new].take_over(seconds)
        return f"the server took {scene.access.clock.monotonic() - started:.1f} s"

    async def holds() -> bool | None:
        # While a takeover runs the replica does not answer ROLE: an answer means that it is over, or never came.
        return await scene.role(new) is Role.PRIMARY

    return Act(
        id="takeover",
        title=f"{new} takes over from {old}",
        target=new,
        commands=(cli_line(scene.access.configs[new], words),),
        run=run,
        holds=holds,
        settle_seconds=seconds + TAKEOVER_SETTLE_SECONDS,
        final=True,
        left_to_do=WHO_LEADS,
    )


def promote(scene: Scene, new: str) -> Act:
    """Make a replica a primary with what it has."""
    words = writer.replicate_nobody_words()

    async def run(hands: Hands) -> str:
        await hands.dragonflies[new].replicate_nobody()
        return f"{new} leads"

    async def holds() -> bool | None:
        return await scene.role(new) is Role.PRIMARY

    line = cli_line(scene.access.configs[new], words)
    return Act(
        id="promote", title=f"promote {new}", target=new, commands=(line,), run=run, holds=holds, final=True,
        left_to_do=WHO_LEADS,
    )  # fmt: skip


def re_point(scene: Scene, name: str, new: str, *, final: bool = False) -> tuple[Act, Verify]:
    """Make an instance a replica of the new primary, and wait until its link is stable."""
    lines = attach_lines(scene, name, new)

    async def run(hands: Hands) -> str:
        await attach(scene, hands, name, new)
        return f"{name} follows {new}"

    async def holds() -> bool | None:
        return await scene.follows(name, new)

    return (
        Act(
            id=f"re-point-{name}",
            title=f"{name} follows {new}",
            target=name,
            commands=lines,
            run=run,
            holds=holds,
            final=final,
            left_to_do=f"make {name} a replica of {new}: {' ; '.join(lines)}",
        ),
        synced(scene, name, new, of=f"re-point-{name}"),
    )


def attach_lines(scene: Scene, name: str, primary: str) -> tuple[str, ...]:
    """What `attach()` sends."""
    words = [
        *writer.primary_login_words(scene.access.configs[primary].username),
        writer.replicate_words(*scene.address(primary)),
    ]
    return tuple(cli_line(scene.access.configs[name], each) for each in words)


async def attach(scene: Scene, hands: Hands, name: str, primary: str) -> None:
    """Give an instance the primary's password, make sure that it would find the primary, and point it there."""
    await scene.require_dialable(name, primary)
    password = await scene.access.password(primary)
    await hands.dragonflies[name].set_primary_login(scene.access.configs[primary].username, password)
    await hands.dragonflies[name].replicate(*scene.address(primary))


def synced(scene: Scene, name: str, primary: str, *, of: str) -> Verify:
    """Wait until an instance follows the primary in stable sync; `of` is the act that made it follow."""

    async def probe() -> Finding:
        missing = await scene.in_sync(name, primary)
        return _finding("synced", f"{name} is in sync with {primary}", missing)

    return Verify(
        id=f"synced-{name}",
        title=f"{name} is in sync with {primary}",
        probe=probe,
        timeout_seconds=scene.limits.sync_seconds,
        of=of,
        left_to_do=f"wait until {name} is in sync: {cli_line(scene.access.configs[name], ['INFO', 'REPLICATION'])}",
    )


def leads(scene: Scene, new: str) -> Verify:
    """The new primary says that it is one. Without that nobody is pointed at it."""

    async def probe() -> Finding:
        role = await scene.role(new)
        return _finding("leads", f"{new} leads", "" if role is Role.PRIMARY else f"it is a {role}")

    return Verify(
        id="leads", title=f"{new} leads", probe=probe, timeout_seconds=15.0, every_seconds=0.2, essential=True,
        left_to_do=f"find out who leads before anything else: {cli_line(scene.access.configs[new], ['ROLE'])}",
    )  # fmt: skip


def one_primary(scene: Scene) -> Verify:
    """For a while, nobody else in the group leads."""

    async def probe() -> Finding:
        names = [seen.name for seen in (await scene.look()).primaries]
        missing = "" if len(names) == 1 else f"{len(names)} lead: {', '.join(names) or 'nobody answers as primary'}"
        return _finding("one-primary", "exactly one primary in the group", missing)

    return Verify(
        id="watch",
        title=f"exactly one primary for {scene.limits.watch_seconds:.0f} s",
        probe=probe,
        timeout_seconds=10.0,
        every_seconds=1.0,
        hold_seconds=scene.limits.watch_seconds,
        left_to_do="see who leads the group: dfly-tui status",
    )


def hook(scene: Scene, when: str, command: str, old: str, new: str) -> Act:
    """Run a command of the user's own; `when` is `before` or `after`."""
    facts = {
        "DFLY_WHEN": when,
        "DFLY_GROUP": scene.group,
        "DFLY_RUN": scene.plan_id,
        "DFLY_OLD_PRIMARY": old,
        "DFLY_OLD_ADDRESS": scene.access.configs[old].address,
        "DFLY_NEW_PRIMARY": new,
        "DFLY_NEW_ADDRESS": scene.access.configs[new].address,
    }

    async def run(hands: Hands) -> str:
        try:
            return await run_hook(command, facts, scene.environ, seconds=scene.limits.hook_seconds)
        except HookFailed as error:
            if when == "before" and scene.limits.hook_failure == "go on":
                return f"{error}; going on, as configured"
            raise

    return Act(
        id=f"hook-{when}", title=f"run the hook {when} the change", target=new, commands=(command,), run=run,
        left_to_do=f"do by hand what the hook does: {command}",
        stays=f"the hook before the change has run: take back by hand what it did: {command}",
    )  # fmt: skip


def _finding(code: str, title: str, missing: str) -> Finding:
    return required(not missing, code, title, missing or "yes")
