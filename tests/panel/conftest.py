"""Shared by the panel's tests: mock pins, and a check for calls that block the loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx
from gpiozero.pins.mock import MockFactory


def pytest_configure(config: pytest.Config) -> None:
    # luma.oled's drivers still call getdata, which the newest Pillow deprecates.
    config.addinivalue_line("filterwarnings", "ignore:Image.Image.getdata is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[None]:
    with blockbuster_ctx() as buster:
        # Each font size is read once, when first drawn; the terminal panel draws in the loop.
        buster.functions["io.BufferedReader.read"].can_block_in("panel/drawing/fonts.py", {"_strike"})
        yield


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.reset()
