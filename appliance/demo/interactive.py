"""The interactive demo: the appliance in a terminal or window, with a simulated gateway during a busy lunch."""

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
from appliance.history.archiver import Archiver
from appliance.panel import Keys, Panel
from appliance.runner import Runner
from appliance.simulator.commands import BY_WORD, CommandError, Controls
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.traffic import Traffic, lunch_rush, visits
from appliance.store import TokenStore

MakePanel = Callable[[Keys, Callable[[], str]], Panel]

LOOPBACK = "127.0.0.1"
NAME = "Demo gateway"
"""The only gateway to look for: other demos may announce theirs on the same machine."""
PACE = 4.0
"""Speed of the traffic: an hour of lunch in a quarter of an hour."""
BENCHMARKS = Benchmarks(warn_after=180.0 / PACE, late_after=300.0 / PACE)
"""The default times, scaled by the pace."""
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
"""Keys for the simulator's commands; the panel itself uses space, h and q."""
LABELS = {"button": "GATEWAY'S BUTTON", "pause": "pause traffic"}


async def play(make_panel: MakePanel) -> int:
    """Run until the user quits; the exit code. make_panel: creates the panel from extra keys and a status line."""
    with tempfile.TemporaryDirectory(prefix="tt-appliance-demo-") as folder:
        async with SimulatedGateway(NAME, LOOPBACK, advertise_on=[LOOPBACK]) as gateway:
            for age in (5.0, 20.0, 40.0, 70.0):
                gateway.restaurant.create_many(1, age=age)
            await _play(gateway, Path(folder), make_panel)
    return 0


async def _play(gateway: SimulatedGateway, state_dir: Path, make_panel: MakePanel) -> None:
    guests = visits(random.Random(), already=5, intensity=lambda at: lunch_rush(at + 1800.0))
    traffic = Traffic(gateway.restaurant, guests, pace=PACE)
    gateway_keys = _GatewayKeys(gateway, traffic)
    # Created outside the task group, so that a missing window library reaches the caller as its own exception.
    panel = make_panel(
        {key: (LABELS.get(word, word), gateway_keys.action(word)) for key, word in KEYS.items()}, gateway_keys.note
    )
    async with asyncio.TaskGroup() as tasks:
        gateway_keys.tasks = tasks
        find = partial(Discovery, only=NAME, interfaces=["lo"])
        effect_handlers = EffectHandlers(
            find, TokenStore(state_dir), make_archiver=lambda: Archiver(Archive(state_dir), BENCHMARKS)
        )
        runner = Runner(begin(BENCHMARKS, version=__version__), effect_handlers, panel)
        for signal_ in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(signal_, runner.quit)
        playing = tasks.create_task(traffic.run())
        await runner.run()
        playing.cancel()
        gateway_keys.close()


class _GatewayKeys:
    """Runs the simulator's commands for keys, and shows their messages in the status line."""

    tasks: asyncio.TaskGroup

    def __init__(self, gateway: SimulatedGateway, traffic: Traffic) -> None:
        self._controls = Controls(gateway, traffic, lambda: None)
        self._running: set[asyncio.Task[None]] = set()
        self._message = "to pair: press space, then g"

    def action(self, word: str) -> Callable[[], None]:
        """A key's callback: starts the command in the background."""

        def act() -> None:
            task = self.tasks.create_task(self._do(word))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

        return act

    def note(self) -> str:
        """The status line: the gateway's state and the last command's message."""
        gateway = self._controls.gateway
        where = gateway.address if gateway.running else "off"
        return f"gateway {where}, {len(gateway.restaurant.active)} orders · {self._message}"

    def close(self) -> None:
        """Cancel running commands."""
        for task in self._running:
            task.cancel()

    async def _do(self, word: str) -> None:
        try:
            self._message = await BY_WORD[word].action(self._controls, "")
        except CommandError as error:
            self._message = str(error)
