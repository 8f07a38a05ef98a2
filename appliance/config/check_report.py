"""Says what the box would do with a settings file, without doing it: as JSON, and in words. Shows no password."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from appliance.config.lenient import load_leniently
from appliance.config.values import Config
from appliance.core.values import Mistake


def check(path: Path, *, as_json: bool) -> tuple[str, bool]:
    """The report on a file, and whether it is without mistakes. as_json: one line of JSON instead of words."""
    config, mistakes = load_leniently(path)
    if as_json:
        told = [{"line": mistake.line, "key": mistake.key, "text": mistake.text} for mistake in mistakes]
        return json.dumps({"mistakes": told, "effect": _effect(config)}) + "\n", not mistakes
    lines = (*_told(path, mistakes), *_in_words(config))
    return "\n".join(lines) + "\n", not mistakes


def _effect(config: Config) -> dict[str, Any]:
    wifi, gateway = config.wifi, config.gateway
    joined = {"name": wifi.name, "country": wifi.country, "security": "open" if wifi.open else "password"}
    return {
        "wifi": joined if wifi.joinable else None,
        "time_server": config.box.time_server,
        "dns": list(config.network.dns),
        "gateway": {"address": None if gateway.address is None else str(gateway.address), "name": gateway.name},
    }


def _told(path: Path, mistakes: Iterable[Mistake]) -> Iterator[str]:
    for mistake in mistakes:
        place = str(path) if mistake.line is None else f"{path}:{mistake.line}"
        yield f"{place}: {mistake.key}: {mistake.text}" if mistake.key else f"{place}: {mistake.text}"


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
