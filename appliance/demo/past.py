"""The demo's past: a gateway at lunchtime after two weeks of business, and settings for reports on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from appliance.config import Config, GatewayConfig, NetworkConfig
from appliance.config.dumper import dump
from appliance.core.values import Benchmarks
from appliance.simulator.past_orders import past_orders
from appliance.simulator.restaurant import Order

LUNCH = timedelta(hours=12, minutes=45)
"""The gateway's time when the demo begins: before the restaurant opens, its day page would be empty."""
DAYS = 13
"""Days before today: so many that the gateway, which keeps 14 days, drops none while the demo runs."""
PER_DAY = 120
"""Orders of an average day: few, so that the box reads them in a moment."""


def lunch_clock() -> Callable[[], datetime]:
    """A clock that shows today's lunchtime now, and goes on from there."""
    began = time.monotonic()
    lunch = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0) + LUNCH
    return lambda: lunch + timedelta(seconds=time.monotonic() - began)


def fortnight(now: datetime, pace: float = 1.0) -> list[Order]:
    """Finished orders of two weeks. pace: the factor by which deliveries are quicker than in a real restaurant."""
    orders = past_orders(Random(7), now, days=DAYS, per_day=PER_DAY)
    return [replace(order, changed=order.created + (order.changed - order.created) / pace) for order in orders]


def write_settings(state_dir: Path, gateway: str, benchmarks: Benchmarks) -> Path:
    """Write settings with which `tt-appliance history` reads the demo's gateway while the demo runs; their file."""
    config = Config(
        gateway=GatewayConfig(name=gateway),
        network=NetworkConfig(interfaces=("lo",)),
        orders=benchmarks,
        state_dir=state_dir,
    )
    path = state_dir / "demo.yaml"
    path.write_text(dump(config), encoding="utf-8")
    return path
