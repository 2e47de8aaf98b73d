"""What a field of INFO means, in one sentence.

The sentences are data (`data/explanations.toml`): one key per field, a pattern for a family (`cmdstat_*`), and a table
for the sections whose keys are free text (the errors of Errorstats).
"""

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

from dfly_tui.models.base import Frozen


class _Explanations(Frozen):
    """The parsed data: `sections` by lower-case name, `fields` by exact name, `families` by pattern, in file order."""

    sections: dict[str, str]
    fields: dict[str, str]
    families: dict[str, str]


def explain(field: str, section: str | None = None) -> str:
    """A field of INFO in one sentence of at most 90 characters, or "" when it is not known.

    Args:
        field: the name as printed, such as `used_memory` or `slave0`.
        section: the section it stands in, in any case; needed where the names are free text (Errorstats).
    """
    known = _explanations()
    if section is not None and section.lower() in known.sections:
        return known.sections[section.lower()]
    if field in known.fields:
        return known.fields[field]
    return next((text for pattern, text in known.families.items() if fnmatchcase(field, pattern)), "")


@cache
def _explanations() -> _Explanations:
    text = (resources.files("dfly_tui.models.data") / "explanations.toml").read_text(encoding="utf-8")
    return _Explanations.model_validate(tomllib.loads(text))
