"""ACL users: enough of them to rotate a password, make a viewer and list both."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dfly_tui.lab.config import Config


@dataclass
class User:
    """A user that is not `default`."""

    enabled: bool = False
    passwords: list[str] = field(default_factory=list)
    open: bool = False
    commands: list[str] = field(default_factory=lambda: ["-@all"])
    keys: list[str] = field(default_factory=list)
    channels: str = "resetchannels"


class Users:
    """All users; the passwords of `default` are those of CONFIG."""

    def __init__(self, config: Config, *, names_databases: bool) -> None:
        self._config = config
        self._others: dict[str, User] = {}
        self._suffix = " $all" if names_databases else ""

    @property
    def names(self) -> list[str]:
        return [*self._others, "default"]

    def allows(self, name: str, password: str) -> bool:
        """Whether this user may log in so."""
        user = self._others.get(name)
        return user is not None and user.enabled and (user.open or password in user.passwords)

    def change(self, name: str, rules: Sequence[str]) -> str | None:
        """ACL SETUSER; the rule that is wrong, if one is."""
        if name == "default":
            return self._change_default(rules)
        user = self._others.get(name, User())
        for rule in rules:
            if not _apply(user, rule):
                return rule
        self._others[name] = user
        return None

    def _change_default(self, rules: Sequence[str]) -> str | None:
        user = User(passwords=self._config.passwords)
        for rule in rules:
            if not _apply(user, rule):
                return rule
        return None

    def remove(self, name: str) -> bool:
        """ACL DELUSER."""
        return self._others.pop(name, None) is not None

    def line(self, name: str) -> str:
        """A user as ACL LIST shows it."""
        if name == "default":
            words = [f"#{digest}" for digest in self._config.password_hashes()] or ["nopass"]
            return f"user default on {' '.join(words)} ~* &* +@all{self._suffix}"
        user = self._others[name]
        words = [f"#{_digest(password)}" for password in user.passwords] or ["nopass"]
        state = "on" if user.enabled else "off"
        parts = ["user", name, state, *words, *user.keys, user.channels, *user.commands]
        return " ".join(parts) + self._suffix

    def has(self, name: str) -> bool:
        """Whether there is such a user."""
        return name == "default" or name in self._others


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()[:15]


def _apply(user: User, rule: str) -> bool:
    """Carry out one rule of SETUSER; returns whether it is one."""
    first, rest, word = rule[:1], rule[1:], rule.lower()
    if first == ">":
        user.passwords.append(rest)
    elif first == "<" and rest in user.passwords:
        user.passwords.remove(rest)
    elif first in {"+", "-"}:
        user.commands.append(rule)
    elif first == "~":
        user.keys.append(rule)
    elif first == "&":
        user.channels = rule
    elif word in _WORDS:
        _WORDS[word](user)
    else:
        return False
    return True


def _switch(user: User, *, on: bool) -> None:
    user.enabled = on


def _open(user: User) -> None:
    user.open = True


_WORDS: Mapping[str, Callable[[User], None]] = {
    "on": lambda user: _switch(user, on=True),
    "off": lambda user: _switch(user, on=False),
    "nopass": _open,
    "resetpass": lambda user: user.passwords.clear(),
    "allkeys": lambda user: user.keys.append("~*"),
    "resetkeys": lambda user: user.keys.clear(),
    "allcommands": lambda user: user.commands.append("+@all"),
    "nocommands": lambda user: user.commands.append("-@all"),
}
