"""Reads the board's state: its model, temperature, power supply, and faults of its SD card.

The kernel's files may be missing or invalid: nothing here raises for that.
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
"""Seconds between reads: the temperature changes over minutes, and each read wakes the processor."""
TEMPERATURE_NOISE = 2.0
"""Degrees Celsius by which the temperature must change to be reported: it fluctuates by about one."""
ROOT = Path("/")

_MODEL = "proc/device-tree/model"
_TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"
_SENSORS = "sys/class/hwmon"
_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
_UNDER_VOLTAGE_NOW, _UNDER_VOLTAGE_SINCE_BOOT = 1 << 0, 1 << 16
_MAX_BYTES = 256
_FAULT_FILES = (
    ("system-damaged", Card.BROKEN),
    ("state-in-memory", Card.BROKEN),
    ("settings-lost", Card.BROKEN),
    ("state-reset", Card.RESET),
)
"""Files that the image's scripts create in the runtime directory to report a fault of the card, the worst first."""


def read_board(root: Path = ROOT, fault_directory: str | None = None) -> Board:
    """Read the board's state. root: the root of the kernel's files. Blocks, because the kernel may query the firmware.

    fault_directory: the service's runtime directory, for the files that report a fault of the card; None if unknown.

    The kernel's raspberrypi-hwmon driver polls the firmware every two seconds, reports in `in0_lcrit_alarm` whether
    there was an under-voltage since the last poll, and clears the firmware's sticky bit. Bit 16 of `get_throttled`
    therefore shows that the supply was never weak only if that driver is missing.
    """
    alarm = _alarm(root)
    throttled = _number(root / _THROTTLED, 16)
    weak = alarm
    if throttled is not None:
        weak = bool(alarm) or bool(throttled & _UNDER_VOLTAGE_NOW)
    was_weak: bool | None = None
    if weak or (throttled is not None and throttled & _UNDER_VOLTAGE_SINCE_BOOT):
        was_weak = True
    elif throttled is not None and alarm is None:
        was_weak = False
    millidegrees = _number(root / _TEMPERATURE, 10)
    return Board(None if millidegrees is None else millidegrees / 1000, weak, was_weak, _card(fault_directory))


def read_model(root: Path = ROOT) -> str | None:
    """The board's name, such as `Raspberry Pi 4 Model B Rev 1.4`; None if unknown."""
    # Device tree strings end with a NUL byte.
    text = _text(root / _MODEL)
    return (text.rstrip("\0").strip() or None) if text else None


async def watch_board(emit: Callable[[Event], None]) -> None:
    """Emit the board's state at once and after each change beyond noise, until cancelled."""
    fault_directory = os.environ.get("RUNTIME_DIRECTORY")
    reported: Board | None = None
    was_weak: bool | None = None
    while True:
        board = await in_daemon_thread(lambda: read_board(fault_directory=fault_directory), "read the board")
        # The kernel reports an under-voltage for a few seconds only.
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


def _card(fault_directory: str | None) -> Card:
    if fault_directory is not None:
        for name, card in _FAULT_FILES:
            if Path(fault_directory, name).exists():
                return card
    return Card.SOUND


def _alarm(root: Path) -> bool | None:
    """Whether the driver reported an under-voltage at its last poll; None if there is no such driver."""
    try:
        sensors = sorted((root / _SENSORS).iterdir())
    except OSError:
        # This kernel has no sensors.
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
        # Not a number: treat the value as unknown.
        return None


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        # Most machines lack the file, and a busy sensor can't be read: treat the value as unknown.
        return None
