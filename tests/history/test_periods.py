"""The period of a report: ages, dates, and words such as `yesterday`."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.delivery import DAY, HOUR, day_at, start_of
from appliance.gateway.order_json import EPOCH
from appliance.history.periods import PERIODS, Period, period_word, read_period

MONDAY = (datetime(2026, 11, 23) - EPOCH).total_seconds()
NOON = MONDAY + 12 * 3600
ends = st.sampled_from([0.0, 2 * HOUR, 4 * HOUR, 4.5 * HOUR, 23 * HOUR])
long_ago = st.datetimes(datetime(2010, 1, 1), datetime(2020, 1, 1)).map(lambda at: (at - EPOCH).total_seconds())
"""When a newest order began that is so old that it tells the gateway's clock."""


def span(latest: float | None = None, day_ends: float = 0.0, **asked: str | None) -> tuple[float | None, float | None]:
    options = Namespace(**{"period": None, "since": None, "begin": None, "end": None, **asked})
    period = read_period(options, latest, day_ends)
    return period.begin, period.end


def test_ages_count_back_from_now_and_dates_are_whole_days() -> None:
    now = (datetime.now() - EPOCH).total_seconds()
    assert span(since="24h")[0] == pytest.approx(now - DAY, abs=5), "an age in hours is exact"
    assert span(now - 40 * DAY, since="12h")[0] == pytest.approx(now - DAY / 2, abs=5), "closed for weeks"
    assert span(begin="2026-11-23", end="2026-11-23") == (MONDAY, MONDAY + DAY)
    assert span(begin="2026-11-23T12:00", end="2026-11-23T12:30:00") == (NOON, NOON + 1800)
    assert span(since="2026-11-23") == (MONDAY, None)
    assert span(begin="0001-01-01", end="9999-12-31")[1] == (datetime(9999, 12, 31) - EPOCH).total_seconds() + DAY
    assert span() == (None, None)


def test_ages_count_back_from_the_gateways_clock_if_it_is_far_off() -> None:
    other = (datetime(2016, 9, 22, 19, 0) - EPOCH).total_seconds()
    assert span(other, since="1w") == (other - 7 * DAY - 19 * 3600, None)
    ahead = (datetime.now() + timedelta(days=400) - EPOCH).total_seconds()
    assert span(ahead, since="24h") == (ahead - DAY, None)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"since": "a fortnight"}, "--since must be like 14d"),
        ({"since": "-3d"}, "--since must be like"),
        ({"begin": "recently"}, "--from must be like 2026-11-01"),
        ({"end": "2026-13-01"}, "--to must be like"),
        ({"end": "2026-W47"}, "--to must be like"),
        ({"begin": "2026-11-01T18:00Z"}, "--from must be like"),
        ({"since": "3d", "begin": "2026-11-01"}, "use only one of them"),
        ({"begin": "2026-11-02", "end": "2026-11-01"}, "must be after the start"),
    ],
)
def test_invalid_times_are_reported(asked: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        span(None, 0.0, **asked)


def local(*when: int) -> float:
    return (datetime(*when) - EPOCH).total_seconds()  # type: ignore[arg-type]


FRIDAY = local(2016, 9, 30, 19)
"""An evening so long ago that it is taken for now."""


@pytest.mark.parametrize(
    ("word", "begin", "end"),
    [
        ("today", (2016, 9, 30), (2016, 10, 1)),
        ("yesterday", (2016, 9, 29), (2016, 9, 30)),
        ("this-week", (2016, 9, 26), (2016, 10, 3)),
        ("last-week", (2016, 9, 19), (2016, 9, 26)),
        ("this-month", (2016, 9, 1), (2016, 10, 1)),
        ("last-month", (2016, 8, 1), (2016, 9, 1)),
    ],
)
@pytest.mark.parametrize("day_ends", [0.0, 4 * HOUR])
def test_a_word_is_a_whole_period(word: str, begin: tuple[int, ...], end: tuple[int, ...], day_ends: float) -> None:
    assert span(FRIDAY, day_ends, period=word) == (local(*begin) + day_ends, local(*end) + day_ends)
    assert span(FRIDAY + 8 * HOUR, 4 * HOUR, period="today")[0] == local(2016, 9, 30, 4), "the night belongs to it"


def test_a_word_may_be_a_start_or_an_end() -> None:
    assert span(FRIDAY, since="last-week") == (local(2016, 9, 19), None)
    assert span(FRIDAY, begin="Last Month", end="yesterday") == (local(2016, 8, 1), local(2016, 9, 30))
    assert span(local(2016, 1, 15), period="last-month") == (local(2015, 12, 1), local(2016, 1, 1))


@given(long_ago, ends, st.integers(0, 400), st.sampled_from("dw"))
def test_an_age_in_days_begins_with_a_day_and_covers_its_hours(
    latest: float, day_ends: float, number: int, unit: str
) -> None:
    begin, end = span(latest, day_ends, since=f"{number}{unit}")
    assert begin is not None
    assert begin == start_of(day_at(begin, day_ends), day_ends)
    exact = latest - number * (DAY if unit == "d" else 7 * DAY)
    assert begin <= exact < begin + DAY
    assert end is None


@given(long_ago, ends)
def test_the_words_fit_together(latest: float, day_ends: float) -> None:
    bounds = {word: span(latest, day_ends, period=word) for word in PERIODS}
    begin, end = bounds["today"]
    assert begin is not None
    assert end is not None
    assert begin <= latest < end == begin + DAY
    for before, after in (("yesterday", "today"), ("last-week", "this-week"), ("last-month", "this-month")):
        assert bounds[before][1] == bounds[after][0]
    for week in ("last-week", "this-week"):
        first, last = bounds[week]
        assert first is not None
        assert last == first + 7 * DAY
        assert (EPOCH + timedelta(days=day_at(first, day_ends))).weekday() == 0


def test_a_wrong_word_is_told_with_the_nearest() -> None:
    assert period_word("This_Week") == "this-week"
    for wrong, words in (("yesterdy", "did you mean yesterday?"), ("soon", "periods: today, yesterday, this-week")):
        with pytest.raises(ArgumentTypeError, match=words[:12]) as error:
            period_word(wrong)
        assert words in str(error.value)
    with pytest.raises(ValueError, match="did you mean yesterday"):
        span(None, since="yesterdayy")
    with pytest.raises(ValueError, match="whole period; it can't be combined with --to"):
        span(None, period="today", end="yesterday")


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Period(), ""),
        (Period(MONDAY), "from Mon 2026-11-23"),
        (Period(MONDAY, MONDAY + 7 * DAY), "from Mon 2026-11-23 to Sun 2026-11-29"),
        (Period(MONDAY, MONDAY + DAY), "on Mon 2026-11-23"),
        (Period(NOON), "from Mon 2026-11-23 12:00 (that day is partial)"),
        (Period(None, NOON), "to Mon 2026-11-23 12:00"),
    ],
)
def test_a_period_is_described(period: Period, words: str) -> None:
    assert period.words(0.0) == words
