"""Which time a person means: `--since 14d`, `--from`, `--to`, all by the gateway's own clock."""

from __future__ import annotations

import argparse
import re
from datetime import datetime

from appliance.core.delivery import DAY, HOUR
from appliance.gateway.wire import EPOCH

UNITS = {"h": HOUR, "d": DAY, "w": 7 * DAY}
AGREE = 2 * DAY
"""Seconds by which this machine's clock and the gateway's may differ and still be taken for the same time."""


def span_of(options: argparse.Namespace, latest: float | None) -> tuple[float | None, float | None]:
    """The first moment that counts and the first that does not any more, as the archive counts; None for no bound.

    latest: when the newest order began. An age counts back from this machine's present where its clock fits the
    gateway's, and else from the newest order: neither this machine nor the gateway need know what day it is.

    Raises:
        ValueError: What is wrong with them, for the person.
    """
    if options.since is not None and options.begin is not None:
        raise ValueError("--since and --from both say where to begin; leave one of them out")
    begin = None if options.begin is None else _moment(options.begin, "--from")
    end = None if options.end is None else _moment(options.end, "--to", last=True)
    if options.since is not None:
        age = re.fullmatch(r"([0-9]{1,5})([hdw])", options.since.strip().lower())
        if age is None:
            begin = _moment(options.since, "--since", ages=True)
        else:
            begin = _present(latest) - int(age[1]) * UNITS[age[2]]
    if begin is not None and end is not None and begin >= end:
        raise ValueError("the end is not after the beginning")
    return begin, end


def _present(latest: float | None) -> float:
    own = (datetime.now() - EPOCH).total_seconds()
    # An order may be as old as the restaurant was closed for, but none is younger than the present.
    if latest is None or -60 * DAY < latest - own < AGREE:
        return own
    return latest


def _moment(text: str, option: str, *, last: bool = False, ages: bool = False) -> float:
    """A date or a moment, without a zone: it is the gateway's local time. last: a date stands for its end."""
    form = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?", text.strip())
    try:
        moment = datetime.fromisoformat(form[0]) if form else None
    except ValueError:
        moment = None
    if form is None or moment is None:
        example = "14d, 12h, 3w, 2026-11-01" if ages else "2026-11-01 or 2026-11-01T18:00"
        raise ValueError(f"{option} must be like {example}, not {text!r}")
    seconds = (moment - EPOCH).total_seconds()
    return seconds + DAY if last and form[1] is None else seconds
