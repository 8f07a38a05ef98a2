"""The sheet of screens in the README is what the code draws."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from PIL import Image, ImageChops

from appliance.__main__ import main
from appliance.core.states import State
from appliance.demo import screens

COMMITTED = Path(screens.__file__).with_name("screens.png")


def test_the_committed_sheet_is_what_the_code_draws(tmp_path: Path) -> None:
    assert main(["screens", "--out", str(tmp_path / "new.png")]) == 0
    with Image.open(COMMITTED) as committed, Image.open(tmp_path / "new.png") as drawn:
        assert committed.size == drawn.size
        difference = ImageChops.difference(committed.convert("RGB"), drawn.convert("RGB"))
        assert difference.getbbox() is None, f"run `tt-appliance screens --out {COMMITTED}`"


def test_every_state_is_on_the_sheet() -> None:
    assert {type(state) for _, state in screens.EXAMPLES} == set(get_args(State))


def test_a_file_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    assert main(["screens", "--out", str(tmp_path / "no folder" / "a.png")]) == 1
    assert main(["screens", "--out", str(tmp_path / "a.unknown")]) == 1
