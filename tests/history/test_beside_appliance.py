"""The history command beside a running appliance: the appliance fills its archive, and the command only reads it."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.delivery import Finished
from appliance.history.archive import Archive, Progress
from appliance.history.schema import FILE, LOCK, ArchiveError
from tests.child_process import ChildProcess
from tests.history.conftest import Site

ROOT = Path(__file__).parents[2]


class Appliance:
    """An appliance process on a site."""

    def __init__(self, site: Site) -> None:
        command = [sys.executable, "-m", "appliance", "run", "--panel", "headless", "--config", str(site.config)]
        self.process: subprocess.Popen[str] = ChildProcess(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def wait(self, state: str) -> None:
        assert self.process.stdout is not None
        assert next(line for line in self.process.stdout if f'"state": "{state}"' in line)


@pytest.fixture
def appliance(site: Site) -> Iterator[Appliance]:
    """A connected appliance on the site."""
    appliance = Appliance(site)
    with appliance.process as process:
        appliance.wait("connected")
        yield appliance
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(10)


def run(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    called = [sys.executable, "-m", "appliance", *arguments, "--config", str(site.config)]
    return subprocess.run(called, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)


def reported(site: Site, *more: str, code: int = 0) -> set[str]:
    """The uuids that the command reports."""
    result = run(site, "history", "--format", "csv", *more)
    assert result.returncode == code, result.stderr
    return {row["uuid"] for row in csv.DictReader(io.StringIO(result.stdout))}


def test_the_appliance_reads_and_the_command_reports_what_the_gateway_has_now(site: Site, appliance: Appliance) -> None:
    def finish() -> str:
        order = site.gateway.restaurant.create(order_type="TO_GO")
        site.gateway.restaurant.clear(order.uuid)
        return order.uuid

    first = site.do(finish)
    assert reported(site) == site.finished().keys()
    assert len(site.finished()) > 1000
    second = site.do(finish)
    assert reported(site, "today") >= {first, second}
    token = json.loads((site.state / "token.json").read_text())["token"]
    status = run(site, "status", "--json")
    assert status.returncode == 0
    facts = json.loads(status.stdout)
    assert (facts["state"], facts["active"], facts["gateway"]["address"]) == ("connected", 0, site.gateway.address)
    assert token not in status.stdout
    assert {path.name for path in site.state.iterdir()} == {"token.json", FILE, LOCK}
    # Once the box stops, the command reads the gateway itself.
    appliance.process.send_signal(signal.SIGTERM)
    assert appliance.process.wait(5) == 0
    third = site.do(finish)
    assert third in reported(site, "today")
    assert run(site, "status").returncode == 69


def test_the_command_changes_nothing_that_a_running_appliance_owns(site: Site, appliance: Appliance) -> None:
    """It does not rename a damaged archive; the appliance does, at its next update."""
    assert run(site, "history", "--offline").stderr == "tt-appliance history: the archive is empty\n"
    assert not (site.state / FILE).exists()
    (site.state / FILE).write_bytes(b"damage" * 5000)
    offline = run(site, "history", "--offline")
    assert (offline.returncode, "is damaged; the running appliance replaces it" in offline.stderr) == (1, True)
    assert {path.name for path in site.state.iterdir()} == {"token.json", FILE}
    assert reported(site) == site.finished().keys()
    assert (site.state / f"{FILE}.damaged").exists()


def test_a_hanging_appliance_is_told(site: Site, appliance: Appliance) -> None:
    assert reported(site)
    os.kill(appliance.process.pid, signal.SIGSTOP)
    result = run(site, "history")
    assert (result.returncode, result.stderr) == (
        75,
        "tt-appliance history: the appliance does not respond; using archived data\n",
    )


def test_a_reader_leaves_an_interrupted_update_alone(tmp_path: Path) -> None:
    """The journal of a writer that was killed: only a writer may undo its half."""
    order = Finished("a", created=1.0, cleared=2.0)
    Archive(tmp_path).add("Bar", [order], Progress())
    reader = Archive(tmp_path, of_another=True)
    assert list(reader.orders("Bar")) == [order]
    child = os.fork()
    if not child:
        database = sqlite3.connect(tmp_path / FILE, isolation_level=None)
        database.execute("PRAGMA cache_size = 1")
        database.execute("BEGIN IMMEDIATE")
        database.execute("CREATE TABLE big (x)")
        database.executemany("INSERT INTO big VALUES (?)", [["x" * 4000]] * 100)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    journal = tmp_path / f"{FILE}-journal"
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert journal.name in before
    with pytest.raises(ArchiveError, match="try again"):
        list(reader.orders("Bar"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert list(Archive(tmp_path).orders("Bar")) == [order]
    assert list(reader.orders("Bar")) == [order]


def test_a_reader_does_not_migrate(tmp_path: Path) -> None:
    Archive(tmp_path).add("Bar", [], Progress())
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("PRAGMA user_version = 1")
    database.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(ArchiveError, match="another version"):
        Archive(tmp_path, of_another=True).gateways()
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
