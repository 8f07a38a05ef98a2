"""Tells systemd how the service is: ready, alive, stopping (sd_notify(3)). Does nothing where systemd did not ask."""

from __future__ import annotations

import os
import socket


def ready() -> None:
    """The service is up."""
    _notify("READY=1")


def watchdog() -> None:
    """The loop that does the work is alive."""
    _notify("WATCHDOG=1")


def stopping() -> None:
    """The service is about to end."""
    _notify("STOPPING=1")


def status(text: str) -> None:
    """What the service does now, in one line, as `systemctl status` shows it."""
    _notify("STATUS=" + " ".join(text.split()))


def watchdog_interval() -> float | None:
    """Seconds after which `watchdog()` is to be called again, or None where systemd does not ask for it.

    A third of those within which systemd wants to hear it (sd_watchdog_enabled(3)): two may come late.
    """
    try:
        microseconds = int(os.environ.get("WATCHDOG_USEC", ""))
        process = int(os.environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        # Unset, or not systemd's.
        return None
    if microseconds <= 0 or process != os.getpid():
        return None
    return microseconds / 1_000_000 / 3


def _notify(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address.startswith("@"):
        # An abstract address starts with a NUL byte, which an environment variable can't hold.
        address = "\0" + address[1:]
    elif not address.startswith("/"):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as notifier:
            notifier.sendto(message.encode(errors="replace"), address)
    except OSError:
        # A systemd that does not listen, or is too busy to, must not take the service down.
        return
