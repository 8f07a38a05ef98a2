"""A pin factory for gpiozero based on libgpiod, which sleeps until a pin changes instead of polling.

lgpio, gpiozero's default, starts two threads when it opens the chip: one polls its waves at least 50 times a second,
and once an input is monitored, the other polls its edges some 1,000 times a second (lgPthTx.c and lgPthAlerts.c of
lgpio 0.2.2). It is therefore loaded only for the tones of a passive buzzer, which libgpiod can't play.
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
"""The name under which the kernel lists the holder of the lines (`gpioinfo`)."""
HEADER_CHIPS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""The labels of the GPIO chips with the header's pins, named after their kernel drivers: on a Raspberry Pi 5, on a 4,
and on older ones. Their line numbers are the BCM pin numbers."""
PROCESSORS_CHIP = "gpio-brcmstb"
"""The label, up to its `@`, of the other GPIO chips of a Raspberry Pi 5."""

_BIAS = {"up": Bias.PULL_UP, "down": Bias.PULL_DOWN, "floating": Bias.DISABLED}
_PULL = {bias: pull for pull, bias in _BIAS.items()} | {Bias.AS_IS: "floating", Bias.UNKNOWN: "floating"}


def ensure_factory() -> None:
    """Set the pin factory, unless one is set: GpiodFactory, or the one named by GPIOZERO_PIN_FACTORY.

    Raises any error of the library: OSError if the chip is missing or access is denied.
    """
    with warnings.catch_warnings():
        # gpiozero warns about every missing pin library before it raises the actual error.
        warnings.simplefilter("ignore")
        if Device.pin_factory is None and "GPIOZERO_PIN_FACTORY" not in os.environ:
            Device.pin_factory = GpiodFactory()
        Device.ensure_pin_factory()


def tone_factory() -> Any:
    """Return the pin factory for tones: the current one, but lgpio in place of libgpiod, which can't play tones.

    Raises ImportError if lgpio is missing, and any error of lgpio.
    """
    ensure_factory()
    if not isinstance(Device.pin_factory, GpiodFactory):
        return Device.pin_factory
    from gpiozero.pins.lgpio import LGPIOFactory

    return LGPIOFactory(chip=Device.pin_factory.number)


def header_chip(folder: Path = Path("/dev"), open_chip: Callable[[str], Any] = gpiod.Chip) -> Path:
    """Find the GPIO chip with the header's pins by its label; chip 0 if none has a known label.

    Raises:
        FileNotFoundError: This is a Raspberry Pi 5 without the header's chip; its other chips control the board itself.
    """
    labels = set()
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := re.fullmatch(r"gpiochip(\d+)", path.name))]
    for _, path in sorted(found):
        try:
            with open_chip(str(path)) as chip:
                label = chip.get_info().label
        except OSError as error:
            log.debug("can't open %s: %s", path, error)
            continue
        if label in HEADER_CHIPS:
            return path
        labels.add(label.partition("@")[0])
    if PROCESSORS_CHIP in labels:
        raise FileNotFoundError(errno.ENOENT, "no GPIO chip with the header's pins", HEADER_CHIPS[0])
    return folder / "gpiochip0"


class GpiodFactory(LocalPiFactory):  # type: ignore[misc]
    """gpiozero's pin factory for libgpiod. path: the chip; None to find it. Raises OSError if it can't be opened."""

    def __init__(self, path: Path | None = None, open_chip: Callable[[str], Any] = gpiod.Chip) -> None:
        super().__init__()
        # On other boards than a Raspberry Pi, raise the error now rather than for each pin.
        self._get_revision()
        path = header_chip(open_chip=open_chip) if path is None else path
        self.number = int(path.name.removeprefix("gpiochip"))
        try:
            self.chip = open_chip(str(path))
        except OSError as error:
            # libgpiod's error does not name the file.
            raise OSError(error.errno, error.strerror, str(path)) from None
        self.pin_class = GpiodPin

    def close(self) -> None:
        """Release all pins and the chip."""
        super().close()
        self.chip.close()


class GpiodPin(LocalPiPin):  # type: ignore[misc]
    """A line of the chip, requested at its first set-up and released by close().

    `when_changed` is called on the pin's own thread, which sleeps until the next edge.
    """

    def __init__(self, factory: GpiodFactory, info: Any) -> None:
        super().__init__(factory, info)
        # libgpiod's objects are not thread-safe.
        self._lock = threading.Lock()
        self._request: gpiod.LineRequest | None = None
        self._settings = gpiod.LineSettings()
        self._stop: int | None = None

    def close(self) -> None:
        """Release the line; the kernel makes it an input."""
        self.when_changed = None
        with self._lock:
            if self._request is not None:
                self._request.release()
            self._request = None
            self._settings = gpiod.LineSettings()

    def output_with_state(self, state: bool) -> None:
        """Make the line an output that starts at this level."""
        self._set_up(gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value(bool(state))))

    def _set_up(self, settings: gpiod.LineSettings) -> None:
        """Request or reconfigure the line. Raises OSError; EBUSY if another program holds the line."""
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
            raise PinEdgeDetectUnsupported(f"pin {self!r} can only detect both edges")

    def _enable_event_detect(self) -> None:
        self._set_up(replace(self._settings, edge_detection=Edge.BOTH))
        assert self._request is not None
        self._stop = os.eventfd(0)
        threading.Thread(
            target=self._listen, args=(self._request, self._request.fd, self._stop), name=f"pin {self!r}", daemon=True
        ).start()

    def _disable_event_detect(self) -> None:
        # Without joining the thread, which would block the loop; it reads nothing from the line after the signal.
        with self._lock:
            if self._stop is not None:
                os.eventfd_write(self._stop, 1)
            self._stop = None
        self._set_up(replace(self._settings, edge_detection=Edge.NONE))

    def _listen(self, request: gpiod.LineRequest, line: int, stop: int) -> None:
        """Report each edge of the line until `stop`, an eventfd, is signalled. Closes `stop`."""
        ready = select.poll()
        ready.register(line, select.POLLIN)
        ready.register(stop, select.POLLIN)
        while True:
            ready.poll()
            with self._lock:
                # After the signal the line may be closed, and its descriptor reused for another file.
                edges = self._read_edges(request) if self._stop == stop else []
                if not edges:
                    self._stop = None if self._stop == stop else self._stop
                    os.close(stop)
                    return
            # Not by gpiozero's _call_when_changed(), which takes a lock if the device was collected without a close.
            changed = self._get_when_changed()
            if changed is not None:
                for edge in edges:
                    changed(edge.timestamp_ns / 1e9, edge.event_type is edge.Type.RISING_EDGE)

    def _read_edges(self, request: gpiod.LineRequest) -> list[gpiod.EdgeEvent]:
        """Read the pending edges; none if the chip is gone."""
        try:
            return request.read_edge_events()
        except OSError as error:
            log.warning("stopped monitoring pin %r: %s", self, error)
            return []
