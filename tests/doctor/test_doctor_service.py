"""The doctor and the appliance's service: its status, its pause for the tests of parts, and its start afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.doctor.service import UNIT, SystemdService
from tests.child_process import ChildProcess
from tests.doctor.fakes import Box, all_is_off, everything_seen, examined
from tests.doctor.test_doctor_process import DOCTOR, MUTE, NOWHERE, ROOT, running, settings

SYSTEMCTL = """#!/bin/sh
cd {folder}
echo "$*" >>log
case $1 in
    is-active) cat state ;;
    stop) [ ! -e denied ] || {{ echo "Access denied" >&2; exit 4; }}; echo inactive >state ;;
    start) [ ! -e broken ] || {{ echo failed >state; exit 1; }}; echo active >state ;;
esac
"""
"""A systemctl with the state of one unit in a file."""


class Unit:
    """The service's unit, of a systemctl in PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        (folder / "systemctl").write_text(SYSTEMCTL.format(folder=folder))
        (folder / "systemctl").chmod(0o755)
        (folder / "state").write_text("active\n")

    @property
    def state(self) -> str:
        return (self.folder / "state").read_text().strip()

    @property
    def calls(self) -> list[str]:
        """The calls that changed something."""
        lines = (self.folder / "log").read_text().splitlines()
        return [line for line in lines if not line.startswith("is-active")]

    def becomes(self, state: str, within: float = 10.0) -> bool:
        until = time.monotonic() + within
        while self.state != state:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unit:
    unit = Unit(tmp_path / "systemctl")
    monkeypatch.setenv("PATH", f"{unit.folder}:{os.environ['PATH']}")
    return unit


def test_the_service_pauses_for_the_tests_of_its_parts(box: Box, unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    """And it starts when pins and display are free again, before the network is tested."""
    off: list[bool] = []

    class Watched(SystemdService):
        def pause(self) -> str | None:
            off.append(not box.display.on)
            return super().pause()

        def resume(self) -> None:
            off.append(all_is_off(box))
            super().resume()

    box.service = Watched()
    _, person, context = asyncio.run(examined(box, everything_seen(box)))
    assert off == [True, True]
    assert unit.calls == [f"stop --no-ask-password {UNIT}", f"reset-failed {UNIT}", f"start --no-ask-password {UNIT}"]
    assert unit.state == "active"
    said = person.said
    assert said.index("stopping the service") < said.index("\nok     pins ") < said.index("\nok     restart ")
    assert said.index("the service runs again") < said.index(" network ")
    assert context.findings["restart"].words == "the service runs again"


def test_a_service_that_does_not_start_again_is_told(box: Box, unit: Unit) -> None:
    (unit.folder / "broken").touch()
    box.service = SystemdService()
    code, person, _ = asyncio.run(examined(box, None))
    assert code == 1
    assert "WRONG  restart      the service did not start again\n" in person.said


def test_without_permission_the_service_runs_on(box: Box, unit: Unit) -> None:
    (unit.folder / "denied").touch()
    box.service = SystemdService()
    _, person, context = asyncio.run(examined(box, None))
    assert unit.state == "active"
    assert "restart" not in context.findings
    assert "the service runs again" not in person.said


@pytest.mark.parametrize("state", ["inactive", "failed", "unknown"])
def test_a_service_that_does_not_run_is_not_started(box: Box, unit: Unit, state: str) -> None:
    (unit.folder / "state").write_text(state)
    box.service = SystemdService()
    _, _, context = asyncio.run(examined(box, None))
    assert not unit.calls
    told = [context.findings[name].words for name in ("service", "restart") if name in context.findings]
    assert told == (["the service keeps failing"] if state == "failed" else [])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_service_starts_again_however_the_doctor_ends(tmp_path: Path, unit: Unit, number: signal.Signals) -> None:
    (tmp_path / "box").mkdir()
    with running("-m", "tests.doctor.examined_process", str(tmp_path / "box"), "with its service") as doctor:
        doctor.hear("stopping the service")
        assert unit.becomes("inactive")
        doctor.process.send_signal(number)
        doctor.end(within=30.0)
    assert unit.becomes("active")


def test_the_status_of_a_running_appliance_is_read(tmp_path: Path) -> None:
    """Also in JSON, in which nothing is asked and nothing else is printed."""
    file = settings(tmp_path, NOWHERE, MUTE)
    command = [sys.executable, "-m", "appliance", "run", "--panel", "headless", "--config", file]
    with ChildProcess[bytes](
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        done = subprocess.run(
            [sys.executable, *DOCTOR, "--json", "--config", file],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        process.terminate()
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (1, "", 1)
    report = json.loads(done.stdout)
    assert report["status"]["state"] == "discovering"
    first, *others = report["checks"]
    assert (first["name"], first["state"]) == ("service", "ok")
    assert first["words"].startswith("running for <1 min: discovering")
    assert {check["state"] for check in others} <= {"ok", "wrong", "not_tried"}
    network = next(check for check in others if check["name"] == "network")
    assert network["state"] == "wrong"
    assert network["advice"]
