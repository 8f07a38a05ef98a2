"""A simulated box, and a check that no call blocks the loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from tests.doctor.fakes import Box


def pytest_configure(config: pytest.Config) -> None:
    # luma.oled's own drivers still call it; the newest Pillow only warns.
    config.addinivalue_line("filterwarnings", "ignore:Image.Image.getdata is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[None]:
    with blockbuster_ctx():
        yield


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    # Mock pins settle at once, and nobody hears these sounds.
    monkeypatch.setattr("appliance.doctor.pins.SETTLE", 0.005)
    monkeypatch.setattr("appliance.doctor.buzzer.PAUSE", 0.02)
    box = Box(tmp_path)
    yield box
    box.display.stop_hanging()
    for person in box.persons:
        person.leave()
    box.pins.reset()
