"""What the panel's tests share: mock pins, and a watch over calls that would block the loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx
from gpiozero.pins.mock import MockFactory


def pytest_configure(config: pytest.Config) -> None:
    # luma.oled's own drivers still call it; the newest Pillow only warns.
    config.addinivalue_line("filterwarnings", "ignore:Image.Image.getdata is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[None]:
    with blockbuster_ctx() as buster:
        # A font is read once, when something is first drawn so large; a terminal draws in the loop.
        buster.functions["io.BufferedReader.read"].can_block_in("panel/drawing/fonts.py", {"_strike_font"})
        yield


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.reset()
