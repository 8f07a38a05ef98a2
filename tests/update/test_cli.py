"""`tt-appliance update`, off the card and on one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from appliance import __version__
from appliance.__main__ import main
from appliance.command_line import make_parser
from appliance.update import bundle, cli, state
from appliance.update.places import Places
from appliance.update.state import Last
from tests.update.cards import make_config, make_fat


@pytest.mark.parametrize("words", ["status", "status --json", "install FILE", "rollback"])
def test_off_the_card_it_says_so(capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert main(["update", *words.split()]) == 69
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "tt-appliance update: updates need the appliance's SD card; this machine does not run from it\n"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path)
    for folder in (places.config.parent, places.running.parent):
        folder.mkdir(parents=True)
    places.running.write_text("A\n")
    make_config(places.config)
    make_fat(places.slot("B"), 1024, {})
    return places


def run(places: Places, *words: str) -> int:
    return cli.main(make_parser(()).parse_args(["update", *words]), places)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as on the card")
def test_the_status_of_a_new_card(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(places, "status", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "version": __version__,
        "slot": "A",
        "committed": "A",
        "trial": False,
        "other": {"version": None, "state": "empty"},
        "last": {"outcome": "none", "reason": None},
    }
    with state.changed(places) as kept:
        kept.last = Last("rolled back", "not-connected", "1.2.0")
    places.trial.touch()
    assert run(places, "status") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"running   {__version__} in slot A, on trial",
        "starts    slot A",
        "other     none (empty)",
        "last      rolled back (not-connected)",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as on the card")
def test_a_broken_card_is_told_in_one_line(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    places.config.unlink()
    for words in (("status",), ("install", "update.raucb"), ("rollback",)):
        assert run(places, *words) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_another_user_is_told_to_be_root(
    places: Places, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert run(places, "status") == 1
    assert capsys.readouterr().err == "tt-appliance update: run as root (sudo)\n"


def test_versions_are_ordered_as_semantic_versioning_says() -> None:
    releases = ["0.9.0", "1.0.0", "1.0.1", "1.2", "1.2.1", "1.10.0", "2.0.0"]
    before = ["alpha", "alpha.1", "alpha.beta", "beta.2", "beta.11", "rc.1"]
    versions = [releases[0], *(f"1.0.0-{word}" for word in before), *releases[1:]]
    for shuffled in (versions[5:] + versions[:5], versions[::2] + versions[1::2]):
        assert sorted(shuffled, key=bundle.order) == versions
    assert bundle.order("1.2") == bundle.order("1.2.0+build.7")
    for wrong in ("", "1", "one", "1.2.3.4", "1.2.3-", "v1.2.3", "1.2.3 ", "1.2.3\n"):
        with pytest.raises(ValueError, match="is no version"):
            bundle.order(wrong)
