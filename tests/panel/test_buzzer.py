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

PIN, KINDS = 18, (ACTIVE, PASSIVE)


class ToneRecorder:
    """Records a pin: the loop's time and the tone of each change, as (pitch, level); silence is (0, 0)."""

    def __init__(self) -> None:
        self.recorded: list[tuple[float, tuple[float, float]]] = []

    def record(self, pitch: float | None, level: float) -> None:
        tone = (pitch or 0, float(level)) if level else (0, 0.0)
        if tone != (self.recorded[-1][1] if self.recorded else (0, 0.0)):
            self.recorded.append((round(asyncio.get_running_loop().time(), 3), tone))

    def beeps(self) -> int:
        """How often a tone followed silence."""
        tones = [(0, 0.0), *(tone for _, tone in self.recorded)]
        return sum(before == (0, 0.0) != after for before, after in itertools.pairwise(tones))


class ActivePin(MockPin):  # type: ignore[misc]
    """A mock pin with a recorder."""

    recorder: ToneRecorder

    def _change_state(self, value: bool) -> bool:
        changed: bool = super()._change_state(value)
        if changed and self.function == "output":
            self.recorder.record(None, value)
        return changed


class PassivePin(MockPWMPin):  # type: ignore[misc]
    """The same with PWM; as on lgpio, the level may remain when PWM ends."""

    recorder: ToneRecorder

    def _change_state(self, value: float) -> bool:
        changed: bool = super()._change_state(value)
        if changed and self.function == "output":
            self.recorder.record(self._frequency, value)
        return changed

    def _set_frequency(self, value: float | None) -> None:
        self._frequency = value
        if value is not None and self._state:
            self.recorder.record(value, self._state)


def make(kind: str = ACTIVE, volume: int = 100) -> tuple[BuzzerPart, MockPin, ToneRecorder]:
    pins = MockFactory(pin_class=PassivePin if kind == PASSIVE else ActivePin)
    recorder = pins.pin(PIN).recorder = ToneRecorder()
    part = BuzzerPart(open_pin(PIN, kind, pins), kind=kind, volume=volume)
    return part, pins.pin(PIN), recorder


def tone(step: Step, kind: str, volume: int = 100) -> tuple[float, float]:
    if step.pitch == SILENT:
        return 0, 0.0
    return (step.pitch, duty_cycle(volume)) if kind == PASSIVE else (0, 1.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sound", Sound)
@virtual_time
async def test_each_sound_has_its_rhythm(sound: Sound, kind: str) -> None:
    part, pin, recorder = make(kind, volume=40)
    start = asyncio.get_running_loop().time()
    part.play(sound)
    assert pin.state, "the sound must start at once"
    await asyncio.sleep(5)
    due = [round(start + sum(step.seconds for step in PATTERNS[sound][:n]), 3) for n in range(100)]
    steps = (*PATTERNS[sound], Step(0))
    assert recorder.recorded == [(at, tone(step, kind, 40)) for at, step in zip(due, steps, strict=False)]
    assert pin.frequency is None, "PWM must be off while silent"
    assert not pin.state
    part.close()


def test_each_sound_has_a_distinct_rhythm() -> None:
    """The number of beeps is distinct, or else their length, and a page's beeps are equal and slow."""
    beeps = {sound: [step.seconds for step in steps if step.pitch] for sound, steps in PATTERNS.items()}
    assert {sound: len(lengths) for sound, lengths in beeps.items()} == {
        Sound.LATE: 1,
        Sound.NEW_ORDER: 1,
        Sound.ERROR: 2,
        Sound.PAGE: 3,
        Sound.PAIRED: 5,
    }
    assert len(set(beeps[Sound.PAGE])) == 1
    assert max(beeps[Sound.PAIRED]) < min(beeps[Sound.PAGE]) / 2
    assert min(beeps[Sound.LATE]) > 5 * max(beeps[Sound.NEW_ORDER])
    assert min(beeps[Sound.LATE]) > 1.5 * max(beeps[Sound.ERROR] + beeps[Sound.PAGE])
    for steps in PATTERNS.values():
        tones = [step.pitch != SILENT for step in steps]
        assert tones == [n % 2 == 0 for n in range(len(steps))], "a tone at both ends, pauses between"
        assert all(step.seconds >= 0.05 for step in steps), "shorter steps are not audible as separate beeps"


def test_a_page_sound_ends_before_the_next_may_start() -> None:
    assert CUT_OFF_GAP + duration(Sound.PAGE) <= PAGE_LASTS


def test_each_sounds_pitch_rises_as_expected() -> None:
    pitches = {sound: [step.pitch for step in steps if step.pitch] for sound, steps in PATTERNS.items()}
    for sound in (Sound.PAGE, Sound.PAIRED):
        assert pitches[sound] == sorted(set(pitches[sound])), "the pitch must rise"
    assert all(2000 <= pitch <= 4200 for sound in Sound if sound is not Sound.ERROR for pitch in pitches[sound])
    assert max(pitches[Sound.ERROR]) * 3 < min(pitches[Sound.PAGE])


def test_volume_steps_are_even() -> None:
    duties = [duty_cycle(volume) for volume in range(1, 101)]
    assert duties == sorted(duties)
    assert duties[-1] == 0.5, "a duty cycle of one half is loudest"
    assert duties[0] >= 0.01, "the lowest volume must be audible: lgpio accepts whole percents"
    assert all(round(100 * one) == pytest.approx(100 * one) for one in duties)
    for volume in (40, 50, 60, 70, 80, 90, 100):
        loudness = math.sin(math.pi * duty_cycle(volume)) ** 0.6
        assert loudness == pytest.approx(volume / 100, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_thirty_pages_in_a_second_are_one_sound(kind: str) -> None:
    alone, _, one = make(kind)
    many, _, thirty = make(kind)
    alone.play(Sound.PAGE)
    for _ in range(30):
        many.play(Sound.PAGE)
        await asyncio.sleep(1 / 30)
    await asyncio.sleep(30)
    assert thirty.recorded == one.recorded
    assert thirty.beeps() == 3
    many.play(Sound.PAGE)
    await asyncio.sleep(5)
    assert thirty.beeps() == 6, "the next page must sound again"
    alone.close()
    many.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(Sound, 2)))
@virtual_time
async def test_the_sound_with_priority_is_played(first: Sound, second: Sound, kind: str) -> None:
    wins = PRIORITY[second] >= PRIORITY[first]
    part, _, recorder = make(kind)
    start = asyncio.get_running_loop().time()
    part.play(first)
    await asyncio.sleep(0.03)
    part.play(second)
    await asyncio.sleep(5)
    if wins:
        # The second sound starts after a pause, so that its first beep is separate.
        assert recorder.recorded.pop(1) == (round(start + 0.03, 3), (0, 0.0))
        del recorder.recorded[0]
        start += 0.03 + CUT_OFF_GAP
    expected: list[tuple[float, tuple[float, float]]] = []
    for step in (*PATTERNS[second if wins else first], Step(0)):
        expected.append((round(start, 3), tone(step, kind)))
        start += step.seconds
    assert recorder.recorded == expected
    part.close()


def test_a_page_has_the_highest_priority() -> None:
    others = [sound for sound in Sound if sound is not Sound.PAGE]
    assert all(PRIORITY[Sound.PAGE] > PRIORITY[sound] for sound in others)
    assert all(PRIORITY[Sound.LATE] < PRIORITY[sound] for sound in others if sound not in (Sound.LATE, Sound.NEW_ORDER))
    assert all(PRIORITY[Sound.NEW_ORDER] < PRIORITY[sound] for sound in Sound if sound is not Sound.NEW_ORDER)


@virtual_time
async def test_a_sound_starts_at_once_between_two_beeps() -> None:
    part, pin, recorder = make()
    part.play(Sound.ERROR)
    await asyncio.sleep(0.2)
    assert not pin.state
    before = len(recorder.recorded)
    part.play(Sound.PAGE)
    assert recorder.recorded[before:] == [(round(asyncio.get_running_loop().time(), 3), (0, 1.0))]
    part.close()


@virtual_time
async def test_sounds_are_not_queued() -> None:
    part, _, recorder = make()
    part.play(Sound.PAGE)
    for sound in (Sound.LATE, Sound.ERROR, Sound.PAIRED):
        part.play(sound)
    await asyncio.sleep(30)
    assert recorder.beeps() == 3
    part.close()


@virtual_time
async def test_a_page_sounds_after_the_loop_was_blocked() -> None:
    """The end timer of the first sound is overdue when the next page arrives, which must sound again."""
    part, _, recorder = make()
    loop = asyncio.get_running_loop()
    part.play(Sound.PAGE)
    await asyncio.sleep(0.1)
    loop._jump(4)  # type: ignore[attr-defined]
    start = loop.time()
    part.play(Sound.PAGE)
    await asyncio.sleep(5)
    assert recorder.recorded[-1][0] == round(start + CUT_OFF_GAP + duration(Sound.PAGE), 3)
    part.close()


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_a_press_silences_the_buzzer(kind: str) -> None:
    part, pin, recorder = make(kind)
    part.silence()
    part.play(Sound.LATE)
    part.silence()
    assert not pin.state
    assert pin.frequency is None
    await asyncio.sleep(5)
    assert recorder.beeps() == 1
    part.play(Sound.LATE)
    assert pin.state, "the same sound must be able to start again"
    part.close()


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_a_missing_buzzer_plays_nothing(kind: str) -> None:
    absent = BuzzerPart(None, kind=kind)
    absent.play(Sound.PAGE)
    absent.silence()
    absent.close()


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_close_stops_a_sound(kind: str) -> None:
    part, pin, recorder = make(kind)
    part.play(Sound.LATE)
    part.close()
    assert not pin.state
    recorder.recorded.clear()
    await asyncio.sleep(2)
    part.play(Sound.PAGE)
    part.close()
    assert recorder.recorded == []


@virtual_time
async def test_an_active_buzzer_has_no_volume() -> None:
    part, pin, _ = make(ACTIVE, volume=1)
    part.play(Sound.LATE)
    assert pin.state == 1
    part.close()


@pytest.mark.parametrize("kind", KINDS)
@virtual_time
async def test_playing_returns_at_once(kind: str) -> None:
    """Playing sets timers and returns: starting a second's worth of sounds takes a fraction of that."""

    part, _, _ = make(kind)
    started = time.perf_counter()
    for _ in range(100):
        part.play(Sound.LATE)
        part.silence()
    assert time.perf_counter() - started < 0.5
    part.close()
