"""What every model has in common."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value; equality answers "did anything change?"."""

    model_config = ConfigDict(frozen=True, extra="forbid")
