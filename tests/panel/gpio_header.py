"""A pin header to test the pin library on: the kernel's simulated GPIO chip where available, and a fake.

The fake treats requested lines as the kernel does (include/uapi/linux/gpio.h, version 2): each has one holder, an
input's edges are queued if requested, and a released line becomes an input again.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import gpiod
import pytest
from gpiod.line import Bias, Direction, Edge, Value

from appliance.panel.pins import GpiodFactory

LINES = 32
CONFIGFS = Path("/sys/kernel/config/gpio-sim")
CHIP = Path("/dev/gpiochip0")


class Header(Protocol):
    """The pins, as seen from outside."""

    def factory(self) -> GpiodFactory:
        """A pin factory for this header."""

    def drive(self, number: int, level: int) -> None:
        """Drive a pin from outside."""

    def level(self, number: int) -> int:
        """The level that a meter at the pin would show."""

    def requested(self) -> set[int]:
        """The pins that a program has requested."""


class Request:
    """A requested line."""

    def __init__(self, chip: FakeChip, number: int, settings: gpiod.LineSettings) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK)
        self._chip, self._number = chip, number
        self._edges: list[gpiod.EdgeEvent] = []
        self.settings = settings
        self.reconfigure_lines({number: settings})

    def reconfigure_lines(self, config: dict[int, gpiod.LineSettings]) -> None:
        self.settings = config[self._number]
        if self.settings.direction is Direction.OUTPUT:
            self._chip.outputs[self._number] = self.settings.output_value
        else:
            assert self.settings.bias in (Bias.AS_IS, Bias.PULL_UP, Bias.PULL_DOWN)
            self._chip.outputs.pop(self._number, None)

    def get_value(self, number: int) -> Value:
        assert number == self._number
        return Value(bool(self._chip.level(number)))

    def set_value(self, number: int, value: Value) -> None:
        assert self.settings.direction is Direction.OUTPUT, "EPERM"
        assert number == self._number
        self._chip.outputs[number] = value

    def read_edge_events(self) -> list[gpiod.EdgeEvent]:
        # Without events the kernel would block the caller; here that is an error.
        os.eventfd_read(self.fd)
        edges, self._edges = self._edges, []
        return edges

    def release(self) -> None:
        os.close(self.fd)
        self._chip.outputs.pop(self._number, None)
        del self._chip.held[self._number]

    def changed(self, level: int) -> None:
        if self.settings.edge_detection is Edge.BOTH:
            kind = gpiod.EdgeEvent.Type.RISING_EDGE if level else gpiod.EdgeEvent.Type.FALLING_EDGE
            self._edges.append(gpiod.EdgeEvent(kind.value, time.monotonic_ns(), self._number, 1, 1))
            os.eventfd_write(self.fd, 1)


class FakeChip:
    """The fake chip, which is also its own Header."""

    def __init__(self, label: str = "pinctrl-sim") -> None:
        self.label = label
        self.outputs: dict[int, Value] = {}
        self.held: dict[int, Request] = {}
        self.closed = False
        self._driven: dict[int, int] = {}

    def __enter__(self) -> FakeChip:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True

    def get_info(self) -> Any:
        return SimpleNamespace(label=self.label, num_lines=LINES)

    def request_lines(self, config: dict[int, gpiod.LineSettings], consumer: str) -> Request:
        ((number, settings),) = config.items()
        if number in self.held:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.held[number] = Request(self, number, settings)
        return self.held[number]

    def factory(self) -> GpiodFactory:
        return GpiodFactory(CHIP, lambda _: self)

    def drive(self, number: int, level: int) -> None:
        before = self.level(number)
        self._driven[number] = level
        if number in self.held and before != level:
            self.held[number].changed(level)

    def level(self, number: int) -> int:
        if number in self.outputs:
            return int(self.outputs[number] is Value.ACTIVE)
        pulled = number in self.held and self.held[number].settings.bias is Bias.PULL_UP
        return self._driven.get(number, int(pulled))

    def requested(self) -> set[int]:
        return set(self.held)


class GpioSimChip:
    """The kernel's simulated chip (Documentation/admin-guide/gpio/gpio-sim.rst)."""

    def __init__(self, path: Path, attributes: Path) -> None:
        self._path, self._attributes = path, attributes

    def factory(self) -> GpiodFactory:
        return GpiodFactory(self._path)

    def drive(self, number: int, level: int) -> None:
        (self._attributes / f"sim_gpio{number}" / "pull").write_text("pull-up" if level else "pull-down")

    def level(self, number: int) -> int:
        return int((self._attributes / f"sim_gpio{number}" / "value").read_text())

    def requested(self) -> set[int]:
        with gpiod.Chip(str(self._path)) as chip:
            return {number for number in range(LINES) if chip.get_line_info(number).used}


@contextmanager
def sim_chip() -> Iterator[GpioSimChip]:
    """Create a simulated chip in the kernel; skips with the reason if that is impossible."""
    if os.geteuid() != 0:
        pytest.skip("only root can have the kernel simulate pins")
    if not CONFIGFS.is_dir():
        pytest.skip(f"this kernel simulates no pins (modprobe gpio-sim makes {CONFIGFS})")
    device = CONFIGFS / f"tt-{os.getpid()}"
    bank = device / "bank"
    device.mkdir()
    try:
        bank.mkdir()
        (bank / "num_lines").write_text(str(LINES))
        (device / "live").write_text("1")
        name = (bank / "chip_name").read_text().strip()
        parent = (device / "dev_name").read_text().strip()
        path = Path("/dev", name)
        until = time.monotonic() + 5
        while not path.exists():
            assert time.monotonic() < until, f"{path} does not come"
            time.sleep(0.01)
        yield GpioSimChip(path, Path("/sys/devices/platform", parent, name))
    finally:
        (device / "live").write_text("0")
        bank.rmdir()
        device.rmdir()


@contextmanager
def fake() -> Iterator[FakeChip]:
    yield FakeChip()


KINDS: dict[str, Callable[[], Any]] = {"fake": fake, "gpio-sim": sim_chip}
