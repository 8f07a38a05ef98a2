"""An appliance that keeps failing."""

from __future__ import annotations

import pytest

from tests.image.board import RED
from tests.image.conftest import Rig

pytestmark = [pytest.mark.image, pytest.mark.release]


def test_an_appliance_that_keeps_failing_restarts_the_box_once_an_hour(rig: Rig) -> None:
    """The box restarts and says so; after that only the appliance restarts, once a minute, for an hour."""
    box = rig.box
    box.start()
    kill_it(rig)
    box.save("12-keeps-failing", box.reads("Program crashes", "The box restarts", timeout=180))
    assert int(box.text("systemctl show -P NRestarts tt-appliance")) >= 4, "one failure does not restart the box"
    box.until(lambda: box.pin(RED) == 1, "red is on", 20, 0.05)
    box.until(lambda: box.pin(RED) == 0, "and off, and so on", 20, 0.05)
    kill_it(rig)
    box.save("13-retrying", box.reads("Program crashes", "Retrying in 1 min", timeout=180))
    assert box.text("ls /run/tt-restarted") == "/run/tt-restarted", "the box recorded its restart"
    assert box.text("ls /var/lib/tt-restarted").endswith("No such file or directory")
    box.until(lambda: box.text("systemctl is-active tt-failing") == "inactive", "the minute is over", 180)
    # Simulate the next hour with another uptime.
    box.run("echo 3700.00 9000.00 >/run/uptime; mount --bind /run/uptime /proc/uptime")
    box.reads("Program crashes", "The box restarts", timeout=180)
    box.wait_ready(timeout=300)
    box.until(lambda: box.text("ls /run/tt-restarted") == "/run/tt-restarted", "the box was restarted", 120)


def kill_it(rig: Rig) -> None:
    """Wait for the machine's start, then kill the appliance whenever it runs."""
    rig.box.wait_ready(timeout=300)
    rig.box.run("echo 'while sleep 1; do pkill -KILL -f bin/tt-appliance; done' >/run/killer")
    rig.box.run("(sh /run/killer >/dev/null 2>&1 &)")
