"""A real box beside a replayed recording shows what it showed beside the recorded gateway."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.blackbox.boxes import ROOT, Box
from tests.blackbox.conftest import Rig

pytestmark = pytest.mark.netns
APPLIANCE = [sys.executable, "-m", "appliance"]


def counts(box: Box) -> list[tuple[str, int | None, int | None]]:
    """What it showed since it was first connected, without repetitions."""
    shown: list[tuple[str, int | None, int | None]] = []
    for line in box.lines:
        one = (line["state"], line["active"], line["paged"])
        if one not in shown[-1:] and (line["state"] == "connected" or (shown and line["state"] == "offline")):
            shown.append(one)
    return shown


def test_a_box_shows_the_same_beside_a_replay(rig: Rig, tmp_path: Path) -> None:
    """A new order, a page, a cleared order, and a gateway that is off for some seconds."""
    gateway, recording, state = rig.gateway(10, "Grill"), tmp_path / "grill.jsonl", tmp_path / "recorder"
    uuids = gateway.do("start", count=2)["uuids"]
    box = rig.box(rig.lab.host(20), paired=gateway)
    box.wait(20, since=0, state="connected", active=2)
    state.mkdir()
    (state / "token.json").write_bytes(box.token_file.read_bytes())
    (state / "tt.yaml").write_text(f"state_dir: {state}\n")
    command = [*APPLIANCE, "record", str(recording), "--config", str(state / "tt.yaml")]
    recorder = rig.lab.host(21).start(command, log=subprocess.DEVNULL, PYTHONPATH=str(ROOT))
    gateway.wait(lambda gateway: len(gateway.feeds) == 2, 20)

    # A box may show changes that come together at once.
    time.sleep(0.5)
    gateway.start()
    box.wait(5, active=3)
    time.sleep(0.5)
    gateway.do("change", uuid=uuids[0], type="ORDER_PAGED", paged=True)
    box.wait(5, paged=1)
    time.sleep(0.5)
    gateway.do("change", uuid=uuids[0], state="cleared")
    box.wait(5, active=2, paged=0)
    time.sleep(0.5)
    gateway.do("down")
    box.wait(10, state="offline")
    gateway.do("up")
    mark = len(gateway.feeds)
    gateway.wait(lambda gateway: len(gateway.feeds) >= mark + 2, 20)
    box.wait(20, state="connected")
    time.sleep(1)
    shown = counts(box)
    box.end(within=8)
    recorder.terminate()
    assert recorder.wait(10) == 0
    recorder.communicate()
    assert not [secret for secret in gateway.secrets if secret in recording.read_text()]
    gateway.do("down")
    gateway.host.vanish(goodbye=True)

    host = rig.lab.host(30)
    command = [*APPLIANCE, "simulate", "--replay", str(recording), "--host", "0.0.0.0"]
    replay = host.start(command, log=subprocess.DEVNULL, PYTHONPATH=str(ROOT))
    other = rig.box(rig.lab.host(22), start=False)
    other.hold_token("Grill", rig.token())
    other.start()
    assert replay.stdout is not None
    while line := replay.stdout.readline():
        if b"the recording is over" in line:
            break
    other.wait(20, state="connected")
    other.end(within=8)
    replay.terminate()
    replay.communicate(timeout=10)
    assert counts(other) == shown
