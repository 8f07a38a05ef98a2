"""Says what the box would do with a settings file, without doing it: as JSON, and in words. Shows no password."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance.config.file_text import read_bytes
from appliance.config.lenient import read_leniently
from appliance.config.problems import ConfigError
from appliance.config.values import Config


def check(path: Path, *, as_json: bool) -> tuple[str, bool]:
    """The report on a file, and whether it is without mistakes. as_json: one line of JSON instead of words."""
    try:
        config, problems = read_leniently(read_bytes(path), str(path))
    except ConfigError as error:
        config, problems = Config(), error.problems
    if as_json:
        mistakes = [{"line": problem.line, "key": problem.key, "text": problem.text} for problem in problems]
        return json.dumps({"mistakes": mistakes, "effect": _effect(config)}) + "\n", not problems
    lines = (*map(str, problems), *_in_words(config))
    return "\n".join(lines) + "\n", not problems


def _effect(config: Config) -> dict[str, Any]:
    wifi, gateway = config.wifi, config.gateway
    joined = {"name": wifi.name, "country": wifi.country, "security": "open" if wifi.open else "password"}
    return {
        "wifi": joined if wifi.joinable else None,
        "time_server": config.box.time_server,
        "dns": list(config.network.dns),
        "gateway": {"address": None if gateway.address is None else str(gateway.address), "name": gateway.name},
    }


def _in_words(config: Config) -> Iterator[str]:
    wifi, gateway = config.wifi, config.gateway
    if wifi.joinable:
        country = f", by the radio rules of {wifi.country}" if wifi.country else ""
        yield f"Wi-Fi: joins {wifi.name!r} {'without' if wifi.open else 'with'} a password{country}"
    else:
        yield "Wi-Fi: joins none"
    yield f"Time server: {config.box.time_server or 'the default ones'}"
    yield f"Name servers: {', '.join(config.network.dns) or 'those that the network assigns'}"
    if gateway.address is not None:
        yield f"Gateway: at {gateway.address}" + ("" if gateway.name is None else f", named {gateway.name!r}")
    else:
        yield "Gateway: " + ("found by itself" if gateway.name is None else f"the one named {gateway.name!r}")
