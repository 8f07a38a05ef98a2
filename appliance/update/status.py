"""What the display shows of an update: `/run/tt-update/status.json`, replaced atomically, readable by everybody."""

from __future__ import annotations

import json
from dataclasses import asdict

from appliance.core.updates import UpdateStatus
from appliance.update.places import Places
from appliance.update.watch import read_update

NAME = "status.json"


def read(places: Places) -> UpdateStatus:
    """The status as it is shown; NO_UPDATE if there is none."""
    return read_update(places.run / NAME)


def publish(places: Places, status: UpdateStatus) -> None:
    """Replace the status. Raises OSError. The file is in memory, so it is not flushed."""
    places.run.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = places.run / f".{NAME}.new"
    new.write_text(json.dumps(asdict(status)) + "\n")
    new.chmod(0o644)
    new.replace(places.run / NAME)
