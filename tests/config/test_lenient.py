"""A settings file with mistakes: the valid settings apply, and each mistake is reported with its line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import Config, Pins, WifiConfig, parse
from appliance.config.dumper import dump
from appliance.config.lenient import load_leniently, parse_leniently
from appliance.config.presets import NO_OUTPUTS
from appliance.core.values import Benchmarks, Mistake
from tests.child_process import ChildProcess


def mistakes_of(text: str) -> tuple[Config, list[tuple[int | None, str | None]]]:
    config, mistakes = parse_leniently(text, "tt.yaml")
    return config, [(mistake.line, mistake.key) for mistake in mistakes]


def test_a_valid_file_applies_completely() -> None:
    assert parse_leniently(dump(Config(pins=Pins(green=5))), "tt.yaml") == (Config(pins=Pins(green=5)), ())


@pytest.mark.parametrize(
    ("text", "config", "places"),
    [
        # An invalid value, key and section.
        ("pins: {green: 99, amber: 5}", Config(pins=Pins(amber=5)), [(1, "pins.green")]),
        ("pins: {gren: 4, amber: 5}", Config(pins=Pins(amber=5)), [(1, "pins.gren")]),
        ("display: no\npins: {amber: 5}", Config(pins=Pins(amber=5)), [(1, "display")]),
        # Two values that contradict each other: the named one is dropped.
        ("pins:\n  green: 6\n  amber: 6", Config(pins=Pins(green=6)), [(3, "pins.amber")]),
        ("orders:\n  warn_after: 400\n", Config(), [(2, "orders.warn_after")]),
        (
            "orders:\n  warn_after: 400\n  late_after: 350\npins: {red: 5}",
            # The default of the named one contradicts the other value, too.
            Config(pins=Pins(red=5)),
            [(3, "orders.late_after")],
        ),
        # Invalid YAML.
        ("pins:\n  amber 5\n  green: 6\n", Config(pins=Pins(green=6)), [(2, None)]),
        (
            "pins:\n\tamber: 5\norders: {warn_after: 60}",
            Config(orders=Benchmarks(warn_after=60.0)),
            [(2, "pins.amber")],
        ),
        ('gateway: {name: "Bar}\npins: {red: 5}', Config(pins=Pins(red=5)), [(1, None)]),
        ("pins: {red: 5\norders: {warn_after: 60}", Config(orders=Benchmarks(warn_after=60.0)), [(1, None)]),
        ("pins: [1, 2\n\n# words\norders: {warn_after: 60}", Config(orders=Benchmarks(warn_after=60.0)), [(1, None)]),
        ("just words", Config(), [(1, None)]),
        ("", Config(), []),
    ],
)
def test_valid_settings_beside_mistakes_apply(text: str, config: Config, places: list[tuple[int, str | None]]) -> None:
    assert mistakes_of(text) == (config, places)


@given(st.text(alphabet=st.sampled_from("pins:\n {}[]green#\"'-&*!|>%@`\t5,"), max_size=120))
def test_any_text_is_read(text: str) -> None:
    config, mistakes = parse_leniently(text, "tt.yaml")
    assert parse(dump(config), "again") == config
    assert all(isinstance(mistake, Mistake) and mistake.text for mistake in mistakes)


@given(st.data())
def test_a_broken_line_affects_no_other_section(data: st.DataObject) -> None:
    wanted = Config(pins=Pins(green=5), orders=Benchmarks(warn_after=60.0))
    lines = dump(wanted).split("\n")
    first = lines.index("buzzer:") + 1
    at = data.draw(st.sampled_from([at for at in range(first, first + 8) if "#" not in lines[at]]))
    lines[at] = "  " + data.draw(
        st.sampled_from(["words", "@at", "'open", '"open', "a: b: c", "]", "{", "[1,", "? {", "- a"])
    )
    config, mistakes = parse_leniently("\n".join(lines), "tt.yaml")
    assert (config.pins, config.orders) == (wanted.pins, wanted.orders)
    assert [mistake.line for mistake in mistakes if abs((mistake.line or 0) - at - 1) <= 1], mistakes


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    config, (mistake,) = load_leniently(tmp_path / "none.yaml")
    assert config == Config(pins=NO_OUTPUTS)
    assert mistake == Mistake(None, None, "can't be read: No such file or directory")


def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "tt.yaml").mkdir()
    config, (mistake,) = load_leniently(tmp_path / "tt.yaml")
    assert config == Config(pins=NO_OUTPUTS)
    assert mistake.line is None
    assert mistake.text.startswith("can't be read")
    (tmp_path / "cut.yaml").write_bytes("pins: {red: 5}".encode("utf-16")[:-1])
    config, (mistake,) = load_leniently(tmp_path / "cut.yaml")
    assert config == Config(pins=NO_OUTPUTS)
    assert "UTF-8" in mistake.text


def test_a_line_in_another_character_set_affects_only_that_line(tmp_path: Path) -> None:
    """An old Notepad saves Latin-1: an umlaut in a comment must not disable the Wi-Fi."""
    file = tmp_path / "tt.yaml"
    file.write_bytes(
        "# Für die Küche\r\npins:\r\n  red: 5\r\n  green: 99\r\ngateway: {name: Küche}\r\n".encode("cp1252")
    )
    config, mistakes = load_leniently(file)
    assert config == Config(pins=Pins(red=5))
    assert [(mistake.line, mistake.key) for mistake in mistakes] == [(4, "pins.green"), (5, None)]
    file.write_bytes(b"\xff\n" * 1000 + b"pins: {red: 5}")
    config, mistakes = load_leniently(file)
    assert (config, len(mistakes)) == (Config(pins=Pins(red=5)), 20)


def test_a_comment_costs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "tt.yaml"
    file.write_bytes(b"# K\xfcche\n  # \0\x1b\x7f\nwifi:\n  name: Bar\n  # \x07\n  open: true\n")
    config, mistakes = load_leniently(file)
    assert (config.wifi, mistakes) == (WifiConfig(name="Bar", open=True), ())


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-16-le without mark", "utf-16-be without mark"]
)
def test_notepads_unicode_encodings_are_read(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "tt.yaml"
    mark = "\ufeff" if encoding[-3:] in ("-le", "-be") else ""
    encoding = encoding.removesuffix(" without mark")
    file.write_bytes((mark + "pins:\r\n  red: 5\r\ngateway:\r\n  name: Küche\r\n  nam: x\r\n").encode(encoding))
    config, (mistake,) = load_leniently(file)
    assert (config.pins.red, config.gateway.name, mistake.line) == (5, "Küche", 5)


def test_the_box_runs_and_shows_the_line_of_a_mistake(tmp_path: Path) -> None:
    """The same file ends the program at a shell, unless it is told to be lenient."""
    file = tmp_path / "tt.yaml"
    file.write_text(f"state_dir: {tmp_path}\npins:\n  green: 220\ngateway: {{address: 127.0.0.1:9}}\n")
    run = [sys.executable, "-m", "appliance", "run", "--panel", "headless", "--config", str(file)]
    strict = subprocess.run(run, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)
    assert (strict.returncode, strict.stdout) == (78, "")
    with ChildProcess([*run, "--lenient"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as box:
        assert box.stdin is not None
        assert box.stdout is not None
        shown = [json.loads(line) for line in iter(box.stdout.readline, "") if os.write(box.stdin.fileno(), b"quit\n")]
    assert box.returncode == 0
    assert any("Settings wrong: line 3" in line["screen"] for line in shown)
