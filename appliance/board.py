"""What the board tells of itself: its model, how warm it is, its supply, and what became of its card.

Everything is read from files of the kernel, each of which may be missing: nothing here raises for what it finds there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from appliance.aio import in_daemon_thread
from appliance.core.events import BoardRead, Event
from appliance.core.values import Board, Card

READ_INTERVAL = 60.0
"""Seconds between looks at the board: its temperature takes minutes to change, and each look wakes the processor."""
TEMPERATURE_NOISE = 2.0
"""Degrees by which the temperature must differ to be news: it wavers by one or so all the time."""
ROOT = Path("/")

_MODEL = "proc/device-tree/model"
_TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"
_SENSORS = "sys/class/hwmon"
_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
_WEAK_NOW, _WAS_WEAK = 1 << 0, 1 << 16
_MAX_BYTES = 256
_FAULT_FILES = (
    ("system-damaged", Card.BROKEN),
    ("state-in-memory", Card.BROKEN),
    ("settings-lost", Card.BROKEN),
    ("state-made-anew", Card.RESET),
)
"""The files by which the system tells what it found of the card, the worst first."""


def read_board(root: Path = ROOT, marks: str | None = None) -> Board:
    """What the board tells now. root: where the kernel's files hang. Blocks, for the firmware may be asked.

    marks: the service's runtime directory, where what found a fault of the card left a file; None for none.

    Facts: the kernel's raspberrypi-hwmon driver asks the firmware every two seconds, tells as `in0_lcrit_alarm` whether
    the supply was too weak since it last asked, and clears the firmware's own memory of it. So only where there is no
    such driver does bit 16 of `get_throttled` emit that the supply was never weak.
    """
    alarm = _alarm(root)
    throttled = _number(root / _THROTTLED, 16)
    weak = alarm
    if throttled is not None:
        weak = bool(alarm) or bool(throttled & _WEAK_NOW)
    was_weak: bool | None = None
    if weak or (throttled is not None and throttled & _WAS_WEAK):
        was_weak = True
    elif throttled is not None and alarm is None:
        was_weak = False
    millidegrees = _number(root / _TEMPERATURE, 10)
    return Board(None if millidegrees is None else millidegrees / 1000, weak, was_weak, _card(marks))


def read_model(root: Path = ROOT) -> str | None:
    """The board's name, such as `Raspberry Pi 4 Model B Rev 1.4`; None where it tells none."""
    # The device tree ends its texts with a zero byte.
    text = _text(root / _MODEL)
    return (text.rstrip("\0").strip() or None) if text else None


async def watch_board(emit: Callable[[Event], None]) -> None:
    """Tell what the board says, at once and whenever something changed by more than noise, until cancelled."""
    marks = os.environ.get("RUNTIME_DIRECTORY")
    reported: Board | None = None
    was_weak: bool | None = None
    while True:
        board = await in_daemon_thread(lambda: read_board(marks=marks), "read the board")
        # The kernel forgets within seconds that the supply was weak.
        was_weak = was_weak or board.was_weak
        board = replace(board, was_weak=was_weak)
        if reported is None or _differs(board, reported):
            reported = board
            emit(BoardRead(board))
        await asyncio.sleep(READ_INTERVAL)


def _differs(board: Board, reported: Board) -> bool:
    if replace(board, temperature=None) != replace(reported, temperature=None):
        return True
    if board.temperature is None or reported.temperature is None:
        return board.temperature is not reported.temperature
    return abs(board.temperature - reported.temperature) >= TEMPERATURE_NOISE


def _card(marks: str | None) -> Card:
    if marks is not None:
        for name, card in _FAULT_FILES:
            if Path(marks, name).exists():
                return card
    return Card.SOUND


def _alarm(root: Path) -> bool | None:
    """Whether the supply was too weak when the driver last asked; None where there is no such driver."""
    try:
        sensors = sorted((root / _SENSORS).iterdir())
    except OSError:
        # No kernel with sensors, so none that could emit.
        return None
    for sensor in sensors:
        if (_text(sensor / "name") or "").strip() == "rpi_volt":
            alarm = _number(sensor / "in0_lcrit_alarm", 10)
            return None if alarm is None else alarm != 0
    return None


def _number(path: Path, base: int) -> int | None:
    text = _text(path)
    try:
        return None if text is None else int(text.strip(), base)
    except ValueError:
        # Whatever it holds, it is no number that could be reported.
        return None


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        # Missing on most machines, and unreadable while a sensor is busy: nothing is known then.
        return None
