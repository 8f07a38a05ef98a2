"""The hand on the gateway: a table of commands, for keys and for lines alike, and for whoever else has keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from random import Random

from appliance.simulator.gateway import GARBAGE, SimulatedGateway
from appliance.simulator.restaurant import Order, TrackerInUseError, UnknownOrderError
from appliance.simulator.traffic import Traffic

DOWN_FOR = 5.0
"""Seconds that a restart takes where none are said."""

BURST = 20_000
"""Notifications of a flood where no number is said."""


class CommandError(Exception):
    """A command that can't be done as it was said; the message is for the person."""


@dataclass
class Hand:
    """What commands work on. quit: called by the command of that name. random: picks where nothing is said."""

    gateway: SimulatedGateway
    traffic: Traffic
    quit: Callable[[], None]
    random: Random = field(default_factory=Random)
    garbage_sent: int = 0

    def choose(self, name: str) -> Order:
        """Give the order of that tracker or uuid; without one, any that is active. Raises CommandError."""
        if name:
            try:
                return self.gateway.floor.find(name)
            except UnknownOrderError:
                raise CommandError(f"no active order {name}") from None
        active = self.gateway.floor.active
        if not active:
            raise CommandError("there is no active order")
        return self.random.choice(active)


@dataclass(frozen=True, slots=True)
class Command:
    """One command. key: for a terminal. word: for a line, with what may follow it in `arguments`.

    action: takes the hand and the rest of the line; gives what was done, for the person. Raises CommandError.
    """

    key: str
    word: str
    arguments: str
    help: str
    action: Callable[[Hand, str], Awaitable[str]]


async def do_key(hand: Hand, key: str) -> str | None:
    """Do the command of a key; None where the key has none. Raises CommandError."""
    command = BY_KEY.get(key)
    return None if command is None else await command.action(hand, "")


async def do_line(hand: Hand, line: str) -> str | None:
    """Do the command of a line; None where the line is empty. Raises CommandError."""
    word, _, rest = line.strip().partition(" ")
    if not word:
        return None
    command = BY_WORD.get(word.lower())
    if command is None:
        raise CommandError(f"unknown command {word!r}; help lists them")
    return await command.action(hand, rest.strip())


async def _button(hand: Hand, rest: str) -> str:
    hand.gateway.press_button()
    return f"pairing window open for {hand.gateway.window_left:.0f} s" if hand.gateway.window_open else "no power"


async def _page(hand: Hand, rest: str) -> str:
    return f"order {hand.gateway.floor.page(hand.choose(rest).uuid).name} paged"


async def _order(hand: Hand, rest: str) -> str:
    count = _number(rest, 1)
    if count == 1:
        return f"order {hand.gateway.floor.create().name} started"
    return f"{len(hand.gateway.floor.create_many(int(count)))} orders started"


async def _tracker(hand: Hand, rest: str) -> str:
    name, _, location = rest.partition(" ")
    if not name:
        raise CommandError("which tracker?")
    try:
        order = hand.gateway.floor.create(name, location=location.strip())
    except TrackerInUseError:
        raise CommandError(f"tracker {name} is out already") from None
    return f"order {order.name} {order.state}"


async def _locate(hand: Hand, rest: str) -> str:
    name, _, location = rest.partition(" ")
    order = hand.choose(name)
    order = hand.gateway.floor.locate(order.uuid, location.strip() or str(hand.random.randint(1, 40)))
    return f"order {order.name} located at table {order.location}"


async def _clear(hand: Hand, rest: str) -> str:
    if rest == "all":
        return f"{hand.gateway.floor.clear_all()} orders cleared"
    return f"order {hand.gateway.floor.clear(hand.choose(rest).uuid).name} cleared"


async def _restart(hand: Hand, rest: str) -> str:
    try:
        await hand.gateway.restart(_number(rest, DOWN_FOR))
    except OSError as error:  # somebody took the port meanwhile
        raise CommandError(f"the gateway could not come back: {error.strerror}") from None
    return f"restarted at {hand.gateway.address}"


async def _move(hand: Hand, rest: str) -> str:
    host, _, port = rest.partition(" ")
    try:
        await hand.gateway.move(host or _next_host(hand.gateway.host), int(port) if port else None)
    except (OSError, ValueError) as error:
        raise CommandError(f"the gateway can't move there: {error}") from None
    return f"moved to {hand.gateway.address}"


def _next_host(host: str) -> str:
    """Give another loopback address. Only there is it known that the next one is this machine's too."""
    try:
        here = ip_address(host)
    except ValueError:
        here = None
    if not isinstance(here, IPv4Address) or not here.is_loopback:
        raise CommandError("move where? Say an address of this machine")
    last = int(here) & 0xFF
    return str(IPv4Address(int(here) - last + last % 254 + 1))


async def _drop(hand: Hand, rest: str) -> str:
    hand.gateway.drop_lines()
    return "every line dropped"


async def _silent(hand: Hand, rest: str) -> str:
    hand.gateway.silent = not hand.gateway.silent
    return "silent" if hand.gateway.silent else "speaking again"


async def _delete_tokens(hand: Hand, rest: str) -> str:
    hand.gateway.delete_tokens()
    return "every token deleted"


async def _garbage(hand: Hand, rest: str) -> str:
    """Without a kind, each in its turn but the last, which ends connections: that one has to be asked for."""
    kind = rest or GARBAGE[hand.garbage_sent % (len(GARBAGE) - 1)]
    try:
        hand.gateway.send_garbage(kind)
    except ValueError as error:
        raise CommandError(str(error)) from None
    hand.garbage_sent += not rest
    return f"garbage sent: {kind}"


async def _pause(hand: Hand, rest: str) -> str:
    hand.traffic.paused = not hand.traffic.paused
    return "traffic paused" if hand.traffic.paused else "traffic goes on"


async def _flood(hand: Hand, rest: str) -> str:
    half = int(_number(rest, BURST)) // 2
    for order in hand.gateway.floor.create_many(half):
        hand.gateway.floor.clear(order.uuid)
    return f"{2 * half} notifications sent at once"


async def _help(hand: Hand, rest: str) -> str:
    return help_text()


async def _quit(hand: Hand, rest: str) -> str:
    hand.quit()
    return "quitting"


def _number(text: str, default: float) -> float:
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    # Above a million a slip of the finger would fill the memory.
    if not 0 <= number <= 1_000_000:
        raise CommandError(f"{text!r} is no number from 0 to 1,000,000")
    return number


COMMANDS = (
    Command("b", "button", "", "press the gateway's button, for pairing", _button),
    Command("p", "page", "[TRACKER]", "page an order", _page),
    Command("o", "order", "[COUNT]", "start orders on free trackers", _order),
    Command("n", "tracker", "TRACKER [TABLE]", "start an order on that tracker", _tracker),
    Command("l", "locate", "[TRACKER [TABLE]]", "lay a tracker on a table", _locate),
    Command("c", "clear", "[TRACKER | all]", "clear an order, or all of them", _clear),
    Command("r", "restart", "[SECONDS]", "switch the gateway off and on again", _restart),
    Command("m", "move", "[HOST [PORT]]", "give the gateway another address", _move),
    Command("d", "drop", "", "cut every feed's line", _drop),
    Command("s", "silent", "", "stop answering, or answer again", _silent),
    Command("t", "delete-tokens", "", "delete every token", _delete_tokens),
    Command("g", "garbage", "[KIND]", "send garbage, of the next kind or that one", _garbage),
    Command(" ", "pause", "", "stop the restaurant's traffic, or go on", _pause),
    Command("f", "flood", "[COUNT]", "send very many notifications at once", _flood),
    Command("h", "help", "", "list the commands", _help),
    Command("q", "quit", "", "end the simulator", _quit),
)

BY_KEY = {command.key: command for command in COMMANDS}
BY_WORD = {command.word: command for command in COMMANDS}


def help_text() -> str:
    """List the commands, one a line, and the kinds of garbage."""
    lines = [
        f"  {'space' if c.key == ' ' else c.key:<6}{f'{c.word} {c.arguments}'.rstrip():<26}{c.help}" for c in COMMANDS
    ]
    return "\n".join([*lines, f"kinds of garbage: {', '.join(GARBAGE)}"])
