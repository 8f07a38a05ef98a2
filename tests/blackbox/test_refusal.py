"""A refused token, and a gateway that is still booting: the box distinguishes them."""

from __future__ import annotations

import json
import time

import pytest

from tests.blackbox.conftest import Rig

pytestmark = pytest.mark.netns


@pytest.mark.parametrize("wordless", [False, True])
def test_deleted_tokens(rig: Rig, wordless: bool) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("behave", wordless=wordless)
    gateway.do("start", count=2)
    box = rig.box(rig.lab.host(2), paired=gateway)
    box.wait(15, state="connected", active=2)
    old = box.token_file.read_bytes()
    mark = box.mark()
    gateway.do("tokens", keep=[])
    refused = box.wait(15, since=mark, state="awaiting_pairing", gateway="Gateway", active=None)
    assert refused["reason"]
    time.sleep(0.5)
    assert box.sounds(mark) == ["error"]
    assert box.token_file.read_bytes() == old
    assert box.line["reason"]

    mark = box.press()
    box.wait(5, since=mark, state="pairing")
    gateway.do("press")
    box.wait(10, since=mark, state="connected", active=2)
    (issued,) = gateway.logged("issued")
    assert json.loads(box.token_file.read_text())["token"] == issued["token"]
    assert [path.name for path in box.state_dir.iterdir()] == ["token.json"]
    assert box.sounds(mark) == ["paired"]


def test_a_gateway_that_refuses_while_out_of_sight(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    box = rig.box(rig.lab.host(2), paired=gateway)
    box.wait(15, state="connected", active=0)
    gateway.host.vanish(goodbye=True)
    # A goodbye takes effect after a second (RFC 6762, 10.1).
    time.sleep(2)
    mark = box.mark()
    gateway.do("tokens", keep=[])
    box.wait(15, since=mark, state="offline", reason="token refused", gateway="Gateway", active=None)
    box.never(mark, state="awaiting_pairing")
    assert box.sounds(mark) == ["error"]

    # After a new announcement, a press pairs with it.
    gateway.advertise()
    box.wait(15, since=mark, state="awaiting_pairing", reason="token refused", gateway="Gateway")
    mark = box.press()
    box.wait(5, since=mark, state="pairing")
    gateway.do("press")
    box.wait(10, since=mark, state="connected", active=0)


def test_a_half_booted_gateway_does_not_count_as_a_refusal(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    box = rig.box(rig.lab.host(2), paired=gateway)
    box.wait(15, state="connected", active=0)
    mark = box.mark()
    gateway.do("behave", half_booted=True)
    gateway.do("close")
    box.wait(10, since=mark, state="offline")
    asked = len(gateway.logged("token"))
    gateway.wait(lambda gateway: len(gateway.logged("token")) > asked, 20)
    gateway.do("behave", half_booted=False)
    box.wait(20, since=mark, state="connected", active=0)
    box.never(mark, state="awaiting_pairing")
    assert box.sounds() == []
    assert box.token_file.exists()
