"""Something else than a gateway answers, or its first message is unusable: the display and the log say so."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from tests.blackbox.boxes import Box
from tests.blackbox.conftest import Rig
from tests.blackbox.gateways import OtherGateway

pytestmark = pytest.mark.netns

SET = json.dumps({"type": "ACTIVE_ORDERS", "count": 0, "items": []})
RAW = {
    "an SSH server": "SSH-2.0-OpenSSH_9.2\r\n",
    "a TLS alert": "\x15\x03\x01\x00\x02\x02F",
    "a web page": "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
    "a redirect": "HTTP/1.1 302 Found\r\nLocation: http://10.77.0.99/login\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0": "HTTP/1.0 200 OK\r\n\r\n<html></html>",
    "lines that end in LF": "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\n\n",
    "no reason phrase": "HTTP/1.1 101\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "many header lines": "HTTP/1.1 101 X\r\n" + "Set-Cookie: a=1\r\n" * 130 + "\r\n",
}
FIRST = {
    "an array": f"[{SET}]",
    "two texts": SET + SET,
    "latin-1": SET.replace("[]", '["B\xfcro"]'),
    "no JSON": "hello",
    "no items": '{"type": "ACTIVE_ORDERS", "data": []}',
    "the token back": "{{token}}",
}


def sites(rig: Rig, kinds: Iterable[str], *, paired: bool = True) -> dict[str, tuple[OtherGateway, Box]]:
    """A gateway and a box for each kind; no box runs yet."""
    made: dict[str, tuple[OtherGateway, Box]] = {}
    for number, kind in enumerate(kinds):
        gateway = rig.gateway(10 + number, kind)
        # Any of the gateways would answer a box that has no token.
        config = "" if paired else f'gateway: {{name: "{kind}"}}\n'
        box = rig.box(rig.lab.host(50 + number), config, paired=gateway if paired else None, start=False)
        made[kind] = gateway, box
    return made


def test_another_device_at_the_address(rig: Rig) -> None:
    made = sites(rig, RAW)
    for kind, (gateway, box) in made.items():
        gateway.do("behave", raw=RAW[kind])
        box.start()
    for kind, (gateway, box) in made.items():
        told = box.wait(15, since=0, state="offline", reason="unreadable answer")
        assert "Unreadable answer" in told["screen"], kind
        box.never(box.lines.index(told), reason="gateway unreachable")
        box.wait_for_log(f"{gateway.where} answers, but not as a gateway")
        gateway.do("behave", raw="")
    for kind, (_, box) in made.items():
        box.wait(20, state="connected", active=0)
        assert box.log.count("answers, but not as a gateway") == 1, kind


def test_an_unusable_first_message(rig: Rig) -> None:
    made = sites(rig, FIRST)
    for kind, (gateway, box) in made.items():
        token = json.loads(box.token_file.read_text())["token"]
        gateway.do("behave", first=FIRST[kind].replace("{{token}}", json.dumps({"accesstoken": token})))
        box.start()
    for kind, (gateway, box) in made.items():
        told = box.wait(25, since=0, state="offline", reason="unreadable answer")
        assert "Unreadable answer" in told["screen"], kind
        box.never(box.lines.index(told), reason="gateway unreachable")
        box.wait_for_log("an unusable message of")
        gateway.do("behave", first="")
    for kind, (_, box) in made.items():
        box.wait(20, state="connected", active=0)
        assert box.log.count("an unusable message of") == 1, kind


def test_pairing_with_another_device(rig: Rig) -> None:
    made = sites(rig, ["an SSH server", "a TLS alert", "a web page", "a redirect"], paired=False)
    for kind, (gateway, box) in made.items():
        gateway.do("behave", raw=RAW[kind])
        box.start()
    for kind, (gateway, box) in made.items():
        box.wait(15, state="awaiting_pairing")
        told = box.wait(10, since=box.press(), state="pairing", reason="unreadable answer")
        assert told["screen"][:2] == ["Gateway's answer", "unreadable"], kind
        gateway.do("behave", raw="")
        gateway.do("press")
    for _, box in made.values():
        box.wait(15, state="connected", active=0)
