"""Something else than a gateway answers, or its first message is unusable: the display and the log say so."""

from __future__ import annotations

import json

import pytest

from tests.blackbox.conftest import Rig

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


@pytest.mark.parametrize("kind", RAW)
def test_another_device_at_the_address(rig: Rig, kind: str) -> None:
    gateway = rig.gateway(10, "Gateway")
    box = rig.box(rig.lab.host(2), paired=gateway, start=False)
    gateway.do("behave", raw=RAW[kind])
    mark = box.start()
    told = box.wait(15, since=mark, state="offline", reason="unreadable answer")
    assert "Unreadable answer" in told["screen"]
    box.never(box.lines.index(told), reason="gateway unreachable")
    assert box.log.count(f"{gateway.where} answers, but not as a gateway") == 1
    gateway.do("behave", raw="")
    box.wait(20, since=mark, state="connected", active=0)


@pytest.mark.parametrize("kind", FIRST)
def test_an_unusable_first_message(rig: Rig, kind: str) -> None:
    gateway = rig.gateway(10, "Gateway")
    box = rig.box(rig.lab.host(2), paired=gateway, start=False)
    token = json.loads(box.token_file.read_text())["token"]
    gateway.do("behave", first=FIRST[kind].replace("{{token}}", json.dumps({"accesstoken": token})))
    mark = box.start()
    told = box.wait(25, since=mark, state="offline", reason="unreadable answer")
    assert "Unreadable answer" in told["screen"]
    box.never(box.lines.index(told), reason="gateway unreachable")
    assert box.log.count("an unusable message of") == 1
    gateway.do("behave", first="")
    box.wait(20, since=mark, state="connected", active=0)


@pytest.mark.parametrize("kind", ["an SSH server", "a TLS alert", "a web page", "a redirect"])
def test_pairing_with_another_device(rig: Rig, kind: str) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("behave", raw=RAW[kind])
    box = rig.box(rig.lab.host(2))
    box.wait(15, state="awaiting_pairing")
    told = box.wait(10, since=box.press(), state="pairing", reason="unreadable answer")
    assert told["screen"][:2] == ["Unreadable", "answer"]
    gateway.do("behave", raw="")
    gateway.do("press")
    box.wait(15, state="connected", active=0)
