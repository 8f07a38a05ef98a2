"""What the checks work with: the settings, the terminal, the seams to the parts, and what earlier checks found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from appliance.aio import in_daemon_thread
from appliance.board import ROOT, read_model
from appliance.config import Config
from appliance.core.events import TokensLoaded
from appliance.core.values import Gateway
from appliance.core.view import Sound
from appliance.doctor.console import Console
from appliance.gateway.source import GatewaySource

T = TypeVar("T")

ELSEWHERE = "Run the doctor on the box's Raspberry Pi."
"""What to do on a machine that is none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each thing may take, in seconds, so that the doctor always comes to an end.

    check: any one check as a whole, against all that the others don't foresee. answer: a question. call: a call of the
    kernel or a library. bus: the display's set-up and its picture, 0.4 on a slow bus, or 110 addresses. lit: how long
    a light is lit, and a picture shown, where nobody is asked. press, release: for the button to go down, and up.
    sight: for a gateway to be heard of; others: for more of them after the first. reply: for a gateway to answer.
    """

    check: float = 150.0
    answer: float = 60.0
    call: float = 10.0
    bus: float = 5.0
    lit: float = 0.7
    press: float = 15.0
    release: float = 3.0
    sight: float = 8.0
    others: float = 1.5
    reply: float = 5.0


def open_i2c_bus(port: int) -> Any:
    """The bus N of /dev/i2c-N. Raises OSError."""
    import smbus2

    return smbus2.SMBus(port)


@dataclass(slots=True)
class Bench:
    """All that a check needs.

    root: where the kernel's files hang. pin_factory, open_bus: seams for machines without pins. sounds: those that the
    buzzer is tried with. closing: what is to be undone at the end, whatever the end is.

    What earlier checks found: pins by name, as gpiozero devices, and whether another program holds any of them; the
    tokens on flash; the source of gateways, None without a network; the gateways in sight, and those that answer.
    """

    config: Config
    console: Console
    limits: Limits = field(default_factory=Limits)
    root: Path = ROOT
    pin_factory: Any = None
    open_bus: Callable[[int], Any] = open_i2c_bus
    sounds: tuple[Sound, ...] = tuple(Sound)
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)

    pins: dict[str, Any] = field(default_factory=dict)
    held: bool = False
    tokens: TokensLoaded | None = None
    source: GatewaySource | None = None
    found: dict[str, Gateway] = field(default_factory=dict)
    answering: set[str] = field(default_factory=set)

    async def is_on_a_pi(self) -> bool:
        """Whether this machine says that it is a Raspberry Pi."""
        return "Raspberry Pi" in (await self.blocking(lambda: read_model(self.root), "read the model") or "")

    async def blocking(self, call: Callable[[], T], name: str, within: float | None = None) -> T:
        """What a blocking call returns or raises. Raises TimeoutError where it takes too long, and leaves it behind."""
        async with asyncio.timeout(self.limits.call if within is None else within):
            return await in_daemon_thread(call, name)
