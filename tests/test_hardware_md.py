"""hardware.md and the wiring diagram agree with the code: pins, wires and the digit heights."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from appliance.config import Pins
from appliance.config.presets import PRESETS
from appliance.config.values import SOLDERED
from appliance.core.screens.led_legend import led_legend
from appliance.core.values import Benchmarks
from appliance.core.view import Count, LedMode, Leds, Mark, Remark, Sign, View
from appliance.panel.drawing import draw
from appliance.pictures import __main__ as made
from appliance.pictures.example_screens import EXAMPLES
from appliance.pictures.header_pins import GROUND, POSITIONS, POWER_3V3, POWER_5V, SCL, SDA, wires
from appliance.pictures.markdown_tables import pin_table, sign_table, with_tables
from appliance.pictures.wiring import place, wiring

SVG = "{http://www.w3.org/2000/svg}"
OTHER = Pins(button=4, green=12, amber=13, red=19, buzzer=26)
HARDWARE = made.HARDWARE.read_text()


def diagram(pins: Pins) -> ElementTree.Element:
    return ElementTree.fromstring(wiring(pins))


def test_the_header_has_40_positions_with_one_function_each() -> None:
    all_of_them = [*POSITIONS.values(), *GROUND, *POWER_3V3, *POWER_5V]
    assert sorted(all_of_them) == list(range(1, 41))
    assert sorted(POSITIONS) == list(range(28))


def test_positions_match_gpiozero() -> None:
    from gpiozero.pins.pi import PiBoardInfo

    header = PiBoardInfo.from_revision(0xA02082).headers["J8"]
    for pin in header.pins.values():
        wanted = {3.3: "3V3", 5.0: "5V"}
        if pin.name.startswith("GPIO"):
            assert POSITIONS[int(pin.name.removeprefix("GPIO"))] == pin.number
        elif pin.name == "GND":
            assert pin.number in GROUND
        else:
            assert pin.number in (POWER_3V3 if pin.name == wanted[3.3] else POWER_5V)


@pytest.mark.parametrize("pins", [Pins(), OTHER])
def test_no_two_parts_share_a_position(pins: Pins) -> None:
    used = [wire.position for wire in wires(pins)]
    assert len(used) == len(set(used))
    assert {SDA, SCL, *pins.present.values()} == {wire.bcm for wire in wires(pins)} - {None}


@pytest.mark.parametrize("pins", [Pins(), OTHER])
def test_each_wire_starts_at_its_pin(pins: Pins) -> None:
    root = diagram(pins)
    circles = {circle.get("id"): circle for circle in root.iter(f"{SVG}circle") if circle.get("id")}
    drawn = {group.get("data-part"): group for group in root.iter(f"{SVG}g") if group.get("data-bcm")}
    for part, bcm in pins.present.items():
        group = drawn[part if part in ("button", "buzzer") else f"{part} LED"]
        assert group.get("data-bcm") == str(bcm)
        pin = circles[f"pin-{POSITIONS[bcm]}"]
        for path in group.iter(f"{SVG}path"):
            start = re.match(r"M(\S+) (\S+)", path.get("d", ""))
            assert start is not None
            assert start.groups() == (pin.get("cx"), pin.get("cy"))


def test_no_wire_crosses_another_pin() -> None:
    for group in diagram(Pins()).iter(f"{SVG}g"):
        position = group.get("data-position")
        if position is None:
            continue
        way = next(group.iter(f"{SVG}path")).get("d", "")
        points = [(float(x), float(y)) for x, y in re.findall(r"(\d[\d.]*) (\d[\d.]*)", way)]
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            for other in {*range(1, 41)} - {int(position)}:
                x, y = place(other)
                beside = not min(x1, x2) - 10 < x < max(x1, x2) + 10
                assert beside or not min(y1, y2) - 10 < y < max(y1, y2) + 10, f"{position} touches {other}"


def test_the_committed_diagram_is_current() -> None:
    assert made.WIRING.read_text(encoding="utf-8") == wiring(Pins()), "run python -m appliance.pictures"


def test_the_diagram_needs_no_font_and_no_theme() -> None:
    text = wiring(Pins())
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|@import|@font-face", text)
    ground = next(diagram(Pins()).iter(f"{SVG}rect"))
    assert ground.get("fill", "").startswith("#"), "the diagram needs its own background to be legible on a dark page"


def test_the_tables_are_current() -> None:
    assert with_tables(HARDWARE, Pins(), Benchmarks()) == HARDWARE, "run python -m appliance.pictures"
    assert "| button | contact | 17 | 11 |" in pin_table(Pins())


def test_the_number_of_steps_is_counted() -> None:
    """And a build that needs no soldering iron comes first."""
    rows = re.findall(r"(?m)^\| \[\*\*.+?\*\*\]\(#([\w-]+)\) \| (\d+)[^|]*\|.*\| (.+) \|$", HARDWARE)
    assert [anchor for anchor, _, _ in rows] == ["grove", "adafruit-bonnet", "parts"]
    for anchor, steps, setting in rows[:2]:
        title = anchor.replace("-", " ").capitalize()
        section = HARDWARE.partition(f"\n### {title}\n")[2].partition("\n### ")[0]
        assert re.findall(r"(?m)^(\d+)\. ", section) == [str(step + 1) for step in range(int(steps))]
        assert setting in section, "a step sets it"
        name = re.fullmatch(r'`hardware: "(.+)"`', setting)
        assert name is not None
        assert name[1] in PRESETS
        assert all(f"{place.rsplit(' ', 1)[-1]}" in section for place in PRESETS[name[1]].places.values())
    assert {setting for _, _, setting in rows} == {
        *(f'`hardware: "{name}"`' for name in PRESETS if name != SOLDERED),
        "none",
    }
    assert int(rows[2][1]) == len(wires(Pins()))


def test_the_led_table_lists_exactly_the_led_patterns_in_use() -> None:
    """The examples use exactly the LED patterns of the table, except the last one with all LEDs off."""
    legend = {one.leds for _, group in led_legend(Benchmarks()) for one in group}
    broken = {replace(leds, red=LedMode.FAST) for leds in legend}
    assert {view.leds for _, view in EXAMPLES} - legend - broken == {Leds()}
    assert legend <= {view.leds for _, view in EXAMPLES}


def test_a_text_without_table_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="boards: begin"):
        with_tables("no table here", Pins(), Benchmarks())


def test_the_program_writes_all_pictures_and_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for what in ("SHEET", "INSTALL_STEPS", "ERASING_STEPS", "WIRING", "HARDWARE", "INSTALL"):
        monkeypatch.setattr(made, what, tmp_path / getattr(made, what).name)
    assert made.main() == 1, "without hardware.md the program must fail"
    made.HARDWARE.write_text(re.sub(r"(?s)((\w+): begin -->).*(<!-- \2: end)", r"\1\3", HARDWARE), encoding="utf-8")
    assert made.main() == 1, "without docs/install.md too"
    made.INSTALL.write_text("<!-- signs: begin --><!-- signs: end -->", encoding="utf-8")
    assert made.main() == 0
    assert sign_table() in made.INSTALL.read_text(encoding="utf-8")
    assert made.HARDWARE.read_text(encoding="utf-8") == HARDWARE
    written = {"screens.png", "install.png", "erase.png", "wiring.svg", "hardware.md", "install.md"}
    assert {path.name for path in tmp_path.iterdir()} == written


def height(count: str, size: tuple[int, int]) -> int:
    """Rows of the first digit, on the screen with the most content."""
    screen = Count(count, "orders", "7 min", Mark.LATE, (Remark(Sign.PAGED, "paged", 1), Remark(Sign.LATE, "late", 2)))
    view = View("connected", None, None, None, 0, 0, 0, Leds(), screen)
    picture = draw(view, size).crop((0, 0, 30, size[1]))
    top = picture.getbbox()
    assert top is not None
    rows = [any(picture.getpixel((x, y)) for x in range(30)) for y in range(top[1], size[1])]
    return (*rows, False).index(False)


def test_the_documented_digit_heights_are_correct() -> None:
    said = re.search(
        r"(\d+) rows high or more with one or two\s+digits, (\d+) with three, and (\d+) with four", HARDWARE
    )
    assert said is not None
    for rows, counts in zip(said.groups(), (("8", "12", "88"), ("348", "888"), ("1234", "9999")), strict=True):
        assert min(height(count, (128, 64)) for count in counts) >= int(rows)
    small = re.search(r"0\.91″ \((\d+) rows\)", HARDWARE)
    assert small is not None
    assert min(height(count, (128, 32)) for count in ("8", "12", "88", "348")) >= int(small[1])


def test_the_documented_reading_distances_follow_from_the_heights() -> None:
    rows = re.findall(
        r"(?m)^\| [\d.]+″.* \| ([\d.]+) mm \| ([\d.]+) m, ([\d.]+) m \| ([\d.]+) mm \| ([\d.]+) m, ([\d.]+) m", HARDWARE
    )
    assert len(rows) == 4
    for row in rows:
        for high, limit, comfortable in (row[:3], row[3:]):
            # 5 arc minutes: a letter's height is 1/687.5 of its distance.
            assert float(limit) == pytest.approx(float(high) * 0.6875, abs=0.06)
            assert float(comfortable) == pytest.approx(float(limit) / 2, abs=0.06)


def test_named_settings_exist() -> None:
    from appliance.config.keys import KEYS, SECTIONS

    named = set(re.findall(r"`((?:display|buzzer|orders)\.\w+)", HARDWARE)) | {
        f"pins.{name}" for name in Pins().present
    }
    assert named <= set(KEYS)
    assert "pins" in SECTIONS
