"""What all tables of the configuration share."""

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


def problem(text: str, at: Sequence[str | int] = ()) -> PydanticCustomError:
    """A mistake in the configuration, to raise in a validator.

    Args:
        text: What is wrong. Never the value itself where that may hold a password.
        at: The key below the one being validated, for mistakes that only the whole table shows.
    """
    return PydanticCustomError("config", "{problem}", {"problem": text, "at": tuple(at)})


def plain(name: str) -> str:
    """Insist that a name is fit to be shown."""
    if not name.isprintable() or name != name.strip():
        raise problem("a name holds no control characters and no blanks around it")
    return name


class Table(BaseModel):
    """One table of the file."""

    # The input of a failed validation may hold a password (`redis://user:secret@…`).
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


PASSWORD_KEYS = ("password_env", "password_command", "password_file", "password_keyring", "password_prompt")


class Secretive(Table):
    """A table that says where a password is, never what it is."""

    password_env: str | None = None
    password_command: str | None = None
    password_file: str | None = None
    password_keyring: str | None = None
    """`service/user` in the system's keyring."""
    password_prompt: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [key for key in PASSWORD_KEYS if getattr(self, key)]
        if len(sources) > 1:
            raise problem(f"one password source is enough, not {' and '.join(sources)}", [sources[1]])
        return self
