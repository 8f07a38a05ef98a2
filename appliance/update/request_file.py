"""Asks root for an action: writes it to a file, because the appliance may start no program and no unit itself.

`tt-request.path` notices the file, and root's program removes it and decides.
"""

from __future__ import annotations

import json
from pathlib import Path

from appliance import atomic_file
from appliance.core.updates import Action

NAME = "request"


def request(directory: str | None, action: Action) -> None:
    """Write the request, in place of one that was not served. directory: the service's runtime directory.

    Raises:
        OSError: It can't be written, or the appliance has no such directory, as off the card.
    """
    if not directory:
        raise FileNotFoundError("no runtime directory")
    with atomic_file.open_directory(Path(directory)) as descriptor:
        atomic_file.write(descriptor, NAME, json.dumps({"action": action}).encode() + b"\n")
