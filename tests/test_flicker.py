"""A state that changes many times a second changes the picture and the log once a second."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.core.events import Event, GatewayFound, GatewayLost
from appliance.core.machine import begin
from appliance.core.values import Address, Benchmarks, Gateway
from appliance.core.view import Sound, View
from appliance.demo.recording_panel import RecordingPanel
from appliance.effect_handlers import EffectHandlers
from appliance.runner import CHANGES_AT_ONCE, Runner
from appliance.store import TokenStore

BAR = Gateway("Bar", (Address("192.0.2.1"),))


class Source:
    """Finds nothing by itself. emit: tells the appliance an event."""

    emit: Callable[[Event], None]

    def __init__(self) -> None:
        self.runs = asyncio.Event()

    async def run(self) -> None:
        """Wait until cancelled."""
        self.runs.set()
        await asyncio.Event().wait()

    async def resolve(self, name: str, hoped: Address | None = None) -> Gateway | None:
        """Find nothing."""
        return None


class Panel(RecordingPanel):
    """Records when the state on it changed."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[str] = []

    def show(self, view: View, sound: Sound | None) -> None:
        """Record a view."""
        if self.view is None or self.view.state != view.state:
            self.changes.append(view.state)
        super().show(view, sound)


@asynccontextmanager
async def appliance(directory: Path) -> AsyncIterator[tuple[Source, Panel]]:
    """A running appliance without a network."""
    source, panel = Source(), Panel()

    def find(emit: Callable[[Event], None]) -> Source:
        source.emit = emit
        return source

    runner = Runner(begin(Benchmarks()), EffectHandlers(find, TokenStore(directory)), panel)
    running = asyncio.create_task(runner.run())
    try:
        await panel.until(lambda view: view.state == "discovering")
        await asyncio.wait_for(source.runs.wait(), 10)
        yield source, panel
    finally:
        runner.quit()
        await running


async def test_a_state_that_flaps_is_shown_and_logged_once_a_second(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "appliance")
    async with appliance(tmp_path) as (source, panel):
        loop = asyncio.get_running_loop()
        began, so_far = loop.time(), len(panel.changes)
        flapping: tuple[Event, ...] = (GatewayFound(BAR), GatewayLost("Bar"))
        for event in itertools.cycle(flapping):
            source.emit(event)
            await asyncio.sleep(0.06)
            if loop.time() > began + 3:
                break
        lasted = loop.time() - began
        assert 1 < len(panel.changes) - so_far <= CHANGES_AT_ONCE + lasted + 1
        source.emit(GatewayFound(BAR))
        await panel.until(lambda view: view.state == "awaiting_pairing", within=2)
        await asyncio.sleep(1.2)
        assert panel.view is not None
        assert panel.view.state == "awaiting_pairing", "the last state is shown in the end"
        lines = [record for record in caplog.records if record.getMessage().startswith(("Awaiting", "Discovering"))]
        assert len(lines) <= len(panel.changes)


async def test_a_press_is_answered_at_once_however_the_state_flaps(tmp_path: Path) -> None:
    async with appliance(tmp_path) as (source, panel):
        for _ in range(2 * CHANGES_AT_ONCE):
            source.emit(GatewayFound(BAR))
            await asyncio.sleep(0.06)
            source.emit(GatewayLost("Bar"))
            await asyncio.sleep(0.06)
        source.emit(GatewayFound(BAR))
        panel.press()
        await panel.until(lambda view: view.state == "pairing", within=0.5)
        panel.press()
        await panel.until(lambda view: view.state == "awaiting_pairing", within=0.5)
