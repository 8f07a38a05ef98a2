"""`tt-appliance history`: what a gateway's orders were like, as a table, a file or a chart."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

from appliance.config import Config
from appliance.core.formatting import legible
from appliance.core.values import Address, Credential
from appliance.gateway.feed_priority import wait_for_feed
from appliance.gateway.history import HistoryError, Listed, Trouble, read_page
from appliance.history.archive import MIB, MONTH, Archive, Bounds, Query
from appliance.history.archiver import fill
from appliance.history.chart import NoChartError, check, save_chart
from appliance.history.date_range import span_of
from appliance.history.export import csv_lines, json_lines, lines_to
from appliance.history.locate import CurrentAddresses, looking
from appliance.history.paths import NoPlaceError, find_place
from appliance.history.progress import Bar
from appliance.history.report import order_lines, report, report_lines
from appliance.history.schema import ArchiveError
from appliance.standard_streams import OutputError

NOT_UP_TO_DATE = 75
"""The exit code where the gateway could not be read, and what was told is what the archive holds (sysexits.h)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--since", metavar="AGE", help="what began since then: 14d, 12h, 3w, or a date")
    parser.add_argument("--from", dest="begin", metavar="DATE", help="the first day or moment, such as 2026-11-01")
    parser.add_argument("--to", dest="end", metavar="DATE", help="the last day, or the moment before which")
    parser.add_argument(
        "--type", action="append", default=[], metavar="KIND", help="on_premise or to_go; may be repeated"
    )
    parser.add_argument("--table", action="append", default=[], metavar="NAME", help="one table; may be repeated")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    parser.add_argument("--orders", action="store_true", help="in the table, each order instead of each day")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of to the terminal")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw a chart instead, as .svg or .png")
    parser.add_argument("--offline", action="store_true", help="ask no gateway: tell what the archive holds")


def main(options: argparse.Namespace, config: Config, *, chosen: bool) -> int:
    """Run the command; its exit code. chosen: the settings were named on the command line."""
    try:
        span_of(options, None)
        if options.chart is not None:
            if options.output is not None or options.format != "table" or options.orders:
                raise ValueError("--chart draws instead of telling; leave out --output, --format and --orders")
            check(options.chart)
        place = find_place(config, chosen=chosen)
    except (NoPlaceError, NoChartError, ValueError) as error:
        return _fail(str(error))
    archive = Archive(place.directory, Bounds(config.history.months * MONTH, config.history.size * MIB))
    trouble = None
    try:
        if place.credential is not None and not options.offline:
            trouble = asyncio.run(_fetch(archive, config, place.credential))
        kept = archive.gateways()
        if not kept and (trouble or place.credential is None or options.offline):
            return _fail(f"{trouble}; no orders are kept yet" if trouble else "no orders are kept yet")
        if trouble is not None:
            _say(f"{trouble}; this is what was kept before")
        gateway = place.credential.gateway if place.credential else kept[-1]
        _tell(archive, gateway, options, config)
    except OutputError:
        raise
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))
    except (ArchiveError, NoChartError) as error:
        return _fail(str(error))
    return NOT_UP_TO_DATE if trouble else 0


async def _fetch(archive: Archive, config: Config, credential: Credential) -> str | None:
    """Read what the gateway knows into the archive; gives what went wrong, for a person."""
    name = credential.gateway
    bar = Bar(sys.stderr, "reading")
    try:
        async with looking(config, name) as sight:
            bar.show(0.0, f"looking for {legible(name)}")
            where = CurrentAddresses(lambda: sight.resolved(name))
            silent: set[Address] = set()

            async def ask(offset: int, since: float | None) -> list[Listed]:
                # The first that answers is used; all of them are the gateway's own at this moment.
                await wait_for_feed(archive.directory)
                addresses = await where.addresses()
                for address in [one for one in addresses if one not in silent][:-1]:
                    try:
                        return await read_page(address, credential.token, offset, since)
                    except HistoryError as error:
                        if error.trouble is not Trouble.SILENT:
                            raise
                        silent.add(address)
                last = next((one for one in addresses if one not in silent), addresses[-1])
                return await read_page(last, credential.token, offset, since)

            read = await fill(
                archive,
                name,
                ask,
                whole=True,
                tell=lambda orders, part: bar.show(part, f"{orders:,} orders"),
                busy=lambda: bar.show(0.0, "another program is reading"),
            )
    except HistoryError as error:
        if error.trouble is Trouble.MOVED:
            return f"{legible(name)} is not in sight"
        again = error.trouble in (Trouble.REFUSED, Trouble.MALFORMED)
        return f"{error}: pair again" if again else str(error)
    except (ArchiveError, TimeoutError) as error:
        return str(error) or "the disk does not answer"
    finally:
        bar.close()
    if read.unusable:
        _say("some entries of the gateway's history can't be read, and are left out")
    return None


def _tell(archive: Archive, gateway: str, options: argparse.Namespace, config: Config) -> None:
    begin, end = span_of(options, archive.latest(gateway))
    types = tuple(kind.strip().upper().replace("-", "_").replace(" ", "_") for kind in options.type)
    query = Query(begin, end, types, tuple(options.table))
    benchmarks = config.orders
    if next(archive.rows(gateway, query), None) is None:
        _say("no order is like that")
    lines: Iterable[str]
    if options.orders or options.format != "table":
        make = {"csv": csv_lines, "json": json_lines, "table": order_lines}[options.format]
        lines = make(archive.orders(gateway, query), benchmarks.forget_after)
    else:
        told = report(archive.rows(gateway, query), benchmarks.forget_after)
        if options.chart is not None:
            save_chart(told, options.chart, gateway, benchmarks.late_after)
            return
        lines = report_lines(told, gateway, benchmarks.late_after)
    with lines_to(options.output) as out:
        for line in lines:
            out.write(line + "\n")


def _say(words: str) -> None:
    print(f"tt-appliance history: {words}", file=sys.stderr)


def _fail(words: str) -> int:
    _say(words)
    return 1
