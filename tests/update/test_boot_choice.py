"""RAUC's questions about the boot choice, asked as RAUC does, on a card's files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.core.updates import UpdateReason
from appliance.update import autoboot, boot_choice, engine, requirements, state
from appliance.update.engine import UnavailableError
from appliance.update.places import Places
from appliance.update.requirements import FlagError
from appliance.update.state import Trial
from tests.update.cards import make_config, make_fat, make_slot


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card's partitions: a system in A, none in B."""
    folder = tmp_path_factory.mktemp("made")
    make_config(folder / "config")
    make_slot(folder / "slot-a", "1.0.0", blocks=5)
    make_fat(folder / "slot-b", 1024, {"README.txt": b"Room for an update.\n"})
    return folder


@pytest.fixture
def places(made: Path, tmp_path: Path) -> Places:
    places = Places(tmp_path)
    shutil.copytree(made, places.config.parent)
    for path, content in ((places.running, "A\n"), (places.flag, "0\n")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return places


def ask(places: Places, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert boot_choice.main(list(words), places) == 0
    return capsys.readouterr().out.strip()


def run_other_slot(places: Places) -> None:
    """Start the slot that the flag names, as loader and initramfs do."""
    assert places.flag.read_text() == "1\n"
    places.flag.write_text("0\n")
    places.running.write_text("B\n")
    places.trial.touch()


def test_an_installed_slot_is_tried_and_committed_when_it_is_good(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(places, capsys, "get-current") == ask(places, capsys, "get-primary") == "A"
    ask(places, capsys, "set-state", "B", "bad")
    assert ask(places, capsys, "get-state", "B") == "bad"
    ask(places, capsys, "set-primary", "B")
    assert (ask(places, capsys, "get-state", "B"), ask(places, capsys, "get-primary")) == ("good", "B")
    assert autoboot.committed(places.config) == "A"
    run_other_slot(places)
    assert (ask(places, capsys, "get-current"), ask(places, capsys, "get-primary")) == ("B", "A")
    ask(places, capsys, "set-state", "B", "good")
    assert autoboot.committed(places.config) == ask(places, capsys, "get-primary") == "B"
    assert places.flag.read_text() == "0\n"


def test_a_bad_trial_leaves_the_choice(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    ask(places, capsys, "set-primary", "B")
    run_other_slot(places)
    ask(places, capsys, "set-state", "B", "bad")
    assert (ask(places, capsys, "get-primary"), ask(places, capsys, "get-state", "B")) == ("A", "bad")
    assert autoboot.committed(places.config) == "A"


def test_a_trial_is_called_off(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    ask(places, capsys, "set-primary", "B")
    ask(places, capsys, "set-primary", "A")
    assert (places.flag.read_text(), ask(places, capsys, "get-primary")) == ("0\n", "A")


@pytest.mark.parametrize("words", [[], ["nonsense"], ["get-state", "C"], ["set-state", "A", "fine"], ["set-primary"]])
def test_an_unknown_question(places: Places, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert boot_choice.main(words, places) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_flag_that_is_not_kept_is_an_error(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    places.flag.unlink()
    places.flag.symlink_to("/dev/null")
    assert boot_choice.main(["set-primary", "B"], places) == 1
    assert "does not keep 1" in capsys.readouterr().err
    with pytest.raises(FlagError):
        requirements.write_flag(places, True)


@pytest.mark.parametrize("armed", ["0\n", "1\n"])
def test_looking_at_the_board_leaves_the_flag_as_it_was(places: Places, armed: str) -> None:
    """A bundle that is refused calls off no trial that is pending."""
    revision = places.device_tree / "system/linux,revision"
    revision.parent.mkdir(parents=True)
    revision.write_bytes(bytes.fromhex("00a02082"))
    places.flag.write_text(armed)
    assert requirements.missing(places) is None
    assert places.flag.read_text() == armed


@pytest.mark.parametrize(
    ("revision", "built", "lacking"),
    [
        ("00902120", None, None),
        ("00c04170", None, None),
        ("00c03114", 1669334400, None),
        ("00c03114", 1669334399, UpdateReason.EEPROM_TOO_OLD),
        ("00c03140", None, UpdateReason.EEPROM_TOO_OLD),
        ("0000000e", None, UpdateReason.BOARD_UNKNOWN),
        ("00c04180", None, UpdateReason.BOARD_UNKNOWN),
    ],
)
def test_what_a_board_lacks(places: Places, revision: str, built: int | None, lacking: UpdateReason | None) -> None:
    files = {"system/linux,revision": bytes.fromhex(revision)}
    if built is not None:
        files["chosen/bootloader/build-timestamp"] = built.to_bytes(4, "big")
    for name, content in files.items():
        path = places.device_tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert requirements.missing(places) is lacking


def test_a_pending_trial_is_armed_again_after_a_night_without_power(places: Places) -> None:
    """The flag is lost with the power."""
    with state.changed(places) as kept:
        kept.trial = Trial("B", "1.2.0", "f00d")
    assert engine.rearm(places) == Trial("B", "1.2.0", "f00d")
    assert places.flag.read_text() == "1\n"


@pytest.mark.parametrize("trial", [None, Trial("B", "1.2.0", "f00d", started=True)])
def test_no_other_trial_is_armed(places: Places, trial: Trial | None) -> None:
    with state.changed(places) as kept:
        kept.trial = trial
    assert engine.rearm(places) is None
    assert places.flag.read_text() == "0\n"


def test_a_damaged_slot_is_not_armed_again(places: Places) -> None:
    with state.changed(places) as kept:
        kept.trial = Trial("B", "1.2.0", "f00d")
        kept.mark_slot("B", good=False)
    assert engine.rearm(places) is None


def test_nothing_is_armed_during_a_trial(places: Places) -> None:
    places.running.write_text("B\n")
    places.trial.touch()
    with pytest.raises(UnavailableError, match="being tried"):
        engine.rearm(places)
