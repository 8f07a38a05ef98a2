"""The settings of the machine as JSON, from the unprivileged parser to root, which trusts none of it.

Root checks each value as the parser did, but parses no YAML: JSON has a string for every text.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from appliance.config import Config
from appliance.config.cross_checks import check_together
from appliance.config.keys import KEYS
from appliance.config.time_of_day import show_time_of_day
from appliance.config.yaml_lines import Node, Scalar, Sequence
from appliance.core.values import Mistake

SECTIONS = ("network", "wifi", "box", "update", "backup")
"""The sections that root applies."""
DAY = 24 * 3600.0
"""Seconds."""
MOST_BYTES = 2 * 1024 * 1024
"""Bytes of the JSON; that of a settings file of the largest size has less."""
MOST_MISTAKES = 200
"""A file of the largest size may have thousands."""
LONGEST_MISTAKE = 300
"""Characters of a mistake's key and of its text, which has fewer than 200 unless it quotes much of the file."""


def encode(config: Config, mistakes: Iterable[Mistake]) -> bytes:
    """The machine's settings and the first mistakes, for decode()."""
    settings = {}
    for dotted in _keys():
        section, name = dotted.split(".")
        value, default = (getattr(getattr(each, section), name) for each in (config, Config()))
        if value != default:
            settings[dotted] = value
    reported = [
        [mistake.line, mistake.key and mistake.key[:LONGEST_MISTAKE], mistake.text[:LONGEST_MISTAKE]]
        for mistake in itertools.islice(mistakes, MOST_MISTAKES)
    ]
    return json.dumps({"settings": settings, "mistakes": reported}).encode()


def decode(data: bytes) -> tuple[Config, tuple[Mistake, ...]]:
    """The settings and mistakes. Raises ValueError if no settings file gives these settings."""
    try:
        content = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict) or set(content) != {"settings", "mistakes"}:
        raise ValueError("not settings and mistakes")
    settings, mistakes = content["settings"], content["mistakes"]
    if not isinstance(settings, dict) or not isinstance(mistakes, list):
        raise ValueError("settings or mistakes of a wrong type")
    values = {dotted: _checked(dotted, value) for dotted, value in settings.items()}
    config = Config()
    for dotted, value in values.items():
        section, name = dotted.split(".")
        config = replace(config, **{section: replace(getattr(config, section), **{name: value})})
    check_together(config, dict.fromkeys(values, 0), (), _refuse)
    return config, tuple(map(_mistake, mistakes[:MOST_MISTAKES]))


def _keys() -> tuple[str, ...]:
    return tuple(dotted for dotted in KEYS if dotted.split(".")[0] in SECTIONS)


def _checked(dotted: str, value: object) -> Any:
    if dotted not in _keys():
        raise ValueError("an unknown key")
    try:
        checked = KEYS[dotted].check(_node(value))
    except ValueError:
        # Without the check's text, which may quote the value.
        raise ValueError(f"{dotted} is invalid") from None
    # The parser sends what its check returned, which is what the same check returns for it.
    if checked != (tuple(value) if isinstance(value, list) else value):
        raise ValueError(f"{dotted} is not in its final form")
    return checked


def _node(value: object) -> Node:
    if isinstance(value, bool):
        return Scalar(0, "bool", "true" if value else "false", plain=True)
    if isinstance(value, float) and 0.0 <= value < DAY:
        # The only number in these sections is a time of day.
        return Scalar(0, "str", show_time_of_day(value).strip('"'), plain=False)
    if isinstance(value, str):
        return Scalar(0, "str", value, plain=False)
    if isinstance(value, list):
        return Sequence(0, tuple(map(_node, value)))
    raise ValueError("of a wrong type")


def _mistake(reported: object) -> Mistake:
    match reported:
        case [int() | None as line, str() | None as key, str() as text]:
            return Mistake(line, None if key is None else _printable(key), _printable(text))
        case _:
            raise ValueError("a mistake of a wrong type")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:LONGEST_MISTAKE])


def _refuse(line: int | None, key: str | None, text: str) -> None:
    raise ValueError("conflicting settings")
