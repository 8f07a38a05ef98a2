"""Notes that a person has read how an update ended, so that no start tells it again, and searches for another one."""

from __future__ import annotations

import logging
import sys

from appliance import logs
from appliance.core.updates import NO_UPDATE, UpdatePhase
from appliance.update import search, state, status
from appliance.update.places import Places
from appliance.update.state import Last, Outcome

log = logging.getLogger("appliance.update")


def acknowledge(places: Places) -> None:
    """Keep that it was read, and show no update. The caller holds the search's lock. Raises OSError."""
    shown = status.read(places)
    if shown.phase is UpdatePhase.FAILED:
        with state.changed(places) as kept:
            last = kept.last
            # Else a search refused the bundle, and nothing of it is in the state yet.
            if (last.reason, last.version) != (shown.reason, shown.version):
                last = Last(Outcome.REFUSED, shown.reason, shown.version, shown.source)
            last.read = last.left = True
            kept.last = last
    elif shown.phase is not UpdatePhase.UPDATED:
        log.warning("no update has ended")
        return
    status.publish(places, NO_UPDATE)


def main() -> int:
    """Acknowledge, and search; the exit code."""
    logs.set_up(logging.INFO)
    places = Places()
    try:
        with search.lock(places):
            acknowledge(places)
    except OSError as error:
        log.error("can't keep that it was read: %s", error)
        return 1
    return search.main([])


if __name__ == "__main__":
    sys.exit(main())
