"""The box's own interfaces: reset adapters, wrong names, no address, and networks with IPv6 alone."""

from __future__ import annotations

import time

import pytest

from tests.blackbox.boxes import Box
from tests.blackbox.conftest import Rig
from tests.blackbox.lab import PORT

pytestmark = pytest.mark.netns


def says(box: Box, *words: str, within: float = 15) -> None:
    """Wait until the display says some words."""
    box.wait(within, where=lambda line: all(word in " ".join(line["screen"]) for word in words))


def test_an_adapter_that_resets_hears_its_gateway_move(rig: Rig) -> None:
    """Two boxes: one loses its device for a moment, one its link and its address, each between two looks."""
    token = rig.token()
    gateway = rig.gateway(10, "Gateway", token=token)
    gateway.do("start", count=2)
    boxes = [rig.box(rig.lab.host(number), start=False) for number in (2, 3)]
    for box in boxes:
        box.hold_token("Gateway", token)
        box.start()
    for box in boxes:
        box.wait(30, state="connected", active=2)
    # Just after a look, which is at every even second.
    while not 0.2 < time.monotonic() % 2.0 < 0.5:
        time.sleep(0.02)
    boxes[0].host.reset_adapter()
    boxes[1].host.run("ip", "link", "set", PORT, "down")
    boxes[1].host.run("ip", "address", "flush", "dev", PORT)
    boxes[1].host.run("ip", "address", "add", f"{boxes[1].host.address}/24", "brd", "+", "dev", PORT)
    boxes[1].host.run("ip", "link", "set", PORT, "up")
    time.sleep(8)
    for box in boxes:
        assert "224.0.0.251" in box.host.run("ip", "maddress", "show", "dev", PORT), box.story()
    marks = [box.mark() for box in boxes]
    gateway.do("down")
    gateway.host.move(11)
    gateway.do("up")
    for box, mark in zip(boxes, marks, strict=True):
        box.wait(60, since=mark, state="connected", active=2, address="10.77.0.11:8000")


def test_an_interface_that_is_not_there_is_told_and_found_later(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("start", count=2)
    paired = rig.box(rig.lab.host(2), "network: {interfaces: [end0]}\n", paired=gateway)
    box = rig.box(rig.lab.host(3), "network: {interfaces: [end0, usb0]}\n")
    paired.wait(10, state="offline", reason="no network")
    says(paired, "No interface end0", f"Here: {PORT}")
    box.wait(10, state="discovering", reason="no network")
    says(box, "No interface", "end0, usb0", f"Here: {PORT}")
    for one in (paired, box):
        assert "No such interface: end0" in one.log
        assert "heck" not in " ".join(one.line["screen"])
        one.host.run("ip", "link", "set", PORT, "down")
        one.host.run("ip", "link", "set", PORT, "name", "end0")
        one.host.run("ip", "link", "set", "end0", "up")
    paired.wait(30, state="connected", active=2)
    box.wait(30, state="awaiting_pairing", gateway="Gateway")


def test_what_the_network_lacks_is_told_apart(rig: Rig) -> None:
    host = rig.lab.host()
    box = rig.box(host)
    says(box, "No address", "from the router")
    host.link("down")
    says(box, "No network", "Check the cable")
    host.link("up")
    says(box, "No address", "from the router")
    host.run("ip", "address", "add", "169.254.7.7/16", "dev", PORT)
    says(box, "This box: 169.254.7.7")
    says(box, "No address from router", within=30)
    host.move(2)
    says(box, "This box: 10.77.0.2")


@pytest.mark.parametrize("network", ["fe80", "fd77::"])
def test_a_network_with_ipv6_alone(rig: Rig, network: str) -> None:
    """Only the addresses that the hosts give themselves, or assigned ones: paired, cut off, and moved."""
    gateway, host = rig.gateway(None, "Gateway", listen="::"), rig.lab.host()
    if network != "fe80":
        gateway.host.run("ip", "address", "add", f"{network}10/64", "dev", PORT, "nodad")
        host.run("ip", "address", "add", f"{network}2/64", "dev", PORT, "nodad")
    gateway.do("start", count=2)
    box = rig.box(host)
    box.wait(30, state="awaiting_pairing", gateway="Gateway")
    gateway.do("press")
    mark = box.press()
    found = box.wait(10, since=mark, state="connected", active=2)
    assert found["gateway"]["address"].startswith(f"[{network}"), found
    mark = box.mark()
    gateway.do("down")
    box.wait(30, since=mark, state="offline", reason="gateway unreachable")
    gateway.do("start")
    gateway.do("up")
    box.wait(30, since=mark, state="connected", active=3)
