"""One simulated site: the box, its gateways, the network and everything that time brings. Owns the order of a life.

A life comes from one number: the days, the people and the faults of it. The same number makes the same life.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, cast

import appliance.core.heartbeat
import appliance.gateway.discovery
import appliance.gateway.fixed_address
from appliance.board import watch_board
from appliance.core.events import Event
from appliance.core.machine import begin
from appliance.core.states import State
from appliance.core.values import Address, Benchmarks, PanelSettings
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.discovery import Discovery
from appliance.gateway.fixed_address import FixedGateway
from appliance.gateway.source import GatewaySource
from appliance.history.archive import Archive
from appliance.history.archiver import Archiver
from appliance.runner import Runner
from tests.simulation.checked_store import Flash, WatchedStore
from tests.simulation.disk import Disk
from tests.simulation.gateway import Gateway
from tests.simulation.invariants import COUNT_EVERY, LOOK_EVERY, Judge
from tests.simulation.loop import SimLoop
from tests.simulation.mdns import Air
from tests.simulation.memory_archive import MemoryArchive
from tests.simulation.panel import Glass, SimPanel
from tests.simulation.simulated_network import Network
from tests.simulation.tcp import Host
from tests.simulation.virtual_threads import Threads

COLLECT_EVERY = 3600.0
"""Seconds between two collections of garbage."""
Fault = Callable[["World"], Awaitable[None]]
"""Something that goes wrong with a world, from its beginning to its end."""
UNWINDS = 5.0
"""Seconds after which nothing of a process that ended may be left."""
HOST_NAME = "gateway.example"
"""What was typed in, on a site whose gateway is known by its address."""


class World:
    """All of it. faults: how often each kind befell it. trace: the last things that happened."""

    def __init__(self, seed: int, *, trace: int = 400) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.loop = SimLoop()
        self.faults: Counter[str] = Counter()
        self.trace: deque[str] = deque(maxlen=trace)
        self._hash = hashlib.sha256()
        self.network = Network(self.loop, self._luck())
        self.air = Air(self.network, self._luck())
        self.disk = Disk(self._luck())
        self.glass = Glass(self._luck())
        self.threads = Threads(self.loop, self._luck(), self.network, self.power_cut)
        self.flash = Flash()
        self.archive = MemoryArchive(self.disk)
        self.judge = Judge(self)
        self.fixed_address = self.random.random() < 0.15
        self.wall_offset = 1.7e9
        self.weak_power = False
        self.gateways: list[Gateway] = []
        self.home = self.add_gateway("Kitchen", "192.0.2.10")
        self.boots = 0
        self.box_runs = self.ending = False
        self.hand_busy = False
        self.calm_since = 0.0
        """When the last fault was over; infinity while there is one."""
        self.sure_of_count = True
        self.runner: Runner | None = None
        self.panel: SimPanel | None = None
        self._running: asyncio.Task[None] | None = None
        self._own: set[asyncio.Task[Any]] = set()
        self._stop: asyncio.Future[None] | None = None

    # The parts of it.

    @property
    def state(self) -> State:
        return cast(Runner, self.runner).state

    def add_gateway(self, name: str, ip: str) -> Gateway:
        host = Host(ip)
        gateway = Gateway(self.network, self._luck(), name, host)
        gateway.on_feed, gateway.on_token, gateway.on_issue = self.judge.fed, self.judge.token_came, self.judge.issued
        self.network.others.append(host)
        self.air.gateways.append(gateway)
        self.gateways.append(gateway)
        self.air.announce(gateway)
        return gateway

    def remove_gateway(self, gateway: Gateway) -> None:
        gateway.power_off()
        self.network.others.remove(gateway.host)
        self.air.gateways.remove(gateway)
        self.gateways.remove(gateway)

    def gateway_of(self, name: str) -> Gateway | None:
        """The gateway that the box means by a name, as it is now."""
        return (
            self.home
            if self.fixed_address
            else next((gateway for gateway in self.gateways if gateway.name == name), None)
        )

    def resolve_host(self, host: str) -> str:
        """The site's name server. Raises OSError."""
        if host != HOST_NAME:
            return host
        if not self.network.box.reachable or self.network.weather.deaf or self.home.host.ip is None:
            raise OSError(-3, "Temporary failure in name resolution")
        return self.home.host.ip

    def note(self, *what: object) -> None:
        """Write down what happened: the trace is the proof that two runs are one."""
        line = f"{self.loop.time():12.4f}  " + "  ".join(map(str, what))
        self._hash.update(line.encode())
        self.trace.append(line)

    @property
    def fingerprint(self) -> str:
        return self._hash.hexdigest()[:16]

    # The box.

    def switch_on(self) -> None:
        """Power for the box, or a start of its process."""
        if self.box_runs or self._running is not None:
            return
        self.boots += 1
        self.box_runs = self.network.box.up = True
        self.ending = False
        self.judge.booted()
        self.panel = SimPanel(self.judge.shown)
        settings = PanelSettings(repeat_pages=self.random.random() < 0.3)
        state = begin(Benchmarks(), fixed_address=self.fixed_address, settings=settings, version="simulated")
        effect_handlers = EffectHandlers(self._find, WatchedStore(self), watch_board, self._keeper)
        self.runner = Runner(state, effect_handlers, self.panel)
        self.note("box starts")
        self._running = self.loop.create_task(self.runner.run())
        self._running.add_done_callback(self._ended)

    async def switch_off(self) -> None:
        """Tell the process to end, and wait for it."""
        if self.runner is None or self._running is None:
            return
        began, stalled, running = self.loop.time(), self.loop.stalled, self._running
        self.ending = True
        self.runner.quit()
        await asyncio.wait([running])
        self.judge.ended(self.loop.time() - began - (self.loop.stalled - stalled))

    def crash(self, *, power: bool) -> None:
        """The process dies where it stands. power: the whole board does, and what was not flushed may be lost."""
        if not self.box_runs or self._running is None:
            return
        self.note("box loses power" if power else "box crashes")
        self.box_runs = False
        self.network.box.power_cut()
        self.network.box.up = not power
        self.threads.kill()
        if power:
            self.disk.power_cut()
        else:
            self.disk.restart()
        self._running.cancel()

    def power_cut(self) -> None:
        """The power went inside of a call to the disk."""
        self.faults["power cut in a write"] += 1
        self.crash(power=True)

    def box_tasks(self) -> list[str]:
        """The tasks that are the box's own."""
        others = self._own | self.threads.requests
        return sorted(str(task.get_coro()) for task in asyncio.all_tasks(self.loop) if task not in others)

    def _ended(self, task: asyncio.Task[None]) -> None:
        crashed, self.box_runs, self._running = not self.box_runs, False, None
        self.threads.kill()
        cast(SimPanel, self.panel).kill()
        if not task.cancelled() and (error := task.exception()) is not None and not crashed:
            self.judge.blame("no unhandled exception", f"the box ended with {error!r}", error)
        self.note("box ended")
        self.loop.call_later(UNWINDS / 5, self._look_for_leftovers, self.boots)

    def _look_for_leftovers(self, boot: int) -> None:
        if boot == self.boots and not self.box_runs:
            self.judge.gone(self.box_tasks())

    def _find(self, tell: Callable[[Event], None]) -> GatewaySource:
        if self.fixed_address:
            return FixedGateway(tell, Address(HOST_NAME))
        return Discovery(tell)

    def _keeper(self) -> Archiver:
        return Archiver(cast(Archive, self.archive), Benchmarks())

    # Its life.

    def live(self, story: Callable[[World], Coroutine[Any, Any, None]]) -> None:
        """Run a story to its end, or to the first broken promise, which is raised."""
        from tests.simulation.patch_points import seams

        logger = logging.getLogger()
        level, handlers = logger.level, logger.handlers[:]
        logger.handlers[:] = [self.judge]
        logger.setLevel(logging.INFO)
        asyncio.set_event_loop(self.loop)
        # An exception that nobody saw is told of when its task is collected: that has to be in this life, and each time
        # at the same moment of it.
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            with seams(self):
                self.loop.set_exception_handler(self.judge.unhandled)
                self.loop.run_until_complete(self._live(story))
                self.loop.run_until_complete(self._end())
                gc.collect()
        finally:
            gc.enable()
            gc.unfreeze()
            logger.handlers[:] = handlers
            logger.setLevel(level)
            asyncio.set_event_loop(None)
            self.loop.close()
        if self.judge.broken is not None:
            raise self.judge.broken

    async def lasts(self, least: float, most: float) -> None:
        """Wait for some seconds: many waits are short, and a few long."""
        await asyncio.sleep(least + (most - least) * self.random.random() ** 2)

    def pace(self, pace: tuple[float, float]) -> None:
        """Let the heart on the screen beat, and the own addresses be looked at, every so many seconds."""
        appliance.core.heartbeat.BEAT = pace[0]
        for module in (appliance.gateway.discovery, appliance.gateway.fixed_address):
            setattr(module, "NETWORK_POLL_INTERVAL", pace[1])  # noqa: B010 - the module only borrows the name

    def own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task of the world's, which is not the box's."""
        task = self.loop.create_task(work)
        self._own.add(task)
        task.add_done_callback(self._done)
        return task

    def stop(self) -> None:
        """End this life now."""
        if self._stop is not None and not self._stop.done():
            self._stop.set_result(None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._own.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.judge.blame("the simulation itself works", repr(error), error)

    async def _live(self, story: Callable[[World], Coroutine[Any, Any, None]]) -> None:
        me = cast("asyncio.Task[Any]", asyncio.current_task())
        self._own.add(me)
        self._stop = self.loop.create_future()
        self._keep_looking()
        self._keep_counting()
        self._keep_collecting()
        playing = self.own(story(self))
        await asyncio.wait([playing, self._stop], return_when=asyncio.FIRST_COMPLETED)

    def _keep_collecting(self) -> None:
        gc.collect()
        self.loop.call_later(COLLECT_EVERY, self._keep_collecting)

    def _keep_counting(self) -> None:
        if self.box_runs:
            self.judge.many()
        self.loop.call_later(COUNT_EVERY, self._keep_counting)

    def _keep_looking(self) -> None:
        self.judge.look()
        self.loop.call_later(LOOK_EVERY if self.box_runs else 12 * LOOK_EVERY, self._keep_looking)

    async def _end(self) -> None:
        me = cast("asyncio.Task[Any]", asyncio.current_task())
        self._own.add(me)
        if self._running is not None:
            running = self._running
            running.cancel()
            await asyncio.wait([running])
        self.threads.kill()
        for task in self._own - {me}:
            task.cancel()
        await asyncio.sleep(UNWINDS)

    def _luck(self) -> Random:
        return Random(self.random.getrandbits(64))
