"""The window panel on SDL's dummy screen: its content, keys and mouse button."""

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
    """Use SDL's dummy video driver."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pytest.importorskip("luma.emulator", reason="luma.emulator is not installed: no window can be tested")
    # Before there is a loop, because imports and fonts would block it.
    load_emulator()
    draw_front(VIEW, (128, 64), 1)


class Rig:
    """A panel in a window, with its keyboard and mouse."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.quits: list[str] = []
        self.others: list[str] = []
        self.note = "the note"
        keys = {"g": ("gateway's button", lambda: self.others.append("g"))}
        self.page: dict[str, str] = {}
        self.window = WindowPanel(keys, lambda: self.note, lambda: self.page)
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
        """The content of the window."""
        surface = self.pygame.display.get_surface()
        return Image.frombytes("RGB", surface.get_size(), self.pygame.image.tobytes(surface, "RGB"))

    def has(self, colour: tuple[int, int, int]) -> bool:
        return colour in {found for _, found in self.seen().getcolors(1 << 20) or ()}


@pytest.fixture
def rig(no_screen: None) -> Rig:
    """Opening a window blocks, so the panel is made before there is a loop."""
    return Rig()


@asynccontextmanager
async def started(rig: Rig) -> AsyncIterator[None]:
    rig.panel.start(rig.events.append, lambda: rig.quits.append("quit"))
    yield
    await rig.panel.close()


async def test_the_window_shows_the_display_enlarged_and_the_leds(rig: Rig) -> None:
    async with started(rig):
        rig.panel.show(VIEW, None)
        front = draw_front(VIEW, (128, 64), SCALE, lit=(True, False, False))
        left = (WINDOW_SIZE[0] - front.width) // 2
        shown = rig.seen().crop((left, 0, left + front.width, front.height))
        assert ImageChops.difference(shown, front).getbbox() is None
        assert rig.has(GREEN)
        assert not rig.has(RED)


async def test_dimmed_and_dark_displays_are_drawn_so(rig: Rig) -> None:
    async with started(rig):
        rig.panel.show(replace(VIEW, power=Power.DIM), None)
        assert rig.has(PIXELS[Power.DIM])
        assert not rig.has(PIXELS[Power.BRIGHT])
        rig.panel.show(replace(VIEW, power=Power.DARK), None)
        assert not rig.has(PIXELS[Power.DIM])


async def test_keys_press_the_button(rig: Rig) -> None:
    async with started(rig):
        rig.type(" \r")
        await until(lambda: rig.events == [PRESSED, RELEASED] * 2)
        before = rig.seen()
        rig.type("h")
        await until(lambda: rig.events == [*[PRESSED, RELEASED] * 2, PRESSED])
        assert ImageChops.difference(before, rig.seen()).getbbox() is not None, "the button must be drawn as pressed"
        rig.type(" ")
        await until(lambda: rig.events == [PRESSED, RELEASED] * 3)


async def test_the_mouse_presses_the_button_and_may_release_anywhere(rig: Rig) -> None:
    async with started(rig):
        rig.mouse("MOUSEBUTTONDOWN", (1, 1))
        rig.mouse("MOUSEBUTTONUP", (1, 1))
        rig.mouse("MOUSEBUTTONDOWN")
        await until(lambda: rig.events == [PRESSED])
        rig.mouse("MOUSEBUTTONUP", (1, 1))
        await until(lambda: rig.events == [PRESSED, RELEASED])


async def test_a_page_of_text_replaces_the_front(rig: Rig) -> None:
    async with started(rig):
        rig.panel.show(VIEW, None)
        assert rig.has(GREEN)
        rig.page = {str(number): "a line of help" for number in range(16)}
        rig.type("g")
        await until(lambda: not rig.has(GREEN))
        rig.page = {}
        rig.type("g")
        await until(lambda: rig.has(GREEN))


async def test_other_keys_have_their_functions(rig: Rig) -> None:
    async with started(rig):
        rig.type("xg")
        await until(lambda: rig.others == ["g"])
        assert rig.events == []


@pytest.mark.parametrize("how", ["q", "\x03", "escape", "closed"])
async def test_each_way_to_quit_ends_the_panel(rig: Rig, how: str) -> None:
    async with started(rig):
        if how == "closed":
            rig.post("QUIT")
        elif how == "escape":
            rig.post("KEYDOWN", key=rig.pygame.K_ESCAPE, unicode="\x1b")
        else:
            rig.type(how)
        await until(lambda: rig.quits == ["quit"])
        rig.panel.show(VIEW, Sound.PAGE)
        await asyncio.sleep(0)
        assert rig.quits == ["quit"], "the last view must not need the window"


async def test_a_window_closed_between_two_updates_raises_nothing(rig: Rig) -> None:
    async with started(rig):
        rig.post("QUIT")
        rig.panel.show(VIEW, None)
        assert rig.quits == ["quit"]


async def test_leds_blink(rig: Rig) -> None:
    async with started(rig):
        rig.panel.show(replace(VIEW, leds=Leds(amber=LedMode.FAST)), None)
        for _ in range(2):
            await until(lambda: rig.has(AMBER))
            await until(lambda: not rig.has(AMBER))


async def test_a_sound_is_shown_for_its_duration(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "duration", lambda _: 0.05)
    async with started(rig):
        rig.panel.show(VIEW, None)
        silent = rig.seen()
        rig.panel.show(VIEW, Sound.ERROR)
        assert ImageChops.difference(silent, rig.seen()).getbbox() is not None
        await until(lambda: ImageChops.difference(silent, rig.seen()).getbbox() is None)


async def test_the_note_is_updated(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "NOTE_PERIOD", 0.02)
    async with started(rig):
        before = rig.seen()
        rig.note = "another\nnote"
        await until(lambda: ImageChops.difference(before, rig.seen()).getbbox() is not None)


def test_without_luma_emulator_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("luma.emulator"):
            raise ModuleNotFoundError("No module named 'luma.emulator'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(WindowMissingError, match=r"pip install luma\.emulator"):
        WindowPanel()


def test_without_a_screen_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")
    with pytest.raises(WindowMissingError, match="can't open a window"):
        WindowPanel()
