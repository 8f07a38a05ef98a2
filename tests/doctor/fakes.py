"""A simulated box with mock pins and a fake bus, and a simulated person who answers."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gpiozero import DigitalOutputDevice, GPIOPinInUse
from gpiozero.pins.mock import MockFactory

from appliance.config import BuzzerConfig, Config, DisplayConfig, GatewayConfig, NetworkConfig
from appliance.core.values import Address, Credential, Token
from appliance.core.view import Sound
from appliance.doctor.console import Console
from appliance.doctor.context import CheckContext, Limits, Service
from appliance.doctor.examination import examine
from appliance.doctor.finding import Finding
from appliance.store import TokenStore
from tests.panel.i2c_display import I2cDisplay

PINS = SimpleNamespace(**Config().pins.present)
LIMITS = Limits(
    check=20.0, answer=5.0, call=5.0, bus=5.0, lit=0.02, press=2.0, release=0.2, sight=3.0, others=0.2, reply=0.4
)
Answer = str | Callable[[], str] | None
QUESTIONS = ("frame around", "GREEN", "AMBER", "RED", "Did you hear")
"""Parts of the yes-or-no questions."""


class Bus:
    """A fake I2C bus. address: of the display. strangers: addresses of other devices."""

    def __init__(self, display: I2cDisplay, address: int = 0x3C, strangers: Sequence[int] = ()) -> None:
        self.display = display
        display.address = address
        self.strangers = set(strangers)
        self.held: set[int] = set()
        self.closed = False

    def write_i2c_block_data(self, address: int, register: int, block: Sequence[int]) -> None:
        self.display.write_i2c_block_data(address, register, block)

    def i2c_rdwr(self, *messages: Any) -> None:
        self.display.i2c_rdwr(*messages)

    def read_byte(self, address: int) -> int:
        if address in self.held:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return 0xFF if address in self.strangers else self.display.read_byte(address)

    def read_byte_data(self, address: int, register: int) -> int:
        assert address not in self.held | self.strangers, "nothing is written to another device"
        return self.display.read_byte_data(address, register)

    def close(self) -> None:
        self.closed = True


class Person:
    """Reads the doctor's output and answers each question with the first answer whose key is part of it.

    A callable answer is called when the question appears. A question without an answer, or with None, gets no reply.
    """

    def __init__(self, answers: Mapping[str, Answer] | None) -> None:
        self.said = ""
        self._answers = answers
        self._read, self._write = os.pipe()
        # This write never blocks, but only a non-blocking descriptor tells blockbuster so.
        os.set_blocking(self._write, False)

    def console(self) -> Console:
        return Console(self.hear, None if self._answers is None else self._read)

    def hear(self, text: str) -> None:
        self.said += text
        for part, answer in (self._answers or {}).items():
            if part in text:
                given = answer() if callable(answer) else answer
                if given:
                    os.write(self._write, given.encode())
                return

    def hang_up(self) -> None:
        os.close(self._write)
        self._write = -1

    def leave(self) -> None:
        if self._write >= 0:
            os.close(self._write)
        os.close(self._read)


class Box:
    """Everything that a context needs, intact; a test breaks one part."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.state = folder / "state"
        self.pins = MockFactory()
        self.display = I2cDisplay()
        self.bus = Bus(self.display)
        self.limits = LIMITS
        self.config = Config(network=NetworkConfig(("lo",)), state_dir=self.state)
        self.persons: list[Person] = []
        self.service: Service | None = None
        self.put("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
        self.put("sys/class/thermal/thermal_zone0/temp", "48200\n")
        self.put("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n")

    def put(self, name: str, content: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def change(
        self,
        *,
        display: DisplayConfig | None = None,
        buzzer: BuzzerConfig | None = None,
        address: Address | None = None,
        name: str | None = None,
        interfaces: tuple[str, ...] = ("lo",),
    ) -> None:
        self.config = replace(
            self.config,
            display=display or self.config.display,
            buzzer=buzzer or self.config.buzzer,
            gateway=GatewayConfig(address, name),
            network=NetworkConfig(interfaces),
        )

    def pair(self, gateway: str, token: str) -> None:
        TokenStore(self.state).store(Credential(gateway, Token(token)))

    def press(self) -> str:
        """Press the button as an answer, and keep it down."""
        self.pins.pin(PINS.button).drive_low()
        return ""

    def lit(self) -> set[str]:
        """The names of the outputs that are on."""
        return {
            name
            for name in ("green", "amber", "red", "buzzer")
            if self.pins.pin(getattr(PINS, name)).function == "output" and self.pins.pin(getattr(PINS, name)).state
        }

    def context(self, answers: Mapping[str, Answer] | None = None) -> tuple[CheckContext, Person]:
        """A context of these parts, and its person. answers: see Person; None for no user."""
        person = Person(answers)
        self.persons.append(person)
        context = CheckContext(
            self.config,
            person.console(),
            limits=self.limits,
            root=self.root,
            pin_factory=self.pins,
            open_bus=lambda _: self.bus,
            sounds=(Sound.ERROR,),
            service=self.service,
        )
        return context, person


async def tried(context: CheckContext, *checks: Callable[[CheckContext], Awaitable[Finding | None]]) -> Finding:
    """The finding of the last of these checks, after everything is closed."""
    found: list[Finding | None] = []
    async with context.closing, context.parts:
        for check in checks:
            found.append(await check(context))
    context.console.close()
    assert found[-1] is not None
    return found[-1]


def press(box: Box) -> Callable[[], str]:
    """An answer that presses and releases the button."""

    def pressing() -> str:
        pin, loop = box.pins.pin(PINS.button), asyncio.get_running_loop()
        loop.call_later(0.02, pin.drive_low)
        loop.call_later(0.12, pin.drive_high)
        return ""

    return pressing


def everything_seen(box: Box) -> dict[str, Answer]:
    return {**dict.fromkeys(QUESTIONS, "y\n"), "Press the button": press(box)}


async def examined(box: Box, answers: Mapping[str, Answer] | None) -> tuple[int, Person, CheckContext]:
    """Examine without sounds, which take long; return the exit code, the person and the context."""
    context, person = box.context(answers)
    context.sounds = ()
    try:
        return await examine(context), person, context
    finally:
        context.console.close()


def all_is_off(box: Box) -> bool:
    return box.lit() == set() and still_taken(box) == [] and not box.display.on and box.bus.closed


def still_taken(box: Box) -> list[str]:
    """The pins that are not released."""
    taken = []
    for name in ("green", "amber", "red", "buzzer", "button"):
        try:
            DigitalOutputDevice(getattr(PINS, name), pin_factory=box.pins).close()
        except GPIOPinInUse:
            taken.append(name)
    return taken
