"""The display's status of an update, and other files in /run/tt-update: replaced atomically, readable by everybody."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from appliance import atomic_file
from appliance.core.updates import UpdateStatus
from appliance.update.places import Places
from appliance.update.watch import read_update

NAME = "status.json"


def read(places: Places) -> UpdateStatus:
    """The status as it is shown; NO_UPDATE if there is none."""
    return read_update(places.run / NAME)


def publish(places: Places, status: UpdateStatus) -> None:
    """Replace the status. Raises OSError."""
    replace_file(places, NAME, asdict(status))


def replace_file(places: Places, name: str, content: dict[str, Any]) -> None:
    """Replace a JSON file in the folder of what the appliance may read. Raises OSError."""
    places.run.mkdir(mode=0o755, parents=True, exist_ok=True)
    with atomic_file.open_directory(places.run) as folder:
        atomic_file.write(folder, name, json.dumps(content).encode() + b"\n", 0o644)
