"""Installs the bundle that the channel downloaded, in the hour of quiet by the gateway's clock.

Runs as root by a timer, without a network. The restart waits for the appliance, which knows whether there are orders.
"""

from __future__ import annotations

import logging
import sys
from datetime import time

from appliance import __version__, logs
from appliance.core.updates import UpdateSource
from appliance.status.client import StatusError, find_appliance
from appliance.update import downloads, engine, state
from appliance.update.bundle import Refused
from appliance.update.channel import Settings, announce, read_settings
from appliance.update.downloads import Downloaded
from appliance.update.engine import UnavailableError
from appliance.update.observation import STATE_DIR
from appliance.update.places import Places
from appliance.update.requirements import FlagError

HOUR, DAY = 3600.0, 24 * 3600.0

log = logging.getLogger("appliance.quiet")


def is_quiet(gateway_time: time | None, at: float) -> bool:
    """Whether it is the hour of quiet. gateway_time: its local time, None if unknown. at: seconds after midnight."""
    if gateway_time is None:
        return False
    seconds = gateway_time.hour * HOUR + gateway_time.minute * 60.0 + gateway_time.second
    return (seconds - at) % DAY < HOUR


def install_if_quiet(places: Places, settings: Settings, gateway_time: time | None, version: str = __version__) -> bool:
    """Show the bundle that waits, and install it if it is time; whether it was installed. version: of this system.

    Raises:
        OSError: The card can't be read or written.
    """
    found = downloads.downloaded(places)
    if found is None or state.load(places).pending is not None:
        return False
    announce(places, found)
    return is_quiet(gateway_time, settings.at) and install(places, found, version)


def install(places: Places, found: Downloaded, version: str = __version__) -> bool:
    """Install a downloaded bundle; whether that went well. One that is refused is not tried again.

    Raises:
        OSError: The card can't be read or written.
    """
    try:
        engine.install(places, found.path, UpdateSource.CHANNEL, version)
    except (FlagError, UnavailableError) as error:
        log.info("not now: %s", error)
        return False
    except Refused as refused:
        log.warning("%s", refused)
        with state.changed(places) as kept:
            kept.channel.refuse(found.sha256, refused.reason)
        downloads.discard(places)
        return False
    downloads.discard(places)
    log.info("%s is installed", found.version)
    return True


def gateway_clock() -> time | None:
    """The gateway's local time, as the appliance knows it; None if it does not."""
    try:
        found = find_appliance(STATE_DIR)
        return None if found is None else time.fromisoformat(found.facts["gateway_time"])
    except (StatusError, KeyError, TypeError, ValueError):
        return None


def main() -> int:
    """Install once, if there is something and it is time; the exit code."""
    logs.set_up(logging.INFO)
    places = Places()
    settings = read_settings(places)
    if settings is not None:
        install_if_quiet(places, settings, gateway_clock())
    return 0


if __name__ == "__main__":
    sys.exit(main())
