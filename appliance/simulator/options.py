"""The options of `tt-appliance simulate`."""

from __future__ import annotations

import argparse
from ipaddress import ip_address
from pathlib import Path

NAME = "Simulated gateway"
"""Its name, unless it replays a recording."""


def add_simulator_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them to the command's parser."""
    parser.add_argument("--name", type=_name, help=f"its name on the network ({NAME})")
    parser.add_argument("--host", type=_host, default="127.0.0.1", help="IP address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="TCP port, 0 for any (%(default)s)")
    parser.add_argument("--pace", type=_pace, default=1.0, help="speed of the traffic, as a factor (1)")
    parser.add_argument("--seed", type=int, default=None, help="seed for reproducible traffic")
    parser.add_argument("--rush", action="store_true", help="vary the traffic as during lunch")
    parser.add_argument("--orders", type=_count, default=0, metavar="N", help="active orders at the start")
    parser.add_argument("--history", type=_count, default=0, metavar="DAYS", help="days of finished orders")
    parser.add_argument("--per-minute", type=_pace, default=2.0, metavar="N", help="guests a minute (2)")
    parser.add_argument(
        "--interface",
        nargs="+",
        type=_ipv4,
        default=[],
        metavar="IP",
        help="IPv4 addresses of the interfaces to announce on (that of --host; all of them for 0.0.0.0)",
    )
    parser.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="play a recording of tt-appliance record under the recorded name, instead of traffic",
    )
    parser.add_argument("--no-advertise", action="store_true", help="do not announce the gateway by mDNS")
    parser.add_argument("--verbose", action="store_true", help="also print each API call")


def _name(text: str) -> str:
    if not 1 <= len(text.encode()) <= 63:
        raise argparse.ArgumentTypeError(f"must be 1 to 63 bytes, not {len(text.encode())}")
    return text


def _host(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address") from None


def _ipv4(text: str) -> str:
    if ip_address(_host(text)).version != 4:
        raise argparse.ArgumentTypeError(f"must be the IPv4 address of an interface, not {text!r}")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 65535, not {text!r}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 100_000:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 100000, not {text!r}")
    return int(text)


def _pace(text: str) -> float:
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not 0.01 <= pace <= 1000:
        raise argparse.ArgumentTypeError(f"must be a number from 0.01 to 1000, not {text!r}")
    return pace
