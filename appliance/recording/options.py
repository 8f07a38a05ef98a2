"""The options of `tt-appliance record`."""

from __future__ import annotations

import argparse
from pathlib import Path

from appliance.config.checks import seconds
from appliance.config.yaml_lines import Scalar


def add_record_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them to the command's parser."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file")
    parser.add_argument(
        "--for",
        dest="duration",
        type=_duration,
        metavar="TIME",
        help="end after a time such as 10 min; default: Ctrl-C",
    )


def _duration(text: str) -> float:
    """A length of time in seconds, written as in the settings."""
    try:
        return seconds(Scalar(1, "str", text, plain=True))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
