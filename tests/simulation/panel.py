"""The panel in virtual time: the product's own parts on mock pins and a simulated display.

Owns the display thread's replacement, a chain of timers, and the content of the display. The rest is the product's:
what it sends to the display and when it restarts it, LEDs, buzzer and button, on gpiozero's mock pins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, cast

from gpiozero.pins.mock import MockFactory, MockPin

from appliance.core.view import Power, Sound, View
from appliance.panel.display import Display, Paint, Timing
from appliance.panel.hardware import HardwarePanel

log = logging.getLogger("appliance.panel.oled")

BUTTON, BUZZER = 17, 18
DRAW_ONE_IN = 400
"""One picture in so many is actually drawn, to save CPU time."""


@dataclass
class SimulatedDisplay:
    """The display hardware. gone: unplugged. stuck_until: when its bus works again. shown: the view of its picture."""

    random: Random
    gone: bool = False
    stuck_until: float = 0.0
    shown: View | None = None
    on: bool = True


class _Device:
    """Replaces luma's device."""

    size = (128, 64)

    def __init__(self, hardware: SimulatedDisplay) -> None:
        self._glass = hardware
        self._serial_interface = self
        self._reach()

    def _reach(self) -> None:
        if self._glass.gone:
            raise OSError(121, "Remote I/O error")

    def display(self, picture: Any) -> bool:
        self._reach()
        self._glass.shown = picture
        return True

    def command(self, *_: int) -> None:
        self._reach()

    contrast = command
    refresh = command

    def hide(self) -> None:
        self._reach()
        self._glass.on = False

    def show(self) -> None:
        self._reach()
        self._glass.on = True

    def cleanup(self) -> None:
        """There is nothing to release."""


class SimOled:
    """Replaces the product's Oled. hardware: set by the simulation before instances are created."""

    hardware: SimulatedDisplay

    def __init__(self, *_: Any, changed: Callable[[], None], **__: Any) -> None:
        self._loop = asyncio.get_running_loop()
        # Probes replace missing heartbeats; long intervals between them save CPU time.
        self._timing = Timing(probe=20.0)
        hardware = self.hardware
        self._display = Display(lambda: _Device(hardware), 127, self._timing, self._loop.time)
        self._changed = changed
        self._wanted: tuple[Paint, Power] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = float("inf")
        self._delay = self._timing.retry
        self._closed = False
        self.fault: str | None = None

    def show_first(self, paint: Paint) -> None:
        self.show(paint)

    def start(self) -> None:
        """It started when it was created."""

    def show(self, paint: Paint, power: Power = Power.BRIGHT) -> None:
        self._wanted = (self._rarely_drawn(paint), power)
        # A failed display is restarted by its own timer, whatever is to be shown.
        if self._display.works or self._timer is None:
            self._work_in(0.001)

    def kill(self) -> None:
        """The process has ended."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    async def close(self) -> None:
        self.kill()
        if self._loop.time() < self.hardware.stuck_until:
            await asyncio.sleep(0.5)
        elif self._display.works and not self.hardware.gone:
            self._display.blank()
            self.hardware.shown = None

    def _rarely_drawn(self, paint: Paint) -> Paint:
        view = paint.args[0] if hasattr(paint, "args") else None

        def draw(size: tuple[int, int]) -> Any:
            if self.hardware.random.randrange(DRAW_ONE_IN) == 0:
                paint(size)
            return view

        return draw

    def _work_in(self, seconds: float) -> None:
        due = max(self._loop.time() + seconds, self.hardware.stuck_until)
        if self._timer is not None:
            if due >= self._due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._work)
        if self.hardware.stuck_until - self._loop.time() > self._timing.stuck:
            self._loop.call_later(self._timing.stuck, self._tell, "the bus is stuck")

    def _work(self) -> None:
        self._timer, self._due = None, float("inf")
        if self._closed:
            return
        paint, power = self._wanted or (None, Power.BRIGHT)
        try:
            self._display.update(paint, power)
        except OSError as error:
            self._tell(str(error))
            self._display.release()
            wait, self._delay = self._delay, min(2 * self._delay, self._timing.retry_most)
        else:
            self._tell(None)
            wait, self._delay = self._display.wait, self._timing.retry
        self._work_in(max(0.001, wait))

    def _tell(self, fault: str | None) -> None:
        if (fault is None) != (self.fault is None) and not self._closed:
            self.fault = fault
            log.info("display: %s", fault)
            self._changed()


class _Pin(MockPin):  # type: ignore[misc]
    """A pin without a history of its states."""

    def _change_state(self, value: Any) -> bool:
        changed = bool(super()._change_state(value))
        self.clear_states()
        return changed


class SimPanel(HardwarePanel):
    """The real panel on mock pins.

    watch: called with each view and sound before they are shown. on_press: called with each press of the button.
    """

    def __init__(self, watch: Callable[[View, Sound | None], None], on_press: Callable[[], None]) -> None:
        self.factory = MockFactory(pin_class=_Pin)
        super().__init__(contrast=127, button=BUTTON, green=5, amber=6, red=13, buzzer=BUZZER, pin_factory=self.factory)
        self._watcher = watch
        self._on_press = on_press

    def show(self, view: View, sound: Sound | None) -> None:
        self._watcher(view, sound)
        super().show(view, sound)

    def press(self, down: bool) -> None:
        """Press or release the button; no effect on a closed panel."""
        if self._button is not None and not self._closed:
            pin = self.factory.pin(BUTTON)
            if down:
                self._on_press()
                pin.drive_low()
            else:
                pin.drive_high()

    def kill(self) -> None:
        """The process has ended, perhaps before its first step."""
        cast(SimOled, self._oled).kill()

    async def close(self) -> None:
        await super().close()
        self.factory.reset()
