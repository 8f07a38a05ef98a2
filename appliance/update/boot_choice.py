"""RAUC's boot loader backend: which slot starts, for the loader of the Raspberry Pi. RAUC runs it for each question.

An installed slot is tried once: the firmware's flag says so, and nothing on the card. When the slot runs and RAUC marks
it as good, autoboot.txt commits it.
"""

from __future__ import annotations

import sys

from appliance.update import autoboot, requirements, slots, state
from appliance.update.autoboot import AutobootError
from appliance.update.fat import FatError
from appliance.update.places import OTHER, Places, running_slot
from appliance.update.requirements import FlagError


def main(arguments: list[str], places: Places) -> int:
    """Answer one question of RAUC's; the exit code. The commands are those of RAUC's "Custom" boot loader interface."""
    running = running_slot(places)
    if running is None:
        print("boot-choice: no slot runs", file=sys.stderr)
        return 1
    try:
        answer = _answer(arguments, places, running)
    except (AutobootError, FatError, FlagError, OSError) as error:
        print(f"boot-choice: {error}", file=sys.stderr)
        return 1
    if answer:
        print(answer)
    return 0


def next_slot(places: Places) -> str:
    """The slot that starts next: the one that is tried, or the committed one. Raises OSError."""
    committed = autoboot.committed(places.config)
    return OTHER[committed] if requirements.read_flag(places) else committed


def _answer(arguments: list[str], places: Places, running: str) -> str:
    match arguments:
        case ["get-current"]:
            return running
        case ["get-primary"]:
            return next_slot(places)
        case ["set-primary", ("A" | "B") as slot]:
            _set_next(places, slot, running)
        case ["get-state", ("A" | "B") as slot]:
            return "bad" if slot in state.load(places).damaged else "good"
        case ["set-state", ("A" | "B") as slot, ("good" | "bad") as word]:
            if word == "good" and slot == running:
                _commit(places, slot)
            with state.changed(places) as kept:
                kept.mark_slot(slot, good=word == "good")
        case _:
            raise OSError(f"unknown question {arguments}")
    return ""


def _set_next(places: Places, slot: str, running: str) -> None:
    committed = autoboot.committed(places.config)
    if slot == running:
        _commit(places, slot)
    elif slot == committed:
        requirements.write_flag(places, False)
    else:
        slots.copy_local_lines(places.slot(running), places.slot(slot))
        with state.changed(places) as kept:
            kept.mark_slot(slot, good=True)
        requirements.write_flag(places, True)


def _commit(places: Places, slot: str) -> None:
    if requirements.read_flag(places):
        requirements.write_flag(places, False)
    autoboot.commit(places.config, slot)
