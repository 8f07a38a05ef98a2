"""The equivalent mutants, which behave like the original, each with its reason."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from tests.mutation.mutants import Mutant

LIST = Path(__file__).with_name("equivalents.toml")


@cache
def listed() -> frozenset[tuple[str, str, str | None]]:
    """File, lines before and lines after; None if every change of these lines is equivalent."""
    entries = tomllib.loads(LIST.read_text()).get("mutant", [])
    return frozenset((one["file"], one["before"], one.get("after")) for one in entries)


def is_equivalent(mutant: Mutant) -> bool:
    """Return True if the list has this mutant."""
    return bool(listed() & {(mutant.path, mutant.before, mutant.after), (mutant.path, mutant.before, None)})
