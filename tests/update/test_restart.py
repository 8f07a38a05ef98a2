"""The restart into an update: what works is noted before, and nothing restarts in vain."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from appliance.update import restart, state
from appliance.update.conditions import Condition
from appliance.update.places import Places
from appliance.update.state import Trial
from tests.update.cards import make_config
from tests.update.programs import program

SYSTEMCTL = """\
cd {folder}
[ "$1" = show ] || { echo "$*" >>log; exit; }
now=$(awk '{ printf "%.0f", $1 * 1000000 }' /proc/uptime)
printf 'ActiveState=active\nActiveEnterTimestampMonotonic=1\nWatchdogTimestampMonotonic=%s\n' "$now"
"""
"""An appliance that runs since the machine's start."""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A card that runs slot A, with an update in slot B."""
    root = tmp_path / "root"
    for folder in ("proc/device-tree/system", "run", "dev/tt", "var/lib", "etc/rauc"):
        (root / folder).mkdir(parents=True)
    (root / "proc/device-tree/system/linux,revision").write_bytes(struct.pack(">I", 0xA02082))
    (root / "run/tt-slot").write_text("A\n")
    make_config(root / "dev/tt/config")
    flag = Places(root).flag
    flag.parent.mkdir(parents=True)
    flag.write_text("0\n")
    program(tmp_path / "bin", "systemctl", SYSTEMCTL.replace("{folder}", str(tmp_path)))
    program(tmp_path / "bin", "rauc", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    found = Places(root)
    with state.changed(found) as kept:
        kept.trial = Trial("B", "1.2.0", "digest", "usb")
    return found


def calls(tmp_path: Path) -> str:
    path = tmp_path / "log"
    return path.read_text() if path.exists() else ""


def test_the_box_restarts_into_the_update_and_notes_what_works(places: Places, tmp_path: Path) -> None:
    assert restart.restart(places) == 0
    assert places.flag.read_text().strip() == "1"
    assert calls(tmp_path) == "reboot\n"
    kept = state.load(places).trial
    assert kept is not None
    assert kept.before == dict.fromkeys(map(str, Condition), False) | {"running": True, "updater": True}
    assert not kept.started


def test_without_an_update_nothing_restarts(places: Places, tmp_path: Path) -> None:
    with state.changed(places) as kept:
        kept.trial = None
    assert restart.restart(places) == 1
    assert places.flag.read_text().strip() == "0"
    assert not calls(tmp_path)


@pytest.mark.parametrize("obstacle", ["no flag", "on trial", "off the card"])
def test_a_restart_that_could_not_try_it_does_not_happen(places: Places, tmp_path: Path, obstacle: str) -> None:
    match obstacle:
        case "no flag":
            places.flag.unlink()
        case "on trial":
            places.trial.touch()
        case _:
            places.running.unlink()
    assert restart.restart(places) == 1
    assert not calls(tmp_path)
