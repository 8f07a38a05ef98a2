"""Shared by the panel's tests: mock pins, and a check for calls that block the loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx
from gpiozero.pins.local import LocalPiFactory
from gpiozero.pins.mock import MockFactory

PI_3B = 0xA02082
"""The revision code of a Raspberry Pi 3B, whose header gpiozero knows."""


def pytest_configure(config: pytest.Config) -> None:
    # luma.oled's drivers still call getdata, which the newest Pillow deprecates.
    config.addinivalue_line("filterwarnings", "ignore:Image.Image.getdata is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[None]:
    with blockbuster_ctx() as buster:
        # Each font size is read once, when first drawn; the terminal panel draws in the loop.
        buster.functions["io.BufferedReader.read"].can_block_in("panel/drawing/fonts.py", {"_strike_font"})
        yield


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.reset()


@pytest.fixture
def on_a_pi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """gpiozero derives the header from the board's revision and caches pins in its class."""
    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", lambda: PI_3B)
    monkeypatch.setattr(LocalPiFactory, "pins", {})
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    yield
    end = time.monotonic() + 5
    while any(thread.name.startswith("pin ") for thread in threading.enumerate()):
        assert time.monotonic() < end, "a thread still watches a pin"
        time.sleep(0.001)
