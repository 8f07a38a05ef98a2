"""The buzzer: what each sound is, which of two is heard, and the pin that plays it.

A buzzer is active, with a tone of its own that is only switched on and off, or passive, which is told each tone. Sounds
are told apart by the number and the length of their beeps, on both kinds alike; a passive one's pitch says it again.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.core.view import Sound

if TYPE_CHECKING:
    from gpiozero import DigitalOutputDevice, PWMOutputDevice

ACTIVE, PASSIVE = "active", "passive"
"""The kinds of buzzers."""

# Small buzzers resonate at 2 to 4 kHz, where ears are keenest too; above that the old hear less. These three are a
# major chord, 4:5:6: steps that nobody takes for one tone, and friendly for a sound that comes all day.
LOW, MIDDLE, HIGH = 2100, 2625, 3150
# Far below the resonance: of a square wave so low, a small buzzer gives mainly the overtones, which is a growl.
GROWL = 500
SILENT = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a sound. seconds: how long. pitch: in Hz, where the buzzer is passive; 0 is silence."""

    seconds: float
    pitch: int = SILENT


PATTERNS: dict[Sound, tuple[Step, ...]] = {
    # Three beeps. Over before the next page may sound, 1.5 s later.
    Sound.PAGE: (Step(0.35, LOW), Step(0.15), Step(0.35, MIDDLE), Step(0.15), Step(0.35, HIGH)),
    # A quick run of five, up to a note that no other sound has.
    Sound.PAIRED: (
        Step(0.06, LOW),
        Step(0.06),
        Step(0.06, MIDDLE),
        Step(0.06),
        Step(0.06, HIGH),
        Step(0.06),
        Step(0.06, MIDDLE * 3 // 2),
        Step(0.06),
        Step(0.15, 2 * LOW),
    ),
    # Two, short and long: it stumbles.
    Sound.ERROR: (Step(0.15, GROWL), Step(0.1), Step(0.5, GROWL)),
    # A single long one.
    Sound.LATE: (Step(1.0, LOW),),
}
"""Each begins and ends with a tone."""

PRIORITY = {Sound.PAGE: 2, Sound.ERROR: 1, Sound.PAIRED: 1, Sound.LATE: 0}
"""Which sound may cut off which: one that is as urgent or more.

A page calls a person now, and its sound is all that says so to those who don't look up. Paired and error answer a hand
on the button, which expects it at once. A late order stays late: the red LED says so until it is served.
"""
CUT_OFF_GAP = 0.08
"""Seconds of silence where a sound cuts off another: without, an active buzzer's last beep and first beep are one."""


def duration(sound: Sound) -> float:
    """How long a sound lasts, in seconds."""
    return sum(step.seconds for step in PATTERNS[sound])


def duty_cycle(volume: int) -> float:
    """The share of each wave for which a passive buzzer's pin is high. volume: 1 to 100 percent of the loudness.

    Half of the wave is loudest. The tone's pressure goes with sin(pi * duty), the first term of a pulse wave's Fourier
    series; loudness goes with the 0.6th power of the pressure (Stevens). In whole percents, for lgpio takes no others.
    """
    pressure = (volume / 100) ** (1 / 0.6)
    return math.ceil(100 * math.asin(pressure) / math.pi - 1e-9) / 100


def open_pin(number: int, kind: str, factory: Any = None) -> DigitalOutputDevice | PWMOutputDevice:
    """Take a buzzer's pin, silent. number: BCM. factory: gpiozero's. Raises what gpiozero and its pin library raise."""
    import gpiozero

    if kind == PASSIVE:
        if factory is None:
            # As the pin library itself, loaded only where there are pins.
            from appliance.panel.pins import tone_factory

            factory = tone_factory()
        return gpiozero.PWMOutputDevice(number, frequency=MIDDLE, initial_value=0, pin_factory=factory)
    return gpiozero.DigitalOutputDevice(number, initial_value=False, pin_factory=factory)


class BuzzerPart:
    """Plays sounds on a pin, one at a time and none later, by timers of the loop.

    pin: what open_pin gave for this kind, or None where there is no buzzer. enabled: False mutes it. volume: of a
    passive buzzer, 1 to 100 percent; an active one has none.
    """

    def __init__(
        self,
        pin: DigitalOutputDevice | PWMOutputDevice | None,
        enabled: bool = True,
        *,
        kind: str = ACTIVE,
        volume: int = 100,
    ) -> None:
        self._pin = pin
        self._enabled = enabled
        self._duty = duty_cycle(volume) if kind == PASSIVE else None
        self._timer: asyncio.TimerHandle | None = None
        self._playing: Sound | None = None
        self._ends = 0.0
        self._pitch = SILENT
        if pin is not None:
            self._set(pin, SILENT)

    def play(self, sound: Sound) -> None:
        """Start a sound, inside a running loop; not one that plays already, and not in place of a more urgent one."""
        if self._pin is None or not self._enabled:
            return
        now = asyncio.get_running_loop().time()
        # By the clock: after a loop that was held up, the timer that ends the last sound may be due but not yet run.
        playing = self._playing if now < self._ends else None
        if playing is not None and (sound is playing or PRIORITY[sound] < PRIORITY[playing]):
            return
        pattern = PATTERNS[sound] if self._pitch == SILENT else (Step(CUT_OFF_GAP), *PATTERNS[sound])
        self.silence()
        self._playing = sound
        self._ends = now + sum(step.seconds for step in pattern)
        self._step(self._pin, pattern, 0, now)

    def silence(self) -> None:
        """End the sound that plays, if one does."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._playing = None
        if self._pin is not None and self._pitch != SILENT:
            self._set(self._pin, SILENT)

    def close(self) -> None:
        """Silent, and the pin given back."""
        self.silence()
        if self._pin is not None:
            self._pin.close()
            self._pin = None

    def _step(self, pin: DigitalOutputDevice | PWMOutputDevice, pattern: tuple[Step, ...], at: int, due: float) -> None:
        # Each step is due a step's length after the last was due, not after it ran, so that delays don't add up.
        if at == len(pattern):
            self.silence()
            return
        self._set(pin, pattern[at].pitch)
        due += pattern[at].seconds
        self._timer = asyncio.get_running_loop().call_at(due, self._step, pin, pattern, at + 1, due)

    def _set(self, pin: DigitalOutputDevice | PWMOutputDevice, pitch: int) -> None:
        self._pitch = pitch
        if self._duty is None:
            pin.value = pitch != SILENT
        elif pitch != SILENT:
            pin.frequency = pitch
            pin.value = self._duty
        else:
            # Not a duty of 0 alone: lgpio's thread would still wake for every wave, some 3,000 times a second. And the
            # level comes last, for without waves the pin may be left high.
            pin.frequency = None
            pin.value = 0
