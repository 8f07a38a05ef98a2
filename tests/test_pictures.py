"""The committed pictures of the screens are current, and every screen is among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image, ImageChops

from appliance.core.states import NAMES
from appliance.core.view import LedMode, Leds, Power, Screen
from appliance.panel.drawing import draw
from appliance.panel.front_view import BACKGROUND, LED_COLOURS, PIXELS
from appliance.pictures import save_all
from appliance.pictures.__main__ import ERASING_STEPS, INSTALL_STEPS, SHEET
from appliance.pictures.contact_sheet import SIZES, name, save_sheet, save_steps, sheet
from appliance.pictures.example_screens import ERASE_STEPS, EXAMPLES, STEPS, Example
from appliance.pictures.screen_card import card

LARGEST = 250_000
"""Maximum bytes of the sheet, for a web page that loads quickly."""


def colours(picture: Image.Image) -> set[object]:
    return {colour for _, colour in picture.getcolors(1 << 20) or ()}


def test_the_committed_sheet_is_current(tmp_path: Path) -> None:
    save_sheet(tmp_path / "new.png")
    with Image.open(SHEET) as committed, Image.open(tmp_path / "new.png") as drawn:
        assert committed.size == drawn.size, "run python -m appliance.pictures"
        difference = ImageChops.difference(committed.convert("RGB"), drawn.convert("RGB"))
        assert difference.getbbox() is None, "run python -m appliance.pictures"


@pytest.mark.parametrize(("steps", "picture"), [(STEPS, INSTALL_STEPS), (ERASE_STEPS, ERASING_STEPS)])
def test_the_committed_steps_are_current(tmp_path: Path, steps: Sequence[Example], picture: Path) -> None:
    save_steps(steps, tmp_path / "new.png")
    with Image.open(picture) as committed, Image.open(tmp_path / "new.png") as drawn:
        difference = ImageChops.difference(committed.convert("RGB"), drawn.convert("RGB"))
        assert difference.getbbox() is None, "run python -m appliance.pictures"


def test_the_sheet_is_small_enough_for_a_web_page() -> None:
    assert SHEET.stat().st_size < LARGEST
    assert 1300 <= sheet(EXAMPLES[:1]).width <= 1520


def test_each_state_and_kind_of_screen_is_on_the_sheet() -> None:
    assert {view.state for _, view in EXAMPLES} == set(NAMES.values())
    assert {type(view.screen) for _, view in EXAMPLES} == set(get_args(Screen))
    assert {view.power for _, view in EXAMPLES} >= {Power.BRIGHT, Power.DIM}


def test_each_example_is_written_to_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name(caption) for caption, _ in EXAMPLES}
    assert len(names) == len(EXAMPLES)
    folder = tmp_path / "made" / "here"
    save_all(folder)
    assert (folder / "screens.png").is_file()
    for wide, high in SIZES:
        files = {path.stem for path in (folder / f"{wide}x{high}").glob("*.png")}
        assert files == names
    monkeypatch.setattr("appliance.pictures.contact_sheet.EXAMPLES", EXAMPLES[:1])
    save_all(folder)


def test_a_folder_that_cannot_be_created_raises_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        save_all(tmp_path / "file")


def test_file_names_are_derived_from_captions() -> None:
    assert name("Pairing: press the gateway's button") == "pairing-press-the-gateways-button"


def test_a_card_shows_each_pixel_of_the_display() -> None:
    view = EXAMPLES[1][1]
    for size in SIZES:
        shown = card(view, size, 4)
        lit = draw(view, size)
        for x, y in ((x, y) for x in range(size[0]) for y in range(size[1])):
            middle = shown.getpixel((16 + 4 * x + 2, 16 + 4 * y + 2))
            assert middle == (PIXELS[Power.BRIGHT] if lit.getpixel((x, y)) else BACKGROUND)


def test_leds_are_drawn_in_place_and_blinking_ones_labelled() -> None:
    view = EXAMPLES[0][1]
    dark = card(replace(view, leds=Leds()), (128, 64), 3)
    assert not {colour for _, colour in LED_COLOURS} & colours(dark)
    for place, (colour, _) in enumerate((colour, letter) for letter, colour in LED_COLOURS):
        modes = [LedMode.ON if other == place else LedMode.OFF for other in range(3)]
        lit = card(replace(view, leds=Leds(*modes)), (128, 64), 3)
        assert colour in colours(lit)
        box = ImageChops.difference(dark, lit).getbbox()
        assert box is not None
        assert place * lit.height // 3 <= (box[1] + box[3]) / 2 < (place + 1) * lit.height // 3
        slow = card(
            replace(view, leds=Leds(*(LedMode.SLOW if one is LedMode.ON else one for one in modes))), (128, 64), 3
        )
        fast = card(
            replace(view, leds=Leds(*(LedMode.FAST if one is LedMode.ON else one for one in modes))), (128, 64), 3
        )
        assert ImageChops.difference(slow, fast).getbbox() is not None
        assert ImageChops.difference(slow, lit).getbbox() is not None


def test_dimmed_and_dark_displays_are_drawn_so() -> None:
    view = EXAMPLES[1][1]
    dim = colours(card(replace(view, power=Power.DIM), (128, 64), 3))
    assert PIXELS[Power.DIM] in dim
    assert PIXELS[Power.BRIGHT] not in dim
    dark = card(replace(view, power=Power.DARK), (128, 64), 3).crop((12, 12, 12 + 128 * 3, 12 + 64 * 3))
    assert colours(dark) == {BACKGROUND}
