"""At the start of the committed system: has a trial that got no verdict come again, and shows how updates stand."""

from __future__ import annotations

import logging
import sys

from appliance import logs
from appliance.core.updates import UpdateReason
from appliance.update import search, state
from appliance.update.places import Places, running_slot
from appliance.update.state import Trial

log = logging.getLogger("appliance.update")


def resume_trial(places: Places) -> None:
    """Plan a trial again that ended without a verdict: the power was cut, or its system did not start.

    Which of them it was, the box can't know, so it is given up after MOST_CUTS. Raises OSError.
    """
    pending = state.load(places).trial
    if places.trial.exists() or pending is None or pending.slot == running_slot(places):
        return
    # Else the box was not restarted into it yet.
    if not (pending.started or pending.before):
        return
    with state.changed(places) as kept:
        kept.cut_trial()
        if pending.bundle and kept.refusal(pending.bundle) is None:
            kept.trial = Trial(pending.slot, pending.version, pending.bundle, pending.source)
        elif pending.bundle and not pending.started:
            kept.last.reason = UpdateReason.BOOT_FAILED
    log.warning("the trial of %s ended without a verdict", pending.version)


def main() -> int:
    """Resume, then search; the exit code."""
    logs.set_up(logging.INFO)
    try:
        resume_trial(Places())
    except OSError as error:
        log.error("can't change the state: %s", error)
    return search.main([])


if __name__ == "__main__":
    sys.exit(main())
