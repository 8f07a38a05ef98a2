"""Serves the requests of the appliance, which has no rights of its own: root starts the service of an allowed action.

The appliance writes `{"action": "backup"}` to REQUEST, and tt-request.path starts this program. Its input comes from a
process that reads foreign networks: nothing of it is used but the choice among ACTIONS.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from appliance import atomic_file, logs
from appliance.core.updates import Action

REQUEST = Path("/run/tt-appliance/request")
LARGEST = 256
"""Bytes of a request, which has some thirty."""

ACTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        Action.INSTALL: ("start", "--no-block", "tt-update-install.service"),
        Action.RESTART: ("start", "--no-block", "tt-update-restart.service"),
        Action.ACKNOWLEDGE: ("start", "--no-block", "tt-update-acknowledge.service"),
        Action.BACKUP: ("start", "--no-block", "tt-backup.service"),
        Action.RESET: ("start", "--no-block", "tt-reset.service"),
    }
)
"""The arguments of systemctl for each allowed action. The services have sandboxes of their own."""

log = logging.getLogger("appliance.requests")


def take(path: Path = REQUEST) -> str | None:
    """Remove the request, and return its action; None if it has none that is allowed, with a line in the log.

    Raises:
        OSError: It can't be removed.
    """
    with atomic_file.open_directory(path.parent) as folder:
        try:
            data, why = atomic_file.read(folder, path.name, LARGEST), ""
        except (OSError, ValueError) as error:
            data, why = b"", str(error.strerror if isinstance(error, OSError) else error)
        _remove(folder, path.name)
    try:
        content = json.loads(data)
        action = content["action"]
        if set(content) == {"action"} and isinstance(action, str) and action in ACTIONS:
            return action
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    # Without its text, which may be anything.
    log.warning("ignored a request (%s)", why or "not an allowed action")
    return None


def main(path: Path = REQUEST) -> int:
    """Serve one request; return the exit code."""
    logs.set_up(logging.INFO)
    action = take(path)
    if action is None:
        return 0
    log.info("the appliance asked for: %s", action)
    return subprocess.run(["systemctl", *ACTIONS[action]], check=False).returncode


def _remove(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        # Out of the way, because systemd would start this program again at once.
        atomic_file.put_aside(folder, name)
    except FileNotFoundError:
        return


if __name__ == "__main__":
    sys.exit(main())
