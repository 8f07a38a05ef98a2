"""Lets a paired box idle for SECONDS (an hour), and prints the writes to its card."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.image.boot_times import pair
from tests.image.card import copy_card
from tests.image.conftest import make_built
from tests.image.machine import Machine
from tests.image.site import Site

SECTORS = "awk '{print $7}' /sys/block/vda/stat"
"""Written since the start, 512 bytes each (the kernel's Documentation/block/stat.rst)."""
SETTLE = 120
"""Seconds to wait after the start: the box is not idle before its first history sync."""


def main() -> int:
    """Print the written sectors; return 1 if there are any."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3600
    with tempfile.TemporaryDirectory(prefix="idle-") as name:
        folder = Path(name)
        built = make_built()
        site = Site(folder)
        card = copy_card(built.image, folder / "card.img")
        box = Machine(site.lab, card, built.test_disk, folder, boot=built.boot)
        try:
            pair(box, site)
            box.start()
            box.wait_ready(300)
            box.reads("orders", timeout=400)
            time.sleep(SETTLE)
            box.run("sync")
            before, began = int(box.text(SECTORS)), float(box.text("cut -d ' ' -f 1 /proc/uptime"))
            time.sleep(seconds)
            # Pending writes belong to this hour.
            box.run("sync", timeout=120)
            written = int(box.text(SECTORS)) - before
            passed = float(box.text("cut -d ' ' -f 1 /proc/uptime")) - began
            box.reads("orders", timeout=60)
        finally:
            box.pull_plug()
            site.close()
    print(f"{written} sectors were written in {passed:.0f} s")
    return 1 if written else 0


if __name__ == "__main__":
    sys.exit(main())
