"""The chosen driver of the display on flash: kept, removed, and never an obstacle."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.values import SH1106, SSD1306, DisplayIdentity
from appliance.display_file import NAME, keep, load

DETECTED = DisplayIdentity(0x3C, SSD1306, SSD1306, "43 43 43 00 00 00")
CHOSEN = replace(DETECTED, driver=SH1106)


def test_a_choice_is_kept_for_this_display(tmp_path: Path) -> None:
    keep(tmp_path, CHOSEN)
    loaded = load(tmp_path)
    assert loaded is not None
    assert loaded.is_same(CHOSEN)
    assert loaded.driver == SH1106
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("other", [DETECTED, DisplayIdentity(0x3C, "ssd1309"), replace(DETECTED, address=0x3D)])
def test_a_display_without_a_choice_removes_an_earlier_one(tmp_path: Path, other: DisplayIdentity) -> None:
    keep(tmp_path, CHOSEN)
    keep(tmp_path, other)
    assert load(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_choice_that_is_kept_already_is_not_written_again(tmp_path: Path) -> None:
    keep(tmp_path, CHOSEN)
    before = (tmp_path / NAME).stat().st_ino
    keep(tmp_path, replace(CHOSEN, raw="03 43 43 00 00 00"))
    assert (tmp_path / NAME).stat().st_ino == before


def test_no_directory_is_no_choice(tmp_path: Path) -> None:
    assert load(tmp_path / "missing") is None
    keep(tmp_path / "missing", DETECTED)


@given(st.binary(max_size=200))
def test_a_damaged_file_is_no_choice_and_is_replaced(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    directory = tmp_path_factory.mktemp("state")
    (directory / NAME).write_bytes(content)
    assert load(directory) is None
    keep(directory, CHOSEN)
    assert load(directory) == replace(CHOSEN, raw="")
    (directory / NAME).write_bytes(content)
    keep(directory, DETECTED)
    assert not list(directory.iterdir())


@pytest.mark.parametrize("lies_there", ["folder", "pipe", "link", "broken link"])
def test_something_else_of_its_name_is_no_choice_and_blocks_nothing(tmp_path: Path, lies_there: str) -> None:
    path = tmp_path / NAME
    match lies_there:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            (tmp_path / "elsewhere").write_text("0x3C ssd1306 sh1106\n")
            path.symlink_to("elsewhere")
        case _:
            path.symlink_to("nowhere")
    assert load(tmp_path) is None
    keep(tmp_path, DETECTED)
