"""`tt-appliance simulate`: runs the simulated gateway and its restaurant until quit or a signal."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from ipaddress import ip_address
from random import Random

import ifaddr

from appliance.recording.entries import RecordingError, load
from appliance.simulator.commands import CommandError, Controls, commands_for, do_key, do_line, key_line, status
from appliance.simulator.console import Console, ConsoleHandler, read_into, single_keys
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.options import NAME
from appliance.simulator.past_orders import past_orders
from appliance.simulator.replay import ReplayedGateway
from appliance.simulator.traffic import Traffic, lunch_rush, steady, visits

log = logging.getLogger(__name__)

USAGE = 2
"""The exit code for options that exclude each other, as argparse has it."""


def main(options: argparse.Namespace) -> int:
    """Run the simulator; its exit code: 1 if it can't listen on its address, or read the recording."""
    console = Console(sys.stdout)
    if options.replay is not None:
        made = {
            "--orders": options.orders,
            "--history": options.history,
            "--rush": options.rush,
            "--seed": options.seed,
        }
        for option in (name for name, value in made.items() if value):
            return _fail(f"--replay can't be combined with {option}", USAGE)
        try:
            options.replay = load(options.replay)
        except RecordingError as error:
            return _fail(str(error))
        except OSError as error:
            return _fail(f"can't read {options.replay}: {error.strerror}")
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


async def _run(options: argparse.Namespace, console: Console) -> int:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    controls = (_simulated if options.replay is None else _replayed)(options, ending.set)
    gateway = controls.gateway
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
        return _fail(f"can't listen on {options.host} port {options.port}: {reason}")
    return 0


def _simulated(options: argparse.Namespace, quit: Callable[[], None]) -> Controls:
    """A gateway with random traffic."""
    random = Random(options.seed)
    gateway = SimulatedGateway(options.name or NAME, options.host, options.port, advertise_on=_advertise_on(options))
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
    return Controls(gateway, Traffic(gateway.restaurant, guests, pace=options.pace), quit)


def _replayed(options: argparse.Namespace, quit: Callable[[], None]) -> Controls:
    """A gateway that plays a recording."""
    heading, entries, cut = options.replay
    if cut:
        log.info("the recording ends in the middle of a line, which is left out")
    gateway = ReplayedGateway(
        heading,
        entries,
        options.name,
        options.host,
        options.port,
        advertise_on=_advertise_on(options),
        pace=options.pace,
    )
    return Controls(gateway, gateway, quit, replays=True)


def _fail(words: str, code: int = 1) -> int:
    print(f"tt-appliance simulate: {words}", file=sys.stderr)
    return code


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
    foot = [key_line(commands_for(controls))] if keys else []
    while True:
        console.show_status(status(controls), *foot)
        await asyncio.sleep(0.5)


def _advertise_on(options: argparse.Namespace) -> Sequence[str]:
    return [] if options.no_advertise else options.interface or _interfaces(options.host)


def _interfaces(host: str) -> Sequence[str]:
    """The addresses to announce on: the host's own, or all but loopback if it listens on all."""
    address = ip_address(host)
    if not address.is_unspecified:
        return [host] if address.version == 4 else []
    every = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)]
    return [ip for ip in every if not ip_address(ip).is_loopback]
