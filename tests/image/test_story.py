"""A person's first steps with a box: pairing, orders, a page, and a pulled cable."""

from __future__ import annotations

import pytest

from tests.image.board import AMBER, BUZZER, GREEN, RED
from tests.image.conftest import Rig

pytestmark = pytest.mark.image


def test_a_full_state_stops_nothing(shared_rig: Rig) -> None:
    """Without space for the token, the box works and says that the pairing is not saved."""
    box, site = shared_rig.box, shared_rig.site
    box.run("dd if=/dev/zero of=/var/lib/fill bs=64k 2>/dev/null; sync; dd if=/dev/zero of=/var/lib/fill2 bs=1", 300)
    box.press()
    box.save("3-press-there", box.reads("gateway", timeout=60))
    site.do("button")
    box.save("11-not-saved", box.reads("not saved", timeout=90))
    box.run("rm /var/lib/fill /var/lib/fill2")
    box.until(lambda: "token.json" in box.text("ls /var/lib/tt-appliance"), "the pairing is saved", 180)
    box.save("4-connected", box.reads("0", "orders", timeout=120))


def test_orders_a_page_and_the_cable_pulled(shared_rig: Rig) -> None:
    box, site = shared_rig.box, shared_rig.site
    site.do("order 5")
    # Wait for the count, because the welcome screen has its own sound.
    box.save("5-five", box.reads("5", "oldest", timeout=40))
    assert (box.pin(GREEN), box.pin(AMBER), box.pin(RED)) == (1, 0, 0)

    before = len(box.changes(BUZZER))
    site.do("page")
    box.save("6-paged", box.reads("PAGED", timeout=20))
    box.until(lambda: len(box.changes(BUZZER)) >= before + 6, "three beeps", 10)
    assert [level for _, level in box.changes(BUZZER)[before:]] == [1, 0, 1, 0, 1, 0]

    box.cable(plugged=False)
    box.save("7-offline", box.reads("No network", timeout=60))
    box.cable(plugged=True)
    box.reads("5", "min", timeout=90)
