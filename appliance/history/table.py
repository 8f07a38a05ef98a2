"""A report as text in columns, within 80 of them: days, their sum, and what is to be said beside the figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from appliance.core.delivery import Finished, LeftOut, delivery_time
from appliance.core.formatting import clock, legible
from appliance.gateway.wire import EPOCH
from appliance.history.report import FEW, Report, Sum

WIDTH = 80
SLOWEST = 5
"""Tables that are named."""
NAME = 16
"""Columns of a name; a longer one ends in an ellipsis."""


def report_lines(report: Report, gateway: str, target: float) -> Iterator[str]:
    """The report, a line each. target: seconds."""
    within = f"in {clock(target)}"
    yield f"Orders of {legible(gateway)}, by the gateway's own time"
    yield ""
    yield f"{_head('day', within)}{'left out':>11}"
    for number, day in report.days.items():
        yield _row((EPOCH + timedelta(days=number)).strftime("%a %Y-%m-%d"), day, target)
    yield _row("all", report.all, target)
    if report.left_out:
        yield ""
        parts = (f"{count:,} {why}" for why, count in report.left_out.most_common())
        yield from _wrapped(f"left out of the times: {', '.join(parts)}")
    slowest = report.slowest[:SLOWEST]
    if slowest:
        yield ""
        yield _head("slowest tables", within)
        for name, table in slowest:
            yield _row(legible(name, NAME), table, target)
        yield f"by their median, of those with {FEW} deliveries or more"


def order_lines(orders: Iterable[Finished], forget_after: float) -> Iterator[str]:
    """Each order, a line each."""
    yield f"{'started':<19} {'tracker':<9} {'kind':<10} {'table':<10} {'time':>7}  not counted"
    for order in orders:
        began = "?" if order.created is None else moment(order.created)
        seconds = delivery_time(order, forget_after)
        time, why = ("", str(seconds)) if isinstance(seconds, LeftOut) else (clock(seconds), "")
        kind = order.order_type.lower().replace("_", " ")
        place = legible(order.location, 10) if order.location else ""
        name = legible(order.name, 9)
        yield f"{began:<19} {name:<9} {legible(kind, 10):<10} {place:<10} {time:>7}  {why}".rstrip()


def moment(local: float) -> str:
    """A gateway's local time for a person."""
    return (EPOCH + timedelta(seconds=local)).strftime("%Y-%m-%d %H:%M:%S")


def _head(first: str, within: str) -> str:
    return f"{first:<{NAME}}{'orders':>8}{'average':>10}{'median':>9}{'9 in 10':>10}{within:>12}"


def _row(name: str, some: Sum, target: float) -> str:
    within = some.within(target)
    share = "-" if within is None else f"{min(99, round(within * 100)) if within < 1 else 100}%"
    left = some.orders - len(some.times)
    times = f"{_time(some.average):>10}{_time(some.median):>9}{_time(some.slow):>10}"
    return f"{name:<{NAME}}{some.orders:>8,}{times}{share:>12}{left or '':>11}".rstrip()


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else clock(round(seconds))


def _wrapped(text: str) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > WIDTH:
            yield line
            line = " "
        line = f"{line} {word}" if line else word
    yield line
