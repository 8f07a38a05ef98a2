"""Shows on display and LEDs that the appliance keeps failing. Arguments: restart|again SECONDS.

restart: the box reboots next. again: the appliance restarts next, because the box has just rebooted for this failure.
"""

from __future__ import annotations

import asyncio
import sys

from appliance import display_file
from appliance.box.__main__ import SETTINGS
from appliance.config.lenient import load_leniently
from appliance.core.present import failing
from appliance.panel import Panel
from appliance.panel.hardware import HardwarePanel


async def show_failing(panel: Panel, *, restart: bool, seconds: float) -> None:
    """Show the failure for this time, then switch LEDs and display off."""
    panel.start(lambda _: None, lambda: None)
    try:
        panel.show(failing(restart=restart), None)
        await asyncio.sleep(seconds)
    finally:
        await panel.close()


def main() -> int:
    """Show the failure; return the exit code, which is 0."""
    config, _ = load_leniently(SETTINGS)
    panel = HardwarePanel.from_config(config, display_file.load(config.state_dir))
    asyncio.run(show_failing(panel, restart=sys.argv[1] == "restart", seconds=float(sys.argv[2])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
