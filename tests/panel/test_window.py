"""The panel in a window, on SDL's dummy screen: what is seen in it, and what its keys and its button do."""

from __future__ import annotations

import asyncio
import builtins
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageChops

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.core.view import LedMode, Leds, Line, Message, Power, Size, Sound, View
from appliance.panel import Panel, window
from appliance.panel.front_view import LED_COLOURS, PIXELS, draw_front
from appliance.panel.window import BUTTON, SCALE, WINDOW_SIZE, WindowMissingError, WindowPanel, load_emulator
from tests.clock import until

PRESSED, RELEASED = ButtonDown(), ButtonUp()
SCREEN = Message((Line("Connecting", Size.MEDIUM), Line("kitchen")), 0.5)
VIEW = View("connected", None, "kitchen", None, 12, 0, 9, Leds(green=LedMode.ON), SCREEN)
ON_BUTTON = ((BUTTON[0] + BUTTON[2]) // 2, (BUTTON[1] + BUTTON[3]) // 2)
GREEN, AMBER, RED = (colour for _, colour in LED_COLOURS)


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that nobody sees."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pytest.importorskip("luma.emulator", reason="luma.emulator is not installed: no window can be tested")
    # Before there is a loop, which imports and fonts would hold up.
    load_emulator()
    draw_front(VIEW, (128, 64), 1)


class Rig:
    """A panel in a window, and the hand on its keys and its mouse."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.quits: list[str] = []
        self.others: list[str] = []
        self.note = "the note"
        keys = {"g": ("gateway's button", lambda: self.others.append("g"))}
        self.window = WindowPanel(keys, lambda: self.note)
        self.panel: Panel = self.window
        self.pygame: Any = sys.modules["pygame"]

    def type(self, keys: str) -> None:
        for key in keys:
            self.post("KEYDOWN", key=ord(key), unicode=key)

    def mouse(self, kind: str, place: tuple[int, int] = ON_BUTTON) -> None:
        self.post(kind, button=1, pos=place)

    def post(self, kind: str, **facts: object) -> None:
        self.pygame.event.post(self.pygame.event.Event(getattr(self.pygame, kind), **facts))

    def seen(self) -> Image.Image:
        """What is really in the window."""
        surface = self.pygame.display.get_surface()
        return Image.frombytes("RGB", surface.get_size(), self.pygame.image.tobytes(surface, "RGB"))

    def has(self, colour: tuple[int, int, int]) -> bool:
        return colour in {found for _, found in self.seen().getcolors(1 << 20) or ()}


@pytest.fixture
def one(no_screen: None) -> Rig:
    """Made before there is a loop: opening a window blocks."""
    return Rig()


@asynccontextmanager
async def started(one: Rig) -> AsyncIterator[None]:
    one.panel.start(one.events.append, lambda: one.quits.append("quit"))
    yield
    await one.panel.close()


async def test_the_display_is_shown_enlarged_with_its_lights(one: Rig) -> None:
    async with started(one):
        one.panel.show(VIEW, None)
        front = draw_front(VIEW, (128, 64), SCALE, lit=(True, False, False))
        left = (WINDOW_SIZE[0] - front.width) // 2
        shown = one.seen().crop((left, 0, left + front.width, front.height))
        assert ImageChops.difference(shown, front).getbbox() is None
        assert one.has(GREEN)
        assert not one.has(RED)


async def test_a_dimmed_display_is_dimmer_and_a_dark_one_dark(one: Rig) -> None:
    async with started(one):
        one.panel.show(replace(VIEW, power=Power.DIM), None)
        assert one.has(PIXELS[Power.DIM])
        assert not one.has(PIXELS[Power.BRIGHT])
        one.panel.show(replace(VIEW, power=Power.DARK), None)
        assert not one.has(PIXELS[Power.DIM])


async def test_keys_are_the_button(one: Rig) -> None:
    async with started(one):
        one.type(" \r")
        await until(lambda: one.events == [PRESSED, RELEASED] * 2)
        before = one.seen()
        one.type("h")
        await until(lambda: one.events == [*[PRESSED, RELEASED] * 2, PRESSED])
        assert ImageChops.difference(before, one.seen()).getbbox() is not None, "it is drawn as pressed"
        one.type(" ")
        await until(lambda: one.events == [PRESSED, RELEASED] * 3)


async def test_the_mouse_presses_the_button_and_lets_it_go_anywhere(one: Rig) -> None:
    async with started(one):
        one.mouse("MOUSEBUTTONDOWN", (1, 1))
        one.mouse("MOUSEBUTTONUP", (1, 1))
        one.mouse("MOUSEBUTTONDOWN")
        await until(lambda: one.events == [PRESSED])
        one.mouse("MOUSEBUTTONUP", (1, 1))
        await until(lambda: one.events == [PRESSED, RELEASED])


async def test_other_keys(one: Rig) -> None:
    async with started(one):
        one.type("xg")
        await until(lambda: one.others == ["g"])
        assert one.events == []


@pytest.mark.parametrize("how", ["q", "\x03", "escape", "closed"])
async def test_quitting(one: Rig, how: str) -> None:
    async with started(one):
        if how == "closed":
            one.post("QUIT")
        elif how == "escape":
            one.post("KEYDOWN", key=one.pygame.K_ESCAPE, unicode="\x1b")
        else:
            one.type(how)
        await until(lambda: one.quits == ["quit"])
        one.panel.show(VIEW, Sound.PAGE)
        await asyncio.sleep(0)
        assert one.quits == ["quit"], "the farewell needs no window"


async def test_a_window_that_is_closed_between_two_looks_ends_no_program(one: Rig) -> None:
    async with started(one):
        one.post("QUIT")
        one.panel.show(VIEW, None)
        assert one.quits == ["quit"]


async def test_leds_blink(one: Rig) -> None:
    async with started(one):
        one.panel.show(replace(VIEW, leds=Leds(amber=LedMode.FAST)), None)
        for _ in range(2):
            await until(lambda: one.has(AMBER))
            await until(lambda: not one.has(AMBER))


async def test_a_sound_is_said_for_its_length(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "duration", lambda _: 0.05)
    async with started(one):
        one.panel.show(VIEW, None)
        silent = one.seen()
        one.panel.show(VIEW, Sound.ERROR)
        assert ImageChops.difference(silent, one.seen()).getbbox() is not None
        await until(lambda: ImageChops.difference(silent, one.seen()).getbbox() is None)


async def test_the_note_is_looked_at(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "NOTE_PERIOD", 0.02)
    async with started(one):
        before = one.seen()
        one.note = "another\nnote"
        await until(lambda: ImageChops.difference(before, one.seen()).getbbox() is not None)


def test_without_the_emulator_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("luma.emulator"):
            raise ModuleNotFoundError("No module named 'luma.emulator'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(WindowMissingError, match=r"pip install luma\.emulator"):
        WindowPanel()


def test_without_a_screen_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")
    with pytest.raises(WindowMissingError, match="can't open a window"):
        WindowPanel()
