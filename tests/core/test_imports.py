"""Imports run one way: core <- {gateway <- effect_handlers, panel} <- runner <- the composition roots."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "appliance"

MAY_IMPORT: dict[str, set[str]] = {
    "core": {"core"},
    "aio": set(),
    "atomic_file": set(),
    "display_file": {"atomic_file", "core"},
    "logs": set(),
    "progress": {"terminal"},
    "program": {"__main__", "standard_streams"},
    "standard_streams": set(),
    "systemd": set(),
    "terminal": set(),
    "gateway": {"core", "gateway", "aio"},
    "panel": {"config", "core", "panel", "terminal", "aio"},
    "store": {"atomic_file", "core"},
    "config": {"core", "config"},
    "simulator": {"recording", "simulator", "standard_streams", "terminal"},
    "history": {
        "atomic_file",
        "config",
        "core",
        "gateway",
        "history",
        "progress",
        "standard_streams",
        "status",
        "store",
        "aio",
    },
    "recording": {"aio", "atomic_file", "config", "core", "gateway", "history", "progress", "recording"},
    "backup": {
        "atomic_file",
        "backup",
        "core",
        "display_file",
        "history",
        "logs",
        "progress",
        "sticks",
        "store",
        "update",
    },
    "sticks": set(),
    "requests": {"atomic_file", "core", "logs"},
    "board": {"core", "aio"},
    "command_line": {"history", "recording", "simulator"},
    "box": {"atomic_file", "box", "config", "core", "display_file", "panel"},
    "history_syncs": {"core", "gateway", "aio"},
    "effect_handlers": {"core", "gateway", "history_syncs", "store", "aio"},
    "status": {"aio", "core", "history_syncs", "logs", "panel", "status", "systemd"},
    "runner": {"aio", "core", "effect_handlers", "panel", "systemd"},
    "service": {
        "backup",
        "board",
        "config",
        "core",
        "display_file",
        "effect_handlers",
        "gateway",
        "history",
        "history_syncs",
        "logs",
        "panel",
        "runner",
        "status",
        "store",
        "update",
    },
    "update": {"atomic_file", "core", "logs", "status", "update", "sticks"},
    "pictures": {"core", "panel", "config", "pictures", "progress"},
    "doctor": {
        "aio",
        "board",
        "config",
        "core",
        "display_file",
        "doctor",
        "gateway",
        "history",
        "logs",
        "panel",
        "recording",
        "status",
        "store",
    },
    "demo": {
        "config",
        "core",
        "effect_handlers",
        "gateway",
        "history",
        "panel",
        "store",
        "runner",
        "simulator",
        "demo",
    },
}
"""The parts that each part may import. `__main__` may import all of them."""


def imports_of(path: Path) -> set[str]:
    """The dotted names of all imports in a module, nested ones included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def parts() -> set[str]:
    return {path.stem for path in PACKAGE.iterdir() if path.name not in ("__init__.py", "__main__.py", "__pycache__")}


def modules_of(part: str) -> list[Path]:
    folder = PACKAGE / part
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def test_every_part_has_an_import_rule() -> None:
    assert parts() == set(MAY_IMPORT)


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_a_part_imports_only_lower_parts(part: str) -> None:
    for path in modules_of(part):
        of_ours = {name for name in imports_of(path) if name.split(".")[0] == "appliance"}
        used = {name.split(".")[1] for name in of_ours if "." in name}
        # `from appliance import systemd` and the version are names of the package itself.
        assert used - {"__version__"} <= MAY_IMPORT[part], f"{path.name} imports {sorted(used)}"


def test_the_core_is_pure() -> None:
    """It has no clock, thread, randomness, I/O or logging: it imports only values and arithmetic."""
    allowed = {
        "__future__",
        "bisect",
        "collections",
        "dataclasses",
        "enum",
        "heapq",
        "itertools",
        "math",
        "operator",
        "types",
        "typing",
        "unicodedata",
        "appliance",
    }
    for path in modules_of("core"):
        used = {name.split(".")[0] for name in imports_of(path)}
        assert used <= allowed, f"{path.name} imports {sorted(used - allowed)}"
        assert all(name in sys.stdlib_module_names or name == "appliance" for name in used)
