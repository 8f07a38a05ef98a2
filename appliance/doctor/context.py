"""The context of the checks: settings, terminal, injected hardware, and the results of earlier checks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from appliance.aio import in_daemon_thread
from appliance.board import ROOT, read_model
from appliance.config import Config
from appliance.config.presets import PRESETS
from appliance.core.events import TokensLoaded
from appliance.core.values import Gateway
from appliance.core.view import Sound
from appliance.doctor.console import Console
from appliance.doctor.finding import Finding
from appliance.gateway.source import GatewaySource

T = TypeVar("T")

ELSEWHERE = "Run the doctor on the box's Raspberry Pi."
"""The advice on any other machine."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Timeouts in seconds, so that the doctor always ends.

    check: for one check as a whole. answer: for a question. call: for a call of the kernel or a library. bus: for the
    display's set-up and a picture (0.4 on a slow bus, and more to load its library on a busy board), or for scanning
    110 addresses. lit: how long an LED or a picture stays on without a user. press, release: for the button. sight: for
    finding a gateway; others: for finding more after the first. reply: for a gateway's response.
    """

    check: float = 150.0
    answer: float = 60.0
    call: float = 10.0
    bus: float = 20.0
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


class Service(Protocol):
    """The appliance's service. The methods block."""

    def state(self) -> str:
        """Its state, such as `active` or `failed`; another word if there is no such service."""

    def pause(self) -> str | None:
        """Stop it until `resume`, or until this process ends in any way; an error message if that fails."""

    def resume(self) -> None:
        """Start it, without waiting for that."""

    def wait(self) -> None:
        """Wait until the start has succeeded or failed."""


@dataclass(slots=True)
class CheckContext:
    """The input of the checks, and their shared results.

    root: the root of the kernel's files. pin_factory, open_bus: replaceable hardware access. sounds: sounds to play.
    service: the appliance's, which has to pause; None on a machine without it. parts: clean-up of pins and display.
    closing: clean-up at the end.

    Results: findings by the check's name; status: of the running appliance; paused: its service is; pins by name
    (gpiozero devices); pins_busy: another program uses one of them; tokens: those in the state directory; source: None
    without a network; found: gateways by name; answering: names of those that respond.
    """

    config: Config
    console: Console
    limits: Limits = field(default_factory=Limits)
    root: Path = ROOT
    pin_factory: Any = None
    open_bus: Callable[[int], Any] = open_i2c_bus
    sounds: tuple[Sound, ...] = tuple(Sound)
    service: Service | None = None
    parts: AsyncExitStack = field(default_factory=AsyncExitStack)
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)

    findings: dict[str, Finding] = field(default_factory=dict)
    status: Mapping[str, Any] | None = None
    paused: bool = False
    pins: dict[str, Any] = field(default_factory=dict)
    pins_busy: bool = False
    tokens: TokensLoaded | None = None
    source: GatewaySource | None = None
    found: dict[str, Gateway] = field(default_factory=dict)
    answering: set[str] = field(default_factory=set)

    def place(self, part: str) -> str | None:
        """Where a part is on the boards that the settings name; None if it has wires of its own."""
        preset, pins = PRESETS[self.config.hardware], self.config.pins
        return preset.places.get(part) if getattr(pins, part) == getattr(preset.pins, part) else None

    async def is_on_a_pi(self) -> bool:
        """Whether this machine is a Raspberry Pi."""
        return "Raspberry Pi" in (await self.blocking(lambda: read_model(self.root), "read the model") or "")

    async def blocking(self, call: Callable[[], T], name: str, within: float | None = None) -> T:
        """The result of a blocking call on a daemon thread. Raises TimeoutError, which leaves the thread running."""
        async with asyncio.timeout(self.limits.call if within is None else within):
            return await in_daemon_thread(call, name)
