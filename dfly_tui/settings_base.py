"""What all tables of the configuration share."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
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
