"""Names in other letters and Unicode forms, and a host name in `.local`."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from tests.blackbox.boxes import Box, run_to_end
from tests.blackbox.conftest import Rig
from tests.blackbox.test_interfaces import says

pytestmark = pytest.mark.netns


def config_of(box: Box) -> Path:
    """The path of a box's settings."""
    return box.state_dir.parent / "config.yaml"


def test_one_gateway_in_every_spelling(rig: Rig) -> None:
    """The service type, the setting, the stored name, and the gateway's own new announcement."""
    gateway = rig.gateway(10, "Küche", advertise=False)
    gateway.do("start", count=2)
    gateway.host.advertise("Küche", 8000, kind="_Tracker-HTTP._TCP")
    token = rig.token()
    gateway.do("tokens", keep=[token])
    nfd = unicodedata.normalize("NFD", "Küche")
    by_setting = rig.box(rig.lab.host(2), f'gateway: {{name: "{nfd.upper()}"}}\n')
    by_token = rig.box(rig.lab.host(3), start=False)
    by_token.hold_token(nfd.swapcase(), token)
    by_token.start()
    by_setting.wait(20, state="awaiting_pairing", gateway="Küche")
    by_token.wait(20, state="connected", active=2)

    mark = by_token.mark()
    gateway.host.vanish(goodbye=False)
    gateway.do("down")
    gateway.host.move(11)
    gateway.host.advertise("KÜCHE", 8000)
    gateway.do("up")
    by_token.wait(40, since=mark, state="connected", active=2, address="10.77.0.11:8000")
    by_setting.wait(20, state="awaiting_pairing", address="10.77.0.11:8000")
    code, output, _ = run_to_end(
        by_token.host, ["history", "--config", str(config_of(by_token)), "--since", "30d", "--format", "csv"]
    )
    assert (code, output.startswith("uuid")) == (0, True)


@pytest.mark.parametrize("port", [8000, 8123])
def test_a_host_name_in_local(rig: Rig, port: int) -> None:
    """As on the card, where the system itself can't look such a name up."""
    gateway = rig.gateway(10, "Gateway", port)
    gateway.do("start", count=2)
    name = f"Host{gateway.host._port}.LOCAL" + ("." if port == 8000 else f":{port}")
    box = rig.box(rig.lab.host(2), f"gateway: {{address: '{name}'}}\n")
    box.wait(20, state="awaiting_pairing")
    gateway.do("press")
    mark = box.press()
    box.wait(10, since=mark, state="connected", active=2, address=gateway.where)
    box.end()
    gateway.do("down")
    gateway.host.vanish(goodbye=False)
    box.start()
    box.wait(20, state="offline", reason="host not found")
    says(box, f"{name.partition(':')[0]} not found", "Check gateway.address")
    gateway.host.move(11)
    gateway.advertise()
    gateway.do("up")
    box.wait(40, state="connected", active=2, address=gateway.where)


def test_a_host_name_that_nobody_has(rig: Rig) -> None:
    box = rig.box(rig.lab.host(2), "gateway: {address: nobody.local}\n")
    box.wait(20, state="discovering", reason="host not found")
    says(box, "nobody.local not found", "Check gateway.address", within=25)
    code, output, _ = run_to_end(box.host, ["doctor", "--config", str(config_of(box))])
    assert code == 1
    assert "nobody.local not found" in output
