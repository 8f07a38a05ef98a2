"""Asks a running appliance for its status, and to fill its archive. Every call blocks, for some seconds at most."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.status.places import ARCHIVE, REQUEST, SERVICE, STATUS, folders, socket_path

TIMEOUT = 5.0
"""Seconds to wait for a connection, and for each line."""
RETRY = 0.05
"""Seconds between two attempts to connect."""
LONGEST = 64 * 1024
"""Bytes of a line; a status has about a thousand."""
GROUP = "tt-status"
"""The group that may read the service's status."""
GONE = "the appliance does not respond"

Facts = dict[str, Any]


class StatusError(Exception):
    """The status can't be read, although an appliance may be running."""


class NotPermittedError(StatusError):
    """This user may not read it."""


@dataclass(frozen=True, slots=True)
class RunningAppliance:
    """An appliance that answered. folder: of its sockets. facts: its status."""

    folder: Path
    facts: Facts

    def fill_archive(self, on_progress: Callable[[int, float], None]) -> int:
        """Have it bring its archive up to date, and wait for that; the number of unreadable entries.

        on_progress: called with the number of orders read, and the progress from 0.0 to 1.0.

        Raises:
            StatusError: It could not, or this user may not ask.
        """
        path = socket_path(self.folder, ARCHIVE)
        try:
            for facts in _lines(path, REQUEST):
                if facts.get("done") or facts.get("error"):
                    if facts.get("error"):
                        raise StatusError(str(facts["error"]))
                    return int(facts.get("unreadable") or 0)
                on_progress(int(facts.get("orders") or 0), float(facts.get("part") or 0.0))
        except PermissionError:
            raise _not_permitted(path) from None
        except (OSError, ValueError, TypeError):
            pass
        raise StatusError(GONE)


def find_appliance(state_dir: Path) -> RunningAppliance | None:
    """The running appliance with this state directory; None if there is none. Raises StatusError."""
    error: StatusError | None = None
    for folder in folders(state_dir):
        path = socket_path(folder, STATUS)
        try:
            facts = next(_lines(path))
        except PermissionError:
            error = _not_permitted(path)
        except (TimeoutError, ValueError):
            error = StatusError(GONE)
        except (OSError, StopIteration):
            # It is not there, or was left by one that was killed.
            continue
        else:
            if facts.get("state_dir") == os.path.realpath(state_dir):
                return RunningAppliance(folder, facts)
    if error is not None:
        raise error
    return None


def _not_permitted(path: Path) -> NotPermittedError:
    if path == socket_path(SERVICE, STATUS):
        return NotPermittedError(f"no permission for {path}; run as root (sudo), or as a member of the group {GROUP}")
    return NotPermittedError(f"no permission for {path}; run as root (sudo), or as the user who runs the appliance")


def _lines(path: Path, request: bytes = b"") -> Iterator[Facts]:
    """The lines from a socket. Raises OSError, or ValueError for anything but lines of JSON objects."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
        connection.settimeout(TIMEOUT)
        _connect(connection, path)
        if request:
            connection.sendall(request)
        with connection.makefile("rb") as lines:
            while line := lines.readline(LONGEST):
                facts = json.loads(line)
                if not isinstance(facts, dict):
                    raise ValueError("not an object")
                yield facts


def _connect(connection: socket.socket, path: Path) -> None:
    """Connect to a socket. Raises OSError: TimeoutError if others crowd it."""
    ends = time.monotonic() + TIMEOUT
    while True:
        try:
            connection.connect(str(path))
            return
        except BlockingIOError:
            # Linux does not wait for room in the queue of a Unix socket if there is a timeout.
            if time.monotonic() > ends:
                raise TimeoutError from None
            time.sleep(RETRY)
