"""Checks and settings for every test."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from appliance.history_syncs import UNEXPECTED_HISTORY_ERROR
from tests.slowest import (
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    pytest_xdist_make_scheduler,
)

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
    "pytest_xdist_make_scheduler",
]

# An example's duration depends on the machine more than on the code; the benchmark measures time.
settings.register_profile("untimed", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=300)
settings.load_profile("untimed")

# A background job of a shell script ignores SIGINT, and so would the programs that the tests end with it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests, which are garbage for none of them: the garbage collector need not search them again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


class _UnexpectedErrors(logging.Handler):
    """Records the appliance's unexpected errors, which it logs and survives."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if UNEXPECTED_HISTORY_ERROR in record.getMessage():
            self.messages.append(record.getMessage())


@pytest.fixture(autouse=True)
def unexpected_errors() -> Iterator[list[str]]:
    """The unexpected errors logged; a test fails unless it clears them."""
    handler, logger = _UnexpectedErrors(), logging.getLogger("appliance")
    logger.addHandler(handler)
    yield handler.messages
    logger.removeHandler(handler)
    assert not handler.messages
