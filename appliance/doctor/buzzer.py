"""The check of the buzzer."""

from __future__ import annotations

import asyncio

from appliance.doctor.context import CheckContext
from appliance.doctor.finding import Finding, not_tried, ok, wrong
from appliance.doctor.pins import NO_PINS, cable
from appliance.panel.buzzer import ACTIVE, BuzzerPart, duration

PAUSE = 0.4
"""Seconds between two sounds."""


async def check_buzzer(context: CheckContext) -> Finding:
    """Play every sound, and ask whether it was audible."""
    pin = context.pins.get("buzzer")
    if pin is None:
        return not_tried(NO_PINS)
    settings = context.config.buzzer
    if not settings.enabled:
        return not_tried("muted in the settings (buzzer.enabled)")
    buzzer = BuzzerPart(pin, kind=settings.kind, volume=settings.volume)
    context.parts.callback(buzzer.close)
    for sound in context.sounds:
        context.console.say(f"  the sound for: {sound}")
        buzzer.play(sound)
        await asyncio.sleep(duration(sound) + PAUSE)
    heard = await context.console.ask("Did you hear it?", context.limits.answer)
    if heard is None:
        return ok("sounded; no answer whether it was audible")
    if heard:
        return ok("confirmed")
    if place := context.place("buzzer"):
        return wrong(f"not audible; it should be the {place}", *cable(place))
    return wrong(
        f"not audible; it should be at {pin.pin.info.name}, position {pin.pin.info.number} of the pin header",
        "Turn it around: its + goes to the pin (or to the supply, where a transistor switches it), its - to ground.",
        "Remove the sticker from the buzzer.",
        "It only clicks: set buzzer.kind to passive."
        if settings.kind == ACTIVE
        else "Very quiet: set buzzer.volume higher. All sounds alike: set buzzer.kind to active.",
    )
