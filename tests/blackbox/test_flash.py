"""The token on flash: restarts, power cuts, damaged files, and a disk that rejects writes."""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.blackbox.boxes import Box
from tests.blackbox.conftest import Rig

pytestmark = pytest.mark.netns


def credential(box: Box, name: str) -> dict[str, str] | None:
    """The content of a file in the state directory, or None. Raises if it is neither old nor new."""
    path = box.state_dir / name
    if not path.exists():
        return None
    content: dict[str, str] = json.loads(path.read_text())
    assert content.keys() >= {"gateway", "token"}
    assert len(content["token"]) == 48
    return content


def test_a_power_cut_at_any_moment(rig: Rig) -> None:
    """Boxes lose power during the pairing, each with its own gateway; then they use an intact token from flash."""
    gateways = [rig.gateway(10 + i, f"Gateway {i}") for i in range(4)]
    # One host each, because an mDNS responder tells queriers apart by their addresses.
    hosts = [rig.lab.host(50 + i) for i in range(4)]
    boxes = [
        rig.box(host, f"gateway: {{name: {gateway.name}}}\n", start=False)
        for host, gateway in zip(hosts, gateways, strict=True)
    ]
    pairs = list(zip(boxes, gateways, strict=True))
    # One round of cuts around the answer, and one around the first use of the token.
    for longest in (0.03, 0.3):
        for box in boxes:
            for path in box.state_dir.iterdir():
                path.unlink()
        marks = [box.launch() for box in boxes]
        for (box, gateway), mark in zip(pairs, marks, strict=True):
            box.wait(30, since=mark, state="awaiting_pairing", gateway=gateway.name)
        for box, gateway in pairs:
            number = len(gateway.logged("issued"))
            gateway.do("press")
            box.press()
            gateway.wait(lambda gateway, number=number: len(gateway.logged("issued")) > number, 8)  # type: ignore[misc]
            time.sleep(random.random() * longest)
            box.kill()
            made = gateway.logged("issued")[-1]["token"]
            for name in ("token.json", "token.pending.json"):
                found = credential(box, name)
                assert found is None or found["token"] == made
        # After a restart the box uses the stored token without a press, and finds no damaged file.
        marks = [box.launch() for box in boxes]
        for (box, gateway), mark in zip(pairs, marks, strict=True):
            paired = credential(box, "token.json") or credential(box, "token.pending.json")
            asked = gateway.asked()
            box.wait(30, since=mark, state="connected" if paired else "awaiting_pairing", gateway=gateway.name)
            box.never(mark, state="pairing")
            box.never(mark, state="awaiting_pairing", reason="token unreadable")
            assert gateway.asked() == asked
            box.end()


def test_a_damaged_token_a_full_and_a_read_only_disk(rig: Rig) -> None:
    gateways = [rig.gateway(10 + i, f"Gateway {i}") for i in range(3)]
    hosts = [rig.lab.host(50 + i) for i in range(3)]
    boxes = [
        rig.box(host, f"gateway: {{name: {gateway.name}}}\n", start=False)
        for host, gateway in zip(hosts, gateways, strict=True)
    ]
    damaged, full, read_only = boxes
    damaged.hold_token("Gateway 0", token := rig.token())
    damaged.token_file.write_bytes(damaged.token_file.read_bytes()[:-5])
    for box, options in ((full, "size=8k"), (read_only, "ro")):
        box.host.run("mount", "-t", "tmpfs", "-o", options, "none", str(box.state_dir))
    filler = full.host.file(f"{full.state_dir}/filler")
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(64 * 1024))
    for box in boxes:
        box.launch()
    for box, gateway in zip(boxes, gateways, strict=True):
        box.wait(30, since=0, state="awaiting_pairing", gateway=gateway.name)

    assert damaged.line["reason"]
    assert any("damaged" in words for words in damaged.line["screen"]), damaged.line
    (aside,) = damaged.state_dir.iterdir()
    assert aside.name != "token.json"
    assert token.encode()[:40] in aside.read_bytes()

    for gateway in gateways:
        gateway.do("start", count=2)
        gateway.do("press")
    marks = [box.press() for box in boxes]
    for box, mark in zip(boxes, marks, strict=True):
        box.wait(15, since=mark, state="connected", active=2)
    for box in (full, read_only):
        box.wait(5, where=lambda line: any("not saved" in words for words in line["screen"]))
        assert box.host.file(str(box.token_file)).exists() is False
    assert credential(damaged, "token.json")
    assert not any("not saved" in words for words in damaged.line["screen"])
    mark = read_only.mark()
    gateways[2].do("down")
    read_only.wait(10, since=mark, state="offline")
    gateways[2].do("up")
    read_only.wait(20, since=mark, state="connected", active=2)

    # A restart finds a saved token, and requests no other.
    damaged.end()
    asked = gateways[0].asked()
    mark = damaged.start()
    damaged.wait(15, since=mark, state="connected", active=2)
    damaged.never(mark, state="awaiting_pairing")
    assert gateways[0].asked() == asked
