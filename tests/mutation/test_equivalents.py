"""The list of equivalent mutants matches the present code, and gives a reason for each."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_entry_matches_lines_of_the_code() -> None:
    for entry in tomllib.loads(Path(__file__).with_name("equivalents.toml").read_text())["mutant"]:
        assert entry.keys() <= {"file", "before", "after", "why"}
        assert entry["why"].endswith("."), entry
        lines = [line.strip() for line in (ROOT / entry["file"]).read_text().splitlines()]
        assert entry["before"] in "\n".join(lines), entry
        assert entry["before"] != entry.get("after"), entry
