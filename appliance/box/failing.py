"""Says on display and lights that the appliance keeps failing, for a while: restart|again SECONDS.

restart: the box is restarted next. again: it was, and the appliance is tried again.
"""

from __future__ import annotations

import asyncio
import sys

from appliance.box.__main__ import SETTINGS
from appliance.config.lenient import load_leniently
from appliance.core.present import failing
from appliance.panel import Panel
from appliance.panel.hardware import HardwarePanel


async def show_failing(panel: Panel, *, restart: bool, seconds: float) -> None:
    """Show it for so long; then lights and display are off."""
    panel.start(lambda _: None, lambda: None)
    try:
        panel.show(failing(restart=restart), None)
        await asyncio.sleep(seconds)
    finally:
        await panel.close()


def main() -> int:
    """Say it; the exit code, which is 0."""
    config, _ = load_leniently(SETTINGS)
    panel = HardwarePanel.from_config(config)
    asyncio.run(show_failing(panel, restart=sys.argv[1] == "restart", seconds=float(sys.argv[2])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
