"""A simulated site: the box, its gateways, the network, and all faults. Owns the start and end of a simulation.

One seed determines everything: the days, the button presses and the faults.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, cast

import appliance.core.heartbeat
import appliance.gateway.network_watch
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
from tests.simulation.checked_store import CheckedStore, ExpectedTokens
from tests.simulation.disk import Disk
from tests.simulation.gateway import Gateway
from tests.simulation.invariants import CHECK_COUNT_EVERY, CHECK_RESOURCES_EVERY, InvariantChecker
from tests.simulation.loop import SimLoop
from tests.simulation.mdns import MulticastChannel
from tests.simulation.memory_archive import MemoryArchive
from tests.simulation.panel import SimPanel, SimulatedDisplay
from tests.simulation.simulated_network import Network
from tests.simulation.tcp import Host
from tests.simulation.virtual_threads import VirtualThreads

COLLECT_EVERY = 3600.0
"""Seconds between two garbage collections."""
Fault = Callable[["SimulatedSite"], Awaitable[None]]
"""A fault, from its beginning to its end."""
EXIT_WITHIN = 5.0
"""Seconds within which an ended process must have released everything."""
WALL_CLOCK_AT_START = 1.7e9
"""Seconds by which the box's wall clock is ahead of the loop's, before it jumps."""
HOST_NAME = "gateway.example"
"""The configured host name on a site whose gateway has a fixed address."""


class SimulatedSite:
    """Everything that is simulated. faults: how often each kind occurred. trace: the last events."""

    def __init__(self, seed: int, *, trace: int = 400) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.loop = SimLoop()
        self.faults: Counter[str] = Counter()
        self.trace: deque[str] = deque(maxlen=trace)
        self._hash = hashlib.sha256()
        self.network = Network(self.loop, self._new_random())
        self.multicast = MulticastChannel(self.network, self._new_random())
        self.disk = Disk(self._new_random())
        self.display = SimulatedDisplay(self._new_random())
        self.threads = VirtualThreads(self.loop, self._new_random(), self.network, self.power_cut)
        self.expected_tokens = ExpectedTokens()
        self.archive = MemoryArchive(self.disk)
        self.checker = InvariantChecker(self)
        self.fixed_address = self.random.random() < 0.15
        self.wall_offset = WALL_CLOCK_AT_START
        self.undervoltage = False
        self.gateways: list[Gateway] = []
        self.main_gateway = self.add_gateway("Kitchen", "192.0.2.10")
        self.boots = 0
        self.box_running = self.stopping = False
        self.person_active = False
        self.fault_free_since = 0.0
        """When the last fault ended; infinity during one."""
        self.count_must_match = True
        self.runner: Runner | None = None
        self.panel: SimPanel | None = None
        self._run_task: asyncio.Task[None] | None = None
        self._simulation_tasks: set[asyncio.Task[Any]] = set()
        self._stop: asyncio.Future[None] | None = None

    # The gateways.

    @property
    def state(self) -> State:
        return cast(Runner, self.runner).state

    def add_gateway(self, name: str, ip: str) -> Gateway:
        host = Host(ip)
        gateway = Gateway(self.network, self._new_random(), name, host)
        gateway.on_feed, gateway.on_token, gateway.on_issue = (
            self.checker.on_feed,
            self.checker.on_token_received,
            self.checker.on_token_issued,
        )
        self.network.gateway_hosts.append(host)
        self.multicast.gateways.append(gateway)
        self.gateways.append(gateway)
        self.multicast.announce(gateway)
        return gateway

    def remove_gateway(self, gateway: Gateway) -> None:
        gateway.power_off()
        self.network.gateway_hosts.remove(gateway.host)
        self.multicast.gateways.remove(gateway)
        self.gateways.remove(gateway)

    def gateway_named(self, name: str) -> Gateway | None:
        """The gateway that the box now knows by this name."""
        return (
            self.main_gateway
            if self.fixed_address
            else next((gateway for gateway in self.gateways if gateway.name == name), None)
        )

    def resolve_host(self, host: str) -> str:
        """The site's name server. Raises OSError."""
        if host != HOST_NAME:
            return host
        if not self.network.box.reachable or self.network.impairment.blocked or self.main_gateway.host.ip is None:
            raise OSError(-3, "Temporary failure in name resolution")
        return self.main_gateway.host.ip

    def note(self, *what: object) -> None:
        """Record an event; the fingerprint of all events proves that two runs are identical."""
        line = f"{self.loop.time():12.4f}  " + "  ".join(map(str, what))
        self._hash.update(line.encode())
        self.trace.append(line)

    @property
    def fingerprint(self) -> str:
        return self._hash.hexdigest()[:16]

    # The box.

    def switch_on(self) -> None:
        """Power the box on, or start its process."""
        if self.box_running or self._run_task is not None:
            return
        self.boots += 1
        self.box_running = self.network.box.up = True
        self.stopping = False
        self.checker.on_boot()
        self.panel = SimPanel(self.checker.on_view, self.checker.pairing.on_press)
        settings = PanelSettings(repeat_pages=self.random.random() < 0.3)
        state = begin(Benchmarks(), fixed_address=self.fixed_address, settings=settings, version="simulated")
        effect_handlers = EffectHandlers(self._make_source, CheckedStore(self), watch_board, self._make_archiver)
        self.runner = Runner(state, effect_handlers, self.panel)
        self.note("box starts")
        self._run_task = self.loop.create_task(self.runner.run())
        self._run_task.add_done_callback(self._ended)

    async def switch_off(self) -> None:
        """Stop the process and wait for its end."""
        if self.runner is None or self._run_task is None:
            return
        began, stalled, running = self.loop.time(), self.loop.stalled, self._run_task
        self.stopping = True
        self.runner.quit()
        await asyncio.wait([running])
        self.checker.check_shutdown_time(self.loop.time() - began - (self.loop.stalled - stalled))

    def crash(self, *, power: bool) -> None:
        """End the process at once. power: the whole board loses power, and unflushed data may be lost."""
        if not self.box_running or self._run_task is None:
            return
        self.note("box loses power" if power else "box crashes")
        self.box_running = False
        self.network.box.power_cut()
        self.network.box.up = not power
        self.threads.kill()
        if power:
            self.disk.power_cut()
        else:
            self.disk.restart()
        self._run_task.cancel()

    def power_cut(self) -> None:
        """The power failed during a call to the disk."""
        self.faults["power was cut during a write"] += 1
        self.crash(power=True)

    def box_tasks(self) -> list[str]:
        """The box's tasks."""
        others = self._simulation_tasks | self.threads.requests
        return sorted(str(task.get_coro()) for task in asyncio.all_tasks(self.loop) if task not in others)

    def _ended(self, task: asyncio.Task[None]) -> None:
        crashed, self.box_running, self._run_task = not self.box_running, False, None
        self.threads.kill()
        cast(SimPanel, self.panel).kill()
        if not task.cancelled() and (error := task.exception()) is not None and not crashed:
            self.checker.report_violation("no unhandled exception", f"the box ended with {error!r}", error)
        self.note("box ended")
        self.loop.call_later(EXIT_WITHIN / 5, self._check_exit, self.boots)

    def _check_exit(self, boot: int) -> None:
        if boot == self.boots and not self.box_running:
            self.checker.check_exit(self.box_tasks())

    def _make_source(self, tell: Callable[[Event], None]) -> GatewaySource:
        if self.fixed_address:
            return FixedGateway(tell, Address(HOST_NAME))
        return Discovery(tell)

    def _make_archiver(self) -> Archiver:
        return Archiver(cast(Archive, self.archive), Benchmarks())

    # The simulation.

    def run(self, scenario: Callable[[SimulatedSite], Coroutine[Any, Any, None]]) -> None:
        """Run a scenario to its end, or to the first violated invariant, which is raised."""
        from tests.simulation.patch_points import manual_garbage_collection, only_log_handler, patched_environment

        asyncio.set_event_loop(self.loop)
        try:
            with only_log_handler(self.checker), manual_garbage_collection(), patched_environment(self):
                self.loop.set_exception_handler(self.checker.on_unhandled_exception)
                self.loop.run_until_complete(self._run(scenario))
                self.loop.run_until_complete(self._end())
                gc.collect()
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()
        if self.checker.violation is not None:
            raise self.checker.violation

    async def wait_between(self, least: float, most: float) -> None:
        """Sleep for a random time: usually a short one, rarely a long one."""
        await asyncio.sleep(least + (most - least) * self.random.random() ** 2)

    def set_polling(self, pace: tuple[float, float]) -> None:
        """Set the seconds between heartbeats on the screen, and between reads of the own addresses."""
        appliance.core.heartbeat.BEAT = pace[0]
        appliance.gateway.network_watch.NETWORK_POLL_INTERVAL = pace[1]

    def start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task of the simulation, as opposed to the box's."""
        task = self.loop.create_task(work)
        self._simulation_tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def stop(self) -> None:
        """End this simulation now."""
        if self._stop is not None and not self._stop.done():
            self._stop.set_result(None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._simulation_tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.checker.report_violation("no error in the simulation", repr(error), error)

    async def _run(self, scenario: Callable[[SimulatedSite], Coroutine[Any, Any, None]]) -> None:
        me = cast("asyncio.Task[Any]", asyncio.current_task())
        self._simulation_tasks.add(me)
        self._stop = self.loop.create_future()
        self._check_count_periodically()
        self._check_resources_periodically()
        self._collect_garbage_periodically()
        running_scenario = self.start_task(scenario(self))
        await asyncio.wait([running_scenario, self._stop], return_when=asyncio.FIRST_COMPLETED)

    def _collect_garbage_periodically(self) -> None:
        gc.collect()
        self.loop.call_later(COLLECT_EVERY, self._collect_garbage_periodically)

    def _check_resources_periodically(self) -> None:
        if self.box_running:
            self.checker.check_resources_under_load()
        self.loop.call_later(CHECK_RESOURCES_EVERY, self._check_resources_periodically)

    def _check_count_periodically(self) -> None:
        self.checker.check_count()
        self.loop.call_later(
            CHECK_COUNT_EVERY if self.box_running else 12 * CHECK_COUNT_EVERY, self._check_count_periodically
        )

    async def _end(self) -> None:
        me = cast("asyncio.Task[Any]", asyncio.current_task())
        self._simulation_tasks.add(me)
        if self._run_task is not None:
            running = self._run_task
            running.cancel()
            await asyncio.wait([running])
        self.threads.kill()
        for task in self._simulation_tasks - {me}:
            task.cancel()
        await asyncio.sleep(EXIT_WITHIN)

    def _new_random(self) -> Random:
        return Random(self.random.getrandbits(64))
