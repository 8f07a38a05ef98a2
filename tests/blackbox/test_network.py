"""Network changes: restarts, new addresses on either side, pulled cables, and no network at all."""

from __future__ import annotations

import time

import pytest

from tests.blackbox.conftest import Rig

pytestmark = pytest.mark.netns


def test_restarts_and_new_addresses(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("start", count=2)
    host = rig.lab.host()
    box = rig.box(host, paired=gateway)

    # A box without an address at boot starts, and connects when it gets one.
    box.wait(10, reason="no network")
    assert box.line["state"] in ("discovering", "offline")
    host.move(2)
    box.wait(25, state="connected", active=2, address="10.77.0.10:8000")

    # The gateway restarts and keeps its tokens.
    mark = box.mark()
    gateway.do("down")
    box.wait(10, since=mark, state="offline", reason="gateway unreachable")
    gateway.do("start", hush=True)
    time.sleep(1)
    gateway.do("up")
    box.wait(25, since=mark, state="connected", active=3)

    # The gateway restarts at another address.
    mark = box.mark()
    gateway.do("down")
    gateway.host.move(11)
    gateway.do("up")
    box.wait(30, since=mark, state="connected", active=3, address="10.77.0.11:8000")
    gateway.start()
    box.wait(5, active=4)

    # The gateway's address changes while the box is unplugged.
    mark = box.mark()
    host.link("down")
    box.wait(35, since=mark, state="offline")
    gateway.host.move(12)
    time.sleep(1)
    host.link("up")
    box.wait(60, since=mark, state="connected", active=4, address="10.77.0.12:8000")

    # The box loses its address for a while, then gets another one.
    mark = box.mark()
    host.move(None)
    box.wait(35, since=mark, state="offline", reason="no network")
    host.move(4)
    box.wait(30, since=mark, state="connected", active=4)
    assert not box.sounds()
    assert gateway.asked() == 0


def test_dead_feeds_and_silent_address_changes(rig: Rig) -> None:
    """Four boxes at once with silently dead feeds, and one whose first queries are lost."""
    gateways = [rig.gateway(10 + i, f"Gateway {i}") for i in range(4)]
    dropped, moved, renumbered, stays = gateways
    boxes = [rig.box(rig.lab.host(50 + i), paired=gateway, start=False) for i, gateway in enumerate(gateways)]
    # A switch may forward nothing for half a minute after its port comes up.
    deaf = rig.box(rig.lab.host(61), "gateway: {name: Gateway 3}\n", start=False)
    deaf.host.cut()
    for box in (*boxes, deaf):
        box.launch()
    for box in boxes:
        box.wait(30, since=0, state="connected", active=0)
    a, b, c, d = boxes
    began = time.monotonic()

    # The switch drops every packet from and to the first box.
    a.host.cut()
    dropped.start(hush=True)
    # The second gateway moves while its announcements are lost.
    moved.host.cut()
    moved.host.move(21)
    moved.start(hush=True)
    # The third gateway moves with announcements while connected.
    renumbered.host.move(22)
    renumbered.start(hush=True)
    # The fourth box itself changes its address.
    d.host.move(60)
    stays.start(hush=True)
    time.sleep(3)
    moved.host.heal()

    assert a.wait(33, state="offline")["at"] < began + 30.5
    a.host.heal()
    healed = time.monotonic()
    a.wait(60, state="connected", active=1)
    # The others have had as much time.
    for box, where in ((b, "10.77.0.21:8000"), (c, "10.77.0.22:8000"), (d, "10.77.0.13:8000")):
        box.wait(max(0, healed + 60 - time.monotonic()), state="connected", active=1, address=where)
    time.sleep(max(0, began + 18 - time.monotonic()))
    assert deaf.line["state"] == "discovering"
    deaf.host.heal()
    deaf.wait(60, state="awaiting_pairing", gateway="Gateway 3")
    for box in boxes:
        assert not box.sounds()
        assert box.line["active"] == 1
