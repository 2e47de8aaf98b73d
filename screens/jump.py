"""`:` and the palette: from a few letters to a screen, an instance or a command."""

from collections.abc import Awaitable, Callable, Iterator

from textual.command import DiscoveryHit, Hit, Hits, Provider

from screens.commands import EVERYWHERE, Command, commands_for
from screens.services import Services


def jump_targets(services: Services, scope: str) -> dict[str, str]:
    """What can be jumped to: the words shown → the Textual action that goes there."""
    commands = {f"{command.title.lower()} — {command.help}": command for command in _commands_on(scope)}
    screens = {words: action_of(command) for words, command in commands.items() if command.id.startswith("go.")}
    instances = {
        f"instance {watched.config.name}": f"app.open_instance({watched.config.name!r})"
        for watched in services.hub.watched
    }
    return screens | instances | {words: action_of(command) for words, command in commands.items()}


def action_of(command: Command) -> str:
    """The Textual action of a command, with its namespace."""
    namespace = "app" if command.scope == EVERYWHERE else "screen"
    return f"{namespace}.{command.binding.action}"


def _commands_on(scope: str) -> Iterator[Command]:
    skipped = {"app.jump", "app.palette", "app.back"}
    return (command for command in commands_for(scope) if command.id not in skipped)


class CommandProvider(Provider):
    """Feeds the command palette from the command table."""

    def _targets(self) -> dict[str, str]:
        services, scope = getattr(self.screen, "services", None), getattr(self.screen, "scope", EVERYWHERE)
        return jump_targets(services, scope) if isinstance(services, Services) else {}

    async def discover(self) -> Hits:
        for words, action in self._targets().items():
            yield DiscoveryHit(words, self._run(action))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for words, action in self._targets().items():
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), self._run(action))

    def _run(self, action: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.screen.run_action(action)

        return run
