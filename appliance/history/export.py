"""Orders as CSV with a header, or as JSON lines, one order per line.

JSON contains every text unchanged. CSV escapes control characters, which could break lines or control a terminal, and
prefixes texts that a spreadsheet would interpret as formulas with an apostrophe.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TextIO

from appliance.atomic_file import replacement
from appliance.core.delivery import Finished, LeftOut, delivery_time
from appliance.gateway.history import format_local_time

COLUMNS = (
    "uuid",
    "tracker",
    "type",
    "table",
    "created",
    "cleared",
    "delivery_s",
    "time_to_sit_s",
    "left_out",
    "paged",
)
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_FORMULA = ("=", "+", "-", "@")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def facts(order: Finished, forget_after: float) -> tuple[object, ...]:
    """The values of an order by column; None if unknown. Times are the gateway's local ones."""
    seconds = delivery_time(order, forget_after)
    left_out = isinstance(seconds, LeftOut)
    return (
        order.uuid,
        order.name,
        order.order_type,
        order.location,
        None if order.created is None else format_local_time(order.created),
        None if order.cleared is None else format_local_time(order.cleared),
        None if isinstance(seconds, LeftOut) else _plain(seconds),
        None if order.sat is None else _plain(order.sat),
        str(seconds) if left_out else None,
        order.paged,
    )


def csv_lines(orders: Iterable[Finished], forget_after: float) -> Iterator[str]:
    """The header, and a line for each order."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")

    def line(cells: Iterable[object]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue().removesuffix("\n")

    yield line(COLUMNS)
    for order in orders:
        yield line(map(_cell, facts(order, forget_after)))


def json_lines(orders: Iterable[Finished], forget_after: float) -> Iterator[str]:
    """A JSON object for each order."""
    for order in orders:
        yield json.dumps(dict(zip(COLUMNS, facts(order, forget_after), strict=True)))


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return value
    if not value.isprintable():
        value = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), value)
    return f"'{value}" if value.startswith(_FORMULA) and not _NUMBER.fullmatch(value) else value


def _plain(seconds: float) -> int | float:
    return int(seconds) if seconds == int(seconds) else round(seconds, 1)


@contextmanager
def lines_to(path: Path | None) -> Iterator[TextIO]:
    """A text stream to a file, which is replaced at the end of the block, or to standard output. Raises OSError."""
    if path is not None:
        with replacement(path) as new, new.open("w", encoding="utf-8", newline="") as out:
            yield out
        return
    yield sys.stdout
    sys.stdout.flush()
