"""The demo for a person: the appliance on a terminal or in a window, beside a simulated gateway with a busy lunch."""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from appliance import __version__
from appliance.core.machine import begin
from appliance.core.values import Benchmarks
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.discovery import Discovery
from appliance.history.archive import Archive
from appliance.history.archiver import Keeper
from appliance.panel import Keys, Panel
from appliance.runner import Runner
from appliance.simulator.commands import BY_WORD, CommandError, Hand
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.traffic import Traffic, lunch_rush, visits
from appliance.store import TokenStore

MakePanel = Callable[[Keys, Callable[[], str]], Panel]

LOOPBACK = "127.0.0.1"
NAME = "Demo gateway"
"""The one that is looked for: other gateways may be announced on this machine at the same time."""
PACE = 4.0
"""How much faster than real the guests come and go: a lunch hour in a quarter of one."""
BENCHMARKS = Benchmarks(warn_after=180.0 / PACE, late_after=300.0 / PACE)
"""The usual times, at the pace of the guests."""
KEYS = {
    "g": "button",
    "p": "page",
    "o": "order",
    "c": "clear",
    "r": "restart",
    "m": "move",
    "d": "drop",
    "s": "silent",
    "t": "delete-tokens",
    "x": "garbage",
    "f": "flood",
    "w": "pause",
}
"""The demo's keys for the simulator's commands; the panel has space, h and q for itself."""
LABELS = {"button": "GATEWAY'S BUTTON", "pause": "guests wait"}


async def play(make_panel: MakePanel) -> int:
    """Run until the person quits; the exit code. make_panel: makes the panel from more keys and a line of words."""
    with tempfile.TemporaryDirectory(prefix="tt-appliance-demo-") as folder:
        async with SimulatedGateway(NAME, LOOPBACK, advertise_on=[LOOPBACK]) as gateway:
            for age in (5.0, 20.0, 40.0, 70.0):
                gateway.floor.create_many(1, age=age)
            await _play(gateway, Path(folder), make_panel)
    return 0


async def _play(gateway: SimulatedGateway, state_dir: Path, make_panel: MakePanel) -> None:
    guests = visits(random.Random(), already=5, intensity=lambda at: lunch_rush(at + 1800.0))
    traffic = Traffic(gateway.floor, guests, pace=PACE)
    desk = _Desk(gateway, traffic)
    # Made before there are tasks: that there can be no window is for the caller to know, and not a task's failure.
    panel = make_panel({key: (LABELS.get(word, word), desk.action(word)) for key, word in KEYS.items()}, desk.note)
    async with asyncio.TaskGroup() as tasks:
        desk.tasks = tasks
        find = partial(Discovery, only=NAME, interfaces=["lo"])
        effect_handlers = EffectHandlers(
            find, TokenStore(state_dir), make_archiver=lambda: Keeper(Archive(state_dir), BENCHMARKS)
        )
        runner = Runner(begin(BENCHMARKS, version=__version__), effect_handlers, panel)
        for signal_ in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(signal_, runner.quit)
        playing = tasks.create_task(traffic.run())
        await runner.run()
        playing.cancel()
        desk.close()


class _Desk:
    """The person's hand on the gateway, and the line that says what it did. tasks: where what it does runs."""

    tasks: asyncio.TaskGroup

    def __init__(self, gateway: SimulatedGateway, traffic: Traffic) -> None:
        self._hand = Hand(gateway, traffic, lambda: None)
        self._running: set[asyncio.Task[None]] = set()
        self._said = "to pair: space, then g"

    def action(self, word: str) -> Callable[[], None]:
        """What a key does: the command of that word, beside whatever else is under way."""

        def act() -> None:
            task = self.tasks.create_task(self._do(word))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

        return act

    def note(self) -> str:
        """The gateway's state, and what was last done to it."""
        gateway = self._hand.gateway
        where = gateway.address if gateway.running else "off"
        return f"gateway {where}, {len(gateway.floor.active)} orders · {self._said}"

    def close(self) -> None:
        """Stop what is under way."""
        for task in self._running:
            task.cancel()

    async def _do(self, word: str) -> None:
        try:
            self._said = await BY_WORD[word].action(self._hand, "")
        except CommandError as error:
            self._said = str(error)
