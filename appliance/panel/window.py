"""The panel in a desktop window: the front of the box, enlarged, with blinking LEDs and a button to click.

Needs luma.emulator, an optional extra, which is imported only here, and only for a window.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageDraw

from appliance.aio import Timers
from appliance.core.events import Event
from appliance.core.view import Sound, View
from appliance.panel import Keys, Page
from appliance.panel.buzzer import duration
from appliance.panel.front_view import FAINT, FRAME, PLATE, WORDS, draw_front, font
from appliance.panel.keyboard import Keyboard
from appliance.panel.leds import Blinker

SCALE = 6
"""Scale of the display: readable from a chair, and less than 1,000 pixels wide."""
MARGIN = 16
WINDOW_SIZE = 960, 576
"""The window's width and height in pixels."""
BUTTON = 400, 436, 560, 484
"""The drawn button: left, top, right and bottom."""
LEGEND_AT, NOTE_AT = 508, 556
"""The vertical centres of the legend's first row and of the note."""
POLL_INTERVAL = 0.03
"""Seconds between polls of keys and mouse: half the delay that a person notices."""
NOTE_PERIOD = 0.5
"""Seconds between updates of the note, which has no change event."""
PAGE_TEXT_AT = 80
"""The left edge of the explanations on a page."""
PAGE_HEIGHT, PAGE_PITCH = 18, 25
"""Height in pixels of the text on a page, and of its rows: sixteen fit above the button."""
FONT_HEIGHT = 15
"""Height in pixels of the text below the display."""


DESKTOPS = {"WAYLAND_DISPLAY": "wayland", "DISPLAY": "x11"}
"""The variables of a desktop session, and SDL's drivers for them."""


class WindowMissingError(Exception):
    """No window can be opened; the message says what to do."""


def load_emulator() -> tuple[Any, Any]:
    """Import luma.emulator; return its window class and the module pygame. Takes a second the first time.

    Raises:
        WindowMissingError: It is not installed, or there is no screen to open a window on.
    """
    _choose_driver()
    # Without it, pygame prints a banner to standard output.
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        with warnings.catch_warnings():
            # pygame uses a deprecated API of setuptools.
            warnings.simplefilter("ignore")
            import pygame
            from luma.emulator import device
    except ImportError as error:
        raise WindowMissingError(f"the window needs luma.emulator: pip install luma.emulator ({error})") from error
    return device.pygame, pygame


def _choose_driver() -> None:
    """Keep SDL to the desktop's drivers on Linux: without a desktop it would draw where nobody sees it."""
    if sys.platform != "linux" or os.environ.get("SDL_VIDEODRIVER"):
        return
    drivers = [driver for name, driver in DESKTOPS.items() if os.environ.get(name)]
    if not drivers:
        raise WindowMissingError(
            "there is no display to open a window on; leave out --window, or use a desktop session"
        )
    os.environ["SDL_VIDEODRIVER"] = ",".join(drivers)


class WindowPanel:
    """A panel for people without the hardware, on a desktop.

    keys: additional keys, see Keys. note: returns the text of the bottom line. page: see Page. size: of the display in
    pixels. The constructor opens the window, which may block for a moment.

    Raises:
        WindowMissingError: luma.emulator is not installed, or there is no screen to open a window on.
    """

    def __init__(
        self,
        keys: Keys | None = None,
        note: Callable[[], str] | None = None,
        page: Page = dict,
        size: tuple[int, int] = (128, 64),
    ) -> None:
        self._keyboard = Keyboard(keys)
        self._note = note
        self._page = page
        self._size = size
        self._quit: Callable[[], None] = lambda: None
        self._blinker = Blinker(lambda _: self._draw())
        self._view: View | None = None
        self._sound: Sound | None = None
        self._clicked = False
        self._open = False
        self._timers = Timers()
        emulator, pygame = load_emulator()
        self._pygame = pygame
        try:
            # frame_rate=0, because waiting for the next frame would block the loop.
            self._device = emulator(*WINDOW_SIZE, mode="RGB", transform="none", scale=1, frame_rate=0)
            self._open = True
            self._draw()
            pygame.display.set_caption("Table Tracker appliance")
        except pygame.error as error:
            raise WindowMissingError(f"can't open a window; is this a desktop session? ({error})") from error

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Start to poll keys and mouse, inside a running loop."""
        self._keyboard.start(emit, self._quit_program)
        self._quit = quit_
        self._poll()
        if self._note is not None:
            self._refresh_note()

    def show(self, view: View, sound: Sound | None) -> None:
        """Show a view. sound: a sound to start; None for no new sound."""
        if sound is not None:
            self._sound = sound
            self._timers.start("sound", duration(sound), self._silence)
        self._view = view
        self._blinker.show(view.leds)
        self._draw()

    async def close(self) -> None:
        """Close the window."""
        self._close_window()
        self._blinker.close()

    def picture(self) -> Image.Image:
        """Draw the window's current content, in RGB."""
        picture = Image.new("RGB", WINDOW_SIZE, PLATE)
        pen = ImageDraw.Draw(picture)
        page = self._page()
        for number, entry in enumerate(page.items()):
            for left, text in zip((MARGIN, PAGE_TEXT_AT), entry, strict=True):
                pen.text((left, MARGIN + PAGE_PITCH * number), _printable(text), WORDS, font(PAGE_HEIGHT))
        if self._view is not None and not page:
            front = draw_front(self._view, self._size, SCALE, lit=self._blinker.lit)
            picture.paste(front, ((WINDOW_SIZE[0] - front.width) // 2, 0))
        down = self._keyboard.held
        pen.rounded_rectangle(BUTTON, 12, fill=FRAME if down else FAINT, outline=WORDS, width=2)
        middle = (BUTTON[0] + BUTTON[2]) / 2, (BUTTON[1] + BUTTON[3]) / 2
        words, colour = ("button down", WORDS) if down else ("button", FRAME)
        pen.text(middle, words, colour, font(20), anchor="mm")
        heard = f"sounds: {self._sound}" if self._sound is not None else "silent"
        pen.text((BUTTON[2] + 40, middle[1]), heard, WORDS if self._sound is not None else FAINT, font(20), anchor="lm")
        legend = self._keyboard.legend
        rows = self._rows([f"[{key}] {label}" for key, label in legend.items()])
        for number, row in enumerate(rows):
            pen.text((MARGIN, LEGEND_AT + 22 * number), row, WORDS, font(FONT_HEIGHT), anchor="lm")
        if self._note is not None:
            pen.text((MARGIN, NOTE_AT), _printable(self._note()), FAINT, font(FONT_HEIGHT), anchor="lm")
        return picture

    def _rows(self, entries: list[str]) -> list[str]:
        """Arrange the entries in as many rows as they need."""
        rows: list[str] = []
        for entry in entries:
            longer = f"{rows[-1]}   {entry}" if rows else entry
            if rows and font(FONT_HEIGHT).getlength(longer) <= WINDOW_SIZE[0] - 2 * MARGIN:
                rows[-1] = longer
            else:
                rows.append(entry)
        return rows

    def _draw(self) -> None:
        if not self._open:
            return
        try:
            self._device.display(self.picture())
        except SystemExit:
            # The emulator exits the program if it sees the closed window first; shut down in an orderly way instead.
            self._quit_program()

    def _poll(self) -> None:
        """Handle the keys and clicks since the last poll. Never blocks."""
        pygame = self._pygame
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                self._quit_program()
            elif event.type == pygame.KEYDOWN:
                self._keyboard.type("q" if event.key == pygame.K_ESCAPE else event.unicode)
                self._draw()
            elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1 and _is_on_button(event.pos):
                self._click()
            elif event.type == pygame.MOUSEBUTTONUP and event.button == 1:
                self._unclick()
            if not self._open:
                return
        self._timers.start("look", POLL_INTERVAL, self._poll)

    def _click(self) -> None:
        if self._keyboard.held:
            # A key holds the button down: a click releases it.
            self._keyboard.release()
        else:
            self._clicked = True
            self._keyboard.press()
        self._draw()

    def _unclick(self) -> None:
        if self._clicked:
            self._clicked = False
            self._keyboard.release()
            self._draw()

    def _quit_program(self) -> None:
        self._close_window()
        self._quit()

    def _close_window(self) -> None:
        self._timers.close()
        if self._open:
            self._open = False
            self._pygame.quit()

    def _silence(self) -> None:
        self._sound = None
        self._draw()

    def _refresh_note(self) -> None:
        self._draw()
        if self._open:
            self._timers.start("note", NOTE_PERIOD, self._refresh_note)


def _is_on_button(place: tuple[int, int]) -> bool:
    return BUTTON[0] <= place[0] <= BUTTON[2] and BUTTON[1] <= place[1] <= BUTTON[3]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
