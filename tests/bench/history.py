"""The archive compared with plain sqlite3: insert, report on and export 13 months of 1,000 orders a day.

Plain is what a script of twenty lines does: one table with the same columns and indexes, one transaction, fetchall.
Bytes written are those that the process passes to the kernel for one hourly sync into a full archive.
"""

from __future__ import annotations

import csv
import io
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from appliance.core.delivery import DAY, Finished
from appliance.history.archive import Archive, Progress
from appliance.history.export import csv_lines
from appliance.history.report import report
from appliance.history.schema import FILE, MIGRATIONS, pack
from tests.bench.table import Row

NAMES = ("history", "archive", "plain sqlite3")
DAYS, ORDERS_PER_DAY = 395, 1000
HOURS = (42, 150)
"""Orders of a normal hour, and of a busy one."""
FORGET = 3 * 3600.0
COLUMNS = "gateway, uuid, name, type, location, paged, created, cleared, elapsed, took, sat"


def measure(days: int = DAYS) -> list[Row]:
    """The rows of the table."""
    chance = random.Random(3)
    now = time.time() - 946_684_800
    orders = [
        _order(chance, now - days * DAY + number * DAY / ORDERS_PER_DAY) for number in range(days * ORDERS_PER_DAY)
    ]
    with tempfile.TemporaryDirectory(prefix="bench-history-") as name:
        folder = Path(name)
        archive, plain = Archive(folder), sqlite3.connect(folder / "plain.sqlite3")
        for statements in MIGRATIONS:
            plain.executescript(statements)
        insert_time = _timed(lambda: archive.add("Bar", orders, Progress()))
        plain_insert_time = _timed(lambda: _put(plain, orders))
        report_time = _best(lambda: report(archive.rows("Bar"), FORGET))
        plain_report_time = _best(lambda: _figures(plain))
        export_time = _best(lambda: sum(map(len, csv_lines(archive.orders("Bar"), FORGET))))
        plain_export_time = _best(lambda: _write(plain))
        size = (folder / FILE).stat().st_size
        rows = [
            Row(f"{len(orders):,} orders inserted", "s", insert_time, plain_insert_time, at_most=2.0),
            Row("report on all orders", "s", report_time, plain_report_time, at_most=2.5),
            Row("all orders as CSV", "s", export_time, plain_export_time, at_most=4.0),
            Row("archive size", "MB", size / 1e6, limit=256 * 1.048576),
        ]
        for count in HOURS:
            more = [_order(chance, now + number) for number in range(count)]
            before = _written()
            archive.add("Bar", more, Progress())
            rows.append(Row(f"written to disk for {count} new orders", "kB", (_written() - before) / 1000))
        before = _written()
        archive.add("Bar", orders[-1000:], Progress())
        rows.append(Row("written to disk without new orders", "kB", (_written() - before) / 1000, limit=0.0))
        plain.close()
    return rows


def _order(chance: random.Random, at: float) -> Finished:
    at = float(int(at))
    uuid = str(UUID(int=chance.getrandbits(128)))
    cleared = at + chance.randint(60, 600)
    return Finished(uuid, str(chance.randint(1, 99)), "ON_PREMISE", str(chance.randint(1, 40)), False, at, cleared, 0.0)


def _put(plain: sqlite3.Connection, orders: list[Finished]) -> None:
    rows = (
        (1, pack(o.uuid), o.name, o.order_type, o.location, o.paged, o.created, o.cleared, o.elapsed, None, None)
        for o in orders
    )
    with plain:
        plain.executemany(f"INSERT INTO orders ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)


def _figures(plain: sqlite3.Connection) -> tuple[float, dict[int, float]]:
    """The median over all orders and by day: the minimum that a report contains."""
    days: dict[int, list[float]] = {}
    rows = plain.execute(
        "SELECT type, location, created, cleared FROM orders WHERE gateway = 1 ORDER BY coalesce(created, cleared)"
    ).fetchall()
    for _, _, created, cleared in rows:
        days.setdefault(int(created // DAY), []).append(cleared - created)
    every = [time_ for times in days.values() for time_ in times]
    return statistics.median(every), {day: statistics.median(times) for day, times in days.items()}


def _write(plain: sqlite3.Connection) -> int:
    out = io.StringIO()
    csv.writer(out).writerows(plain.execute("SELECT * FROM orders ORDER BY coalesce(created, cleared)").fetchall())
    return out.tell()


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _best(do: Callable[[], object]) -> float:
    """The fastest run in seconds, as it was disturbed least."""
    return min(_timed(do) for _ in range(3))


def _written() -> int:
    """Bytes that this process has written to the kernel."""
    for line in Path(f"/proc/{os.getpid()}/io").read_text().splitlines():
        if line.startswith("wchar:"):
            return int(line.split()[1])
    raise AssertionError("/proc/PID/io has no wchar line")
