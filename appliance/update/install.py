"""Installs the update that the display shows as found, for a person asked for it. Takes up a killed installation."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from appliance import __version__, logs
from appliance.core.updates import UpdatePhase, UpdateReason, UpdateSource, UpdateStatus
from appliance.update import downloads, engine, sources, state, status
from appliance.update.bundle import Refused
from appliance.update.engine import UnavailableError
from appliance.update.places import Places
from appliance.update.requirements import FlagError
from appliance.update.search import examine, lock, search
from appliance.update.sources import Offer

log = logging.getLogger("appliance.update")


def install_found(places: Places, offers: Sequence[Offer], version: str = __version__) -> bool:
    """Install the bundle that is shown; whether it is installed. The caller holds the search's lock.

    offers: what is there now. version: of this system. Its outcome is published.

    Raises:
        UnavailableError, FlagError, OSError: As engine.install() does.
    """
    shown = status.read(places)
    if shown.phase not in (UpdatePhase.FOUND, UpdatePhase.INSTALLING):
        log.warning("no update was found that waits for a press")
        return False
    # The channel's is installed here if a person does not wait for the hour of quiet.
    if (waiting := downloads.downloaded(places)) is not None:
        offers = [*offers, (UpdateSource.CHANNEL, waiting.path)]
    found = examine(places, [offer for offer in offers if offer[0] == shown.source], version)
    if found.best is None and not found.refusals:
        status.publish(
            places, UpdateStatus(UpdatePhase.FAILED, shown.version, 0, shown.source, UpdateReason.STICK_REMOVED)
        )
        return False
    if found.best is None or found.best[1].version != shown.version:
        # Somebody changed sticks: a person has not agreed to this one.
        search(places, offers, version)
        return False
    source, best = found.best
    try:
        engine.install(places, best.path, source, version)
    except Refused as refused:
        log.error("%s", refused)
        if waiting is not None and source is UpdateSource.CHANNEL:
            with state.changed(places) as kept:
                kept.channel.refuse(waiting.sha256, refused.reason)
            downloads.discard(places)
        return False
    if source is UpdateSource.CHANNEL:
        downloads.discard(places)
    log.info("%s is installed", best.version)
    return True


def main() -> int:
    """Install; the exit code. A refusal is no failure of this program: the display tells it."""
    logs.set_up(logging.INFO)
    places = Places()
    try:
        with lock(places), sources.offers(places) as offers:
            install_found(places, offers)
    except (UnavailableError, FlagError, OSError) as error:
        log.error("can't install: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
