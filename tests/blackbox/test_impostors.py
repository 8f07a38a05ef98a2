"""A stranger announces the gateway's own name or host: a live feed stays, and he never sees the token."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from tests.blackbox.boxes import ROOT, Box
from tests.blackbox.conftest import Rig
from tests.blackbox.gateways import OtherGateway

pytestmark = pytest.mark.netns


def forge(
    stranger: OtherGateway, kind: str, *, server: str, times: int = 1, port: int = 8000
) -> subprocess.Popen[bytes]:
    """Have a stranger's host send forged records about the gateway `Ours`. times: 0 to answer queries until killed."""
    own = stranger.host.address
    arguments = [own, str(times), kind, "Ours", server, own, str(port)]
    command = [sys.executable, "-m", "tests.blackbox.forged_mdns", *arguments]
    return stranger.host.start(command, log=subprocess.DEVNULL, piped=False, PYTHONPATH=str(ROOT))


def stays(box: Box, mark: int, ours: OtherGateway, strangers: Sequence[OtherGateway]) -> None:
    """Check that the box never left its gateway, and that no stranger saw a token."""
    for state in ("offline", "connecting", "discovering"):
        box.never(mark, state=state)
    assert box.line["gateway"]["address"] == ours.where, box.story()
    for stranger in strangers:
        assert not stranger.was_shown, f"the token went to a stranger\n{box.story()}"


def test_a_live_feed_stays_whatever_a_stranger_announces(rig: Rig) -> None:
    """One record, several, and an answer to every query; then the feed is lost, and the gateway really moves."""
    ours, stranger = rig.gateway(10, "Ours"), rig.gateway(66, "Ours", advertise=False)
    server = f"host{ours.host._port}"
    ours.do("start", count=2)
    box = rig.box(rig.lab.host(2), paired=ours)
    box.wait(30, state="connected", active=2, address=ours.where)
    time.sleep(2)
    mark = box.mark()
    for kind in ("address", "everything", "port", "goodbye", "address"):
        forge(stranger, kind, server=server, port=9999 if kind == "port" else 8000).wait(10)
        ours.do("start")
        time.sleep(2)
    time.sleep(12)
    box.wait(5, active=7)
    stays(box, mark, ours, [stranger])
    assert len(ours.feeds) >= 2, "it looked at the gateway's own address"

    # The feed is lost while he answers every query, and the gateway still is where it was.
    answering = forge(stranger, "address", server=server, times=0)
    ours.do("close")
    box.wait(30, since=mark, state="connected", active=7, address=ours.where)
    time.sleep(3)
    box.wait(1, state="connected", active=7, address=ours.where)
    assert not stranger.was_shown, box.story()
    answering.kill()
    answering.wait(10)
    time.sleep(1)

    # And it still follows its gateway.
    mark = box.mark()
    ours.do("down")
    ours.host.move(11)
    ours.do("up")
    box.wait(40, since=mark, state="connected", active=7, address="10.77.0.11:8000")
    assert not stranger.was_shown, box.story()
