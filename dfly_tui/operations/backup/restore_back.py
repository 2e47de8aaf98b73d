"""The way back from a restore: what was there before is served again. Each step looks first, so that it may be taken by
another program than the one that was killed."""

from dataclasses import dataclass

from dfly_tui.clients.container_log import Life, life
from dfly_tui.clients.container_writer import kill_text, start_text
from dfly_tui.clients.stores.switch import Switch
from dfly_tui.errors import NotSupported, Refused, ServerError, StoreFailed
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.operations.access import Hands
from dfly_tui.operations.backup.needs import Needs
from dfly_tui.operations.failover.steps import cli_line
from dfly_tui.operations.hooks import run_hook
from dfly_tui.operations.plan import Act
from dfly_tui.settings import DockerConfig
from dfly_tui.text import safe
from dfly_tui.units import count_text, duration_text

LOOK_SECONDS = 0.5
DOCKER_SECONDS = 20.0


@dataclass(frozen=True)
class WayBack:
    """What a restore puts where, and how that is taken away again.

    Attributes:
        file: The summary or RDB file that makes a start load the set.
        staged: The other files of the set, under their new names.
        aside: Another name of what had the name of `file` before, where there is but one name; else empty.
        safety: The RDB file that was made of what was there, where there is but one name.
        keys: How many the instance had.
    """

    needs: Needs
    docker: DockerConfig
    switch: Switch
    file: str
    staged: tuple[str, ...]
    aside: str
    safety: str
    keys: int

    @property
    def name(self) -> str:
        return self.needs.name

    async def life(self) -> Life:
        """How the server in the container is; raises `DockerFailed`."""
        return await life(self.docker, DOCKER_SECONDS)

    async def seen(self) -> InstanceSnapshot | None:
        """What it says of itself; None while it does not."""
        return (await self.needs.access.look_at(self.name)).snapshot

    def resume(self) -> Act:
        """Let writers go on that were paused; a server that was started since has forgotten that it was to wait."""

        async def run(hands: Hands) -> str:
            try:
                await hands.dragonflies[self.name].resume_writes()
            except (NotSupported, ServerError):
                return "it cannot end a pause: that ends by itself"
            return "clients write again"

        line = cli_line(self.needs.access.configs[self.name], ["CLIENT", "UNPAUSE"])
        return Act(
            id="resume", title=f"let clients write to {self.name} again", target=self.name, commands=(line,), run=run
        )

    def unstage(self) -> Act:
        """Remove the files that were put there."""
        store = self.needs.instance_store
        names = (*self.staged, self.aside or self.file)

        async def run(hands: Hands) -> str:
            for name in names:
                await store.remove(name)
            await self._remove_drafts()
            return f"{len(names)} files were removed"

        return Act(
            id="unstage", title=f"remove the set from {store.address}", target=self.name,
            commands=tuple(store.remove_text(name) for name in names), run=run,
            left_to_do=f"remove the files of the set: {' ; '.join(store.remove_text(name) for name in names)}",
        )  # fmt: skip

    async def _remove_drafts(self) -> None:
        names = (*self.staged, self.file, *((self.aside,) if self.aside else ()))
        drafts = {draft for name in names for draft in self.switch.drafts(name)}
        for name in sorted(drafts & {file.name for file in await self.needs.instance_store.files()}):
            await self.needs.instance_store.remove(name)

    def hook(self, when: str, command: str, base: str) -> Act:
        """Run a command of the user's own; `when` is `before` or `after`."""
        needs = self.needs
        facts = {
            "DFLY_WHEN": when,
            "DFLY_RUN": needs.plan_id,
            "DFLY_INSTANCE": self.name,
            "DFLY_ADDRESS": needs.access.configs[self.name].address,
            "DFLY_SET": base,
        }

        async def run(hands: Hands) -> str:
            return await run_hook(command, facts, needs.environ, seconds=needs.settings.hook_seconds)

        return Act(
            id=f"hook-{when}", title=f"run the hook {when} the restore", target=self.name, commands=(command,), run=run,
            left_to_do=f"do by hand what the hook does: {command}",
            stays=f"the hook before the restore has run: take back by hand what it did: {command}",
        )  # fmt: skip

    def tidy(self) -> Act:
        """Remove what is left of the copying."""
        line = self.needs.instance_store.remove_text(self.switch.drafts(self.file)[0])

        async def run(hands: Hands) -> str:
            try:
                await self._remove_drafts()
            except StoreFailed as error:
                return f"empty files may stay, which do no harm: {error.detail}"
            return "nothing is left of it"

        return Act(id="tidy", title="remove what is left of the copying", target=self.name, commands=(line,), run=run)

    def kill(self) -> Act:
        """End what runs with the restored data without letting it save: that would be the newest snapshot."""

        async def run(hands: Hands) -> str:
            if not await self.in_place():
                return "it does not have the set: left as it is"
            await hands.containers[self.name].kill()
            return "it was ended, and saved nothing"

        return Act(
            id="kill", title=f"end {self.name} without a snapshot", target=self.name,
            commands=(kill_text(self.docker),), run=run,
            left_to_do=f"end it without a snapshot, if it has the set: {kill_text(self.docker)}",
        )  # fmt: skip

    def withdraw(self) -> Act:
        """See to it that a start loads again what was there."""
        store, shown = self.needs.instance_store, safe(self.file, limit=80)

        async def run(hands: Hands) -> str:
            if not await self.in_place():
                return f"{shown} is not there"
            if (await self.life()).runs:
                raise Refused(f"{self.name} runs with the set: it would save it again when it is stopped", "")
            if self.aside:
                await self.switch.keep_aside(self.aside, self.file)
            # From here on it is what was there before that runs: nobody ends it without a snapshot.
            await self.switch.withdraw(self.aside or self.file)
            return f"{shown} is loaded by no start any more" if not self.aside else f"{shown} is what it was"

        return Act(
            id="withdraw", title=f"take the set away from {self.name}", target=self.name,
            commands=(store.remove_text(self.file),), run=run,
            left_to_do=f"while it is stopped, see to it that {shown} is what it was, or gone",
        )  # fmt: skip

    def start_again(self) -> Act:
        """Start the container with what was there, and see that it is."""
        line = start_text(self.docker)

        async def run(hands: Hands) -> str:
            if not self.aside and await self.in_place():
                raise Refused(f"{safe(self.file, limit=80)} would be loaded again", "take it away first")
            fresh = not (await self.life()).runs
            if fresh:
                await self._put_newest()
                await hands.containers[self.name].start()
            return await self._loaded(fresh)

        return Act(
            id="start-again", title=f"start {self.name} with what was there before", target=self.name,
            commands=(line,), run=run, left_to_do=f"start {self.name} once the set is taken away: {line}",
        )  # fmt: skip

    async def own(self) -> str:
        """Of what was there before the file that is newest: its own, or the one made for safety where it saved nothing
        when it ended, as the disk was full or it was killed. Of servers that load a file of one name only."""
        own, safety = await self.switch.look(self.file), await self.switch.look(self.safety)
        if safety is None or (own is not None and own.modified_at >= safety.modified_at):
            return self.file
        return self.safety

    async def _put_newest(self) -> None:
        if self.aside and (newest := await self.own()) != self.file:
            await self.switch.keep_aside(newest, self.file)

    async def in_place(self) -> bool:
        """Whether a start loads the set: its last file is there, or what had its name before is kept aside. An empty
        one is what is left of it where nothing could be removed."""
        found = await self.switch.look(self.aside or self.file)
        return found is not None and found.size_bytes > 0

    async def _loaded(self, fresh: bool) -> str:
        """Wait until it serves what was there; raises `ServerError` when it does not.

        Args:
            fresh: It was just started, so that its log still tells what it loads.
        """
        clock, settings = self.needs.access.clock, self.needs.settings
        began = clock.monotonic()
        while True:
            now = await self.life()
            if not now.runs or now.log.failure:
                raise ServerError(f"it did not come up again: {now.end or now.log.failure}", "see its log")
            seen = await self.seen()
            told = now.log.is_finished or now.log.is_empty or not now.tells or not fresh
            if seen is not None and seen.persistence.loading is False and told:
                return self._judged(now, seen.keys or 0, clock.monotonic() - began)
            if clock.monotonic() - began > settings.load_seconds:
                raise ServerError(f"it was not loaded after {duration_text(settings.load_seconds)}", "see its log")
            await clock.sleep(LOOK_SECONDS)

    def _judged(self, now: Life, keys: int, seconds: float) -> str:
        if now.log.name == self.file and not self.aside:
            raise ServerError(f"it loaded {safe(self.file, limit=80)} again", "stop it, and move that file away")
        if keys * 2 < self.keys:
            raise ServerError(
                f"{count_text(keys)} keys are there, where {count_text(self.keys)} were",
                "stop it, and see which of its snapshots holds them: it loads the newest",
            )
        what = f", which it loaded from {safe(now.log.name, limit=120)}," if now.log.name else ""
        return f"{count_text(keys)} keys{what} are there after {duration_text(seconds)}"
