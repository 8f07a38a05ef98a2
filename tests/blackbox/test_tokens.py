"""New tokens that a gateway accepts late, the ways in which it takes them, and verdicts that disagree."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.blackbox.boxes import Box
from tests.blackbox.conftest import Rig
from tests.blackbox.gateways import OtherGateway

pytestmark = pytest.mark.netns

WAYS = {
    "message only": {"message_only": True},
    "header only": {"header_only": True},
    "either": {},
}


def tokens_on_flash(box: Box) -> dict[str, str]:
    """The tokens on flash, by file."""
    files = (box.state_dir / name for name in ("token.json", "token.pending.json"))
    return {file.name: json.loads(file.read_text())["token"] for file in files if file.exists()}


def until_on_flash(box: Box, tokens: dict[str, str], within: float) -> None:
    """Wait until these are the tokens on flash."""
    until = time.monotonic() + within
    while tokens_on_flash(box) != tokens and time.monotonic() < until:
        time.sleep(0.05)
    assert tokens_on_flash(box) == tokens, box.story()


def pair(box: Box, gateway: OtherGateway) -> tuple[int, str]:
    """Press both buttons; the mark before, and the token that the gateway made."""
    box.wait(15, state="awaiting_pairing")
    mark = box.press()
    box.wait(5, since=mark, state="pairing")
    issued = len(gateway.logged("issued"))
    gateway.do("press")
    gateway.wait(lambda gateway: len(gateway.logged("issued")) > issued, 5)
    return mark, gateway.logged("issued")[-1]["token"]


def test_a_token_that_is_accepted_seconds_later_is_kept_and_used(rig: Rig) -> None:
    sites: list[tuple[Box, int, str]] = []
    for number, (way, takes) in enumerate(WAYS.items()):
        gateway = rig.gateway(10 + number, way)
        gateway.do("behave", lag=7.0, **takes)
        gateway.do("start", count=2)
        box = rig.box(rig.lab.host(50 + number), f'gateway: {{name: "{way}"}}\n')
        mark, token = pair(box, gateway)
        sites.append((box, mark, token))
        box.wait(5, since=mark, state="connecting", screen=["Connecting to", way])
        until_on_flash(box, {"token.pending.json": token}, 3)
    for box, mark, token in sites:
        box.wait(20, since=mark, state="connected", active=2)
        assert tokens_on_flash(box) == {"token.json": token}
        assert box.sounds(mark) == ["paired"]
        for state in ("offline", "awaiting_pairing"):
            box.never(box.lines.index(box.wait(1, since=mark, state="connecting")), state=state)


def test_a_power_cut_while_a_new_token_is_refused_costs_nothing(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("behave", lag=12.0)
    box = rig.box(rig.lab.host(2))
    _, token = pair(box, gateway)
    time.sleep(2)
    box.kill()
    assert tokens_on_flash(box) == {"token.pending.json": token}
    mark = box.start()
    box.wait(10, since=mark, state="connecting")
    box.wait(25, since=mark, state="connected")
    assert tokens_on_flash(box) == {"token.json": token}
    assert "error" not in box.sounds(mark)


def test_the_old_token_is_used_while_the_new_one_is_refused(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    old, new = rig.token(), rig.token()
    gateway.do("tokens", keep=[old])
    box = rig.box(rig.lab.host(2), start=False)
    box.hold_token("Gateway", old)
    pending = box.state_dir / "token.pending.json"
    pending.write_text(json.dumps({"gateway": "Gateway", "token": new}))
    mark = box.start()
    box.wait(15, since=mark, state="connected")
    assert tokens_on_flash(box) == {"token.json": old, "token.pending.json": new}
    # The gateway accepts the new one, and drops the old one.
    mark = box.mark()
    gateway.do("tokens", keep=[new])
    time.sleep(0.1)
    box.wait(20, since=mark, state="connected", where=lambda line: line["at"] > time.monotonic() - 1)
    until_on_flash(box, {"token.json": new}, 10)
    assert "error" not in box.sounds()


def test_a_paired_box_connects_in_the_way_that_the_gateway_takes(rig: Rig) -> None:
    gateways = [rig.gateway(10 + number, way) for number, way in enumerate(WAYS)]
    for gateway in gateways:
        gateway.do("behave", **WAYS[gateway.name])
    boxes = [rig.box(rig.lab.host(50 + number), paired=gateway) for number, gateway in enumerate(gateways)]
    for box in boxes:
        box.wait(15, state="connected", active=0)
    time.sleep(6)
    for gateway, box in zip(gateways, boxes, strict=True):
        seen = len(gateway.seen)
        gateway.do("close")
        # The box may be back before its next picture, and then prints no line.
        gateway.wait(lambda gateway: len(gateway.feeds) == 2, 5)
        box.wait(5, state="connected", active=0)
        handshakes = gateway.logged("request", seen, path="/api/v2/websocket")
        assert len(handshakes) == 1, "the way is remembered"
        assert box.sounds() == []


def test_one_early_close_and_a_refusal_by_http_do_not_end_the_pairing(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    box = rig.box(rig.lab.host(2), paired=gateway, start=False)
    gateway.do("behave", http_refuses=True, early=2)
    box.start()
    box.wait(20, state="connected", active=0)
    box.never(0, state="awaiting_pairing")
    assert box.sounds() == []


def test_a_refused_token_that_the_feed_takes_again_needs_no_hand(rig: Rig) -> None:
    early, header = rig.gateway(10, "Early"), rig.gateway(11, "Header")
    sites = [
        (gateway, rig.box(rig.lab.host(50 + number), paired=gateway)) for number, gateway in enumerate((early, header))
    ]
    marks: list[int] = []
    for gateway, box in sites:
        box.wait(15, state="connected", active=0)
        (token,) = tokens_on_flash(box).values()
        marks.append(box.mark())
        gateway.do("tokens", keep=[])
        box.wait(15, since=marks[-1], state="awaiting_pairing", reason="token refused")
        if gateway is early:
            gateway.do("behave", http_refuses=True)
        else:
            gateway.do("behave", header_only=True)
        gateway.do("tokens", keep=[token])
    for (_, box), mark in zip(sites, marks, strict=True):
        box.wait(75, since=mark, state="connected", active=0)
        assert box.sounds(mark) == ["error"], "one for the refusal"


def test_a_feed_that_refuses_what_http_accepts_beeps_once(rig: Rig, tmp_path: Path) -> None:
    gateway = rig.gateway(10, "Gateway")
    box = rig.box(rig.lab.host(2), paired=gateway)
    box.wait(15, state="connected", active=0)
    mark = box.mark()
    # Every feed closes early, and HTTP accepts the token: no reason to pair again.
    gateway.do("behave", early=10_000)
    gateway.do("close")
    time.sleep(25)
    box.never(mark, state="awaiting_pairing")
    assert box.sounds(mark) == []
    gateway.do("behave", early=0)
    box.wait(15, since=mark, state="connected", active=0)
