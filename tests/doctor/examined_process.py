"""The doctor on mock pins in its own process, for tests of signals: `python -m tests.doctor.examined_process FOLDER`.

Its last line is JSON: the pins that are still lit or taken, and the state of the display.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from appliance.config import NetworkConfig
from appliance.core.view import Sound
from appliance.doctor.console import Console
from appliance.doctor.context import CheckContext
from appliance.doctor.examination import examine_until_signal
from appliance.doctor.service import SystemdService
from tests.doctor.fakes import Box, still_taken


def main(folder: Path, *, with_service: bool) -> int:
    """Examine an intact box without a network; return the exit code."""
    box = Box(folder)
    box.config = replace(box.config, network=NetworkConfig(("tt-none0",)))
    console = Console(lambda text: print(text, end="", flush=True), sys.stdin.fileno())
    context = CheckContext(
        box.config,
        console,
        limits=replace(box.limits, answer=30.0, press=30.0),
        root=box.root,
        pin_factory=box.pins,
        open_bus=lambda _: box.bus,
        sounds=(Sound.PAGE,),
        service=SystemdService() if with_service else None,
    )
    code = asyncio.run(examine_until_signal(context))
    left = {"lit": sorted(box.lit()), "taken": still_taken(box), "display": box.display.on, "sent": box.display.sent}
    print(json.dumps(left), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), with_service=len(sys.argv) > 2))
