"""Whether this machine's clock is synchronised with a time server."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable
from pathlib import Path

MARK = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes it at its first synchronisation (systemd-timesyncd.service(8))."""
LARGEST_ERROR = 16_000_000
"""Microseconds: the kernel's own bound of an unsynchronised clock, as systemd uses it."""


class _Timex(ctypes.Structure):
    """The beginning of struct timex, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 256),
    )


def is_synchronised() -> bool | None:
    """Whether it is; None if nothing tells. Never blocks: it asks the kernel, or looks into memory."""
    call = _adjtimex()
    timex = _Timex()
    if call is not None and call(ctypes.byref(timex)) >= 0:
        return int(timex.maxerror) < LARGEST_ERROR
    # The service's sandbox forbids the call, even to read.
    if os.access(MARK, os.F_OK):
        return True
    return False if os.access(MARK.parent, os.F_OK) else None


@functools.cache
def _adjtimex() -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), "adjtimex", None)
