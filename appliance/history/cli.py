"""`tt-appliance history`: reports a gateway's finished orders as a table, a file or a chart."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from appliance.config import Config
from appliance.core.delivery import DAY, HOUR
from appliance.core.formatting import legible
from appliance.core.values import Address, Credential
from appliance.gateway.feed_priority import wait_for_feed
from appliance.gateway.history import HistoryError, HistoryFailure, ListedOrder, read_orders
from appliance.gateway.wire import EPOCH
from appliance.history.archive import MIB, MONTH, Archive, Bounds, Query
from appliance.history.archiver import update
from appliance.history.chart import NoChartError, check, save_chart
from appliance.history.export import csv_lines, json_lines, lines_to
from appliance.history.locate import CurrentAddresses, search_gateways
from appliance.history.paths import NotPairedError, find_state_directory
from appliance.history.report import order_lines, report, report_lines
from appliance.history.schema import ArchiveError
from appliance.progress import ProgressBar
from appliance.standard_streams import OutputError

NOT_UP_TO_DATE = 75
"""The exit code if only archived orders were reported, because reading from the gateway failed (sysexits.h)."""
UNITS = {"h": HOUR, "d": DAY, "w": 7 * DAY}
CLOCK_TOLERANCE = 2 * DAY
"""Seconds by which the clocks of this machine and the gateway may differ."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--since", metavar="AGE", help="start: an age such as 14d, 12h or 3w, or a date")
    parser.add_argument(
        "--from", dest="begin", metavar="DATE", help="start: a date or time, such as 2026-11-01 or 2026-11-01T18:00"
    )
    parser.add_argument("--to", dest="end", metavar="DATE", help="end: the last day, or a time (exclusive)")
    parser.add_argument(
        "--type", action="append", default=[], metavar="KIND", help="order type: on_premise or to_go; may be repeated"
    )
    parser.add_argument("--table", action="append", default=[], metavar="NAME", help="table; may be repeated")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    parser.add_argument("--orders", action="store_true", help="list orders instead of totals per day")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw a chart (.svg or .png)")
    parser.add_argument("--offline", action="store_true", help="use archived data only")


def main(options: argparse.Namespace, config: Config, *, chosen: bool) -> int:
    """Run the command; its exit code. chosen: there is a settings file."""
    try:
        time_range(options, None)
        if options.chart is not None:
            if options.output is not None or options.format != "table" or options.orders:
                raise ValueError("--chart can't be combined with --output, --format or --orders")
            check(options.chart)
        state = find_state_directory(config, chosen=chosen)
    except (NotPairedError, NoChartError, ValueError) as error:
        return _fail(str(error))
    archive = Archive(state.directory, Bounds(config.history.months * MONTH, config.history.size * MIB))
    trouble = None
    try:
        if state.credential is not None and not options.offline:
            trouble = asyncio.run(_fetch(archive, config, state.credential))
        archived = archive.gateways()
        if not archived and (trouble or state.credential is None or options.offline):
            return _fail(f"{trouble}; the archive is empty" if trouble else "the archive is empty")
        if trouble is not None:
            _print_error(f"{trouble}; using archived data")
        gateway = state.credential.gateway if state.credential else archived[-1]
        _report(archive, gateway, options, config)
    except OutputError:
        raise
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))
    except (ArchiveError, NoChartError) as error:
        return _fail(str(error))
    return NOT_UP_TO_DATE if trouble else 0


async def _fetch(archive: Archive, config: Config, credential: Credential) -> str | None:
    """Read the gateway's history into the archive; an error message if that fails."""
    name = credential.gateway
    bar = ProgressBar(sys.stderr, "reading")
    try:
        async with search_gateways(config, name) as search:
            bar.show(0.0, f"searching for {legible(name)}")
            where = CurrentAddresses(lambda: search.resolve(name))
            silent: set[Address] = set()

            async def ask(offset: int, since: float | None) -> list[ListedOrder]:
                # Use the first address that responds. All of them belong to the gateway.
                await wait_for_feed(archive.directory)
                addresses = await where.addresses()
                for address in [one for one in addresses if one not in silent][:-1]:
                    try:
                        return await read_orders(address, credential.token, offset, since)
                    except HistoryError as error:
                        if error.failure is not HistoryFailure.NO_ANSWER:
                            raise
                        silent.add(address)
                last = next((one for one in addresses if one not in silent), addresses[-1])
                return await read_orders(last, credential.token, offset, since)

            read = await update(
                archive,
                name,
                ask,
                whole=True,
                on_progress=lambda orders, part: bar.show(part, f"{orders:,} orders"),
                on_busy=lambda: bar.show(0.0, "waiting for another program to update the archive"),
            )
    except HistoryError as error:
        if error.failure is HistoryFailure.NOT_FOUND:
            return f"can't find {legible(name)} on the network"
        rejected = error.failure in (HistoryFailure.REFUSED, HistoryFailure.MALFORMED)
        return f"{error}; pair again: tt-appliance pair" if rejected else str(error)
    except (ArchiveError, TimeoutError) as error:
        return str(error) or "reading or writing the archive timed out"
    finally:
        bar.close()
    if read.unusable:
        _print_error(f"ignored {read.unusable} unreadable entries of the gateway's history")
    return None


def _report(archive: Archive, gateway: str, options: argparse.Namespace, config: Config) -> None:
    begin, end = time_range(options, archive.latest(gateway))
    types = tuple(kind.strip().upper().replace("-", "_").replace(" ", "_") for kind in options.type)
    query = Query(begin, end, types, tuple(options.table))
    benchmarks = config.orders
    if next(archive.rows(gateway, query), None) is None:
        _print_error("no matching orders")
    lines: Iterable[str]
    if options.orders or options.format != "table":
        make = {"csv": csv_lines, "json": json_lines, "table": order_lines}[options.format]
        lines = make(archive.orders(gateway, query), benchmarks.forget_after)
    else:
        totals = report(archive.rows(gateway, query), benchmarks.forget_after)
        if options.chart is not None:
            save_chart(totals, options.chart, gateway, benchmarks.late_after)
            return
        lines = report_lines(totals, gateway, benchmarks.late_after)
    with lines_to(options.output) as out:
        for line in lines:
            out.write(line + "\n")


def time_range(options: argparse.Namespace, latest: float | None) -> tuple[float | None, float | None]:
    """Start (inclusive) and end (exclusive) in the archive's time; None for no bound.

    latest: when the newest order started. An age counts back from now if this machine's clock agrees with the
    gateway's, otherwise from the newest order.

    Raises:
        ValueError: With a message for the user.
    """
    if options.since is not None and options.begin is not None:
        raise ValueError("--since and --from are both the start; use only one of them")
    begin = None if options.begin is None else _moment(options.begin, "--from")
    end = None if options.end is None else _moment(options.end, "--to", last=True)
    if options.since is not None:
        age = re.fullmatch(r"([0-9]{1,5})([hdw])", options.since.strip().lower())
        if age is None:
            begin = _moment(options.since, "--since", ages=True)
        else:
            begin = _now(latest) - int(age[1]) * UNITS[age[2]]
    if begin is not None and end is not None and begin >= end:
        raise ValueError("the end (--to) must be after the start")
    return begin, end


def _now(latest: float | None) -> float:
    own = (datetime.now() - EPOCH).total_seconds()
    # The newest order may be old after a closure of weeks, but can't be in the future.
    if latest is None or -60 * DAY < latest - own < CLOCK_TOLERANCE:
        return own
    return latest


def _moment(text: str, option: str, *, last: bool = False, ages: bool = False) -> float:
    """A date or time in the gateway's local time. last: a date means the end of that day."""
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


def _print_error(words: str) -> None:
    print(f"tt-appliance history: {words}", file=sys.stderr)


def _fail(words: str) -> int:
    _print_error(words)
    return 1
