"""`tt-appliance simulate`: the simulated gateway alone, with its restaurant, until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from ipaddress import ip_address
from random import Random

import ifaddr

from appliance.simulator.commands import CommandError, Hand, do_key, do_line
from appliance.simulator.console import Console, ConsoleHandler, read_into, single_keys
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.past_orders import past_orders
from appliance.simulator.traffic import Traffic, lunch_rush, steady, visits


def main(args: list[str]) -> int:
    """Run the simulator; gives the process's exit code. 1: the address is not to be had."""
    options = _parser().parse_args(args)
    console = Console(sys.stdout)
    with _printed(console, logging.DEBUG if options.verbose else logging.INFO):
        return asyncio.run(_run(options, console))


@contextmanager
def _printed(console: Console, level: int) -> Iterator[None]:
    """Print what the gateway logs, and leave logging as it was."""
    log = logging.getLogger("appliance.simulator")
    handler, before = ConsoleHandler(console), (log.level, log.propagate)
    log.addHandler(handler)
    log.setLevel(level)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        level, log.propagate = before
        log.setLevel(level)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tt-appliance simulate", description="A simulated Table Tracker gateway.")
    parser.add_argument("--name", type=_name, default="Simulated gateway", help="its name on the network")
    parser.add_argument("--host", type=_host, default="127.0.0.1", help="IP address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="TCP port, 0 for any (%(default)s)")
    parser.add_argument("--pace", type=_pace, default=1.0, help="how much faster than real the traffic is (1)")
    parser.add_argument("--seed", type=int, default=None, help="makes the traffic the same each time")
    parser.add_argument("--rush", action="store_true", help="let the traffic rise and fall as at lunch")
    parser.add_argument("--orders", type=_count, default=0, metavar="N", help="orders that are active at the start")
    parser.add_argument("--history", type=_count, default=0, metavar="DAYS", help="days of a busy place in its memory")
    parser.add_argument("--per-minute", type=_pace, default=2.0, metavar="N", help="guests a minute (2)")
    parser.add_argument(
        "--interface",
        nargs="+",
        type=_ipv4,
        default=[],
        metavar="IP",
        help="addresses of the interfaces to be announced on (that of --host; all where it listens on all)",
    )
    parser.add_argument("--no-advertise", action="store_true", help="do not announce it by mDNS")
    parser.add_argument("--verbose", action="store_true", help="print each call too")
    return parser


async def _run(options: argparse.Namespace, console: Console) -> int:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    random = Random(options.seed)
    interfaces = [] if options.no_advertise else options.interface or _interfaces(options.host)
    gateway = SimulatedGateway(options.name, options.host, options.port, advertise_on=interfaces)
    guests = visits(
        random,
        trackers=max(60, 2 * options.orders),
        per_minute=options.per_minute,
        already=options.orders,
        intensity=lunch_rush if options.rush else steady,
    )
    gateway.floor.remember(past_orders(random, datetime.now(), days=options.history) if options.history else ())
    traffic = Traffic(gateway.floor, guests, pace=options.pace)
    hand = Hand(gateway, traffic, ending.set)
    keys = sys.stdin.isatty()
    try:
        async with gateway:
            console.say("keys: h lists them" if keys else "commands: help lists them")
            with single_keys(sys.stdin.fileno()) if keys else nullcontext():
                await _live(hand, console, ending, keys=keys)
            # The announcement's goodbye takes a moment; whoever waits shall know that it was heard.
            console.end_status()
            console.say("ending")
    except (OSError, ValueError) as error:
        print(f"tt-appliance simulate: {options.host}, port {options.port}: {error}", file=sys.stderr)
        return 1
    return 0


async def _live(hand: Hand, console: Console, ending: asyncio.Event, *, keys: bool) -> None:
    """Run all tasks until the end is asked for; one that fails takes the others and the program with it."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(hand.traffic.run())
            tasks.create_task(_obey(hand, console, keys=keys))
            tasks.create_task(_watch(hand, console))
            tasks.create_task(_end_with(console, ending))
            await ending.wait()
            raise _Ended
    except* _Ended:
        pass  # the way out of a task group: everything else was cancelled


async def _end_with(console: Console, ending: asyncio.Event) -> None:
    await console.failed.wait()
    ending.set()


class _Ended(Exception):
    """The end was asked for."""


async def _obey(hand: Hand, console: Console, *, keys: bool) -> None:
    commands: asyncio.Queue[str] = asyncio.Queue()
    read_into(commands, sys.stdin.fileno(), keys=keys)
    do = do_key if keys else do_line
    while True:
        try:
            done = await do(hand, await commands.get())
        except CommandError as error:
            done = str(error)
        if done is not None:
            console.say(done)


async def _watch(hand: Hand, console: Console) -> None:
    gateway = hand.gateway
    while True:
        words = [
            gateway.address if gateway.running else "no power",
            _counted(len(gateway.floor.active), "order"),
            _counted(gateway.feeds, "feed"),
        ]
        if gateway.window_open:
            words.append(f"pairing window {gateway.window_left:.0f} s")
        if gateway.silent:
            words.append("silent")
        if hand.traffic.paused:
            words.append("traffic paused")
        console.show_status(" · ".join(words))
        await asyncio.sleep(0.5)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _interfaces(host: str) -> Sequence[str]:
    """Give the address to be announced on: the host's own, or all but loopback where it listens on all."""
    address = ip_address(host)
    if not address.is_unspecified:
        return [host] if address.version == 4 else []
    every = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)]
    return [ip for ip in every if not ip_address(ip).is_loopback]


def _name(text: str) -> str:
    if not 1 <= len(text.encode()) <= 63:
        raise argparse.ArgumentTypeError("a name has 1 to 63 bytes")
    return text


def _host(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no IP address") from None


def _ipv4(text: str) -> str:
    if ip_address(_host(text)).version != 4:
        raise argparse.ArgumentTypeError("an interface is named by its IPv4 address")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 100_000:
        raise argparse.ArgumentTypeError("say a number from 0 to 100000")
    return int(text)


def _pace(text: str) -> float:
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not 0.01 <= pace <= 1000:
        raise argparse.ArgumentTypeError("say a number from 0.01 to 1000")
    return pace
