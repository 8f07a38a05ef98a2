"""The check of the buzzer."""

from __future__ import annotations

import asyncio

from appliance.doctor.context import Bench
from appliance.doctor.finding import Finding, not_tried, ok, wrong
from appliance.doctor.pins import NO_PINS
from appliance.panel.buzzer import ACTIVE, BuzzerPart, duration

PAUSE = 0.4
"""Seconds between two sounds, so that they are heard as two."""


async def check_buzzer(bench: Bench) -> Finding:
    """Play every sound there is, and ask whether they were heard."""
    pin = bench.pins.get("buzzer")
    if pin is None:
        return not_tried(NO_PINS)
    settings = bench.config.buzzer
    if not settings.enabled:
        return not_tried("muted in the settings (buzzer.enabled)")
    buzzer = BuzzerPart(pin, kind=settings.kind, volume=settings.volume)
    bench.closing.callback(buzzer.close)
    for sound in bench.sounds:
        bench.console.say(f"  the sound for: {sound}")
        buzzer.play(sound)
        await asyncio.sleep(duration(sound) + PAUSE)
    heard = await bench.console.ask("Did you hear it?", bench.limits.answer)
    if heard is None:
        return ok("sounded; nobody was asked whether it was heard")
    if heard:
        return ok("sounded, and heard")
    return wrong(
        f"not heard; it is expected at {pin.pin.info.name}, position {pin.pin.info.number} of the pin header",
        "Turn it round: its + goes to the pin (or to the supply, where a transistor switches it), its - to ground.",
        "Take off the sticker that many buzzers come with.",
        "It only clicks: set buzzer.kind to passive."
        if settings.kind == ACTIVE
        else "Very quiet: set buzzer.volume higher. All sounds alike: set buzzer.kind to active.",
    )
