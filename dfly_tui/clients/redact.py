"""Hiding the secrets that servers and Docker give away (CONFIG GET, SLOWLOG, a container's command line)."""

import re
from collections.abc import Mapping, Sequence

MASK = "••••••"

_SECRET_NAME = re.compile(r"pass|auth|secret|token|credential|api_?key|private", re.IGNORECASE)
_NOT_SECRET = re.compile(r"(_|-)(file|dir|user|nopass|min|max|len)$|user$|auth[-_]clients$", re.IGNORECASE)
_AUTH_SHORT_OPTIONS = ("-a", "--pass")
_SECRET_SETTINGS = ("requirepass", "masterauth")
_URL_SECRET = re.compile(r"//[^/@\s]*@")


def is_secret_name(name: str) -> bool:
    """Whether a setting, option or variable of that name holds a secret (`requirepass`, `s3_secret_key`)."""
    return bool(_SECRET_NAME.search(name)) and not _NOT_SECRET.search(name)


def masked_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings with their secrets hidden; an empty secret stays empty, since that is worth knowing."""
    return {name: MASK if value and is_secret_name(name) else value for name, value in settings.items()}


def masked_command(words: Sequence[str]) -> tuple[str, ...]:
    """A Redis command, as SLOWLOG shows it, without the passwords in it."""
    upper = [word.upper() for word in words]
    match upper[:2]:
        case ["AUTH", *_]:
            return (words[0], *(MASK for _ in words[1:]))
        case ["CONFIG", "SET"]:
            return (*words[:2], *_masked_pairs(words[2:]))
        case ["ACL", "SETUSER"]:
            return tuple(
                word[0] + MASK if index > 2 and word[:1] in "><#!" and word else word
                for index, word in enumerate(words)
            )
    if "AUTH" in upper or "AUTH2" in upper:
        # HELLO 3 AUTH user password, MIGRATE … AUTH password / AUTH2 user password
        at = upper.index("AUTH" if "AUTH" in upper else "AUTH2")
        hidden = 1 if upper[0] == "MIGRATE" and upper[at] == "AUTH" else 2
        if upper[0] in ("HELLO", "MIGRATE"):
            return (*words[: at + 1], *(MASK for _ in words[at + 1 : at + 1 + hidden]), *words[at + 1 + hidden :])
    return tuple(words)


def _masked_pairs(words: Sequence[str]) -> list[str]:
    """`name value name value …`, the values of secret names hidden."""
    return [MASK if index % 2 and is_secret_name(words[index - 1]) else word for index, word in enumerate(words)]


def masked_arguments(words: Sequence[str]) -> tuple[str, ...]:
    """A program's command line without secrets: `--requirepass=x`, `--requirepass x`, `-a x`, `NAME_PASSWORD=x`."""
    masked: list[str] = []
    hide_next = False
    for word in words:
        name, equals, value = word.partition("=")
        option = name.lstrip("-")
        if hide_next and not word.startswith("--"):
            masked.append(MASK)
            hide_next = False
        elif equals and value and " " not in name and is_secret_name(option):
            masked.append(f"{name}={MASK}")
            hide_next = False
        elif " " in word:
            masked.append(" ".join(masked_arguments(word.split(" "))))
        else:
            masked.append(_URL_SECRET.sub(rf"//{MASK}@", word))
            hide_next = not equals and _announces_secret(word)
    return tuple(masked)


def _announces_secret(word: str) -> bool:
    """Whether the next argument is a secret (`-a x`, `--requirepass x`, redis.conf's `requirepass x`)."""
    if word in _AUTH_SHORT_OPTIONS or word.lower() in _SECRET_SETTINGS:
        return True
    return word.startswith("--") and is_secret_name(word)
