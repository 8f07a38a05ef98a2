"""`tt-appliance history`: reports a gateway's finished orders as a table, a file or a chart."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

from appliance.config import Config
from appliance.config.checks import nearest
from appliance.core.formatting import legible
from appliance.core.values import ON_PREMISE, TO_GO, Address, Credential
from appliance.gateway.history import HistoryError, HistoryFailure, ListedOrder, read_orders
from appliance.history.archive import MIB, MONTH, Archive, Bounds, Query
from appliance.history.archiver import update
from appliance.history.chart import NoChartError, check, save_chart
from appliance.history.export import csv_lines, json_lines, lines_to
from appliance.history.locate import CurrentAddresses, search_gateways
from appliance.history.paths import NotPairedError, find_state_directory
from appliance.history.periods import read_period
from appliance.history.report import open_days, order_lines, report, report_lines
from appliance.history.schema import ArchiveError
from appliance.progress import ProgressBar
from appliance.standard_streams import OutputError
from appliance.status.client import NotPermittedError, RunningAppliance, StatusError, find_appliance

NOT_UP_TO_DATE = 75
"""The exit code if only archived orders were reported, because reading from the gateway failed (sysexits.h)."""
LISTED = 10
"""Known types or tables in a message, if none is similar to the wanted one."""
USAGE = 2
"""The exit code for a wrong word or value, as argparse has it."""


def main(options: argparse.Namespace, config: Config, *, chosen: bool) -> int:
    """Run the command; its exit code. chosen: there is a settings file."""
    try:
        read_period(options, None, config.orders.day_ends)
        if options.chart is not None:
            if options.output is not None or options.format != "table" or options.orders:
                raise ValueError("--chart can't be combined with --output, --format or --orders")
            check(options.chart)
        state = find_state_directory(config, chosen=chosen)
    except ValueError as error:
        return _fail(str(error), USAGE)
    except (NotPairedError, NoChartError) as error:
        return _fail(str(error))
    appliance, trouble = _running_appliance(state.directory)
    bounds = Bounds(config.history.months * MONTH, config.history.size * MIB)
    archive = Archive(state.directory, bounds, of_another=appliance is not None or trouble is not None)
    try:
        if state.credential is None or options.offline:
            trouble = None
        elif appliance is not None:
            trouble = _have_filled(appliance)
        elif trouble is None:
            trouble = asyncio.run(_fetch(archive, config, state.credential))
        archived = archive.gateways()
        if not archived and (trouble or state.credential is None or options.offline):
            return _fail(f"{trouble}; the archive is empty" if trouble else "the archive is empty")
        if trouble is not None:
            _print_error(f"{trouble}; using archived data")
        gateway = state.credential.gateway if state.credential else archived[-1]
        reported = _report(archive, gateway, options, config)
    except OutputError:
        raise
    except ValueError as error:
        return _fail(str(error), USAGE)
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))
    except (ArchiveError, NoChartError) as error:
        return _fail(str(error))
    return NOT_UP_TO_DATE if trouble else 0 if reported else 1


def _running_appliance(directory: Path) -> tuple[RunningAppliance | None, str | None]:
    """The appliance that owns a state directory, if one is running; or an error message, if it does not answer."""
    try:
        return find_appliance(directory), None
    except NotPermittedError:
        # Who may read the directory, and not the status of the service, has another directory than the service.
        return None, None
    except StatusError as error:
        return None, str(error)


def _have_filled(appliance: RunningAppliance) -> str | None:
    """Have the running appliance read the gateway's history into its archive; an error message if that fails."""
    bar = ProgressBar(sys.stderr, "reading")
    try:
        bar.show(0.0, "asking the appliance")
        unreadable = appliance.fill_archive(lambda orders, part: bar.show(part, f"{orders:,} orders"))
    except StatusError as error:
        return str(error)
    finally:
        bar.close()
    _report_unreadable(unreadable)
    return None


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
    _report_unreadable(read.unusable)
    return None


def _report_unreadable(entries: int) -> None:
    if entries:
        _print_error(f"ignored {entries} unreadable entries of the gateway's history")


def _report(archive: Archive, gateway: str, options: argparse.Namespace, config: Config) -> bool:
    """Write the report; False if there was no order to draw. Raises ValueError for a type or table that never was."""
    benchmarks = config.orders
    day_ends = benchmarks.day_ends
    latest = archive.latest(gateway)
    period = read_period(options, latest, day_ends)
    types = tuple(kind.strip().upper().replace("-", "_").replace(" ", "_") for kind in options.type)
    if latest is not None:
        _check_known("type", types, archive.distinct(gateway, "type") | {ON_PREMISE, TO_GO})
        _check_known("table", options.table, archive.distinct(gateway, "location"))
    query = Query(period.begin, period.end, types, tuple(options.table))
    if next(archive.rows(gateway, query), None) is None:
        _print_error(f"no matching orders {period.words(day_ends)}".rstrip())
        if options.chart is not None or (options.output is not None and options.format == "table"):
            return False
    lines: Iterable[str]
    if options.orders or options.format != "table":
        make = {"csv": csv_lines, "json": json_lines, "table": order_lines}[options.format]
        lines = make(archive.orders(gateway, query), benchmarks.forget_after)
    else:
        totals = report(archive.rows(gateway, query), benchmarks.forget_after, day_ends)
        if options.chart is not None:
            every = archive.rows(gateway, Query(period.begin, period.end))
            save_chart(totals, open_days(every, day_ends), options.chart, gateway, benchmarks)
            return True
        lines = report_lines(totals, gateway, benchmarks, period) if totals.all.orders else ()
    with lines_to(options.output) as out:
        for line in lines:
            out.write(line + "\n")
    return True


def _check_known(what: str, wanted: Iterable[str], known: frozenset[str]) -> None:
    """Check that each wanted type or table occurred at any time. Raises ValueError."""
    for name in wanted:
        if name in known:
            continue
        near = nearest(name, tuple(sorted(known)))
        if near is not None:
            hint = f"did you mean {legible(near)}?"
        else:
            some = sorted(filter(None, known), key=lambda one: (len(one), one))
            more = ", …" if len(some) > LISTED else ""
            hint = f"{what}s: {', '.join(map(legible, some[:LISTED]))}{more}" if some else f"no order had a {what}"
        raise ValueError(f"no order ever had the {what} {legible(name)}; {hint}")


def _print_error(words: str) -> None:
    print(f"tt-appliance history: {words}", file=sys.stderr)


def _fail(words: str, code: int = 1) -> int:
    _print_error(words)
    return code
