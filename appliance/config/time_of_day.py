"""The check of a time of day, however YAML reads it: 4:00 without quotes is a number of its version 1.1."""

from __future__ import annotations

import re

from appliance.config.checks import scalar_of, shown
from appliance.config.yaml_lines import Node

MUST = 'must be a time such as "04:00"'
NAMED = {"midnight": "00:00", "noon": "12:00"}


def time_of_day(node: Node) -> float:
    """A time in hours and minutes; its seconds after midnight. 24:00 is midnight."""
    text = scalar_of(node, MUST).text.strip()
    time = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text)
    if time is None:
        raise ValueError(f"{MUST}, not {shown(node)}{_hint(text)}")
    hours, minutes = int(time[1]), int(time[2])
    if minutes > 59 or hours * 60 + minutes > 24 * 60:
        raise ValueError(f"must be a time from 00:00 to 23:59, not {shown(node)}")
    return hours % 24 * 3600.0 + minutes * 60.0


def show_time_of_day(seconds: float) -> str:
    """The time as the settings have it, in quotes."""
    return f'"{int(seconds) // 3600:02}:{int(seconds) // 60 % 60:02}"'


def _hint(text: str) -> str:
    """What to write instead; empty for what nobody can guess."""
    words = text.lower()
    if words in NAMED:
        return f'; write "{NAMED[words]}"'
    found = re.fullmatch(r"([0-9]{1,2})(?:[.h:]?([0-9]{1,2}))? ?(am|pm|a\.m\.|p\.m\.|h|uhr|o'clock)?", words)
    if found is None:
        return ""
    hours, minutes = int(found[1]), int(found[2] or 0)
    if found[3] and found[3][0] in "ap" and 1 <= hours <= 12:
        hours = hours % 12 + (12 if found[3][0] == "p" else 0)
    return f'; write "{hours:02}:{minutes:02}"' if hours < 24 and minutes < 60 else ""
