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
from appliance.core.screens.program import starting_screen
from appliance.core.view import LedMode, Leds, Sound, View
from appliance.panel.drawing import draw, draw_screen
from appliance.panel.oled import Oled

if TYPE_CHECKING:
    from appliance.config import Config
    from appliance.core.events import Event
    from appliance.panel.button import ButtonPart

log = logging.getLogger(__name__)

T = TypeVar("T")


class HardwarePanel:
    """The parts on the pins and the bus.

    Pins are BCM numbers, None where a part is not mounted. The display's values are those of Oled, the buzzer's those
    of BuzzerPart. pin_factory and make_device: gpiozero's and luma's own seams, for machines without pins. Making it
    may block; do so before the loop.
    """

    def __init__(
        self,
        *,
        driver: str = "ssd1306",
        port: int = 1,
        address: int = 0x3C,
        rotate: int = 0,
        contrast: int = 127,
        height: int = 64,
        button: int | None = None,
        green: int | None = None,
        amber: int | None = None,
        red: int | None = None,
        buzzer: int | None = None,
        buzzer_enabled: bool = True,
        buzzer_kind: str = "active",
        buzzer_volume: int = 100,
        pin_factory: Any = None,
        make_device: Callable[[], Any] | None = None,
    ) -> None:
        self._oled = Oled(
            driver, port, address, rotate, contrast, height, make_device=make_device, changed=self._update_leds
        )
        self._oled.show_first(functools.partial(draw_screen, starting_screen(__version__)))
        self._drawn: tuple[object, ...] | None = None
        self._leds_wanted = Leds()
        self._closed = False
        self._emit: Callable[[Event], None] | None = None
        # Loaded only now, with the asyncio that they need: the first picture waits for none of it.
        from appliance.panel.buzzer import BuzzerPart
        from appliance.panel.leds import LedPart

        pins = _Pins(pin_factory)
        self._leds = LedPart(
            [pins.output("green LED", green), pins.output("amber LED", amber), pins.output("red LED", red)]
        )
        self._buzzer = BuzzerPart(
            pins.buzzer(buzzer, buzzer_kind), buzzer_enabled, kind=buzzer_kind, volume=buzzer_volume
        )
        self._button = _make_button(pins.input("button", button))
        pins.log_busy()

    @classmethod
    def from_config(cls, config: Config) -> HardwarePanel:
        """The panel on the pins and the bus of the settings."""
        display, pins = config.display, config.pins
        return cls(
            driver=display.driver,
            port=display.i2c_port,
            address=display.i2c_address,
            rotate=display.rotate,
            contrast=display.contrast,
            height=display.height,
            button=pins.button,
            green=pins.green,
            amber=pins.amber,
            red=pins.red,
            buzzer=pins.buzzer,
            buzzer_enabled=config.buzzer.enabled,
            buzzer_kind=config.buzzer.kind,
            buzzer_volume=config.buzzer.volume,
        )

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Begin, inside a running loop. quit_ is not used: nobody ends the box by its button."""
        self._emit = emit
        self._oled.start()
        if self._button is not None:
            self._button.start(self._on_button)

    def show(self, view: View, sound: Sound | None) -> None:
        """Show a view. sound: not None in the one call that starts a sound."""
        if sound is not None:
            self._buzzer.play(sound)
        self._leds_wanted = view.leds
        self._update_leds()
        # A View also has facts that are not drawn, such as an age in seconds.
        drawn = (view.screen, view.power, view.beat, view.pressed, view.walk)
        if drawn != self._drawn:
            self._drawn = drawn
            self._oled.show(functools.partial(draw, view), view.power)

    async def close(self) -> None:
        """Lights and sound off first, then the display blanked, which may be stuck."""
        self._closed = True
        self._buzzer.close()
        self._leds.close()
        if self._button is not None:
            self._button.close()
        await self._oled.close()

    def _on_button(self, event: Event) -> None:
        """What the button says. A press is answered here, so that it is at once, whatever else goes on."""
        # Here, as the button itself: the first picture waits for neither.
        from appliance.core.events import ButtonDown

        if isinstance(event, ButtonDown):
            self._buzzer.silence()
            self._leds.flash()
        if self._emit is not None:
            self._emit(event)

    def _update_leds(self) -> None:
        """The LEDs as wanted; while the display is out, red blinks fast: a part of this box is broken."""
        if self._closed:
            # The display may still have something to say when the LEDs are already given back.
            return
        leds = self._leds_wanted
        if self._oled.fault is not None:
            leds = dataclasses.replace(leds, red=LedMode.FAST)
        self._leds.show(leds)


def _make_button(wire: Any) -> ButtonPart | None:
    if wire is None:
        return None
    from appliance.panel.button import ButtonPart

    return ButtonPart(wire)


class _Pins:
    """Makes gpiozero devices, and says once in plain words why one can't be made."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self._busy: list[str] = []
        self._works = True
        if factory is None:
            try:
                _ensure_factory()
            except Exception as error:  # noqa: BLE001
                # Each pin library raises errors of its own kind; the display works without them.
                log.warning("no pins can be used here: LEDs, buzzer and button are off (%s)", _describe(error))
                self._works = False

    def output(self, name: str, pin: int | None) -> Any:
        """An output that starts low; None where there is none."""

        def make(number: int) -> Any:
            from gpiozero import DigitalOutputDevice

            return DigitalOutputDevice(number, initial_value=False, pin_factory=self._factory)

        return self._make(name, pin, make)

    def buzzer(self, pin: int | None, kind: str) -> Any:
        """The buzzer's output, silent; None where there is none."""
        from appliance.panel.buzzer import open_pin

        return self._make("buzzer", pin, lambda number: open_pin(number, kind, self._factory))

    def input(self, name: str, pin: int | None) -> Any:
        """An input that is pulled up; None where there is none."""

        def make(number: int) -> Any:
            from gpiozero import DigitalInputDevice

            return DigitalInputDevice(number, pull_up=True, pin_factory=self._factory)

        return self._make(name, pin, make)

    def log_busy(self) -> None:
        """Say in one line which pins another program holds: mostly it is the same one for all."""
        if self._busy:
            log.warning(
                "another program holds the pins of these parts, and they are left out: %s; "
                "perhaps the appliance, or its doctor, is running already",
                ", ".join(self._busy),
            )

    def _make(self, name: str, pin: int | None, make: Callable[[int], Any]) -> Any:
        if pin is None or not self._works:
            return None
        try:
            return _without_warnings(lambda: make(pin))
        except Exception as error:  # noqa: BLE001
            # As above: the rest of the panel works without this part.
            if "busy" in str(error).lower():
                # The kernel's `Device or resource busy`; lgpio has no kind of error for it, and says `GPIO busy`.
                self._busy.append(f"{name} ({pin})")
            else:
                log.warning("the %s on pin %d can't be used and is left out (%s)", name, pin, _describe(error))
            return None


def _ensure_factory() -> None:
    from appliance.panel.pins import ensure_factory

    ensure_factory()


def _without_warnings(make: Callable[[], T]) -> T:
    with warnings.catch_warnings():
        # gpiozero warns of every pin library that it lacks before it says what is wrong.
        warnings.simplefilter("ignore")
        return make()


def _describe(error: Exception) -> str:
    # By its name, for gpiozero itself may be what is missing.
    if any(kind.__name__ == "PinPWMError" for kind in type(error).__mro__):
        return "no tones can be made there, and a passive buzzer needs them"
    return str(error) or type(error).__name__
