"""The period of a report: words such as `yesterday`, ages, and dates, in the gateway's local time."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from appliance.config.checks import nearest
from appliance.core.delivery import DAY, HOUR, day_at, start_of
from appliance.gateway.order_json import EPOCH

PERIODS = ("today", "yesterday", "this-week", "last-week", "this-month", "last-month")
UNITS = {"h": HOUR, "d": DAY, "w": 7 * DAY}
LONGEST_CLOSURE = 60 * DAY
"""Seconds by which the newest order may be older than this machine's clock: a restaurant may close for weeks."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period of the gateway's local time. begin: inclusive. end: exclusive. None for no bound."""

    begin: float | None = None
    end: float | None = None

    def words(self, day_ends: float) -> str:
        """The period for a person, such as `from Mon 2026-11-02 to Sun 2026-11-08`; empty without a bound."""
        if self.begin is not None and self.end is not None:
            day = day_at(self.begin, day_ends)
            if (self.begin, self.end) == (start_of(day, day_ends), start_of(day + 1, day_ends)):
                return f"on {_day(day)}"
        parts = []
        if self.begin is not None:
            day = day_at(self.begin, day_ends)
            whole = self.begin == start_of(day, day_ends)
            parts.append(f"from {_day(day)}" if whole else f"from {_moment(self.begin)} (that day is partial)")
        if self.end is not None:
            day = day_at(self.end, day_ends)
            parts.append(f"to {_day(day - 1)}" if self.end == start_of(day, day_ends) else f"to {_moment(self.end)}")
        return " ".join(parts)


def period_word(text: str) -> str:
    """A word for a period, as the type of an argument. Raises ArgumentTypeError."""
    word = _word(text)
    if word in PERIODS:
        return word
    near = nearest(word, PERIODS)
    raise ArgumentTypeError(
        f"unknown period {text!r}; " + (f"did you mean {near}?" if near else f"periods: {', '.join(PERIODS)}")
    )


def read_period(options: Namespace, latest: float | None, day_ends: float) -> Period:
    """The period of the command line.

    latest: when the newest order started. Ages and words count from now by this machine's clock, or from the newest
    order if that is ahead, or if the clock is wrong. Ages in days and weeks begin with a day. day_ends: as in
    `Benchmarks`.

    Raises:
        ValueError: With a message for the user.
    """
    given = [
        name
        for name, value in (("--since", options.since), ("--from", options.begin), ("--to", options.end))
        if value is not None
    ]
    if options.period is not None:
        if given:
            raise ValueError(f"{options.period} is a whole period; it can't be combined with {given[0]}")
        return _named(options.period, day_at(_now(latest), day_ends), day_ends)
    if given[:2] == ["--since", "--from"]:
        raise ValueError("--since and --from are both the start; use only one of them")
    begin = end = None
    if options.since is not None:
        begin = _since(options.since, _now(latest), day_ends)
    if options.begin is not None:
        begin = _bound(options.begin, "--from", _now(latest), day_ends).begin
    if options.end is not None:
        end = _bound(options.end, "--to", _now(latest), day_ends).end
    if begin is not None and end is not None and begin >= end:
        raise ValueError("the end (--to) must be after the start")
    return Period(begin, end)


def _now(latest: float | None) -> float:
    own = (datetime.now() - EPOCH).total_seconds()
    if latest is None or -LONGEST_CLOSURE < latest - own <= 0:
        return own
    return latest


def _since(text: str, now: float, day_ends: float) -> float | None:
    age = re.fullmatch(r"([0-9]{1,5})([hdw])", text.strip().lower())
    if age is None:
        return _bound(text, "--since", now, day_ends, ages=True).begin
    moment = now - int(age[1]) * UNITS[age[2]]
    return moment if age[2] == "h" else start_of(day_at(moment, day_ends), day_ends)


def _bound(text: str, option: str, now: float, day_ends: float, *, ages: bool = False) -> Period:
    """The period that a word, a date or a time names; that of a time has no length."""
    word = _word(text)
    if word in PERIODS:
        return _named(word, day_at(now, day_ends), day_ends)
    form = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?", text.strip())
    try:
        moment = datetime.fromisoformat(form[0]) if form else None
    except ValueError:
        moment = None
    if form is None or moment is None:
        near = nearest(word, PERIODS)
        example = "14d, 12h, 3w, yesterday or 2026-11-01" if ages else "2026-11-01, 2026-11-01T18:00 or yesterday"
        raise ValueError(f"{option} must be like {example}, not {text!r}" + (f"; did you mean {near}?" if near else ""))
    seconds = (moment - EPOCH).total_seconds()
    if form[1] is not None:
        return Period(seconds, seconds)
    day = int(seconds // DAY)
    return Period(start_of(day, day_ends), start_of(day + 1, day_ends))


def _named(word: str, today: int, day_ends: float) -> Period:
    """The period of a word. today: the business day."""
    this = _date(today)
    monday, first = this - timedelta(days=this.weekday()), this.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    bounds = {
        "today": (this, this + timedelta(days=1)),
        "yesterday": (this - timedelta(days=1), this),
        "this-week": (monday, monday + timedelta(days=7)),
        "last-week": (monday - timedelta(days=7), monday),
        "this-month": (first, following),
        "last-month": ((first - timedelta(days=1)).replace(day=1), first),
    }
    begin, end = ((one - EPOCH.date()).days for one in bounds[word])
    return Period(start_of(begin, day_ends), start_of(end, day_ends))


def _word(text: str) -> str:
    return "-".join(text.lower().replace("_", " ").replace("-", " ").split())


def _date(day: int) -> date:
    return EPOCH.date() + timedelta(days=day)


def _day(day: int) -> str:
    return f"{_date(day):%a %Y-%m-%d}"


def _moment(local: float) -> str:
    return f"{EPOCH + timedelta(seconds=local):%a %Y-%m-%d %H:%M}"
