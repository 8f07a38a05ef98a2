"""The end of the business day, in each way that a person writes a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import Config, ConfigError, parse
from appliance.config.dumper import dump
from appliance.config.time_of_day import show_time_of_day
from appliance.core.values import Benchmarks


def day_ends(written: str) -> float:
    return parse(f"orders:\n  day_ends: {written}\n", "tt.yaml").orders.day_ends


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ('"04:00"', 4),
        ("'04:00'", 4),
        ("04:00", 4),
        ('"4:00"', 4),
        ("4:00", 4),
        ("4:30", 4.5),
        ("03:59", 3 + 59 / 60),
        ("0:00", 0),
        ('"00:00"', 0),
        ('"24:00"', 0),
        ("24:00", 0),
        ("23:30", 23.5),
        ("12:00", 12),
        ("10:00", 10),
    ],
)
def test_a_time_is_read_with_and_without_quotes(written: str, hours: float) -> None:
    assert day_ends(written) == hours * 3600
    assert Config().orders.day_ends == 0, "midnight by default"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("4", 'write "04:00"'),
        ('"4"', 'write "04:00"'),
        ("4.30", 'write "04:30"'),
        ("4:5", 'write "04:05"'),
        ("4am", 'write "04:00"'),
        ("4 am", 'write "04:00"'),
        ("12 am", 'write "00:00"'),
        ("11pm", 'write "23:00"'),
        ("4 Uhr", 'write "04:00"'),
        ("0400", 'write "04:00"'),
        ("midnight", 'write "00:00"'),
        ("240", 'must be a time such as "04:00", not "240"'),
        ("14400", 'must be a time such as "04:00"'),
        ("-4:00", 'must be a time such as "04:00"'),
        ("25:00", "must be a time from 00:00 to 23:59"),
        ("24:01", "must be a time from 00:00 to 23:59"),
        ("04:60", "must be a time from 00:00 to 23:59"),
        ("04:00:00", 'must be a time such as "04:00"'),
        ("late", 'must be a time such as "04:00"'),
        ("true", 'must be a time such as "04:00"'),
        ("[4, 0]", 'must be a time such as "04:00"'),
        ("{4: 0}", 'must be a time such as "04:00"'),
    ],
)
def test_what_is_no_time_is_told_in_plain_words(written: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        day_ends(written)
    assert "tt.yaml:2: orders.day_ends: " in str(error.value)
    assert words in str(error.value)


@given(st.integers(0, 1439))
def test_every_time_is_printed_as_it_is_read(minutes: int) -> None:
    assert day_ends(show_time_of_day(minutes * 60.0)) == minutes * 60.0


def test_the_printed_settings_have_it() -> None:
    printed = dump(Config(orders=Benchmarks(day_ends=4 * 3600.0)))
    assert '  day_ends: "04:00"\n' in printed
    assert parse(printed, "printed").orders.day_ends == 4 * 3600.0
