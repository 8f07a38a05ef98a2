"""The hardware panel: display, LEDs, buzzer and button; each works even if the others fail.

gpiozero and luma are imported only when a panel is made, because they load slowly, and are missing on machines without
pins.
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
from appliance.panel.incremental_display import AUTO
from appliance.panel.oled import Oled

if TYPE_CHECKING:
    from appliance.config import Config
    from appliance.core.events import Event
    from appliance.core.values import DisplayIdentity
    from appliance.panel.button import ButtonPart

log = logging.getLogger(__name__)

T = TypeVar("T")


class HardwarePanel:
    """The parts on the GPIO pins and the I2C bus.

    Pins are BCM numbers; None for an absent part. button_active_high: a press makes its pin high. For the other values
    see Oled and BuzzerPart. pin_factory, make_device: replacements for gpiozero's pins and luma's device, for tests.
    The constructor may block; call it before the loop runs.
    """

    def __init__(
        self,
        *,
        driver: str = AUTO,
        port: int = 1,
        address: int | None = None,
        rotate: int = 0,
        contrast: int,
        height: int = 64,
        button: int | None = None,
        green: int | None = None,
        amber: int | None = None,
        red: int | None = None,
        buzzer: int | None = None,
        button_active_high: bool = False,
        buzzer_kind: str = "active",
        buzzer_volume: int = 100,
        chosen: DisplayIdentity | None = None,
        pin_factory: Any = None,
        make_device: Callable[[], Any] | None = None,
    ) -> None:
        self._oled = Oled(
            driver,
            port,
            address,
            rotate,
            height,
            contrast=contrast,
            chosen=chosen,
            make_device=make_device,
            changed=self._update_leds,
            identified=self._on_identified,
        )
        self._oled.show_first(functools.partial(draw_screen, starting_screen(__version__)))
        self._drawn: tuple[object, ...] | None = None
        self._leds_wanted = Leds()
        self._closed = False
        self._emit: Callable[[Event], None] | None = None
        # Imported only now, because the first picture must not wait for them and for asyncio.
        from appliance.panel.buzzer import BuzzerPart
        from appliance.panel.leds import LedPart

        pins = _Pins(pin_factory)
        self._leds = LedPart(
            [pins.output("green LED", green), pins.output("amber LED", amber), pins.output("red LED", red)]
        )
        self._buzzer = BuzzerPart(pins.buzzer(buzzer, buzzer_kind), kind=buzzer_kind, volume=buzzer_volume)
        self._button = _make_button(pins.input("button", button, active_high=button_active_high))
        pins.log_busy()

    @classmethod
    def from_config(cls, config: Config, chosen: DisplayIdentity | None = None) -> HardwarePanel:
        """Make the panel on the pins and the bus of the settings. chosen: as in make_i2c_device."""
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
            button_active_high=pins.button_active_high,
            buzzer_kind=config.buzzer.kind,
            buzzer_volume=config.buzzer.volume,
            chosen=chosen,
        )

    @property
    def display_works(self) -> bool | None:
        """Whether the display took the last picture; None before the first one."""
        return self._oled.works

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Start, inside a running loop. quit_ is not used: the button can't quit the program."""
        self._emit = emit
        self._oled.start()
        if self._button is not None:
            self._button.start(self._on_button)

    def show(self, view: View, sound: Sound | None) -> None:
        """Show a view. sound: a sound to start; None for no new sound."""
        if sound is not None:
            self._buzzer.play(sound)
        self._leds_wanted = view.leds
        self._update_leds()
        if view.display is not None:
            self._oled.choose(view.display)
        # Ignores the fields that are not drawn, such as an age in seconds.
        drawn = (view.screen, view.power, view.beat, view.pressed, view.walk)
        if drawn != self._drawn:
            self._drawn = drawn
            self._oled.show(functools.partial(draw, view), view.power)

    async def close(self) -> None:
        """Switch LEDs and sound off, and then blank the display, which may be stuck."""
        self._closed = True
        self._buzzer.close()
        self._leds.close()
        if self._button is not None:
            self._button.close()
        await self._oled.close()

    def _on_button(self, event: Event) -> None:
        """Forward a button event. Gives feedback on a press here, so that it comes at once."""
        # Imported only now, because the first picture must not wait for it.
        from appliance.core.events import ButtonDown

        if isinstance(event, ButtonDown):
            self._buzzer.silence()
            self._leds.flash()
        if self._emit is not None:
            self._emit(event)

    def _on_identified(self, display: DisplayIdentity) -> None:
        from appliance.core.events import DisplayIdentified

        if self._emit is not None:
            self._emit(DisplayIdentified(display))

    def _update_leds(self) -> None:
        """Set the LEDs of the view; while the display fails, red blinks fast instead."""
        if self._closed:
            # The display may still report a change after the LEDs' pins were released.
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
    """Makes gpiozero devices, and logs once why one can't be made."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self._busy: list[str] = []
        self._works = True
        if factory is None:
            try:
                _ensure_factory()
            except Exception as error:  # noqa: BLE001
                # Each pin library raises its own errors; the display works without pins.
                log.warning("can't use the GPIO pins; LEDs, buzzer and button are off: %s", _describe(error))
                self._works = False

    def output(self, name: str, pin: int | None) -> Any:
        """Open an output that starts low; None if it can't be used or is absent."""

        def make(number: int) -> Any:
            from gpiozero import DigitalOutputDevice

            return DigitalOutputDevice(number, initial_value=False, pin_factory=self._factory)

        return self._make(name, pin, make)

    def buzzer(self, pin: int | None, kind: str) -> Any:
        """Open the buzzer's output, silent; None if it can't be used or is absent."""
        from appliance.panel.buzzer import open_pin

        return self._make("buzzer", pin, lambda number: open_pin(number, kind, self._factory))

    def input(self, name: str, pin: int | None, *, active_high: bool) -> Any:
        """Open the button's input; None if it can't be used or is absent."""
        from appliance.panel.button import open_pin

        return self._make(name, pin, lambda number: open_pin(number, active_high, self._factory))

    def log_busy(self) -> None:
        """Log the pins that another program holds, in one line, because it is mostly one program for all of them."""
        if self._busy:
            log.warning(
                "another program holds the pins of these parts, so they are off: %s; "
                "check whether the appliance or its doctor is already running",
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
                # `Device or resource busy` from the kernel, or `GPIO busy` from lgpio, which has no class for it.
                self._busy.append(f"{name} ({pin})")
            else:
                log.warning("can't use pin %d, so the %s is off: %s", pin, name, _describe(error))
            return None


def _ensure_factory() -> None:
    from appliance.panel.pins import ensure_factory

    ensure_factory()


def _without_warnings(make: Callable[[], T]) -> T:
    with warnings.catch_warnings():
        # gpiozero warns about every missing pin library before it raises the actual error.
        warnings.simplefilter("ignore")
        return make()


def _describe(error: Exception) -> str:
    # By its name, because gpiozero itself may be missing.
    if any(kind.__name__ == "PinPWMError" for kind in type(error).__mro__):
        return "the pin library can't play tones, which a passive buzzer needs"
    return str(error) or type(error).__name__
