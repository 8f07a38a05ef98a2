"""The interactive demo: the appliance in a terminal or window, with a simulated gateway during a busy lunch."""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from appliance import __version__
from appliance.core.machine import begin
from appliance.core.values import Benchmarks
from appliance.demo.past import fortnight, lunch_clock, write_settings
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.discovery import Discovery
from appliance.history.archive import Archive
from appliance.history.archiver import Archiver
from appliance.panel import Keys, Page, Panel
from appliance.runner import Runner
from appliance.simulator.commands import BY_KEY, Command, CommandError, Controls, status
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.traffic import Traffic, lunch_rush, visits
from appliance.store import TokenStore

MakePanel = Callable[[Keys, Callable[[], str], Page], Panel]

LOOPBACK = "127.0.0.1"
NAME = "Demo gateway"
"""The only gateway to look for: other demos may announce theirs on the same machine."""
PACE = 4.0
"""Speed of the traffic: an hour of lunch in a quarter of an hour."""
BENCHMARKS = Benchmarks(warn_after=180.0 / PACE, late_after=300.0 / PACE)
"""The default times, scaled by the pace."""
MESSAGE_FOR = 6.0
"""Seconds for which a command's message is shown."""
OWN_KEYS = ("help", "quit")
"""Commands whose keys are the demo's own."""
IN_STATUS = ("button", "pause", "silent")
"""Commands whose outcome the status line shows as long as it lasts."""
BUTTON_HELP = {"space": "press the box's button", "h": "hold the box's button down; again: let it go"}


async def play(make_panel: MakePanel) -> int:
    """Run until the user quits; the exit code.

    make_panel: creates the panel from extra keys, a status line, and a page that may replace the picture.
    """
    with tempfile.TemporaryDirectory(prefix="tt-appliance-demo-") as folder:
        clock = lunch_clock()
        gateway = SimulatedGateway(NAME, LOOPBACK, advertise_on=[LOOPBACK], clock=clock)
        gateway.restaurant.add_finished(fortnight(clock(), PACE))
        async with gateway:
            for age in (5.0, 15.0, 30.0, 45.0):
                gateway.restaurant.create_many(1, age=age)
            await _play(gateway, Path(folder), make_panel)
    return 0


async def _play(gateway: SimulatedGateway, state_dir: Path, make_panel: MakePanel) -> None:
    guests = visits(random.Random(), already=5, intensity=lambda at: lunch_rush(at + 1800.0))
    traffic = Traffic(gateway.restaurant, guests, pace=PACE)
    gateway_keys = _GatewayKeys(gateway, traffic, write_settings(state_dir, NAME, BENCHMARKS))
    # Created outside the task group, so that a missing window library reaches the caller as its own exception.
    panel = make_panel(gateway_keys.keys, gateway_keys.note, gateway_keys.page)
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
    """Runs the simulator's commands for keys, and shows their messages in the status line. settings: for `history`."""

    tasks: asyncio.TaskGroup

    def __init__(self, gateway: SimulatedGateway, traffic: Traffic, settings: Path) -> None:
        self._controls = Controls(gateway, traffic, lambda: None)
        self._settings = settings
        self._running: set[asyncio.Task[None]] = set()
        self._message, self._until = "", 0.0
        self._helping = False

    @property
    def keys(self) -> Keys:
        """The keys, with their labels and callbacks."""
        commands = {key: command for key, command in BY_KEY.items() if command.word not in OWN_KEYS}
        keys = {key: (command.label or command.word, self._action(command)) for key, command in commands.items()}
        return {**keys, "?": ("help", self._toggle_help)}

    def note(self) -> str:
        """The status line: the gateway's state, and what to do or the last command's message."""
        controls = self._controls
        if self._helping:
            return f"tt-appliance history --config {self._settings}"
        message = self._message if time.monotonic() < self._until else ""
        if not message and not len(controls.gateway.tokens):
            message = "press space" if controls.gateway.window_open else "to pair: press space, then g"
        return " · ".join(filter(None, (status(controls), message)))

    def page(self) -> Mapping[str, str]:
        """The list of keys while it is open."""
        if not self._helping:
            return {}
        helps = {key: command.help for key, command in BY_KEY.items() if command.word not in OWN_KEYS}
        return {**BUTTON_HELP, **helps, "?": "close this list; q quits"}

    def close(self) -> None:
        """Cancel running commands."""
        for task in self._running:
            task.cancel()

    def _action(self, command: Command) -> Callable[[], None]:
        """A key's callback: starts the command in the background."""

        def act() -> None:
            self._helping = False
            task = self.tasks.create_task(self._do(command))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

        return act

    def _toggle_help(self) -> None:
        self._helping = not self._helping

    async def _do(self, command: Command) -> None:
        try:
            message = await command.action(self._controls, "")
            self._say("" if command.word in IN_STATUS else message)
        except CommandError as error:
            self._say(str(error))

    def _say(self, message: str) -> None:
        self._message, self._until = message, time.monotonic() + MESSAGE_FOR
