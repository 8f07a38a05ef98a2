"""Notifications to systemd over a real socket, and the unit file."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import systemd
from appliance.status.client import GROUP
from appliance.status.listeners import BACKLOG
from appliance.status.places import ARCHIVE, SERVICE, STATUS, socket_path

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "systemd" / "tt-appliance.service"
HELPERS = ROOT / "image/root/usr/lib/systemd/system"
UNITS_WITH_PROGRAMS = (".service", ".socket", ".path", ".timer")
MOUNTING = ("tt-config.service", "tt-state.service")
ON_THE_IMAGE = ROOT / "image/root/etc/systemd/system/tt-appliance.service.d/image.conf"


@pytest.fixture(params=["path", "abstract"])
def listener(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@tt-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address.replace("@", "\0", 1) if request.param == "abstract" else address)
        listening.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield listening


def test_systemd_receives_each_notification(listener: socket.socket) -> None:
    systemd.ready()
    systemd.watchdog()
    systemd.status("connected to\nKüche")
    systemd.stopping()
    messages = [listener.recv(1000).decode() for _ in range(4)]
    assert messages == ["READY=1", "WATCHDOG=1", "STATUS=connected to Küche", "STOPPING=1"]


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/there", "@nobody-listens", "/" + "x" * 300])
def test_a_missing_listener_is_no_error(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.ready()
    systemd.status("\ud800")


def test_a_busy_listener_does_not_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        for _ in range(2000):
            systemd.watchdog()
        assert listening.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("microseconds", "process", "expected"),
    [
        ("30000000", "own", 10.0),
        ("30000000", None, 10.0),
        ("20000000", "1", None),
        ("20000000", "x", None),
        (None, "own", None),
        ("0", "own", None),
        ("-5", "own", None),
        ("soon", "own", None),
    ],
)
def test_the_watchdog_interval_is_read(
    monkeypatch: pytest.MonkeyPatch, microseconds: str | None, process: str | None, expected: float | None
) -> None:
    for name, value in (("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", process)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(os.getpid()) if value == "own" else value)
    assert systemd.watchdog_interval() == expected


def test_the_unit_has_the_settings_of_the_program() -> None:
    service = read_unit(UNIT)["Service"]
    assert service["Type"] == "notify"
    assert service["Restart"] == "always"
    assert service["StateDirectoryMode"] == "0700"
    assert service["ExecStart"] == "/usr/bin/tt-appliance run --lenient --config /etc/tt-appliance.yaml"
    assert "LG_WD=%t/tt-appliance" in service["Environment"]
    assert "GPIOZERO_PIN_FACTORY" not in service["Environment"], "the appliance must choose the pin factory itself"
    assert service["WorkingDirectory"] == "%t/tt-appliance"
    assert "MemoryDenyWriteExecute" not in service
    assert "network-online.target" not in UNIT.read_text()


@pytest.mark.parametrize(("name", "mode", "group"), [(STATUS, "0660", GROUP), (ARCHIVE, "0600", None)])
def test_the_sockets_are_where_the_program_looks(name: str, mode: str, group: str | None) -> None:
    """The status is for a group, requests are for root alone, and both sockets stop with the service."""
    unit = UNIT.with_name(f"tt-{name}.socket")
    own = read_unit(unit)["Socket"]
    assert own["ListenStream"] == str(socket_path(SERVICE, name))
    assert own["FileDescriptorName"] == name
    assert (own["SocketMode"], own.get("SocketGroup"), own.get("SocketUser")) == (mode, group, None)
    assert int(own["Backlog"]) == BACKLOG
    assert (own["Service"], own["RemoveOnStop"]) == (UNIT.name, "yes")
    assert read_unit(unit)["Unit"]["PartOf"] == UNIT.name
    assert unit.name in read_unit(UNIT)["Service"]["Sockets"].split()
    groups = (ROOT / "image/root/usr/lib/sysusers.d/tt-appliance.conf").read_text()
    assert group is None or f"g {group} -" in groups.splitlines()


@pytest.mark.parametrize("environment", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": "own"}])
def test_no_socket_is_handed_over(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    """To another process, for example."""
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("own", str(os.getpid())))
    assert systemd.handed_sockets() == {}


NEWER = ("RestartSteps", "RestartMaxDelaySec", "RestartMode")
"""Settings that an older systemd skips, with a line in its log."""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing (package systemd)")
@pytest.mark.parametrize("folder", [UNIT.parent, HELPERS], ids=["appliance", "helpers"])
def test_systemd_accepts_the_units(tmp_path: Path, folder: Path) -> None:
    units = [
        tmp_path / path.name.replace("@.", "@sda1.") for path in folder.iterdir() if path.suffix in UNITS_WITH_PROGRAMS
    ]
    for unit in units:
        text = (folder / unit.name.replace("@sda1.", "@.")).read_text()
        # systemd-analyze would report a missing program.
        unit.write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # systemd's own units are not checked.
    ours = [
        line
        for line in done.stderr.splitlines()
        if any(unit.name in line for unit in units) and not any(name in line for name in NEWER)
    ]
    assert ours == []
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing (package systemd)")
def test_the_service_is_sandboxed(tmp_path: Path) -> None:
    """systemd rates exposure from 0 to 10; below 1.6 every unneeded permission is dropped."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text())
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing (package systemd)")
@pytest.mark.parametrize("unit", sorted(path.name for path in HELPERS.glob("*.service")))
def test_roots_helpers_are_sandboxed(unit: str) -> None:
    """systemd rates a service without restrictions above 9; capabilities and system calls alone bring one below 4."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=40", "--no-pager", str(HELPERS / unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("unit", MOUNTING)
def test_a_helper_that_mounts_has_no_mount_namespace(unit: str) -> None:
    """Nobody outside the namespace would see the mount. The options are those of systemd.exec(5), SANDBOXING."""
    text = (HELPERS / unit).read_text() + (HELPERS / "tt-.service.d/sandbox.conf").read_text()
    settings = [line.split("=")[0] for line in text.splitlines() if "=" in line and not line.startswith("#")]
    own = re.compile(
        r"(Protect|Private|ReadWrite|ReadOnly|Inaccessible|Bind|Root|Temporary|Mount|ProcSubset|Exec.*Paths)"
    )
    assert [name for name in settings if own.match(name)] == []


def test_hanging_starts_count_as_consecutive_failures() -> None:
    """The image counts failures within a time that has room for as many of the longest kind."""
    service, limits = read_unit(UNIT)["Service"], read_unit(ON_THE_IMAGE)["Unit"]
    longest = sum(int(service[name]) for name in ("TimeoutStartSec", "TimeoutStopSec", "RestartMaxDelaySec"))
    assert int(limits["StartLimitIntervalSec"]) > int(limits["StartLimitBurst"]) * longest


def read_unit(path: Path) -> configparser.RawConfigParser:
    """A unit file's sections; of repeated settings the last one."""
    unit = configparser.RawConfigParser(strict=False, comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text())
    return unit
