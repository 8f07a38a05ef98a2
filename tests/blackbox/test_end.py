"""The end of the process: SIGTERM, `quit` and the end of input in every state, and unusable settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blackbox.boxes import Box, run_to_end
from tests.blackbox.conftest import Rig
from tests.blackbox.lab import PORT

pytestmark = pytest.mark.netns


def test_sigterm_in_every_state(rig: Rig, tmp_path: Path) -> None:
    """Boxes in every state side by side, and two that hang in a system call."""
    gateway, silent = rig.gateway(10, "Gateway"), rig.gateway(11, "Silent")
    silent.do("behave", silent=True)
    hosts = (rig.lab.host(address) for address in range(50, 60))
    only = "gateway: {{name: {}}}\n".format
    paired = rig.token()
    gateway.do("tokens", keep=[paired])
    boxes = {
        "discovering": rig.box(next(hosts), only("Nobody"), start=False),
        "awaiting_pairing": rig.box(next(hosts), only("Gateway"), start=False),
        "pairing": rig.box(next(hosts), only("Silent"), start=False),
        "connecting": rig.box(next(hosts), only("Silent"), start=False),
        "connected": rig.box(next(hosts), only("Gateway"), start=False),
        "offline": rig.box(next(hosts), only("Nobody"), start=False),
    }
    boxes["connecting"].hold_token("Silent", rig.token())
    boxes["connected"].hold_token("Gateway", paired)
    boxes["offline"].hold_token("Nobody", rig.token())
    nameless = rig.box(next(hosts), "gateway: {address: gateway.example.org}\n", start=False)
    nameless.hold_token("gateway.example.org:8000", rig.token())
    # The resolver's address drops every query.
    (servers := tmp_path / "resolv.conf").write_text("nameserver 10.77.0.99\noptions timeout:20\n")
    host = nameless.host
    host.run("mount", "--bind", str(servers), "/etc/resolv.conf")
    host.run("ip", "neighbour", "add", "10.77.0.99", "lladdr", "02:00:00:00:00:63", "dev", PORT)

    for box in (*boxes.values(), nameless):
        box.launch()
    boxes["pairing"].wait(40, since=0, state="awaiting_pairing")
    boxes["pairing"].press()
    silent.wait(lambda gateway: gateway.asked() == 1, 10)
    nameless.wait(20, since=0)
    for state, box in boxes.items():
        box.wait(30, since=0, state=state)
    boxes["connecting"].wait(0, state="connecting")
    for box in (*boxes.values(), nameless):
        box.end()


def test_quit_and_the_end_of_input(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    one, other = rig.box(rig.lab.host(2), start=False), rig.box(rig.lab.host(3), paired=gateway, start=False)
    one.launch()
    other.launch()
    one.wait(20, since=0, state="awaiting_pairing")
    other.wait(20, since=0, state="connected")
    one.end("quit")
    other.end("eof")


def test_a_box_without_network_ends(rig: Rig) -> None:
    box: Box = rig.box(rig.lab.host())
    box.wait(10, state="discovering", reason="no network")
    box.end()


def test_an_unusable_config_ends_with_code_78(rig: Rig, tmp_path: Path) -> None:
    config = tmp_path / "broken.yaml"
    config.write_text("orders:\n  warn_after: 200\n  late_aftr: 300\n")
    code, output, log = run_to_end(rig.lab.host(2), ["run", "--panel", "headless", "--config", str(config)])
    assert code == 78
    assert output == ""
    assert f"{config}:3" in log
    assert "late_aftr" in log
    assert "late_after" in log.replace("late_aftr", "")
