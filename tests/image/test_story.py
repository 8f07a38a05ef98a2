"""What a person does with a box from its first minute on, at the built image."""

from __future__ import annotations

import pytest

from tests.image.conftest import Rig
from tests.image.machine import AMBER, BUZZER, GREEN, RED

pytestmark = pytest.mark.image


def test_from_the_first_start_to_the_plug_pulled(rig: Rig) -> None:
    box, site = rig.box, rig.site
    box.start()
    box.wait_ready()
    box.until(lambda: box.facts()["first_us"] > 0, "a first picture")
    box.save("1-first", box.picture())
    box.save("2-gateway-found", box.reads("Press", timeout=120))

    box.press()
    box.save("3-press-there", box.reads("gateway", timeout=20))
    site.do("button")
    box.save("4-connected", box.reads("0", "orders", timeout=40))

    site.do("order 3")
    # The count itself, and not what says that it was paired, which has a sound of its own.
    box.save("5-three", box.reads("3", "oldest", timeout=40))
    assert (box.pin(GREEN), box.pin(AMBER), box.pin(RED)) == (1, 0, 0)

    before = len(box.changes(BUZZER))
    site.do("page")
    box.save("6-paged", box.reads("PAGED", timeout=20))
    box.until(lambda: len(box.changes(BUZZER)) >= before + 6, "three beeps", 10)
    assert [level for _, level in box.changes(BUZZER)[before:]] == [1, 0, 1, 0, 1, 0]

    box.cable(plugged=False)
    box.save("7-offline", box.reads("No network", timeout=60))
    box.cable(plugged=True)
    box.reads("3", "orders", timeout=90)

    box.pull_plug()
    box.start()
    box.wait_ready()
    box.save("8-back", box.reads("3", "orders", timeout=120))
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""
