"""Keeps the driver that a person chose for the display, in the file `display-driver` of the state directory.

It has one line: the display's address, the detected driver, and the chosen one. Every call blocks.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from pathlib import Path

from appliance import atomic_file
from appliance.core.values import SH1106, SSD1306, DisplayIdentity

NAME = "display-driver"
LARGEST = 100
"""Bytes of the file that are read: more than it ever has."""
_LINE = re.compile(rf"0x([0-9A-F]{{2}}) ({SSD1306}|{SH1106}) ({SSD1306}|{SH1106})\n")

_log = logging.getLogger(__name__)


def load(directory: Path) -> DisplayIdentity | None:
    """The display for which a person chose a driver; None without a choice, or if it can't be read. Never raises."""
    try:
        with atomic_file.open_directory(directory) as descriptor:
            content = atomic_file.read(descriptor, NAME, LARGEST)
    except FileNotFoundError:
        return None
    except ValueError:
        content = b""
    except OSError as error:
        _log.warning("can't read the display's driver (%s); using the detected one", error.strerror)
        return None
    match = _LINE.fullmatch(content.decode("ascii", "replace"))
    if match is None:
        _log.warning("the file %s with the display's driver is damaged; using the detected one", directory / NAME)
        return None
    return DisplayIdentity(int(match[1], 16), match[3], match[2])


def keep(directory: Path, display: DisplayIdentity) -> None:
    """Keep the driver that a person chose for this display; without a choice, remove an earlier one. Raises OSError."""
    if display.found is None or display.driver == display.found:
        _remove(directory)
        return
    line = f"0x{display.address:02X} {display.found} {display.driver}\n"
    with atomic_file.open_directory(directory) as descriptor:
        if not _holds(descriptor, line.encode()):
            atomic_file.write(descriptor, NAME, line.encode())


def _holds(directory: int, content: bytes) -> bool:
    try:
        return atomic_file.read(directory, NAME, LARGEST) == content
    except (OSError, ValueError):
        # It can't be read, so it is to be written.
        return False


def _remove(directory: Path) -> None:
    try:
        with atomic_file.open_directory(directory) as descriptor:
            # On a read-only disk, unlink fails even for a missing file. A folder of this name was never a choice.
            if not stat.S_ISDIR(os.lstat(NAME, dir_fd=descriptor).st_mode):
                os.unlink(NAME, dir_fd=descriptor)
                os.fsync(descriptor)
    except FileNotFoundError:
        return
