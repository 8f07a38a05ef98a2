"""Prints settings as YAML."""

from __future__ import annotations

from typing import Any

from appliance.config.keys import KEYS, SECTIONS
from appliance.config.presets import PRESETS
from appliance.config.values import Config


def dump(config: Config, *, for_eyes: bool = False) -> str:
    """Settings as YAML with comments; parsing it returns the same settings.

    What the hardware gives is a comment, so that a reader who names other hardware gets all of it. for_eyes: leave
    secrets out.
    """
    given = Config(config.hardware, pins=PRESETS[config.hardware].pins)
    lines: list[str] = []
    section = ""
    for dotted, key in KEYS.items():
        *path, name = dotted.split(".")
        value = _value(config, dotted)
        mark = "#" if key.by_hardware and value == _value(given, dotted) else ""
        if ".".join(path) != section:
            section = ".".join(path)
            outer = "  " * (len(path) - 1)
            lines += [""] if lines and not outer else []
            lines += [f"{outer}# {SECTIONS[section]}", f"{outer}{path[-1]}:"] if section else []
        indent = "  " * len(path)
        hidden = for_eyes and key.secret and value is not None
        shown = "null  # set, but not shown on a terminal" if hidden else key.show(value)
        lines += [f"{indent}# {key.comment}", f"{indent}{mark}{name}: {shown}"]
    return "\n".join(lines) + "\n"


def _value(config: Config, dotted: str) -> Any:
    value: Any = config
    for part in dotted.split("."):
        value = getattr(value, part)
    return value
