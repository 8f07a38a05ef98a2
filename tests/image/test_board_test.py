"""The test that an owner of a board runs (hardware.md, "Updates"), in the virtual machine, whose loader does it all."""

from __future__ import annotations

import pytest

from tests.image.conftest import Rig

pytestmark = [pytest.mark.image, pytest.mark.release]

TEST = "/usr/lib/tt-appliance/board-test"


def test_the_steps_and_their_report(rig: Rig) -> None:
    box = rig.box
    box.start()
    _wait_for_state(rig)
    box.send(TEST)
    box.start_again()
    _wait_for_state(rig)
    assert "pull the plug" in box.text(TEST)
    assert box.text("systemctl show -P ConditionResult tt-trial.service") != "yes", "nothing becomes permanent"
    box.pull_plug()
    box.start()
    for _ in ("hang", "panic"):
        _wait_for_state(rig)
        box.send(TEST)
        box.start_again()
    _wait_for_state(rig)
    lines = box.text(TEST).splitlines()
    report = dict(line.split(": ", 1) for line in lines)
    assert report["watchdog"] == "i6300ESB timer"
    assert report["flag"] == "0, then 1"
    assert report["after the flag"] == "slot B, partition 3, tryboot 1"
    for step in ("plug", "hang", "panic"):
        assert report[f"after the {step}"] == "slot A, partition 2, tryboot 0"
    assert lines[-1] == "board-test: done; please report these lines"
    assert box.text("ls /var/lib/tt-board-test").endswith("No such file or directory")


def _wait_for_state(rig: Rig) -> None:
    rig.box.wait_ready(300)
    rig.box.until(lambda: rig.box.text("systemctl is-active tt-state") == "active", "the state is mounted", 120)
