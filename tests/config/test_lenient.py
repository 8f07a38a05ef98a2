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

from appliance.config import Config, Pins, parse
from appliance.config.dumper import dump
from appliance.config.lenient import load_leniently, parse_leniently
from appliance.core.values import Benchmarks, Mistake


def told(text: str) -> tuple[Config, list[tuple[int | None, str | None]]]:
    config, mistakes = parse_leniently(text, "tt.yaml")
    return config, [(mistake.line, mistake.key) for mistake in mistakes]


def test_a_right_file_is_taken_whole() -> None:
    assert parse_leniently(dump(Config(pins=Pins(green=5))), "tt.yaml") == (Config(pins=Pins(green=5)), ())


@pytest.mark.parametrize(
    ("text", "config", "places"),
    [
        # A value, a key and a section that can't be used.
        ("pins: {green: 99, amber: 5}", Config(pins=Pins(amber=5)), [(1, "pins.green")]),
        ("pins: {gren: 4, amber: 5}", Config(pins=Pins(amber=5)), [(1, "pins.gren")]),
        ("display: no\npins: {amber: 5}", Config(pins=Pins(amber=5)), [(1, "display")]),
        # Two values that are wrong together: the one that is named goes.
        ("pins:\n  green: 6\n  amber: 6", Config(pins=Pins(green=6)), [(3, "pins.amber")]),
        ("orders:\n  warn_after: 400\n", Config(), [(2, "orders.warn_after")]),
        (
            "orders:\n  warn_after: 400\n  late_after: 350\npins: {red: 5}",
            # With the default for the one that is named, the other is wrong as well.
            Config(pins=Pins(red=5)),
            [(3, "orders.late_after")],
        ),
        # Lines that are no YAML at all.
        ("pins:\n  amber 5\n  green: 6\n", Config(pins=Pins(green=6)), [(2, None)]),
        ("pins:\n\tamber: 5\norders: {warn_after: 60}", Config(orders=Benchmarks(warn_after=60.0)), [(2, None)]),
        ('gateway: {name: "Bar}\npins: {red: 5}', Config(pins=Pins(red=5)), [(1, None)]),
        ("pins: {red: 5\norders: {warn_after: 60}", Config(orders=Benchmarks(warn_after=60.0)), [(1, None)]),
        ("pins: [1, 2\n\n# words\norders: {warn_after: 60}", Config(orders=Benchmarks(warn_after=60.0)), [(1, None)]),
        ("just words", Config(), [(1, None)]),
        ("", Config(), []),
    ],
)
def test_what_is_right_is_used(text: str, config: Config, places: list[tuple[int, str | None]]) -> None:
    assert told(text) == (config, places)


@given(st.text(alphabet=st.sampled_from("pins:\n {}[]green#\"'-&*!|>%@`\t5,"), max_size=120))
def test_no_text_is_too_wild(text: str) -> None:
    config, mistakes = parse_leniently(text, "tt.yaml")
    assert parse(dump(config), "again") == config
    assert all(isinstance(mistake, Mistake) and mistake.text for mistake in mistakes)


@given(st.data())
def test_a_broken_line_costs_no_other_section(data: st.DataObject) -> None:
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


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    config, (mistake,) = load_leniently(tmp_path / "none.yaml")
    assert config == Config()
    assert mistake == Mistake(None, None, "can't be read: No such file or directory")


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "tt.yaml").mkdir()
    config, (mistake,) = load_leniently(tmp_path / "tt.yaml")
    assert config == Config()
    assert mistake.line is None
    assert mistake.text.startswith("can't be read")
    (tmp_path / "cut.yaml").write_bytes("pins: {red: 5}".encode("utf-16")[:-1])
    config, (mistake,) = load_leniently(tmp_path / "cut.yaml")
    assert config == Config()
    assert "UTF-8" in mistake.text


def test_a_line_in_another_character_set_costs_that_line_alone(tmp_path: Path) -> None:
    """As an old Notepad saves it: of a comment with an umlaut the Wi-Fi must not be lost."""
    file = tmp_path / "tt.yaml"
    file.write_bytes(
        "# Für die Küche\r\npins:\r\n  red: 5\r\n  green: 99\r\ngateway: {name: Küche}\r\n".encode("cp1252")
    )
    config, mistakes = load_leniently(file)
    assert config == Config(pins=Pins(red=5))
    assert [(mistake.line, mistake.key) for mistake in mistakes] == [(1, None), (4, "pins.green"), (5, None)]
    file.write_bytes(b"\xff\n" * 1000 + b"pins: {red: 5}")
    config, mistakes = load_leniently(file)
    assert (config, len(mistakes)) == (Config(pins=Pins(red=5)), 20)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_what_notepad_may_call_unicode_is_read(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "tt.yaml"
    mark = "\ufeff" if encoding[-3:] in ("-le", "-be") else ""
    file.write_bytes((mark + "pins:\r\n  red: 5\r\ngateway:\r\n  name: Küche\r\n  nam: x\r\n").encode(encoding))
    config, (mistake,) = load_leniently(file)
    assert (config.pins.red, config.gateway.name, mistake.line) == (5, "Küche", 5)


def test_the_box_runs_and_shows_the_line(tmp_path: Path) -> None:
    """The same file ends the program at a shell, and not where it is told to be lenient."""
    file = tmp_path / "tt.yaml"
    file.write_text(f"state_dir: {tmp_path}\npins:\n  green: 220\ngateway: {{address: 127.0.0.1:9}}\n")
    run = [sys.executable, "-m", "appliance", "run", "--panel", "headless", "--config", str(file)]
    strict = subprocess.run(run, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)
    assert (strict.returncode, strict.stdout) == (78, "")
    with subprocess.Popen([*run, "--lenient"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as box:
        assert box.stdin is not None
        assert box.stdout is not None
        shown = [json.loads(line) for line in iter(box.stdout.readline, "") if os.write(box.stdin.fileno(), b"quit\n")]
    assert box.returncode == 0
    assert any("Settings wrong: line 3" in line["screen"] for line in shown)
