"""The real panel: display, LEDs, buzzer and button, each working whether or not the others do.

Owns the making of the parts and nothing else of them. gpiozero and luma are imported only when a panel is made: they
take long to load, and are missing on machines without pins.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from appliance import __version__
from appliance.core.view import Leds, Light, Line, Screen, Size, Sound, View
from appliance.panel.buzzer import BuzzerPart
from appliance.panel.drawing import draw
from appliance.panel.leds import LedPart
from appliance.panel.oled import Oled

if TYPE_CHECKING:
    from appliance.core.events import Event
    from appliance.panel.button import ButtonPart

log = logging.getLogger(__name__)

T = TypeVar("T")

GREETING = Screen((Line("Table Tracker", Size.MEDIUM), Line(f"appliance {__version__}")))
"""The first picture, before the program knows anything."""


class HardwarePanel:
    """The parts on the pins and the bus.

    Pins are BCM numbers, None where a part is not mounted. The display's values are those of Oled. pin_factory and
    make_device: gpiozero's and luma's own seams, for machines without pins. Making it may block; do so before the loop.
    """

    def __init__(
        self,
        *,
        driver: str = "ssd1306",
        port: int = 1,
        address: int = 0x3C,
        rotate: int = 0,
        contrast: int = 127,
        button: int | None = None,
        green: int | None = None,
        amber: int | None = None,
        red: int | None = None,
        buzzer: int | None = None,
        buzzer_enabled: bool = True,
        pin_factory: Any = None,
        make_device: Callable[[], Any] | None = None,
    ) -> None:
        self._oled = Oled(driver, port, address, rotate, contrast, make_device=make_device, changed=self._light)
        self._oled.greet(functools.partial(draw, GREETING))
        self._leds_wanted = Leds()
        self._closed = False
        pins = _Pins(pin_factory)
        self._leds = LedPart(
            [pins.output("green LED", green), pins.output("amber LED", amber), pins.output("red LED", red)]
        )
        self._buzzer = BuzzerPart(pins.output("buzzer", buzzer), buzzer_enabled)
        self._button = _button(pins.input("button", button))

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Begin, inside a running loop. quit_ is not used: nobody ends the box by its button."""
        self._oled.start()
        if self._button is not None:
            self._button.start(emit)

    def show(self, view: View, sound: Sound | None) -> None:
        """Show a view. sound: not None in the one call that starts a sound."""
        if sound is not None:
            self._buzzer.play(sound)
        self._leds_wanted = view.leds
        self._light()
        self._oled.show(functools.partial(draw, view.screen))

    async def close(self) -> None:
        """Lights and sound off first, then the display blanked, which may be stuck."""
        self._closed = True
        if self._button is not None:
            self._button.close()
        self._buzzer.close()
        self._leds.close()
        await self._oled.close()

    def _light(self) -> None:
        """The LEDs as wanted; amber blinks fast while the display is out, for then it is all that can say so."""
        if self._closed:
            # The display may still have something to say when the LEDs are already given back.
            return
        leds = self._leds_wanted
        if self._oled.fault is not None:
            leds = dataclasses.replace(leds, amber=Light.FAST)
        self._leds.show(leds)


def _button(wire: Any) -> ButtonPart | None:
    if wire is None:
        return None
    from appliance.panel.button import ButtonPart

    return ButtonPart(wire)


class _Pins:
    """Makes gpiozero devices, and says once in plain words why one can't be made."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self._works = True
        if factory is None:
            self._works = (
                self._try("no pins can be used here: LEDs, buzzer and button are off", _default_factory) is not None
            )

    def output(self, name: str, pin: int | None) -> Any:
        """An output that starts low; None where there is none."""
        return self._make(name, pin, "DigitalOutputDevice", active_high=True, initial_value=False)

    def input(self, name: str, pin: int | None) -> Any:
        """An input that is pulled up; None where there is none."""
        return self._make(name, pin, "DigitalInputDevice", pull_up=True)

    def _make(self, name: str, pin: int | None, kind: str, **options: Any) -> Any:
        if pin is None or not self._works:
            return None

        def make() -> Any:
            import gpiozero

            return getattr(gpiozero, kind)(pin, pin_factory=self._factory, **options)

        return self._try(f"the {name} on pin {pin} can't be used and is left out", make)

    def _try(self, trouble: str, make: Callable[[], T]) -> T | None:
        try:
            with warnings.catch_warnings():
                # gpiozero warns of every pin library that it lacks before it says what is wrong.
                warnings.simplefilter("ignore")
                return make()
        except Exception as error:  # noqa: BLE001
            # Each pin library raises errors of its own kind; the rest of the panel works without this part.
            log.warning("%s (%s)", trouble, error or type(error).__name__)
            return None


def _default_factory() -> Any:
    from gpiozero import Device

    Device.ensure_pin_factory()
    return Device.pin_factory
