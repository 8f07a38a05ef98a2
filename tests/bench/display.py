"""The display path compared with stock luma: the same pictures to the same driver, on a bus that only counts bytes.

Bytes are counted on the wire: the address, the control byte and the data of each transfer that luma makes. CPU time is
the thread's for an update of the display; drawing the picture has its own row, because both devices need it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import luma.oled.device
import smbus2
from luma.core.interface.serial import i2c
from PIL import Image

from appliance.core.view import Count
from appliance.panel.drawing import draw_screen
from appliance.panel.incremental_display import forget_exit_hooks, make_i2c_device
from tests.bench.table import Row

DRIVERS = ("ssd1306", "sh1106")
COUNTS = [*range(5, 41), *range(39, 4, -1)]
"""The count goes up and down by one; nothing else changes."""
AGES = range(1, 60)
"""Minutes: the oldest order's age increases; nothing else changes."""
HEARTBEATS = 300
"""Heartbeats of a busy hour, two seconds apart; the count changes with every tenth, the age with every thirtieth."""


class Bus:
    """Replaces smbus2's: counts the bytes on the wire, and takes no time."""

    sent = 0

    def __init__(self, port: int) -> None:
        pass

    def write_i2c_block_data(self, address: int, register: int, block: list[int]) -> None:
        Bus.sent += 2 + len(block)

    def i2c_rdwr(self, *messages: smbus2.i2c_msg) -> None:
        for message in messages:
            Bus.sent += 1 + len(message)

    def close(self) -> None:
        pass


def measure(rounds: int) -> list[Row]:
    """The rows of the table. rounds: how often each sequence is shown."""
    rows = []
    sequences = {
        "busy-hour update": [_draw(COUNTS[beat // 10], 1 + beat // 30, beat % 2 == 0) for beat in range(HEARTBEATS)],
        "count changed": [_draw(count) for count in COUNTS],
        "age changed": [_draw(age=age) for age in AGES],
        "burn-in shift": [_draw(shift=step) for step in range(20)],
        "unchanged": [_draw() for _ in range(20)],
    }
    for driver in DRIVERS:
        with _devices(driver) as devices:
            found = {name: _compare(devices, pictures, rounds) for name, pictures in sequences.items()}
        for (name, ((cpu, _), (stock, _))), at_most in zip(found.items(), (0.1, 0.1, 0.1, None, 0.1), strict=True):
            rows.append(Row(f"{driver}: {name}, CPU", "µs", cpu * 1e6, stock * 1e6, at_most=at_most))
        for (name, ((_, sent), (_, stock))), most in zip(found.items(), (None, 0.35, 0.12, None, 0.0), strict=True):
            rows.append(Row(f"{driver}: {name}, bus", "bytes", sent, stock, at_most=most))
    rows.append(Row("drawing a new count, CPU", "µs", _drawing(rounds) * 1e6))
    return rows


@contextmanager
def _devices(driver: str) -> Iterator[tuple[Any, Any]]:
    """The appliance's device and stock luma's, set up alike, each with its own bus as on a real box."""
    with patch("smbus2.SMBus", Bus):
        ours = make_i2c_device(driver, 1, 0x3C, 0, 127)
        stock = getattr(luma.oled.device, driver)(i2c(port=1, address=0x3C))
        forget_exit_hooks()
        yield ours, stock


def _compare(devices: Sequence[Any], pictures: Sequence[Image.Image], rounds: int) -> list[tuple[float, float]]:
    """CPU seconds and bytes per update for each device, as a mean over the pictures. The devices take turns.

    CPU time is that of the round disturbed least by other programs, after one that warms all caches.
    """
    used: list[list[float]] = [[] for _ in devices]
    sent = [0 for _ in devices]
    for _ in range(1 + rounds):
        for place, device in enumerate(devices):
            device.display(pictures[0])
            before, began = Bus.sent, time.thread_time()
            for picture in pictures[1:]:
                device.display(picture)
            used[place].append(time.thread_time() - began)
            sent[place] = Bus.sent - before
    updates = len(pictures) - 1
    return [(min(cpu[1:]) / updates, total / updates) for cpu, total in zip(used, sent, strict=True)]


def _drawing(rounds: int) -> float:
    """CPU seconds to draw a picture, measured in the same way."""
    used = []
    for _ in range(1 + rounds):
        began = time.thread_time()
        for count in COUNTS:
            _draw(count)
        used.append(time.thread_time() - began)
    return min(used[1:]) / len(COUNTS)


def _draw(count: int = 12, age: int = 7, beat: bool = True, shift: int = 0) -> Image.Image:
    return draw_screen(Count(str(count), "orders", f"{age} min"), (128, 64), beat=beat, shift=shift)
