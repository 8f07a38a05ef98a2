"""Talks to systemd: notifies it of the service's state (sd_notify(3)), and takes the sockets that it holds.

Does nothing if systemd does not supervise the process.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress

_FIRST_HANDED = 3
"""The number of the first descriptor that systemd hands over."""


def ready() -> None:
    """Notify that the service is up."""
    _notify("READY=1")


def watchdog() -> None:
    """Notify that the main loop is alive."""
    _notify("WATCHDOG=1")


def stopping() -> None:
    """Notify that the service is about to exit."""
    _notify("STOPPING=1")


def status(text: str) -> None:
    """Set the status line that `systemctl status` shows."""
    _notify("STATUS=" + " ".join(text.split()))


def watchdog_interval() -> float | None:
    """Seconds between calls of `watchdog()`; None if systemd's watchdog is off.

    A third of systemd's timeout (sd_watchdog_enabled(3)), so that two calls may be missed.
    """
    try:
        microseconds = int(os.environ.get("WATCHDOG_USEC", ""))
        process = int(os.environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        # Unset or invalid.
        return None
    if microseconds <= 0 or process != os.getpid():
        return None
    return microseconds / 1_000_000 / 3


def handed_sockets() -> dict[str, socket.socket]:
    """Take the sockets that systemd's socket units handed over (sd_listen_fds(3)), by FileDescriptorName."""
    pid, count, names = (os.environ.pop(f"LISTEN_{name}", "") for name in ("PID", "FDS", "FDNAMES"))
    if pid != str(os.getpid()) or not count.isdecimal():
        return {}
    found = {}
    for number, name in zip(range(int(count)), names.split(":"), strict=False):
        # Not if something else closed it meanwhile.
        with suppress(OSError):
            os.set_inheritable(_FIRST_HANDED + number, False)
            found[name] = socket.socket(fileno=_FIRST_HANDED + number)
    return found


def _notify(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address.startswith("@"):
        # An abstract socket address starts with a NUL byte, which environment variables can't hold.
        address = "\0" + address[1:]
    elif not address.startswith("/"):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as notifier:
            notifier.sendto(message.encode(errors="replace"), address)
    except OSError:
        # If systemd does not listen or its queue is full, the service must go on.
        return
