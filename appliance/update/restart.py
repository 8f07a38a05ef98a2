"""Restarts the box into what is installed, and notes first what works: the new system must do all of that as well."""

from __future__ import annotations

import logging
import subprocess
import sys

from appliance import logs
from appliance.update import engine
from appliance.update.engine import UnavailableError
from appliance.update.places import Places
from appliance.update.requirements import FlagError
from appliance.update.trial import record_before

log = logging.getLogger("appliance.restart")


def main() -> int:
    """Restart as a program of its own; its exit code."""
    logs.set_up(logging.INFO)
    return restart(Places())


def restart(places: Places) -> int:
    """Arm the pending trial, and restart; the exit code. Without a trial nothing happens."""
    try:
        # Before the flag is set, because its test clears the flag for a moment.
        record_before(places)
        trial = engine.rearm(places)
    except (FlagError, UnavailableError, OSError) as error:
        log.error("can't restart into the update: %s", error)
        return 1
    if trial is None:
        log.warning("no update is installed: the box does not restart")
        return 1
    log.info("restarting into %s", trial.version)
    return subprocess.run(["systemctl", "reboot"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
