"""The history command as a process, on a gateway whose orders change during the reading."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.blackbox.boxes import ROOT, Box, run_to_end
from tests.blackbox.conftest import Rig
from tests.blackbox.gateways import OtherGateway

pytestmark = pytest.mark.netns
ORDERS = "/api/v2/orders"


def reported(box: Box, *more: str, code: int = 0) -> list[dict[str, str]]:
    """The orders in the command's output."""
    arguments = ["history", "--config", str(box.state_dir.parent / "config.yaml"), "--since", "30d", "--format", "csv"]
    ended, output, log = run_to_end(box.host, [*arguments, *more])
    assert ended == code, log
    rows = list(csv.DictReader(io.StringIO(output)))
    uuids = [row["uuid"] for row in rows]
    assert len(uuids) == len(set(uuids)), "an order twice"
    return rows


def uuids(rows: list[dict[str, str]]) -> set[str]:
    return {row["uuid"] for row in rows}


def many(gateway: OtherGateway, since: int, chunks: int) -> bool:
    """Return True if the gateway served this number of chunks since the mark."""
    return len(gateway.logged("request", since, path=ORDERS)) >= chunks


@pytest.mark.parametrize(
    ("newest_first", "filters"),
    [
        (True, True),
        (False, False),
        pytest.param(True, False, marks=pytest.mark.release),
        pytest.param(False, True, marks=pytest.mark.release),
    ],
)
def test_a_changing_history_is_read_completely(rig: Rig, newest_first: bool, filters: bool) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("past", add=1000, newest_first=newest_first, filters=filters)
    gateway.do("start", count=30)
    box = rig.box(rig.lab.host(2), paired=gateway, start=False)
    before = set(gateway.do("past", arrive=7, purge=5)["now"])
    rows = reported(box)
    after = set(gateway.do("past", arrive=0, purge=0)["now"])
    assert before & after <= uuids(rows), "orders that stayed in the list are reported"
    ever = set(gateway.do("past")["ever"])
    assert uuids(rows) <= ever, "only finished orders"
    # Without further changes every order is reported, and purged ones stay archived.
    again = reported(box)
    assert uuids(again) == after | uuids(rows)
    assert [row for row in again if row["uuid"] in uuids(rows)] == [row for row in again if row in rows]
    assert reported(box, "--offline") == again


def test_a_killed_reading_resumes(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("past", add=6000, slow=0.02)
    box = rig.box(rig.lab.host(2), paired=gateway, start=False)
    config = box.state_dir.parent / "config.yaml"
    for chunks in (12, 40, 55):
        mark = len(gateway.seen)
        command = [sys.executable, "-m", "appliance", "history", "--config", str(config)]
        process = box.host.start(command, log=subprocess.DEVNULL, PYTHONPATH=str(ROOT))
        gateway.wait(partial(many, since=mark, chunks=chunks), 20)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    mark = len(gateway.seen)
    now = set(gateway.do("past", slow=0.0)["now"])
    assert uuids(reported(box)) == now
    first = gateway.logged("request", mark, path=ORDERS)[0]
    assert "offset=0&" not in first["query"], "the second run resumes"


def test_the_box_syncs_its_archive_but_not_while_a_feed_opens(rig: Rig) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("past", add=300, days=0.1)
    box = rig.box(rig.lab.host(2), paired=gateway)
    box.wait(15, state="connected", active=0)
    opened = gateway.feeds[-1]
    gateway.wait(lambda gateway: len(gateway.logged("request", path=ORDERS)) >= 5, 30)
    requests = gateway.logged("request", path=ORDERS)
    assert all(entry["at"] > opened for entry in requests)
    gateway.wait(lambda gateway: bool(gateway.logged("request", path="/api/v2/statistics")), 10)
    now = set(gateway.do("past")["now"])
    box.press()
    mark = box.press()
    days = ("Today", "Latest day")
    box.wait(10, since=mark, where=lambda line: line["screen"][0] in days and line["screen"][1][0] != "0")
    box.end()
    assert uuids(reported(box, "--offline")) == now
    assert sorted(path.name for path in box.state_dir.iterdir()) == [
        "history.lock",
        "history.sqlite3",
        "token.json",
    ]


def test_no_other_gateway_is_asked_and_a_deleted_token_is_reported(rig: Rig) -> None:
    ours, stranger = rig.gateway(10, "Ours"), rig.gateway(20, "A stranger")
    ours.do("past", add=50)
    box = rig.box(rig.lab.host(2), paired=ours, start=False)
    assert len(reported(box)) == 50
    ours.host.vanish(goodbye=True)
    ours.do("down")
    config = str(box.state_dir.parent / "config.yaml")
    code, output, log = run_to_end(box.host, ["history", "--config", config, "--format", "json"])
    assert (code, len(output.splitlines())) == (75, 50), log
    assert "can't find Ours on the network" in log
    assert not stranger.was_shown
    ours.do("up")
    ours.advertise()
    ours.do("tokens", keep=[])
    code, output, log = run_to_end(box.host, ["history", "--config", config])
    assert code == 75
    assert "refused the token" in log
    assert "50" in output


def test_a_laptop_pairs_on_its_own(rig: Rig, tmp_path: Path) -> None:
    gateway = rig.gateway(10, "Gateway")
    gateway.do("past", add=30)
    laptop = rig.lab.host(3)
    home = tmp_path / "home"

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "appliance", *arguments]
        return laptop.start(command, log=subprocess.PIPE, PYTHONPATH=str(ROOT), XDG_STATE_HOME=str(home))

    unpaired = run("history")
    _, log = unpaired.communicate(timeout=20)
    assert unpaired.returncode == 1
    assert b"is not paired with a gateway" in log
    pairing = run("pair")
    gateway.wait(lambda gateway: gateway.asked() >= 2, 15)
    gateway.do("press")
    output, log = pairing.communicate(timeout=20)
    assert pairing.returncode == 0, log
    assert b"Paired with Gateway" in output
    kept = home / "tt-appliance" / "token.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    saved = json.loads(kept.read_text())
    assert saved["gateway"] == "Gateway"
    assert saved["token"].encode() not in output + log
    assert len(gateway.logged("issued")) == 1
    history = run("history", "--format", "csv")
    output, log = history.communicate(timeout=20)
    assert (history.returncode, len(output.splitlines())) == (0, 31), log


def test_truncated_and_refused_answers(rig: Rig) -> None:
    gateway: OtherGateway = rig.gateway(10, "Gateway")
    gateway.do("past", add=250)
    box = rig.box(rig.lab.host(2), paired=gateway, start=False)
    gateway.do("past", fails=[[200, {"returnCode": 7, "count": 9}], [503, {"returnCode": -5}]])
    assert len(reported(box)) == 250, "transient errors are retried"
    config = str(box.state_dir.parent / "config.yaml")
    for status, code, words in (
        (403, -40, "does not allow this token to read"),
        (401, -2, "refused the token"),
        (400, -1, "can't parse the token"),
        (400, -23, "refused to send 100 orders"),
        (302, None, "unexpected response"),
    ):
        gateway.do("past", fails=[[status, {"returnCode": code}]])
        ended, _, log = run_to_end(box.host, ["history", "--config", config])
        assert (ended, words in log) == (75, True), log
