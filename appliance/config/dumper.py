"""Prints settings as YAML."""

from __future__ import annotations

from typing import Any

from appliance.config.keys import KEYS, SECTIONS
from appliance.config.values import Config


def dump(config: Config) -> str:
    """Settings as YAML with comments; parsing it returns the same settings."""
    lines: list[str] = []
    section = ""
    for dotted, key in KEYS.items():
        value: Any = config
        *path, name = dotted.split(".")
        for part in (*path, name):
            value = getattr(value, part)
        if ".".join(path) != section:
            section = ".".join(path)
            outer = "  " * (len(path) - 1)
            lines += [] if outer else [""]
            lines += [f"{outer}# {SECTIONS[section]}", f"{outer}{path[-1]}:"] if section else []
        indent = "  " * len(path)
        lines += [f"{indent}# {key.comment}", f"{indent}{name}: {key.show(value)}"]
    return "\n".join(lines[1:]) + "\n"
