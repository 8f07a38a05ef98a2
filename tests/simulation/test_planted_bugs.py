"""That the simulation can fail: for each promise a bug is planted in the product, and has to be caught."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from tests.simulation import __main__ as simulation
from tests.simulation import planted_bugs
from tests.simulation.invariants import BrokenPromiseError
from tests.simulation.scenario import live
from tests.simulation.site import World

SEEDS = range(1, 9)
"""The lives that a bug is given to show itself, of a busy hour each."""
HOURS = ((12.0, 13.0),)

Plant = Callable[[pytest.MonkeyPatch], None]


QUIET = ("wall clock jumps",)
CUTS = ("nothing goes through", "gateway's cable is pulled", "nothing comes in")

BUGS: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "count is true": (planted_bugs.what_is_cleared_stays, QUIET),
    "count is live": (planted_bugs.a_dead_line_is_believed, CUTS),
    "count is fresh": (planted_bugs.the_whole_set_is_asked_for_too_seldom, QUIET),
    "token is never lost": (
        planted_bugs.nothing_is_flushed,
        ("box loses power", "tokens are deleted", "power goes in a write"),
    ),
    "token goes nowhere else": (
        planted_bugs.the_last_address_is_always_trusted,
        ("gateway is renamed", "lines are reset"),
    ),
    "token is never shown": (planted_bugs.effects_are_logged_with_their_tokens, QUIET),
    "a page sounds": (planted_bugs.pages_are_one_sound_for_too_long, ("many pages",)),
    "connected within 60 s": (planted_bugs.retries_are_too_far_apart, ("gateway loses power", *CUTS)),
    "a way out": (planted_bugs.nobody_asks_for_a_token, QUIET),
    "no unhandled exception": (planted_bugs.what_is_no_json_raises, ("gateway talks rubbish",)),
    "nothing is left over": (planted_bugs.old_feeds_stay_open, ("gateway talks rubbish",)),
    "the display shows it": (planted_bugs.a_display_that_failed_is_never_set_up_again, ("display is pulled",)),
    "ends within 2 s": (planted_bugs.closing_takes_long, ("box is restarted", *CUTS)),
}


def caught(kinds: tuple[str, ...]) -> tuple[str, int]:
    """The first promise that some life breaks, and how many lives that took; empty if none does."""
    broken, lives = broken_by(kinds)
    return "" if broken is None else broken.promise, lives


def broken_by(kinds: tuple[str, ...]) -> tuple[BrokenPromiseError | None, int]:
    """The same, with what is said of it."""
    for number, seed in enumerate(SEEDS, 1):
        try:
            live(seed, 1, kinds, HOURS)
        except BrokenPromiseError as broken:
            return broken, number
    return None, len(SEEDS)


@pytest.mark.parametrize("promise", BUGS)
def test_a_planted_bug_is_caught(promise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, kinds = BUGS[promise]
    plant(monkeypatch)
    found, lives = caught(kinds)
    print(f"{promise}: caught in life {lives}")
    assert found == promise


@pytest.mark.parametrize(
    ("plant", "kinds", "words"),
    [
        (planted_bugs.changes_are_kept_back, QUIET, "all is well for a minute"),
        (planted_bugs.feeds_outlive_their_tokens, ("tokens are deleted",), "a token that no gateway takes"),
    ],
)
def test_a_count_that_is_not_the_gateways_own_is_caught(
    plant: Plant, kinds: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shown is held against the feed at every step, so only a feed that is not true gets as far as this."""
    plant(monkeypatch)
    broken, lives = broken_by(kinds)
    print(f"{words}: caught in life {lives}")
    assert broken is not None
    assert broken.promise == "count is true"
    assert words in str(broken)


LEFT: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "tasks": (planted_bugs.a_task_is_left, QUIET),
    "sockets": (planted_bugs.a_socket_is_left, ("gateway loses power", *CUTS)),
    "listeners": (planted_bugs.a_listener_is_left, QUIET),
    "files": (planted_bugs.a_file_is_left, ("tokens are deleted",)),
    "calls": (planted_bugs.writes_are_given_up_and_tried_again_too_soon, ("disk is slow", "tokens are deleted")),
}
"""What may be left over beside the connections of feeds."""


@pytest.mark.parametrize("what", LEFT)
def test_whatever_is_left_over_is_caught(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, kinds = LEFT[what]
    plant(monkeypatch)
    broken, lives = broken_by(kinds)
    print(f"{what}: caught in life {lives}")
    assert broken is not None
    assert broken.promise == "nothing is left over"
    assert f"'{what}': " in str(broken)


def test_a_state_without_a_way_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.a_gateway_that_is_found_late_is_overlooked(monkeypatch)
    assert caught(QUIET)[0] == "a way out"


def test_a_token_for_another_name_that_was_heard_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.who_is_announced_at_the_last_address_is_overlooked(monkeypatch)
    assert caught(BUGS["token goes nowhere else"][1])[0] == "token goes nowhere else"


def test_a_mistake_that_the_box_survives_is_caught(monkeypatch: pytest.MonkeyPatch, unforeseen: list[str]) -> None:
    planted_bugs.the_history_is_gone(monkeypatch)
    assert caught(QUIET)[0] == "no unhandled exception"
    unforeseen.clear()


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (planted_bugs.what_cannot_be_read_is_left_out, "orders can't be read"),
        (planted_bugs.more_than_can_be_held_is_shown, "too many orders"),
    ],
)
def test_a_count_without_all_orders_is_caught(plant: Plant, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert caught((kind,))[0] == "count is true"


@pytest.mark.parametrize("promise", BUGS)
def test_without_the_bug_the_same_lives_keep_the_promise(promise: str) -> None:
    _, kinds = BUGS[promise]
    live(1, 1, kinds, HOURS)


def _a_thread() -> Callable[[], object]:
    over = threading.Event()
    threading.Thread(target=over.wait, daemon=True).start()
    return over.set


def _a_descriptor() -> Callable[[], object]:
    return Path(os.devnull).open().close


def _memory() -> Callable[[], object]:
    return bytearray(b"x" * (2 * simulation.GROWTH * 1024)).clear


@pytest.mark.parametrize("leak", [None, _a_thread, _a_descriptor, _memory])
def test_what_grows_from_life_to_life_is_caught(
    leak: Callable[[], Callable[[], object]] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Callable[[], object]] = []

    def leaky(seed: int, days: int) -> World:
        if leak is not None:
            kept.append(leak())
        return live(1, 1, QUIET, HOURS)

    monkeypatch.setattr(simulation, "live", leaky)
    monkeypatch.setattr(simulation, "WARM", 2)
    results: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    wanted = SimpleNamespace(value=4 * simulation.DAYS, get_lock=nullcontext)
    try:
        simulation.work(wanted, float("inf"), results)
    finally:
        for let_go in kept:
            let_go()
    told = [results.get() for _ in range(results.qsize())]
    assert any(what == "broken" and "grew" in words for what, words in told if isinstance(words, str)) == bool(leak)
