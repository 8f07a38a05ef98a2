"""Shared by the history tests: a simulated gateway with past orders, in its own thread, and the command."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.past_orders import past_orders
from appliance.simulator.restaurant import Order

T = TypeVar("T")


class Site:
    """A gateway with orders of the last 14 days, and the configuration of a box that is paired with it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.config = directory / "config.yaml"
        self.gateway = SimulatedGateway("Bar")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.gateway.start(), self._loop).result(10)
        self.state.mkdir(0o700)
        address = self.gateway.address
        self.config.write_text(f'gateway: {{address: "{address}"}}\nstate_dir: {self.state}\n')
        token = {"gateway": address, "token": self.gateway.issue_token()}
        (self.state / "token.json").write_text(json.dumps(token))

    def do(self, call: Callable[[], T]) -> T:
        """Call a function in the gateway's thread."""

        async def done() -> T:
            return call()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    def finished(self) -> dict[str, Order]:
        """The gateway's finished orders by uuid."""
        return self.do(lambda: {one.uuid: one for one in self.gateway.restaurant.history() if one.state == "cleared"})

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.gateway.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def fortnight(per_day: int) -> list[Order]:
    """The orders of 14 days, the last day until now. per_day: orders on an average day.

    None is so old that the gateway purges it between a reading and the test's own look at the gateway.
    """
    return past_orders(Random(5), datetime.now(), days=13, per_day=per_day)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A small restaurant."""
    yield from _site(tmp_path, fortnight(per_day=100))


@pytest.fixture(scope="session")
def busy_fortnight() -> list[Order]:
    return fortnight(per_day=1000)


@pytest.fixture
def busy_site(tmp_path: Path, busy_fortnight: list[Order]) -> Iterator[Site]:
    """A busy restaurant with over 12,000 orders, which take seconds to read."""
    yield from _site(tmp_path, busy_fortnight)


def _site(directory: Path, past: list[Order]) -> Iterator[Site]:
    site = Site(directory)
    site.do(lambda: site.gateway.restaurant.add_finished(past))
    try:
        yield site
    finally:
        site.close()
