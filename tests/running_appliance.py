"""A running appliance for tests, with a recording panel and the simulated gateway."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from appliance.core.machine import begin
from appliance.core.values import Address, Benchmarks, Credential, Token
from appliance.core.view import View
from appliance.demo.recording_panel import RecordingPanel
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.discovery import Discovery
from appliance.gateway.fixed_address import FixedGateway
from appliance.history_syncs import Archiver
from appliance.runner import Runner
from appliance.simulator.gateway import SimulatedGateway
from appliance.store import TokenStore

LOOPBACK = "127.0.0.1"
NAME = f"Bar {os.getpid()}"
"""A unique name, because other tests announce gateways on the loopback interface at the same time."""


class RunningPanel(RecordingPanel):
    """The panel of a running appliance, and its effect handlers."""

    def __init__(self, effect_handlers: EffectHandlers) -> None:
        super().__init__()
        self.effect_handlers = effect_handlers


@asynccontextmanager
async def appliance(
    state_dir: Path,
    *,
    fixed_address: SimulatedGateway | None = None,
    benchmarks: Benchmarks | None = None,
    make_archiver: Callable[[], Archiver] | None = None,
) -> AsyncIterator[RunningPanel]:
    """A running appliance. fixed_address: the gateway whose address is configured; default: discovery by mDNS."""

    def find(tell: Callable[[Any], None]) -> Any:
        if fixed_address is None:
            return Discovery(tell, NAME, ["lo"])
        return FixedGateway(tell, Address(fixed_address.host, fixed_address.port), "Bar")

    panel = RunningPanel(EffectHandlers(find, TokenStore(state_dir), make_archiver=make_archiver))
    state = begin(benchmarks or Benchmarks(), fixed_address=fixed_address is not None)
    runner = Runner(state, panel.effect_handlers, panel)
    running = asyncio.create_task(runner.run())
    try:
        yield panel
    finally:
        runner.quit()
        async with asyncio.timeout(2):
            await running


def paired_with(gateway: SimulatedGateway, state_dir: Path) -> None:
    TokenStore(state_dir).store(Credential("Bar", Token(gateway.issue_token())))


def in_state(name: str, reason: str | None = None) -> Callable[[View], bool]:
    return lambda view: view.state == name and (reason is None or view.reason == reason)


def count(active: int) -> Callable[[View], bool]:
    return lambda view: view.active == active
