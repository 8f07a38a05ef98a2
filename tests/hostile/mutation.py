"""Corrupts valid input: bytes changed, removed, doubled or spliced, and JSON with other values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

WORDS = (
    b"null",
    b"true",
    b"-0",
    b"1e400",
    b"NaN",
    b"\\ud800",
    b"\xe2\x80\xae",
    b"\x00",
    b"\xff",
    b"[[[[",
    b"{}",
    b'""',
    b"9" * 30,
)
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1e308, "", "cleared", "started", "\u202e102", "\x1b[2J", "a\nb", "\ud83d", "x" * 300,
    [], {}, [[]], {"uuid": "u", "state": "located"}, "2016-12-09T09:00:23", "9999-12-31T23:59:59+14:00",
)  # fmt: skip


def mutated(random: Random, samples: Sequence[bytes]) -> bytes:
    """A corrupted sample."""
    data = random.choice(samples)
    if random.random() < 0.5:
        with suppress(ValueError, RecursionError):
            data = json.dumps(_changed(random, json.loads(data))).encode()
    while random.random() < 0.5:
        data = _spoilt(random, data, samples)
    return data


def _changed(random: Random, value: Any) -> Any:
    """The same JSON with some values replaced, removed or added."""
    if random.random() < 0.1:
        return random.choice(VALUES)
    if isinstance(value, dict):
        kept = {key: _changed(random, one) for key, one in value.items() if random.random() < 0.97}
        if "uuid" in kept and random.random() < 0.8:
            kept["uuid"] = f"{random.randrange(200)}"
        return kept
    if isinstance(value, list):
        return [_changed(random, one) for one in value for _ in range(random.choice((1, 1, 1, 0, 3)))]
    return value


def _spoilt(random: Random, data: bytes, samples: Sequence[bytes]) -> bytes:
    at, end = sorted(random.randrange(len(data) + 1) for _ in range(2))
    match random.randrange(5):
        case 0:
            return data[:at] + random.randbytes(random.randrange(1, 5)) + data[at:]
        case 1:
            return data[:at] + data[end:]
        case 2:
            return data[:end] + data[at:end] + data[end:]
        case 3:
            return data[:at] + random.choice(samples)[at:]
        case _:
            return data[:at] + random.choice(WORDS) + data[at:]
