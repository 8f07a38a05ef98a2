"""An endless flood of valid, partly valid and invalid messages, without a crash or a leak."""

from __future__ import annotations

import gc
import unicodedata
from dataclasses import replace
from pathlib import Path
from random import Random

from appliance.core import machine
from appliance.core.events import (
    FeedNotified,
    FeedOpened,
)
from appliance.core.notifications import Notification
from appliance.core.present import present
from appliance.core.states import Connected, State
from appliance.gateway.wire import Envelope, TooLargeError, read_message
from tests.core.cases import NUMBER, STATES
from tests.hostile.mutation import mutated
from tests.hostile.parsers import FORBIDDEN, samples

GROWTH = 4096
"""Kilobytes by which the process may grow in the second half, because of the allocator."""
SEED_EVERY = 10_000


def flood(count: int, seed: int) -> dict[str, int]:
    """Pass this number of messages to the core; return their kinds. Raises AssertionError if the process grew."""
    random = Random(seed)
    right = list(samples("message"))
    counts = {"messages": 0, "notifications": 0, "envelopes": 0, "too much": 0, "looks at the screen": 0}
    state: State = STATES["connected"]
    now = 1000.0
    batch: list[Notification] = []
    at_half = 0
    while counts["messages"] < count:
        counts["messages"] += 1
        if counts["messages"] == count // 2:
            at_half = held()
        if counts["messages"] % SEED_EVERY == 0:
            # The result of a second feed.
            assert isinstance(state, Connected)
            state = replace(state, looking=NUMBER + 1)
            state, _ = machine.step(state, FeedOpened(NUMBER + 1, ()), now)
            state = replace(state, feed=NUMBER) if isinstance(state, Connected) else STATES["connected"]
        try:
            message = read_message(mutated(random, right))
        except TooLargeError:
            counts["too much"] += 1
            continue
        if isinstance(message, Envelope):
            counts["envelopes"] += 1
            continue
        counts["notifications"] += 1
        batch.append(message)
        if random.random() < 0.2:
            now += random.random()
            state, _ = machine.step(state, FeedNotified(NUMBER, tuple(batch)), now)
            batch.clear()
            assert isinstance(state, Connected)
            if counts["notifications"] % 5 == 0:
                counts["looks at the screen"] += 1
                _look(state, now)
    grown = held() - at_half
    assert grown < GROWTH, f"grew by {grown} kB over {count // 2} messages"
    return {**counts, "kB grown": grown}


def _look(state: Connected, now: float) -> None:
    view = present(state, now).view
    assert view.active == state.book.active
    for words in view.screen.words:
        assert not any(unicodedata.category(character) in FORBIDDEN for character in words), words


def held() -> int:
    """The memory of this process in kilobytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4
