"""The pins of the header, held through libgpiod: a pin library for gpiozero that sleeps until a pin changes.

lgpio, which gpiozero would take, starts two threads as soon as it opens the chip: one looks after waves at least 50
times a second, and the other, once an input is watched, at its edges some 1,000 times a second (lgPthTx.c and
lgPthAlerts.c of lgpio 0.2.2). So it is loaded for the one thing that it alone can do, the tones of a passive buzzer.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import select
import threading
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gpiod
from gpiod.line import Bias, Direction, Edge, Value
from gpiozero import Device, PinEdgeDetectUnsupported, PinFixedPull, PinInvalidFunction, PinInvalidPull, PinSetInput
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

log = logging.getLogger(__name__)

CONSUMER = "tt-appliance"
"""Who holds the lines, in the kernel's books (`gpioinfo`)."""
HEADER_CHIPS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""The labels of the chips that have the header's pins: of a Raspberry Pi 5, of a 4, and of those before it (the
kernel's drivers of these names). Their lines are numbered as BCM numbers its pins."""
PROCESSORS_CHIP = "gpio-brcmstb"
"""The label, up to its `@`, of the chips that a Raspberry Pi 5's processor has beside the header's."""

_BIAS = {"up": Bias.PULL_UP, "down": Bias.PULL_DOWN, "floating": Bias.DISABLED}
_PULL = {bias: pull for pull, bias in _BIAS.items()} | {Bias.AS_IS: "floating", Bias.UNKNOWN: "floating"}


def ensure_factory() -> None:
    """Choose the pin library, where none is chosen yet: GpiodFactory, or what GPIOZERO_PIN_FACTORY names.

    Raises what the library raises: OSError where the chip is missing or may not be used.
    """
    with warnings.catch_warnings():
        # gpiozero warns of every pin library that it lacks before it says what is wrong.
        warnings.simplefilter("ignore")
        if Device.pin_factory is None and "GPIOZERO_PIN_FACTORY" not in os.environ:
            Device.pin_factory = GpiodFactory()
        Device.ensure_pin_factory()


def tone_factory() -> Any:
    """The pin library for tones: the chosen one, but lgpio in the place of libgpiod, which makes none.

    Raises ImportError where lgpio is missing, and what it raises.
    """
    ensure_factory()
    if not isinstance(Device.pin_factory, GpiodFactory):
        return Device.pin_factory
    from gpiozero.pins.lgpio import LGPIOFactory

    return LGPIOFactory(chip=Device.pin_factory.number)


def header_chip(folder: Path = Path("/dev"), open_chip: Callable[[str], Any] = gpiod.Chip) -> Path:
    """The chip with the header's pins, by its label; chip 0 where none has such a label.

    Raises:
        FileNotFoundError: A Raspberry Pi 5 whose header is not there: its other chips switch parts of the board.
    """
    labels = set()
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := re.fullmatch(r"gpiochip(\d+)", path.name))]
    for _, path in sorted(found):
        try:
            with open_chip(str(path)) as chip:
                label = chip.get_info().label
        except OSError as error:
            log.debug("%s can't be looked at: %s", path, error)
            continue
        if label in HEADER_CHIPS:
            return path
        labels.add(label.partition("@")[0])
    if PROCESSORS_CHIP in labels:
        raise FileNotFoundError(errno.ENOENT, "no pins of the header", HEADER_CHIPS[0])
    return folder / "gpiochip0"


class GpiodFactory(LocalPiFactory):  # type: ignore[misc]
    """gpiozero's pins over libgpiod. path: the chip; None to look for it. Raises OSError where it can't be opened."""

    def __init__(self, path: Path | None = None, open_chip: Callable[[str], Any] = gpiod.Chip) -> None:
        super().__init__()
        # Where this is no Raspberry Pi, that is said now rather than of each pin.
        self._get_revision()
        path = header_chip(open_chip=open_chip) if path is None else path
        self.number = int(path.name.removeprefix("gpiochip"))
        try:
            self.chip = open_chip(str(path))
        except OSError as error:
            # libgpiod does not say which.
            raise OSError(error.errno, error.strerror, str(path)) from None
        self.pin_class = GpiodPin

    def close(self) -> None:
        """Give all back."""
        super().close()
        self.chip.close()


class GpiodPin(LocalPiPin):  # type: ignore[misc]
    """A line of the chip, held from when it is first set up until it is closed.

    Who watches it is called on a thread of the pin's own, which sleeps until there is an edge.
    """

    def __init__(self, factory: GpiodFactory, info: Any) -> None:
        super().__init__(factory, info)
        # What libgpiod makes is for one thread at a time.
        self._lock = threading.Lock()
        self._request: gpiod.LineRequest | None = None
        self._settings = gpiod.LineSettings()
        self._stop: int | None = None

    def close(self) -> None:
        """Give the line back; the kernel makes it an input."""
        self.when_changed = None
        with self._lock:
            if self._request is not None:
                self._request.release()
            self._request = None
            self._settings = gpiod.LineSettings()

    def output_with_state(self, state: bool) -> None:
        """Make it an output that is at once at this level."""
        self._set_up(gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value(bool(state))))

    def _set_up(self, settings: gpiod.LineSettings) -> None:
        """Hold the line so. Raises OSError: EBUSY where another program holds it."""
        with self._lock:
            if self._request is None:
                self._request = self.factory.chip.request_lines({self._number: settings}, consumer=CONSUMER)
            else:
                self._request.reconfigure_lines({self._number: settings})
            self._settings = settings

    def _get_function(self) -> str:
        return "output" if self._settings.direction is Direction.OUTPUT else "input"

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f'invalid function "{value}" for pin {self!r}')
        self.when_changed = None
        self._set_up(gpiod.LineSettings(direction=Direction.INPUT if value == "input" else Direction.OUTPUT))

    def _get_state(self) -> bool:
        with self._lock:
            return self._request is not None and self._request.get_value(self._number) is Value.ACTIVE

    def _set_state(self, value: bool) -> None:
        if self.function == "input":
            raise PinSetInput(f"cannot set state of pin {self!r}")
        with self._lock:
            if self._request is not None:
                self._request.set_value(self._number, Value(bool(value)))

    def _get_pull(self) -> str:
        return _PULL[self._settings.bias]

    def _set_pull(self, value: str) -> None:
        if self.function != "input":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        if self.info.pull not in (value, ""):
            raise PinFixedPull(f"{self!r} has a physical pull-{self.info.pull} resistor")
        if value not in _BIAS:
            raise PinInvalidPull(f'invalid pull "{value}" for pin {self!r}')
        self._set_up(replace(self._settings, bias=_BIAS[value]))

    def _get_edges(self) -> str:
        return "both"

    def _set_edges(self, value: str) -> None:
        if value != "both":
            raise PinEdgeDetectUnsupported(f"pin {self!r} is watched for both edges")

    def _enable_event_detect(self) -> None:
        self._set_up(replace(self._settings, edge_detection=Edge.BOTH))
        assert self._request is not None
        self._stop = os.eventfd(0)
        threading.Thread(
            target=self._listen, args=(self._request, self._request.fd, self._stop), name=f"pin {self!r}", daemon=True
        ).start()

    def _disable_event_detect(self) -> None:
        # Not waited for: this may be in the loop. It takes nothing from the line once it is told.
        with self._lock:
            if self._stop is not None:
                os.eventfd_write(self._stop, 1)
            self._stop = None
        self._set_up(replace(self._settings, edge_detection=Edge.NONE))

    def _listen(self, request: gpiod.LineRequest, line: int, stop: int) -> None:
        """Hand on each edge of the line, until told to stop. Owns stop, an eventfd."""
        ready = select.poll()
        ready.register(line, select.POLLIN)
        ready.register(stop, select.POLLIN)
        while True:
            ready.poll()
            with self._lock:
                # Who told to stop may have closed the line since, and its number may be another file's.
                edges = self._read_edges(request) if self._stop == stop else []
                if not edges:
                    self._stop = None if self._stop == stop else self._stop
                    os.close(stop)
                    return
            # Not by gpiozero's own call, which takes the pin's other lock where the device is gone without a close.
            changed = self._get_when_changed()
            if changed is not None:
                for edge in edges:
                    changed(edge.timestamp_ns / 1e9, edge.event_type is edge.Type.RISING_EDGE)

    def _read_edges(self, request: gpiod.LineRequest) -> list[gpiod.EdgeEvent]:
        """The edges that wait to be read; none where the chip is gone."""
        try:
            return request.read_edge_events()
        except OSError as error:
            log.warning("pin %r is watched no more (%s)", self, error)
            return []
