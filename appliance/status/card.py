"""What the files of the card's system say for the status: the slot that runs, and its trial. They lie in memory."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from appliance.core.updates import UpdatePhase, UpdateStatus

ROOT = Path("/")
_SLOT, _TRIAL = "run/tt-slot", "run/tt-trial"
"""Made by the initramfs: the slot's name, and a mark if it was started for one trial."""
_CONDITIONS = "run/tt-update/trial.json"
"""Written by the trial's gate."""
_LARGEST = 4096


def read_slot(root: Path = ROOT) -> str | None:
    """The slot that runs, `A` or `B`; None off the card. Constant for the life of the program."""
    slot = _read(root / _SLOT).strip()
    return slot if slot in ("A", "B") else None


def card_facts(slot: str | None, update: UpdateStatus, root: Path = ROOT) -> dict[str, Any]:
    """The part of the status about the system; all None off the card. update: as the core knows it. Never raises.

    trial_conditions: of the running or the last trial, by their names.
    """
    if slot is None:
        return dict.fromkeys(("slot", "trial", "trial_conditions", "update"))
    return {
        "slot": slot,
        "trial": os.access(root / _TRIAL, os.F_OK),
        "trial_conditions": _conditions(root),
        "update": None
        if update.phase is UpdatePhase.NONE
        else {
            "phase": update.phase,
            "version": update.version,
            "percent": update.percent,
            "source": update.source,
            "reason": update.reason or None,
        },
    }


def _conditions(root: Path) -> dict[str, str] | None:
    try:
        found = json.loads(_read(root / _CONDITIONS))
        return {str(name): str(outcome) for name, outcome in found["conditions"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        # Off the card, or not yet written.
        return ""
