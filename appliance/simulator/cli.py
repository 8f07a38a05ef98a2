"""`tt-appliance simulate`: runs the simulated gateway and its restaurant until quit or a signal."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from ipaddress import ip_address
from random import Random

import ifaddr

from appliance.simulator.commands import CommandError, Controls, do_key, do_line, key_line, status
from appliance.simulator.console import Console, ConsoleHandler, read_into, single_keys
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.past_orders import past_orders
from appliance.simulator.traffic import Traffic, lunch_rush, steady, visits


def main(args: list[str]) -> int:
    """Run the simulator; its exit code: 1 if it can't listen on its address."""
    options = _parser().parse_args(args)
    console = Console(sys.stdout)
    with _printed(console, logging.DEBUG if options.verbose else logging.INFO):
        return asyncio.run(_run(options, console))


@contextmanager
def _printed(console: Console, level: int) -> Iterator[None]:
    """Print the gateway's log records on the console."""
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
    parser.add_argument("--no-advertise", action="store_true", help="do not announce the gateway by mDNS")
    parser.add_argument("--verbose", action="store_true", help="also print each API call")
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
    gateway.restaurant.add_finished(
        past_orders(random, datetime.now(), days=options.history) if options.history else ()
    )
    traffic = Traffic(gateway.restaurant, guests, pace=options.pace)
    controls = Controls(gateway, traffic, ending.set)
    keys = sys.stdin.isatty()
    try:
        async with gateway:
            console.say("press ? for all keys" if keys else "enter help for a list of commands")
            with single_keys(sys.stdin.fileno()) if keys else nullcontext():
                await _run_tasks(controls, console, ending, keys=keys)
            # The mDNS goodbye takes a moment.
            console.end_status()
            console.say("shutting down")
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        print(f"tt-appliance simulate: can't listen on {options.host} port {options.port}: {reason}", file=sys.stderr)
        return 1
    return 0


async def _run_tasks(controls: Controls, console: Console, ending: asyncio.Event, *, keys: bool) -> None:
    """Run all tasks until `ending` is set. A task that fails ends the others and the program."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(controls.traffic.run())
            tasks.create_task(_run_commands(controls, console, keys=keys))
            tasks.create_task(_update_status(controls, console, keys=keys))
            tasks.create_task(_end_on_failure(console, ending))
            await ending.wait()
            raise _Ended
    except* _Ended:
        pass  # it cancelled the other tasks of the group


async def _end_on_failure(console: Console, ending: asyncio.Event) -> None:
    await console.failed.wait()
    ending.set()


class _Ended(Exception):
    """Raised to leave the task group."""


async def _run_commands(controls: Controls, console: Console, *, keys: bool) -> None:
    commands: asyncio.Queue[str] = asyncio.Queue()
    read_into(commands, sys.stdin.fileno(), keys=keys)
    do = do_key if keys else do_line
    while True:
        try:
            done = await do(controls, await commands.get())
        except CommandError as error:
            done = str(error)
        if done is not None:
            console.say(done)


async def _update_status(controls: Controls, console: Console, *, keys: bool) -> None:
    foot = [key_line()] if keys else []
    while True:
        console.show_status(status(controls), *foot)
        await asyncio.sleep(0.5)


def _interfaces(host: str) -> Sequence[str]:
    """The addresses to announce on: the host's own, or all but loopback if it listens on all."""
    address = ip_address(host)
    if not address.is_unspecified:
        return [host] if address.version == 4 else []
    every = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)]
    return [ip for ip in every if not ip_address(ip).is_loopback]


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
