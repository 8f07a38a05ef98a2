"""What a trial's gate sees: systemd's words, the appliance's real socket, a real partition, the updater."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core.view import Leds, Line, Message, View
from appliance.demo.recording_panel import RecordingPanel
from appliance.logs import LastProblem
from appliance.status.publisher import StatusPublisher
from appliance.update.conditions import Observed
from appliance.update.observation import (
    Service,
    observe,
    observe_service,
    service_of,
    state_is_on_card,
    updater_works,
)
from appliance.update.places import Places
from tests.status.conftest import served
from tests.update.programs import program

SHOWN = """\
NRestarts=2
ExecMainStartTimestampMonotonic=246000000
ActiveState=active
ActiveEnterTimestampMonotonic=252500000
WatchdogTimestampMonotonic=300000000
"""
"""The answer of `systemctl show`, which keeps no order."""
VIEW = View("connected", None, "Bar", "10.0.0.2:8000", 12, 1, 60, Leds(), Message((Line("12"),)))


class DisplayPanel(RecordingPanel):
    """A panel with a display."""

    display_works: bool | None = True


@pytest.fixture
def last_problem() -> Iterator[LastProblem]:
    handler = LastProblem.of_the_log()
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A Raspberry Pi 4B's card, with a RAUC that answers and a flag that holds."""
    root = tmp_path / "root"
    for folder in ("proc/device-tree/system", "proc/device-tree/chosen/bootloader", "etc/rauc", "var/lib"):
        (root / folder).mkdir(parents=True)
    (root / "proc/device-tree/system/linux,revision").write_bytes(struct.pack(">I", 0xB03115))
    (root / "proc/device-tree/chosen/bootloader/build-timestamp").write_bytes(struct.pack(">I", 1700000000))
    flag = Places(root).flag
    flag.parent.mkdir(parents=True)
    flag.write_text("0\n")
    program(tmp_path / "bin", "rauc", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return Places(root)


def test_the_service_is_read_from_systemds_answer() -> None:
    assert service_of(SHOWN, 310.0) == Service(246.0, 57.5, 2, failed=False)
    assert service_of("", 310.0) == Service()
    assert service_of("ActiveState=failed\nNRestarts=5\n", 310.0) == Service(None, 0.0, 5, failed=True)


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("ActiveState=active", "ActiveState=activating"),
        ("ActiveState=active", "ActiveState=reloading"),
        ("ActiveEnterTimestampMonotonic=252500000", "ActiveEnterTimestampMonotonic=0"),
        ("ActiveEnterTimestampMonotonic=252500000", "ActiveEnterTimestampMonotonic="),
        # The last feeding of the watchdog is 21 s ago, or there was none.
        ("WatchdogTimestampMonotonic=300000000", "WatchdogTimestampMonotonic=289000000"),
        ("WatchdogTimestampMonotonic=300000000", "WatchdogTimestampMonotonic=0"),
    ],
)
def test_a_service_that_is_not_well_runs_for_no_time(line: str, other: str) -> None:
    assert service_of(SHOWN.replace(line, other), 310.0).running_for == 0.0


def test_systemd_is_asked_for_the_appliance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "systemctl", f'echo "$*" >{tmp_path}/call\nprintf "%s" "{SHOWN}"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    service = observe_service()
    assert (service.began, service.restarts) == (246.0, 2)
    words = (tmp_path / "call").read_text().split()
    assert (words[0], words[2]) == ("show", "tt-appliance.service")
    assert set(words[1].removeprefix("--property=").split(",")) == {line.split("=")[0] for line in SHOWN.splitlines()}
    for script in ("exit 1", "kill -9 $$"):
        program(tmp_path / "bin", "systemctl", script)
        assert observe_service() == Service()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert observe_service() == Service()


async def test_the_appliance_tells_the_rest(places: Places, tmp_path: Path, last_problem: LastProblem) -> None:
    panel = DisplayPanel()
    publisher = StatusPublisher(panel, last_problem, tmp_path / "state")
    service = Service(246.0, 57.5, 2)

    async def seen() -> Observed:
        return await asyncio.to_thread(observe, places, service, tmp_path / "state", updater=True)

    expected = Observed(57.5, 2, updater=True, settings=True, picture=True, gateway=True)
    assert await seen() == replace(expected, settings=False, picture=False, gateway=False), "it does not run"
    async with served(publisher):
        publisher.show(VIEW, None)
        assert await seen() == expected
        publisher.show(replace(VIEW, state="offline"), None)
        panel.display_works = False
        assert await seen() == replace(expected, picture=False, gateway=False)
        panel.display_works = None
        assert not (await seen()).picture
    async with served(StatusPublisher(panel, last_problem, tmp_path / "state", settings_read=False)):
        assert not (await seen()).settings


def test_the_updater_needs_rauc_and_the_flag(places: Places, tmp_path: Path) -> None:
    assert updater_works(places)
    assert places.flag.read_text().strip() == "0", "nothing is armed"
    program(tmp_path / "bin", "rauc", "exit 1")
    assert not updater_works(places)
    program(tmp_path / "bin", "rauc", f'echo "$*" >{tmp_path}/call')
    places.flag.unlink()
    assert not updater_works(places)
    places.flag.write_text("0\n")
    assert observe(places, Service(), tmp_path / "state").updater
    assert (tmp_path / "call").read_text() == f"-c {places.rauc_settings} status --output-format=shell\n"
    program(tmp_path / "bin", "rauc", "exit 1")
    assert not observe(places, Service(), tmp_path / "state").updater
    assert observe(places, Service(), tmp_path / "state", updater=True).updater, "it is not asked again"


@pytest.fixture
def card(places: Places, tmp_path: Path) -> Iterator[Path]:
    """The state's partition as /dev/tt/state, not mounted."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None or shutil.which("losetup") is None:
        pytest.skip("needs root, mkfs.ext4 and losetup")
    image = tmp_path / "state.img"
    with image.open("wb") as file:
        file.truncate(4 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    made = subprocess.run(["losetup", "-f", "--show", str(image)], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip("there are no loop devices")
    device = Path(made.stdout.strip())
    (places.root / "dev/tt").mkdir(parents=True)
    (places.root / "dev/tt/state").symlink_to(device)
    try:
        yield device
    finally:
        subprocess.run(["umount", str(places.state.parent)], check=False, capture_output=True)
        subprocess.run(["losetup", "-d", str(device)], check=False)


def test_the_state_must_be_the_cards_partition(places: Places, card: Path) -> None:
    folder = str(places.state.parent)
    assert not state_is_on_card(places), "it is not mounted"
    subprocess.run(["mount", str(card), folder], check=True)
    assert state_is_on_card(places)
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    assert not state_is_on_card(places)
    subprocess.run(["umount", folder], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    assert not state_is_on_card(places), "it is a copy in memory"


def test_without_a_card_there_is_no_state_on_it(places: Places) -> None:
    assert not state_is_on_card(places)
