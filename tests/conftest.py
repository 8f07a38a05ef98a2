"""What holds for every test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

from appliance.effect_handlers import UNEXPECTED_HISTORY_ERROR
from tests.slowest import (
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_terminal_summary,
    pytest_xdist_make_scheduler,
)

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_terminal_summary",
    "pytest_xdist_make_scheduler",
]

# How long an example takes says more of the machine than of the code; the bench measures that.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


class _Unforeseen(logging.Handler):
    """Keeps what the appliance says of its own mistakes, which it survives."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if UNEXPECTED_HISTORY_ERROR in record.getMessage():
            self.said.append(record.getMessage())


@pytest.fixture(autouse=True)
def unforeseen() -> Iterator[list[str]]:
    """What was said of mistakes: a test that does not expect any must not end with one."""
    handler, logger = _Unforeseen(), logging.getLogger("appliance")
    logger.addHandler(handler)
    yield handler.said
    logger.removeHandler(handler)
    assert not handler.said
