"""The presets of `hardware`: safe pins, and what wins over them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import Config, ConfigError, Pins, parse
from appliance.config.dumper import dump
from appliance.config.lenient import parse_data_leniently, parse_leniently
from appliance.config.presets import NO_OUTPUTS, PRESETS
from appliance.config.values import LIGHTS, PARTS, SOLDERED

RESERVED = {0, 1, 2, 3, 14, 15}
"""The pins of a HAT's EEPROM, of the display's bus, and of the serial port, which speaks while the board starts."""
PULLED_UP = set(range(9))
"""The pins that the board pulls up while it starts (BCM2835 ARM Peripherals, table 6-31)."""
FREE = sorted(set(range(4, 28)) - RESERVED)
BOARDS = sorted(set(PRESETS) - {SOLDERED})


@pytest.mark.parametrize("name", PRESETS)
def test_each_part_has_a_pin_of_its_own_that_nothing_else_uses(name: str) -> None:
    preset = PRESETS[name]
    present = preset.pins.present
    outputs = {number for part, number in present.items() if part != "button"}
    assert "button" in present, "without a button a box can't be paired"
    assert len(set(present.values())) == len(present)
    assert not RESERVED.intersection(present.values())
    assert not outputs & PULLED_UP, "LEDs and buzzer have to be off while the board starts"
    assert not set(preset.taken).intersection(present.values())
    assert set(preset.places) == (set() if name == SOLDERED else set(present))


def test_the_soldered_build_is_the_default() -> None:
    assert PRESETS[SOLDERED].pins == Pins() == parse("hardware: soldered", "tt.yaml").pins
    assert parse("hardware: null", "tt.yaml") == Config()


@given(st.sampled_from(list(PRESETS)), st.permutations(FREE), st.sets(st.sampled_from(PARTS)), st.data())
def test_a_pin_that_is_set_wins(name: str, numbers: list[int], parts: set[str], data: st.DataObject) -> None:
    preset = PRESETS[name]
    usable = (number for number in numbers if number not in {*preset.taken, *preset.pins.present.values()})
    wanted = {part: data.draw(st.sampled_from([next(usable), None])) for part in parts}
    written = "".join(f"  {part}: {'null' if number is None else number}\n" for part, number in wanted.items())
    config = parse(f"pins:\n{written}hardware: {name}\n", "tt.yaml")
    assert config.hardware == name
    for part in PARTS:
        assert getattr(config.pins, part) == wanted.get(part, getattr(preset.pins, part))


@pytest.mark.parametrize("name", BOARDS)
def test_the_cards_file_needs_a_change_in_one_line(name: str) -> None:
    """Its other lines must not keep the pins of the soldered build."""
    changed = dump(Config()).replace(f'hardware: "{SOLDERED}"', f"hardware: {name}")
    assert parse(changed, "tt.yaml") == Config(name, pins=PRESETS[name].pins)


@pytest.mark.parametrize("part", [*LIGHTS, "buzzer"])
def test_no_output_drives_what_a_board_has_on_its_pin(part: str) -> None:
    """The bonnet's stick would connect a lit LED's pin to ground. As an input, each of its switches is a button."""
    for number, what in PRESETS["adafruit-oled-bonnet"].taken.items():
        text = f"hardware: adafruit-oled-bonnet\npins:\n  {part}: {number}\n"
        config, (mistake,) = parse_leniently(text, "tt.yaml")
        assert (mistake.line, mistake.key) == (3, f"pins.{part}")
        assert mistake.text.startswith(f"GPIO {number} is {what}; free is ")
        assert config.pins == PRESETS["adafruit-oled-bonnet"].pins
        button = parse(f"hardware: adafruit-oled-bonnet\npins: {{button: {number}}}", "tt.yaml").pins.button
        assert button == number


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("grov", "did you mean grove?"),
        ("Grove", "did you mean grove?"),
        ("Grove Base Hat", "did you mean grove?"),
        ("adafruit-oled-bonet", "did you mean adafruit-oled-bonnet?"),
        ("adafruit_oled_bonnet", "did you mean adafruit-oled-bonnet?"),
        ("bonnet", "did you mean adafruit-oled-bonnet?"),
        ("solder", "did you mean soldered?"),
        ("xyz", "known: soldered, grove, adafruit-oled-bonnet"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(written: str, hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(f"hardware: {written}", "tt.yaml")
    assert str(raised.value).startswith(f'tt.yaml:1: hardware: unknown boards "{written[:15]}')
    assert str(raised.value).endswith(f"; {hint}")


@pytest.mark.parametrize(
    "text",
    [
        "hardware: grov",
        "hardware: 3",
        "hardware: [grove]",
        "hardware: {grove: 1}",
        "hardware:grove",
        "hardware grove",
        "hardware = grove",
        "Hardware: grove",
        "hardwear: grove",
        "pins: {hardware: grove}",
        "preset: grove",
        "gateway:\n  name: 'Bar\nhardware: grove",
        "hardware: 'grove\ngateway:\n  name: Bar",
        "hardware: grove\nhardware: soldered\n  x: [",
        "hardware: gr\u00f6ve",
        "hardware: \0grove",
        "\n".join(["]"] * 30) + "\nhardware: grove",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_no_output_has_a_pin_while_the_hardware_is_unknown(text: str, encoding: str) -> None:
    """Before anything else: the pins of another build may be switches on this one."""
    config, mistakes = parse_data_leniently(text.encode(encoding), "tt.yaml")
    assert config.pins in (NO_OUTPUTS, PRESETS["grove"].pins)
    assert config.hardware == (SOLDERED if config.pins == NO_OUTPUTS else "grove")
    assert mistakes
    after, _ = parse_data_leniently(f"pins: {{red: 5}}\n{text}".encode(encoding), "tt.yaml")
    assert (after.pins.green, after.pins.amber) in ((None, None), (26, 22))


@given(st.text(st.sampled_from("hardware:\n grove'\"#{}[],")))
def test_a_broken_name_never_gives_the_pins_of_another_build(noise: str) -> None:
    config, _ = parse_leniently(f"hardware: {noise}grove", "tt.yaml")
    assert config.pins in (NO_OUTPUTS, PRESETS["grove"].pins)


def test_a_comment_names_no_hardware() -> None:
    assert parse_leniently("#hardware: grove\n# hardware is new\n]\n", "tt.yaml")[0] == Config()


def test_the_word_in_another_value_names_no_hardware() -> None:
    assert parse("gateway:\n  name: 'hardware: Bar'\nstate_dir: /hardware", "tt.yaml").pins == Pins()


@pytest.mark.parametrize("value", ["null", "~", ""])
@pytest.mark.parametrize("part", PARTS)
def test_a_part_may_be_absent(part: str, value: str) -> None:
    config = parse(f"pins:\n  {part}: {value}\n", "tt.yaml")
    assert getattr(config.pins, part) is None
    assert config.pins.present.keys() == set(PARTS) - {part}
    assert parse(f"pins: {{{part}: null}}\nhardware: grove", "tt.yaml").pins.present.keys() == set(PARTS) - {part}


def test_parts_that_are_absent_share_no_pin() -> None:
    config = parse("pins: {red: null, amber: null, green: 23, button_active_high: true}", "tt.yaml")
    assert config.pins == Pins(green=23, amber=None, red=None, button_active_high=True)
    with pytest.raises(ConfigError, match=r"GPIO 26 is already used for pins\.green"):
        parse("hardware: grove\npins: {red: 26}", "tt.yaml")


def test_only_leds_that_are_there_have_a_legend() -> None:
    assert Config().panel.leds
    assert parse("pins: {red: null, amber: null}", "tt.yaml").panel.leds
    assert not parse("hardware: adafruit-oled-bonnet", "tt.yaml").panel.leds
