"""Files of the largest size that are no settings: they are read with bounded work, and affect nothing."""

from __future__ import annotations

import random

import pytest

from appliance.config import Config
from appliance.config.dumper import dump
from appliance.config.lenient import MOST_BROKEN, USUAL_SIZE, read_leniently
from appliance.config.yaml_lines import MOST_VALUES
from appliance.core.limits import LARGEST_SETTINGS

chance = random.Random(1)
NONSENSE = {
    "bytes": chance.randbytes(LARGEST_SETTINGS),
    "letters": bytes(chance.choices(range(32, 127), k=LARGEST_SETTINGS)),
    "punctuation": bytes(chance.choices(b"{}[]:,-?!&*'\" \n", k=LARGEST_SETTINGS)),
    "documents": b"---\na: b\n" * 7_000,
    "unknown keys": b"".join(b"k%d: 1\n" % number for number in range(6_000)),
    "one list": b"x: [" + b"1," * 30_000 + b"1]",
    "empty brackets": b"x: [" + b"[]," * 20_000 + b"1]",
    "open quotes": b'a: "\n' * 13_000,
    "the same key": b"wifi:\n  name: x\n" * 3_900,
    "an address without an end": b"name: [" + b":" * 65_000,
    "a quoted address without an end": b'gateway: {address: "[' + b":" * 65_000 + b'"}',
    "old letters": b"name\xe4: x\n" * 7_000,
    "broken lines": b"# words\n" * 7_000 + b"pins:\n  green 5\n  amber: @\n  red: %\n" * 100,
}
"""Most of these once took from seconds to minutes on a fast machine."""


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_of_the_largest_size_is_read(kind: str) -> None:
    data = NONSENSE[kind]
    assert len(data) <= LARGEST_SETTINGS
    config, problems = read_leniently(data, "tt.yaml")
    assert config == Config()
    assert 1 <= len(problems) <= 2 * MOST_BROKEN


def test_a_file_with_too_many_values_is_ignored() -> None:
    usual = dump(Config())
    assert read_leniently(usual.encode(), "tt.yaml") == (Config(), ())
    values = ", ".join(["1"] * MOST_VALUES)
    config, (problem,) = read_leniently(f"pins: {{red: 5}}\nx: [{values}]\n".encode(), "tt.yaml")
    assert config == Config()
    assert str(problem) == "tt.yaml: has more than 500 keys and values: all settings are ignored"


def test_the_larger_the_file_the_fewer_broken_lines_are_ignored() -> None:
    for times, most in ((1, MOST_BROKEN), (4, MOST_BROKEN // 4)):
        text = "#" * (times * USUAL_SIZE - 600) + "\npins: {red: 5}\n"
        config, problems = read_leniently((text + "x: @\n" * most).encode(), "tt.yaml")
        assert (config.pins.red, len(problems)) == (5, most)
        config, problems = read_leniently((text + "x: @\n" * (most + 1)).encode(), "tt.yaml")
        assert (config, len(problems)) == (Config(), 2)
