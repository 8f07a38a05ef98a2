"""Ages, times, shares and names in words, at the bounds of each."""

from __future__ import annotations

import pytest

from appliance.core.formatting import age, benchmark, clock, legible, percent
from appliance.core.limits import LONGEST_NAME


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "<1 min"),
        (59.9, "<1 min"),
        (60, "1 min"),
        (119.9, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 00"),
        (3900, "1 h 05"),
        (86_399, "23 h 59"),
        (86_400, "1 d 0 h"),
        (3 * 86_400 + 4 * 3600 + 59, "3 d 4 h"),
    ],
)
def test_ages(seconds: float, words: str) -> None:
    assert age(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0:00"), (9.9, "0:09"), (59.9, "0:59"), (60, "1:00"), (103, "1:43"), (3600, "60:00")],
)
def test_durations_have_minutes_and_seconds(seconds: float, words: str) -> None:
    assert clock(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0%"), (0.004, "0%"), (0.006, "1%"), (0.5, "50%"), (0.985, "98%"), (0.996, "99%"), (1.0, "100%")],
)
def test_shares(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(45.0, "45 s"), (59.0, "59 s"), (60.0, "1 min"), (61.0, "61 s"), (90.0, "90 s"), (0.0, "0 s"), (300.0, "5 min")],
)
def test_benchmarks(seconds: float, words: str) -> None:
    assert benchmark(seconds) == words


def test_only_a_name_that_is_too_long_is_cut() -> None:
    assert legible("A" * LONGEST_NAME) == "A" * LONGEST_NAME
    assert legible("A" * (LONGEST_NAME + 1)) == "A" * (LONGEST_NAME - 1) + "…"
    assert [legible("Kitchen", longest) for longest in (8, 7, 6, 1)] == ["Kitchen", "Kitchen", "Kitch…", "…"]


def test_invisible_characters_are_removed_before_the_cut() -> None:
    assert legible("\u200b" * 24 + "Kitchen!", 8) == "Kitchen!"
    assert legible("\u200b" * 32 + "Kitchen", 8) == "?", "only the beginning of a very long name is read"


def test_an_empty_name_is_a_question_mark() -> None:
    assert [legible(name) for name in ("", "  ", "\n\t", "\u200b")] == ["?"] * 4


def test_blanks_become_one_space() -> None:
    assert legible("  Bar \t\n Küche\u3000") == "Bar Küche"
