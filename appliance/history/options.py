"""The options of `tt-appliance history`."""

from __future__ import annotations

import argparse
from pathlib import Path

from appliance.history.periods import PERIODS, period_word


def add_history_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them to the command's parser."""
    parser.add_argument(
        "period",
        nargs="?",
        type=period_word,
        choices=PERIODS,
        metavar="PERIOD",
        help=f"{', '.join(PERIODS)}; weeks begin on Monday",
    )
    parser.add_argument(
        "--since", metavar="AGE", help="start: the day 14d or 3w ago, the hour 12h ago, or a date or a period"
    )
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
