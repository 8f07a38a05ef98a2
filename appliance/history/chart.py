"""A report as a chart: orders per day by hour and weekday, delivery times by day, and the slowest tables.

Needs matplotlib (the extra `report`), and imports it only to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from appliance.atomic_file import replacement
from appliance.core.delivery import CLOCK_HOURS, first_hour
from appliance.core.formatting import clock, legible
from appliance.core.values import Benchmarks
from appliance.gateway.order_json import EPOCH
from appliance.history.report import FEW, Report

KINDS = (".svg", ".png")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TABLES = 12
"""Maximum number of tables with room for their names."""
INK, FAINT, MAIN, SECOND, ALARM = "#1f2933", "#7b8794", "#1f6feb", "#93b8ee", "#c2410c"
FEW_DAYS = 10
"""Up to so many days each has its date as a tick; matplotlib would choose hours."""
FULL_DIGITS = 10
"""From so many orders per day on, the heat map shows no fraction."""
LONG = 70
"""From so many days on, lines have no markers."""


class NoChartError(Exception):
    """A chart can't be drawn; the message says why and what to do."""


def check(path: Path) -> None:
    """Check that a chart can be drawn, before fetching data.

    Raises:
        NoChartError: matplotlib is missing; with a message for the user.
        ValueError: The name has another suffix; with a message for the user.
    """
    if path.suffix.lower() not in KINDS:
        raise ValueError(f"{path}: the name of a chart must end in {' or '.join(KINDS)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise NoChartError(
            "matplotlib is not installed; install this program with its extra `report`, or only matplotlib: "
            "pip install matplotlib"
        ) from None


def save_chart(report: Report, open_days: Sequence[int], path: Path, gateway: str, benchmarks: Benchmarks) -> None:
    """Draw a chart. open_days: the days that each row of the heat map is the average of.

    Raises:
        NoChartError, ValueError: See `check`.
        OSError: The file can't be written.
    """
    check(path)
    target = benchmarks.late_after
    import matplotlib as mpl

    # Names come from the gateway, and `$` would start a formula.
    settings: Any = {"text.parse_math": False, "svg.hashsalt": "history", "font.size": 9, "axes.edgecolor": FAINT}
    settings |= dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK)
    with mpl.rc_context(settings):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 8.5), layout="constrained", dpi=120)
        halves: Any = figure.subfigures(2, 1, height_ratios=(1, 1.05))
        top, bottom = halves
        hours, tables = top.subplots(1, 2, width_ratios=(1.7, 1))
        days = bottom.subplots()
        figure.suptitle(_title(report, gateway), fontsize=12, x=0.01, ha="left")
        _hours(hours, report, open_days, first_hour(benchmarks.day_ends))
        _tables(tables, report, target)
        _days(days, report, target)
        for axes in (days, tables):
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        kind = path.suffix.lower().removeprefix(".")
        with replacement(path) as new:
            figure.savefig(new, format=kind, metadata={"Date": None} if kind == "svg" else None)


def _title(report: Report, gateway: str) -> str:
    dates = [(EPOCH + timedelta(days=number)).date() for number in report.days]
    span = f", {dates[0]} to {dates[-1]}" if dates else ""
    return f"{legible(gateway)}: {report.all.orders:,} orders{span}"


def _hours(axes: Any, report: Report, open_days: Sequence[int], day_begins: int) -> None:
    """A heat map: orders per day by hour and weekday. day_begins: the hour of the clock."""
    busy = [hour for hour in range(CLOCK_HOURS) if any(day[hour] for day in report.hours)]
    first, last = (busy[0], busy[-1]) if busy else (0, 23)
    cells = [
        [count / max(1, days) for count in day[first : last + 1]]
        for day, days in zip(report.hours, open_days, strict=True)
    ]
    most = max(map(max, cells))
    axes.imshow(cells, cmap="Blues", vmin=0, vmax=most or 1, aspect="auto")
    axes.set_title("Orders per day, by hour and weekday", loc="left")
    axes.set_xticks(range(last - first + 1), [str((day_begins + hour) % 24) for hour in range(first, last + 1)])
    counted = (f"{days} {'day' if days == 1 else 'days'}" for days in open_days)
    names = [f"{name} ({days})" for name, days in zip(WEEKDAYS, counted, strict=True)]
    axes.set_yticks(range(7), names)
    axes.set_xlabel("hour, by the gateway's own clock; in brackets: days with orders")
    axes.tick_params(length=0)
    small = 7 if last - first > 14 else 8
    for weekday, row in enumerate(cells):
        for at, count in enumerate(row):
            if count:
                shade = "white" if count > most * 0.6 else INK
                axes.text(at, weekday, _per_day(count), ha="center", va="center", color=shade, fontsize=small)


def _per_day(orders: float) -> str:
    return f"{orders:.0f}" if orders >= FULL_DIGITS or orders == int(orders) else f"{orders:.1f}"


def _days(axes: Any, report: Report, target: float) -> None:
    """Median and 90th percentile of each day, and the target."""
    known = [(EPOCH + timedelta(days=number), day) for number, day in report.days.items() if day.times]
    dates = [date for date, _ in known]
    style: dict[str, Any] = {"marker": "o", "markersize": 3.5} if len(known) < LONG else {}
    slow = [(day.slow or 0.0) / 60 for _, day in known]
    axes.plot(dates, slow, color=SECOND, label="nine of ten were delivered within", **style)
    axes.plot(dates, [(day.median or 0.0) / 60 for _, day in known], color=MAIN, label="median", **style)
    axes.axhline(target / 60, color=ALARM, linewidth=1, linestyle="--", label=f"target, {clock(target)}")
    axes.set_title("Delivery times by day", loc="left")
    axes.set_ylabel("minutes")
    axes.set_ylim(0, max([target / 60, *slow]) * 1.15)
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", frameon=False, ncols=3)
    if len(known) <= FEW_DAYS:
        axes.set_xticks(dates, [f"{date:%a} {date.day} {date:%b}" for date in dates])
    else:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=3, maxticks=12)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _tables(axes: Any, report: Report, target: float) -> None:
    """Bars: medians of the slowest tables, slowest at the top."""
    slowest = report.slowest[:TABLES]
    names = [f"{legible(name, 12)}  ({len(table.times)})" for name, table in slowest]
    axes.barh(range(len(slowest)), [(table.median or 0.0) / 60 for _, table in slowest], color=MAIN, height=0.65)
    axes.set_yticks(range(len(slowest)), names)
    axes.set_xlim(0, max([target / 60, *((table.median or 0.0) / 60 for _, table in slowest)]) * 1.1)
    axes.invert_yaxis()
    axes.axvline(target / 60, color=ALARM, linewidth=1, linestyle="--")
    axes.set_title("Slowest tables, by their median", loc="left")
    axes.set_xlabel(f"minutes; in brackets: deliveries, {FEW} or more")
    axes.tick_params(axis="y", length=0)
