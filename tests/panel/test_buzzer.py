"""The buzzer's sounds, on mock pins of both kinds and in virtual time."""

from __future__ import annotations

import asyncio
import itertools
import math
import time

import pytest
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from appliance.core.alerts import PAGE_LASTS
from appliance.core.view import Sound
from appliance.panel.buzzer import (
    ACTIVE,
    CUT_OFF_GAP,
    PASSIVE,
    PATTERNS,
    PRIORITY,
    SILENT,
    BuzzerPart,
    Step,
    duration,
    duty_cycle,
    open_pin,
)
from tests.clock import virtual_time

PIN = 18
KINDS = (ACTIVE, PASSIVE)


class Ear:
    """What is heard at a pin: the loop's time and the tone of each change, as (pitch, level); silence is (0, 0)."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, tuple[float, float]]] = []

    def hear(self, pitch: float | None, level: float) -> None:
        tone = (pitch or 0, float(level)) if level else (0, 0.0)
        if tone != (self.heard[-1][1] if self.heard else (0, 0.0)):
            self.heard.append((round(asyncio.get_running_loop().time(), 3), tone))

    def beeps(self) -> int:
        """How often silence was broken."""
        tones = [(0, 0.0), *(tone for _, tone in self.heard)]
        return sum(before == (0, 0.0) != after for before, after in itertools.pairwise(tones))


class ActivePin(MockPin):  # type: ignore[misc]
    """A mock pin that is listened to."""

    ear: Ear

    def _change_state(self, value: bool) -> bool:
        changed: bool = super()._change_state(value)
        if changed and self.function == "output":
            self.ear.hear(None, value)
        return changed


class PassivePin(MockPWMPin):  # type: ignore[misc]
    """The same with PWM; and as on lgpio, the level may stay where it is when the waves end."""

    ear: Ear

    def _change_state(self, value: float) -> bool:
        changed: bool = super()._change_state(value)
        if changed and self.function == "output":
            self.ear.hear(self._frequency, value)
        return changed

    def _set_frequency(self, value: float | None) -> None:
        self._frequency = value
        if value is not None and self._state:
            self.ear.hear(value, self._state)


def make(kind: str = ACTIVE, enabled: bool = True, volume: int = 100) -> tuple[BuzzerPart, MockPin, Ear]:
    pins = MockFactory(pin_class=PassivePin if kind == PASSIVE else ActivePin)
    ear = pins.pin(PIN).ear = Ear()
    part = BuzzerPart(open_pin(PIN, kind, pins), enabled, kind=kind, volume=volume)
    return part, pins.pin(PIN), ear


def tone(step: Step, kind: str, volume: int = 100) -> tuple[float, float]:
    if step.pitch == SILENT:
        return 0, 0.0
    return (step.pitch, duty_cycle(volume)) if kind == PASSIVE else (0, 1.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sound", Sound)
@virtual_time
async def test_every_sound_has_its_rhythm(sound: Sound, kind: str) -> None:
    part, pin, ear = make(kind, volume=40)
    start = asyncio.get_running_loop().time()
    part.play(sound)
    assert pin.state, "it sounds at once"
    await asyncio.sleep(5)
    due = [round(start + sum(step.seconds for step in PATTERNS[sound][:n]), 3) for n in range(100)]
    steps = (*PATTERNS[sound], Step(0))
    assert ear.heard == [(at, tone(step, kind, 40)) for at, step in zip(due, steps, strict=False)]
    assert pin.frequency is None, "no waves are made while it is silent"
    assert not pin.state
    part.close()


def test_sounds_are_told_apart_by_rhythm_alone() -> None:
    """The number of beeps is enough for it, and a page's are alike and unhurried."""
    beeps = {sound: [step.seconds for step in steps if step.pitch] for sound, steps in PATTERNS.items()}
    assert {sound: len(lengths) for sound, lengths in beeps.items()} == {
        Sound.LATE: 1,
        Sound.ERROR: 2,
        Sound.PAGE: 3,
        Sound.PAIRED: 5,
    }
    assert len(set(beeps[Sound.PAGE])) == 1
    assert max(beeps[Sound.PAIRED]) < min(beeps[Sound.PAGE]) / 2
    assert min(beeps[Sound.LATE]) > 1.5 * max(beeps[Sound.ERROR] + beeps[Sound.PAGE])
    for steps in PATTERNS.values():
        tones = [step.pitch != SILENT for step in steps]
        assert tones == [n % 2 == 0 for n in range(len(steps))], "tone and silence in turns, a tone at both ends"
        assert all(step.seconds >= 0.05 for step in steps), "shorter ones are not heard as beeps of their own"


def test_a_page_is_over_before_the_next_may_come() -> None:
    assert CUT_OFF_GAP + duration(Sound.PAGE) <= PAGE_LASTS


def test_pitches_say_the_same() -> None:
    pitches = {sound: [step.pitch for step in steps if step.pitch] for sound, steps in PATTERNS.items()}
    for sound in (Sound.PAGE, Sound.PAIRED):
        assert pitches[sound] == sorted(set(pitches[sound])), "it rises"
    assert all(2000 <= pitch <= 4200 for sound in Sound if sound is not Sound.ERROR for pitch in pitches[sound])
    assert max(pitches[Sound.ERROR]) * 3 < min(pitches[Sound.PAGE])


def test_volume_is_heard_evenly() -> None:
    duties = [duty_cycle(volume) for volume in range(1, 101)]
    assert duties == sorted(duties)
    assert duties[-1] == 0.5, "half of the wave is loudest"
    assert duties[0] >= 0.01, "even the least is heard: lgpio takes whole percents"
    assert all(round(100 * one) == pytest.approx(100 * one) for one in duties)
    for volume in (40, 50, 60, 70, 80, 90, 100):
        loudness = math.sin(math.pi * duty_cycle(volume)) ** 0.6
        assert loudness == pytest.approx(volume / 100, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_thirty_pages_in_a_second_are_one_alarm(kind: str) -> None:
    alone, _, one = make(kind)
    many, _, thirty = make(kind)
    alone.play(Sound.PAGE)
    for _ in range(30):
        many.play(Sound.PAGE)
        await asyncio.sleep(1 / 30)
    await asyncio.sleep(30)
    assert thirty.heard == one.heard
    assert thirty.beeps() == 3
    many.play(Sound.PAGE)
    await asyncio.sleep(5)
    assert thirty.beeps() == 6, "the next page is heard again"
    alone.close()
    many.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(Sound, 2)))
@virtual_time
async def test_which_of_two_is_heard(first: Sound, second: Sound, kind: str) -> None:
    wins = PRIORITY[second] >= PRIORITY[first]
    part, _, ear = make(kind)
    start = asyncio.get_running_loop().time()
    part.play(first)
    await asyncio.sleep(0.03)
    part.play(second)
    await asyncio.sleep(5)
    if wins:
        # The second begins after a break, so that its first beep is one of its own.
        assert ear.heard.pop(1) == (round(start + 0.03, 3), (0, 0.0))
        del ear.heard[0]
        start += 0.03 + CUT_OFF_GAP
    expected: list[tuple[float, tuple[float, float]]] = []
    for step in (*PATTERNS[second if wins else first], Step(0)):
        expected.append((round(start, 3), tone(step, kind)))
        start += step.seconds
    assert ear.heard == expected
    part.close()


def test_a_page_gives_way_to_nothing_and_takes_the_place_of_all() -> None:
    others = [sound for sound in Sound if sound is not Sound.PAGE]
    assert all(PRIORITY[Sound.PAGE] > PRIORITY[sound] for sound in others)
    assert all(PRIORITY[Sound.LATE] < PRIORITY[sound] for sound in Sound if sound is not Sound.LATE)


@virtual_time
async def test_between_two_beeps_a_sound_starts_at_once() -> None:
    part, pin, ear = make()
    part.play(Sound.ERROR)
    await asyncio.sleep(0.2)
    assert not pin.state
    before = len(ear.heard)
    part.play(Sound.PAGE)
    assert ear.heard[before:] == [(round(asyncio.get_running_loop().time(), 3), (0, 1.0))]
    part.close()


@virtual_time
async def test_nothing_waits_for_its_turn() -> None:
    part, _, ear = make()
    part.play(Sound.PAGE)
    for sound in (Sound.LATE, Sound.ERROR, Sound.PAIRED):
        part.play(sound)
    await asyncio.sleep(30)
    assert ear.beeps() == 3
    part.close()


@virtual_time
async def test_a_page_sounds_although_the_loop_was_held_up() -> None:
    """The timer that ends a sound is overdue when the next page comes: that page is another one."""
    part, _, ear = make()
    loop = asyncio.get_running_loop()
    part.play(Sound.PAGE)
    await asyncio.sleep(0.1)
    loop._jump(4)  # type: ignore[attr-defined]
    start = loop.time()
    part.play(Sound.PAGE)
    await asyncio.sleep(5)
    assert ear.heard[-1][0] == round(start + CUT_OFF_GAP + duration(Sound.PAGE), 3)
    part.close()


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_a_press_silences(kind: str) -> None:
    part, pin, ear = make(kind)
    part.silence()
    part.play(Sound.LATE)
    part.silence()
    assert not pin.state
    assert pin.frequency is None
    await asyncio.sleep(5)
    assert ear.beeps() == 1
    part.play(Sound.LATE)
    assert pin.state, "the same sound may begin again after that"
    part.close()


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_muted_and_missing_ones_are_silent(kind: str) -> None:
    part, _, ear = make(kind, enabled=False)
    part.play(Sound.PAGE)
    absent = BuzzerPart(None, kind=kind)
    absent.play(Sound.PAGE)
    absent.silence()
    await asyncio.sleep(2)
    assert ear.heard == []
    part.close()
    absent.close()


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_close_ends_a_sound(kind: str) -> None:
    part, pin, ear = make(kind)
    part.play(Sound.LATE)
    part.close()
    assert not pin.state
    ear.heard.clear()
    await asyncio.sleep(2)
    part.play(Sound.PAGE)
    part.close()
    assert ear.heard == []


@virtual_time
async def test_an_active_buzzer_has_no_volume() -> None:
    part, pin, _ = make(ACTIVE, volume=1)
    part.play(Sound.LATE)
    assert pin.state == 1
    part.close()


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_playing_takes_no_time(kind: str) -> None:
    """It leaves timers behind and returns: a second's worth of sounds is started in a fraction of that."""

    part, _, _ = make(kind)
    started = time.perf_counter()
    for _ in range(100):
        part.play(Sound.LATE)
        part.silence()
    assert time.perf_counter() - started < 0.5
    part.close()
