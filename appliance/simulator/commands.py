"""The commands that control the simulated gateway: one table for the keys of simulator and demo, and for lines."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Address, ip_address
from random import Random
from typing import Protocol

from appliance.simulator.gateway import GARBAGE, SimulatedGateway
from appliance.simulator.restaurant import Ending, Order, TrackerInUseError, UnknownOrderError

DOWN_FOR = 5.0
"""Default length of a restart in seconds."""

LONGEST_CLOCK_ERROR = 1_000_000_000
"""Seconds by which the gateway's clock may be wrong: 30 years, as after a lost battery."""

BURST = 20_000
"""Default number of notifications in a flood."""


class CommandError(Exception):
    """An invalid command; the message is for the user."""


class Played(Protocol):
    """What changes the orders in time: random traffic or a recording. progress: empty if it never ends."""

    paused: bool

    @property
    def progress(self) -> str:
        """How much has been played."""

    async def run(self) -> None:
        """Play until cancelled."""


@dataclass
class Controls:
    """What commands act on. quit: called by the command of that name. random: picks default arguments.

    replays: the gateway plays a recording, and the commands that change its orders are not available.
    """

    gateway: SimulatedGateway
    traffic: Played
    quit: Callable[[], None]
    random: Random = field(default_factory=Random)
    replays: bool = False
    garbage_sent: int = 0

    def choose(self, name: str) -> Order:
        """The active order with this tracker number or uuid; a random one without a name. Raises CommandError."""
        if name:
            try:
                return self.gateway.restaurant.find(name)
            except UnknownOrderError:
                raise CommandError(f"no active order has tracker or uuid {name}") from None
        active = self.gateway.restaurant.active
        if not active:
            raise CommandError("no active orders")
        return self.random.choice(active)


@dataclass(frozen=True, slots=True)
class Command:
    """One command. key: on a terminal; empty for none. word: in a line, followed by `arguments`. label: with its key.

    action: takes the controls and the arguments; returns a message for the user. Raises CommandError.
    """

    key: str
    word: str
    arguments: str
    help: str
    action: Callable[[Controls, str], Awaitable[str]]
    label: str = ""


async def do_key(controls: Controls, key: str) -> str | None:
    """Run the command of a key; its message, None for an unknown key. Raises CommandError."""
    if key in BOX_KEYS:
        return "the box's button is a part of the demo; here g is the gateway's button, and w pauses the traffic"
    command = BY_KEY.get(key)
    if command is None or command not in commands_for(controls):
        return None
    return await command.action(controls, "")


async def do_line(controls: Controls, line: str) -> str | None:
    """Run the command in a line; its message, None for an empty line. Raises CommandError."""
    word, _, rest = line.strip().partition(" ")
    if not word:
        return None
    command = BY_WORD.get(word.lower())
    if command is None:
        raise CommandError(f"unknown command {word!r}; enter help for a list")
    if command not in commands_for(controls):
        raise CommandError(f"a recording can't be changed by {command.word}")
    return await command.action(controls, rest.strip())


async def _button(controls: Controls, rest: str) -> str:
    controls.gateway.press_button()
    return (
        f"pairing window open for {controls.gateway.window_left:.0f} s"
        if controls.gateway.window_open
        else "the gateway is off"
    )


async def _page(controls: Controls, rest: str) -> str:
    return f"order {controls.gateway.restaurant.page(controls.choose(rest).uuid).name} paged"


async def _order(controls: Controls, rest: str) -> str:
    count = _number(rest, 1)
    if count == 1:
        return f"order {controls.gateway.restaurant.create().name} started"
    return f"{len(controls.gateway.restaurant.create_many(int(count)))} orders started"


async def _tracker(controls: Controls, rest: str) -> str:
    name, _, location = rest.partition(" ")
    if not name:
        raise CommandError("missing argument: TRACKER")
    try:
        order = controls.gateway.restaurant.create(name, location=location.strip())
    except TrackerInUseError:
        raise CommandError(f"tracker {name} already has an active order") from None
    return f"order {order.name} {order.state}"


async def _locate(controls: Controls, rest: str) -> str:
    name, _, location = rest.partition(" ")
    order = controls.choose(name)
    order = controls.gateway.restaurant.locate(order.uuid, location.strip() or str(controls.random.randint(1, 40)))
    return f"order {order.name} located at table {order.location}"


async def _clear(controls: Controls, rest: str) -> str:
    if rest == "all":
        return f"{controls.gateway.restaurant.clear_all()} orders cleared"
    return f"order {controls.gateway.restaurant.clear(controls.choose(rest).uuid).name} cleared"


async def _restart(controls: Controls, rest: str) -> str:
    try:
        await controls.gateway.restart(_number(rest, DOWN_FOR))
    except OSError as error:  # another program took the port meanwhile
        raise CommandError(f"could not restart: {error.strerror}") from None
    return f"restarted at {controls.gateway.address}"


async def _move(controls: Controls, rest: str) -> str:
    host, _, port = rest.partition(" ")
    try:
        await controls.gateway.move(host or _next_host(controls.gateway.host), int(port) if port else None)
    except (OSError, ValueError) as error:
        raise CommandError(f"could not move to {rest or 'the next address'}: {error}") from None
    return f"moved to {controls.gateway.address}"


def _next_host(host: str) -> str:
    """The next loopback address: only on loopback does every address belong to this machine."""
    try:
        here = ip_address(host)
    except ValueError:
        here = None
    if not isinstance(here, IPv4Address) or not here.is_loopback:
        raise CommandError("missing argument: HOST, an address of this machine")
    last = int(here) & 0xFF
    return str(IPv4Address(int(here) - last + last % 254 + 1))


async def _drop(controls: Controls, rest: str) -> str:
    controls.gateway.drop_lines()
    return "all connections dropped"


async def _silent(controls: Controls, rest: str) -> str:
    controls.gateway.silent = not controls.gateway.silent
    return "the gateway stopped responding" if controls.gateway.silent else "the gateway responds again"


async def _delete_tokens(controls: Controls, rest: str) -> str:
    controls.gateway.delete_tokens()
    return "all tokens deleted"


async def _garbage(controls: Controls, rest: str) -> str:
    """Without an argument, cycle through all kinds but the last, which ends connections."""
    kind = rest or GARBAGE[controls.garbage_sent % (len(GARBAGE) - 1)]
    try:
        controls.gateway.send_garbage(kind)
    except ValueError as error:
        raise CommandError(str(error)) from None
    controls.garbage_sent += not rest
    return f"garbage sent: {kind}"


async def _ending(controls: Controls, rest: str) -> str:
    """Without an argument, the next way."""
    ways = list(Ending)
    try:
        way = Ending(rest) if rest else ways[(ways.index(controls.gateway.restaurant.ending) + 1) % len(ways)]
    except ValueError:
        raise CommandError(f"unknown way {rest!r}; choose from {', '.join(ways)}") from None
    controls.gateway.restaurant.ending = way
    return f"ends of orders are told by: {way}"


async def _clock(controls: Controls, rest: str) -> str:
    try:
        seconds = float(rest or "0")
    except ValueError:
        seconds = math.nan
    if not abs(seconds) <= LONGEST_CLOCK_ERROR:
        raise CommandError(f"must be a number of seconds up to {LONGEST_CLOCK_ERROR:,}, not {rest!r}")
    controls.gateway.clock_ahead = timedelta(seconds=seconds)
    return f"the gateway's clock is {seconds:.0f} s ahead"


async def _list(controls: Controls, rest: str) -> str:
    controls.gateway.lists_most = int(_number(rest, 0)) if rest else None
    return f"whole sets list {controls.gateway.lists_most} orders" if rest else "whole sets list all orders"


async def _pause(controls: Controls, rest: str) -> str:
    controls.traffic.paused = not controls.traffic.paused
    return "traffic paused" if controls.traffic.paused else "traffic resumed"


async def _flood(controls: Controls, rest: str) -> str:
    half = int(_number(rest, BURST)) // 2
    for order in controls.gateway.restaurant.create_many(half):
        controls.gateway.restaurant.clear(order.uuid)
    return f"{2 * half} notifications sent"


async def _help(controls: Controls, rest: str) -> str:
    return help_text(commands_for(controls))


async def _quit(controls: Controls, rest: str) -> str:
    controls.quit()
    return "quitting"


def _number(text: str, default: float) -> float:
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    # The upper bound keeps a typing error from filling the memory.
    if not 0 <= number <= 1_000_000:
        raise CommandError(f"must be a number from 0 to 1,000,000, not {text!r}")
    return number


COMMANDS = (
    Command("g", "button", "", "press the gateway's button, for pairing", _button, "gateway's button"),
    Command("p", "page", "[TRACKER]", "page an order", _page),
    Command("o", "order", "[COUNT]", "start orders on free trackers", _order),
    Command("", "tracker", "TRACKER [TABLE]", "start an order on this tracker", _tracker),
    Command("l", "locate", "[TRACKER [TABLE]]", "locate an order at a table", _locate),
    Command("c", "clear", "[TRACKER | all]", "clear one order or all orders", _clear),
    Command("r", "restart", "[SECONDS]", "switch the gateway off and on", _restart),
    Command("m", "move", "[HOST [PORT]]", "give the gateway another address", _move),
    Command("d", "drop", "", "drop all feed connections", _drop),
    Command("s", "silent", "", "stop responding, or respond again", _silent),
    Command("t", "delete-tokens", "", "delete all tokens", _delete_tokens, "delete tokens"),
    Command("x", "garbage", "[KIND]", "send an invalid message", _garbage),
    Command("", "ending", "[WAY]", "how the end of an order is told", _ending),
    Command("", "clock", "[SECONDS]", "set the gateway's clock ahead, or right again", _clock),
    Command("", "list", "[COUNT]", "list so many orders in a whole set, or all", _list),
    Command("w", "pause", "", "pause or resume the traffic (wait)", _pause, "pause traffic"),
    Command("f", "flood", "[COUNT]", "send many notifications at once", _flood),
    Command("?", "help", "", "list the commands", _help),
    Command("q", "quit", "", "end the simulator", _quit),
)

BY_KEY = {command.key: command for command in COMMANDS if command.key}
BY_WORD = {command.word: command for command in COMMANDS}
FIRST = tuple(BY_WORD[word] for word in ("button", "pause", "page", "order", "help", "quit"))
"""The commands to show first, where there is no room for all."""
REPLAYED = ("button", "restart", "move", "drop", "silent", "pause", "help", "quit")
"""The commands that do not change the orders."""
BOX_KEYS = (" ", "h")
"""The keys of the box's own button, which only the demo has: see panel.keyboard."""


def commands_for(controls: Controls) -> tuple[Command, ...]:
    """The commands that are available."""
    return tuple(one for one in COMMANDS if one.word in REPLAYED) if controls.replays else COMMANDS


def help_text(commands: tuple[Command, ...] = COMMANDS) -> str:
    """The list of commands, one per line, and of the kinds of garbage."""
    lines = [f"  {c.key:<3}{f'{c.word} {c.arguments}'.rstrip():<26}{c.help}" for c in commands]
    if BY_WORD["garbage"] in commands:
        lines.append(f"kinds of garbage: {', '.join(GARBAGE)}")
    return "\n".join(lines)


def key_line(commands: tuple[Command, ...] = COMMANDS) -> str:
    """The keys to show first, in one line."""
    return "   ".join(f"{command.key} {command.label or command.word}" for command in FIRST if command in commands)


def status(controls: Controls) -> str:
    """The state of the gateway and its restaurant, in one line."""
    gateway = controls.gateway
    words = [
        gateway.address if gateway.running else "off",
        _counted(gateway.orders, "order"),
        _counted(gateway.feeds, "feed"),
    ]
    if gateway.window_open:
        words.append(f"pairing window {gateway.window_left:.0f} s")
    if gateway.silent:
        words.append("silent")
    if controls.traffic.progress:
        words.append(controls.traffic.progress)
    if controls.traffic.paused:
        words.append("traffic paused")
    return " · ".join(words)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
