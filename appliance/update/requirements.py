"""What a board must have for updates that undo themselves: a known model, a new enough EEPROM, and the firmware's flag.

The flag makes the loader start the other slot once. It lasts until the next start, and is lost with the power.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from appliance.core.updates import UpdateReason
from appliance.update.places import Places

_BOARDS = {
    0x08: "3B",
    0x0D: "3B+",
    0x0E: "3A+",
    0x11: "4B",
    0x12: "Zero 2 W",
    0x14: "CM4",
    0x17: "5",
}
"""The boards with a system on the card, by the type in their revision code (Raspberry Pi's "Revision codes")."""
_WITH_DATED_EEPROM = {0x11, 0x14}
"""Boards whose EEPROM has the loader. A Raspberry Pi 5's was never too old."""
_NEW_STYLE = 1 << 23
"""The bit of a revision code that has a type."""
OLDEST_EEPROM = 1669334400
"""2022-11-25, in seconds since 1970: earlier ones ignore the sections of autoboot.txt."""


class FlagError(Exception):
    """The firmware does not keep the flag."""


def missing(places: Places) -> UpdateReason | None:
    """What the board lacks for an update. Tries both values of the flag, and leaves it as it was."""
    revision = _number(places.device_tree / "system/linux,revision")
    kind = None if revision is None or not revision & _NEW_STYLE else revision >> 4 & 0xFF
    if kind not in _BOARDS:
        return UpdateReason.BOARD_UNKNOWN
    if kind in _WITH_DATED_EEPROM:
        built = _number(places.device_tree / "chosen/bootloader/build-timestamp")
        if built is None or built < OLDEST_EEPROM:
            return UpdateReason.EEPROM_TOO_OLD
    try:
        armed = read_flag(places)
        for value in (not armed, armed):
            write_flag(places, value)
    except FlagError:
        return UpdateReason.FLAG_UNSUPPORTED
    return None


def read_flag(places: Places) -> bool:
    """Whether the next start is a trial of the other slot; False without such firmware."""
    try:
        return places.flag.read_text().strip() == "1"
    except OSError:
        return False


def write_flag(places: Places, value: bool) -> None:
    """Set or clear the flag, and read it back. Raises FlagError."""
    try:
        # The file is the kernel's: it is never created or cut off.
        file = os.open(places.flag, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, f"{int(value)}\n".encode())
        finally:
            os.close(file)
    except OSError as error:
        raise FlagError(f"{places.flag}: {error.strerror}") from None
    if read_flag(places) is not value:
        raise FlagError(f"{places.flag} does not keep {int(value)}")


def _number(path: Path) -> int | None:
    """A number of the device tree; None if it is missing."""
    try:
        return int(struct.unpack(">I", path.read_bytes())[0])
    except (OSError, struct.error):
        return None
