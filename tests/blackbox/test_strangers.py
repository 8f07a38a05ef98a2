"""Several gateways: whose button counts, and that a token never reaches a gateway of another name."""

from __future__ import annotations

import time

import pytest

from tests.blackbox.conftest import Rig
from tests.blackbox.lab import PORT

pytestmark = pytest.mark.netns


def test_another_gateway_never_sees_the_token(rig: Rig) -> None:
    ours, stranger = rig.gateway(10, "Ours"), rig.gateway(20, "A stranger")
    stranger.do("start", count=5)
    ours.do("start", count=2)
    box = rig.box(rig.lab.host(2))
    box.wait(15, state="awaiting_pairing", where=lambda line: "2 gateways" in " ".join(line["screen"]))
    mark = box.press()
    for gateway in (ours, stranger):
        gateway.wait(lambda gateway: gateway.asked() >= 2, 8)
    ours.do("press")
    box.wait(10, since=mark, state="pairing", gateway="Ours", where=lambda line: "Ours" in " ".join(line["screen"]))
    time.sleep(1)
    assert box.line["state"] == "pairing", "nobody confirmed it"
    assert not ours.was_shown
    mark = box.press()
    box.wait(10, since=mark, state="connected", gateway="Ours", active=2)
    assert box.sounds(mark) == ["paired"]

    # Ours is unplugged, and the other gateway takes its address under its own name.
    mark = box.mark()
    ours.host.cut()
    stranger.host.move(10)
    time.sleep(3)
    box.host.run("ip", "neighbour", "flush", "dev", PORT)
    box.wait(35, since=mark, state="offline")
    time.sleep(8)
    assert not stranger.was_shown, f"the other gateway got the token\n{box.story()}"
    box.never(mark, reason="token refused")

    # It leaves, and ours comes back at another address.
    stranger.host.move(20)
    ours.host.move(30)
    ours.host.heal()
    box.wait(40, since=mark, state="connected", gateway="Ours", active=2, address="10.77.0.30:8000")
    assert not stranger.was_shown


def test_a_hold_changes_to_another_gateway(rig: Rig) -> None:
    """A box beside another gateway says so and waits for its own; a hold of the button unpairs it."""
    stranger, ours = rig.gateway(20, "A stranger"), rig.gateway(10, "Ours", advertise=False)
    box = rig.box(rig.lab.host(2), paired=ours)
    shown = box.wait(20, state="offline", where=lambda line: "stranger" in " ".join(line["screen"]))
    assert shown["reason"]
    assert shown["gateway"]["name"] == "Ours"
    ours.advertise()
    box.wait(20, state="connected", gateway="Ours")
    mark = box.mark()
    ours.host.vanish(goodbye=True)
    time.sleep(2.5)
    assert box.line["state"] == "connected", "a lost announcement does not close a live feed"
    ours.do("down")
    box.wait(30, since=mark, state="offline", where=lambda line: "stranger" in " ".join(line["screen"]))
    box.type("hold 5.3")
    box.wait(10, since=mark, state="awaiting_pairing", gateway="A stranger")
    time.sleep(0.5)
    assert not stranger.was_shown
    stranger.do("press")
    mark = box.press()
    box.wait(10, since=mark, state="connected", gateway="A stranger", active=0)
    assert ours.secrets.isdisjoint(stranger.was_shown)


def test_a_token_is_bound_to_the_address_in_the_settings(rig: Rig) -> None:
    """There is no discovery, and the token goes only to that address."""
    gateway = rig.gateway(10, "Gateway", 8123, advertise=False)
    box = rig.box(rig.lab.host(2), "gateway: {address: '10.77.0.10:8123'}\n")
    box.wait(10, state="awaiting_pairing", address="10.77.0.10:8123")
    gateway.do("press")
    mark = box.press()
    box.wait(10, since=mark, state="connected", active=0, gateway="10.77.0.10:8123")
    box.end()
    box.start()
    box.wait(10, state="connected", active=0)
    assert gateway.asked() == 1
