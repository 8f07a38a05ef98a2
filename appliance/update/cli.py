"""`tt-appliance update`: says which systems the card has, installs a bundle, and goes back to the other system."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from appliance import __version__
from appliance.update import autoboot, engine, slots, state
from appliance.update.autoboot import AutobootError
from appliance.update.bundle import Refused
from appliance.update.engine import UnavailableError
from appliance.update.fat import FatError
from appliance.update.places import OTHER, Places, running_slot
from appliance.update.requirements import FlagError
from appliance.update.restart import restart
from appliance.update.slots import SlotError

NOT_ON_A_CARD = 69
"""The exit code off the card (EX_UNAVAILABLE of sysexits.h)."""
_CARD = Places()


def main(options: argparse.Namespace, places: Places = _CARD) -> int:
    """Run the command; its exit code."""
    if (options.file is None) is (options.action == "install"):
        options.parser.error("install needs a FILE, and no other action takes one")
    if options.json and options.action != "status":
        options.parser.error("--json needs status")
    if running_slot(places) is None:
        _complain("updates need the appliance's SD card; this machine does not run from it")
        return NOT_ON_A_CARD
    if os.geteuid() != 0:
        _complain("run as root (sudo)")
        return 1
    try:
        if options.action == "status":
            _print_status(_status(places), as_json=options.json)
        elif options.action == "rollback":
            version = engine.roll_back(places)
            print(f"Restarting into {version}; if it does not work, this version comes back.")
            sys.stdout.flush()
            return restart(places)
        else:
            found = engine.install(places, options.file)
            print(f"{found.version} is installed; restart the box to try it.")
    except (Refused, UnavailableError) as error:
        _complain(str(error))
    except SlotError as error:
        _complain(f"there is no other system to go back to: {error}")
    except (AutobootError, FatError, FlagError) as error:
        _complain(str(error))
    except OSError as error:
        _complain(f"the card can't be read or written: {error.strerror or error}")
    else:
        return 0
    return 1


def _status(places: Places) -> dict[str, Any]:
    """What `--json` prints. Raises OSError."""
    running = running_slot(places)
    assert running is not None
    other, kept = OTHER[running], state.load(places)
    version = slots.version(places.slot(other))
    condition = "bad" if other in kept.damaged else "empty" if version is None else "good"
    return {
        "version": __version__,
        "slot": running,
        "committed": autoboot.committed(places.config),
        "trial": places.trial.exists(),
        "other": {"version": version, "state": condition},
        "last": {"outcome": kept.last.outcome, "reason": kept.last.reason or None},
    }


def _print_status(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts))
        return
    trial = ", on trial" if facts["trial"] else ""
    other, last = facts["other"], facts["last"]
    reason = f" ({last['reason']})" if last["reason"] else ""
    print(f"running   {facts['version']} in slot {facts['slot']}{trial}")
    print(f"starts    slot {facts['committed']}")
    print(f"other     {other['version'] or 'none'} ({other['state']})")
    print(f"last      {last['outcome']}{reason}")


def _complain(text: str) -> None:
    print(f"tt-appliance update: {text}", file=sys.stderr)
