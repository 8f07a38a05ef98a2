"""The part of the status about the card's system and its update."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core.updates import NO_UPDATE, UpdatePhase, UpdateStatus
from appliance.demo.recording_panel import RecordingPanel
from appliance.logs import LastProblem
from appliance.status.card import card_facts, read_slot
from appliance.status.cli import described
from appliance.status.publisher import StatusPublisher
from tests.status.conftest import view

FAILED = UpdateStatus(UpdatePhase.FAILED, "1.2.0", 0, "usb", "crashed")
INSTALLING = UpdateStatus(UpdatePhase.INSTALLING, "1.2.0", 45, "usb")


class DisplayPanel(RecordingPanel):
    """A panel with a display."""

    display_works: bool | None = None


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """The root of a box that runs slot B on trial."""
    (tmp_path / "run/tt-update").mkdir(parents=True)
    (tmp_path / "run/tt-slot").write_text("B\n")
    (tmp_path / "run/tt-trial").touch()
    return tmp_path


def conditions(card: Path, content: str) -> object:
    (card / "run/tt-update/trial.json").write_text(content)
    return card_facts("B", NO_UPDATE, card)["trial_conditions"]


def test_off_the_card_all_is_null(tmp_path: Path) -> None:
    assert read_slot(tmp_path) is None
    facts = card_facts(None, FAILED, tmp_path)
    assert facts == {"slot": None, "trial": None, "trial_conditions": None, "update": None}
    (tmp_path / "run").mkdir()
    (tmp_path / "run/tt-slot").write_text("C\n")
    assert read_slot(tmp_path) is None


def test_the_slot_the_trial_and_its_conditions_are_told(card: Path) -> None:
    assert read_slot(card) == "B"
    assert card_facts("B", NO_UPDATE, card) == {"slot": "B", "trial": True, "trial_conditions": None, "update": None}
    assert conditions(card, '{"conditions": {"running": "good"}, "verdict": null}') == {"running": "good"}
    for broken in ("", "{", "[]", "null", '{"conditions": 3}', "[" * 4000):
        assert conditions(card, broken) is None
    (card / "run/tt-trial").unlink()
    assert card_facts("B", NO_UPDATE, card)["trial"] is False


def test_the_update_is_told_with_its_reason(card: Path) -> None:
    assert card_facts("B", FAILED, card)["update"] == {
        "phase": "failed",
        "version": "1.2.0",
        "percent": 0,
        "source": "usb",
        "reason": "crashed",
    }
    assert card_facts("B", INSTALLING, card)["update"]["reason"] is None


async def test_the_status_has_it_all_and_a_reader_hears_of_each_change(card: Path, last_problem: LastProblem) -> None:
    panel = DisplayPanel()
    publisher = StatusPublisher(panel, last_problem, card / "state", settings_read=False, root=card)
    publisher.start(lambda event: None, lambda: None)
    publisher.show(view(), None)
    reader = publisher.subscribe()
    first = json.loads(reader.get_nowait())
    assert (first["slot"], first["settings_read"], first["display_works"], first["update"]) == ("B", False, None, None)
    panel.display_works = True
    publisher.show(replace(view(), update=INSTALLING), None)
    line = json.loads(reader.get_nowait())
    assert (line["display_works"], line["update"]["percent"]) == (True, 45)
    publisher.show(replace(view(), update=INSTALLING), None)
    assert reader.empty()


def test_a_person_reads_it(card: Path) -> None:
    facts = {"state": "connected", **card_facts("B", INSTALLING, card), "trial_conditions": {"running": "good"}}
    words = dict(described(facts))
    assert words["system"] == "slot B, on trial"
    assert words["trial"] == "running good"
    assert words["update"] == "installing 1.2.0, 45 %"
    words = dict(described({"state": "connected", **card_facts("A", FAILED, card), "trial": False}))
    assert words["system"] == "slot A"
    assert words["update"] == "failed 1.2.0 (crashed)"
    assert "trial" not in words
    assert not {"system", "trial", "update"} & dict(described({"state": "connected", "slot": None})).keys()
