"""The simulation detects bugs: for each invariant a bug is planted in the product, and the checker must report it."""

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
from tests.simulation.invariants import InvariantViolationError
from tests.simulation.scenario import run_scenario
from tests.simulation.site import SimulatedSite

pytestmark = pytest.mark.release

SEEDS = range(1, 9)
"""Scenarios, of one busy hour each, in which a bug may show itself."""
ONE_BUSY_HOUR = ((12.0, 13.0),)
A_FEW_MINUTES = ((12.0, 12.1),)

PlantBug = Callable[[pytest.MonkeyPatch], None]


NO_OTHER_FAULT = ("wall clock jumps",)
CUTS = ("all packets blocked", "gateway's cable is pulled", "incoming packets blocked")

BUGS_BY_INVARIANT: dict[str, tuple[PlantBug, tuple[str, ...]]] = {
    "count is correct": (planted_bugs.keep_cleared_orders, NO_OTHER_FAULT),
    "count is true or doubted": (planted_bugs.ignore_unknown_types, ("orders end in other ways",)),
    "ages are true": (planted_bugs.age_new_orders_by_the_clock, ("gateway's clock jumps",)),
    "count has a live feed": (planted_bugs.trust_dead_connection, CUTS),
    "count is up to date": (planted_bugs.refresh_too_rarely, NO_OTHER_FAULT),
    "token is never lost": (
        planted_bugs.skip_fsync,
        ("box loses power", "tokens are deleted", "power cut during a write"),
    ),
    "token goes only to its gateway": (
        planted_bugs.always_trust_last_address,
        ("gateway is renamed", "connections are reset"),
    ),
    "token is never shown or logged": (planted_bugs.log_effects_with_tokens, NO_OTHER_FAULT),
    "every page sounds": (planted_bugs.merge_pages_for_too_long, ("many pages",)),
    "new token is given time": (planted_bugs.give_up_late_token, ("token is accepted late",)),
    "reconnects without a rush": (planted_bugs.reopen_short_lived_feeds_at_once, ("feeds die young",)),
    "connected within 60 s": (planted_bugs.retry_too_rarely, ("gateway loses power", *CUTS)),
    "no dead end": (planted_bugs.never_request_token, NO_OTHER_FAULT),
    "no unhandled exception": (planted_bugs.raise_on_malformed_json, ("gateway sends malformed messages",)),
    "no resource leak": (planted_bugs.never_close_feeds, ("gateway sends malformed messages",)),
    "display matches view": (planted_bugs.never_restart_failed_display, ("display is pulled",)),
    "stops within 2 s": (planted_bugs.wait_too_long_for_close, ("box restarts", *CUTS)),
}


def caught_invariant(kinds: tuple[str, ...]) -> tuple[str, int]:
    """The first invariant that a scenario violates, and the number of scenarios run; empty if none does."""
    violation, runs = first_violation(kinds)
    return "" if violation is None else violation.invariant, runs


def first_violation(kinds: tuple[str, ...]) -> tuple[InvariantViolationError | None, int]:
    """The first violation, and the number of scenarios run."""
    for number, seed in enumerate(SEEDS, 1):
        try:
            run_scenario(seed, 1, kinds, ONE_BUSY_HOUR)
        except InvariantViolationError as violation:
            return violation, number
    return None, len(SEEDS)


@pytest.mark.parametrize("invariant", BUGS_BY_INVARIANT)
def test_the_invariant_checker_catches_each_planted_bug(invariant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, kinds = BUGS_BY_INVARIANT[invariant]
    plant(monkeypatch)
    found, runs = caught_invariant(kinds)
    print(f"{invariant}: caught in scenario {runs}")
    assert found == invariant


@pytest.mark.parametrize(
    ("plant", "kinds", "words"),
    [
        (planted_bugs.drop_every_third_notification, NO_OTHER_FAULT, "no fault for a minute"),
        (planted_bugs.keep_feeds_of_deleted_tokens, ("tokens are deleted",), "a token that its gateway rejects"),
    ],
)
def test_the_checker_catches_a_count_that_differs_from_the_gateways(
    plant: PlantBug, kinds: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checker compares the screen with the feed at each step; here the feed itself differs from the gateway."""
    plant(monkeypatch)
    violation, runs = first_violation(kinds)
    print(f"{words}: caught in scenario {runs}")
    assert violation is not None
    assert violation.invariant == "count is correct"
    assert words in str(violation)


LEAKS: dict[str, tuple[PlantBug, tuple[str, ...]]] = {
    "tasks": (planted_bugs.leak_task, NO_OTHER_FAULT),
    "sockets": (planted_bugs.leak_socket, ("gateway loses power", *CUTS)),
    "listeners": (planted_bugs.leak_listener, NO_OTHER_FAULT),
    "files": (planted_bugs.leak_file, ("tokens are deleted",)),
    "calls": (planted_bugs.retry_slow_writes_too_soon, ("disk is slow", "tokens are deleted")),
}
"""Leaks other than the connections of feeds."""


@pytest.mark.parametrize("what", LEAKS)
def test_the_checker_catches_each_kind_of_leak(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, kinds = LEAKS[what]
    plant(monkeypatch)
    violation, runs = first_violation(kinds)
    print(f"{what}: caught in scenario {runs}")
    assert violation is not None
    assert violation.invariant == "no resource leak"
    assert f"'{what}': " in str(violation)


def test_the_checker_catches_a_dead_end(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.ignore_gateways_while_discovering(monkeypatch)
    assert caught_invariant(NO_OTHER_FAULT)[0] == "no dead end"


def test_the_checker_catches_a_token_sent_to_another_announced_name(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.ignore_other_name_at_last_address(monkeypatch)
    assert (
        caught_invariant(BUGS_BY_INVARIANT["token goes only to its gateway"][1])[0] == "token goes only to its gateway"
    )


def test_the_checker_catches_a_box_that_is_deaf_after_a_reset_of_its_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.ignore_interface_resets(monkeypatch)
    assert caught_invariant(("box's interface is reset",))[0] == "connected within 60 s"


def test_the_checker_catches_a_box_that_follows_its_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_bugs.take_the_time_from_the_wall_clock(monkeypatch)
    assert caught_invariant(("wall clock jumps",))[0] == "every page sounds"


@pytest.mark.parametrize("kind", ["box's interface is reset", "feeds die young", "token is accepted late"])
def test_the_product_passes_with_each_of_these_faults(kind: str) -> None:
    run_scenario(2, 1, (kind,), ONE_BUSY_HOUR)


def test_the_checker_catches_a_logged_unexpected_error(
    monkeypatch: pytest.MonkeyPatch, unexpected_errors: list[str]
) -> None:
    planted_bugs.raise_key_error_in_archive(monkeypatch)
    assert caught_invariant(NO_OTHER_FAULT)[0] == "no unhandled exception"
    unexpected_errors.clear()


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (planted_bugs.omit_unreadable_orders, "unreadable orders"),
        (planted_bugs.show_too_many_orders, "too many orders"),
    ],
)
def test_the_checker_catches_a_count_that_omits_orders(
    plant: PlantBug, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert caught_invariant((kind,))[0] == "count is correct"


@pytest.mark.parametrize("kinds", dict.fromkeys(kinds for _, kinds in BUGS_BY_INVARIANT.values()), ids=", ".join)
def test_the_same_scenario_passes_without_a_planted_bug(kinds: tuple[str, ...]) -> None:
    run_scenario(1, 1, kinds, ONE_BUSY_HOUR)


def _a_thread() -> Callable[[], object]:
    over = threading.Event()
    threading.Thread(target=over.wait, daemon=True).start()
    return over.set


def _a_descriptor() -> Callable[[], object]:
    return Path(os.devnull).open().close


def _memory() -> Callable[[], object]:
    return bytearray(b"x" * (2 * simulation.MAX_GROWTH * 1024)).clear


@pytest.mark.parametrize("leak", [None, _a_thread, _a_descriptor, _memory])
def test_a_worker_that_leaks_between_scenarios_is_reported(
    leak: Callable[[], Callable[[], object]] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Callable[[], object]] = []

    def leaky(seed: int, days: int) -> SimulatedSite:
        if leak is not None:
            kept.append(leak())
        return run_scenario(1, 1, NO_OTHER_FAULT, A_FEW_MINUTES)

    monkeypatch.setattr(simulation, "run_scenario", leaky)
    monkeypatch.setattr(simulation, "WARM_UP_RUNS", 2)
    results: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    wanted = SimpleNamespace(value=4 * simulation.DAYS, get_lock=nullcontext)
    try:
        simulation.work(wanted, float("inf"), results)
    finally:
        for release in kept:
            release()
    reported = [results.get() for _ in range(results.qsize())]
    grew = [words for what, words in reported if what == "violation" and "grew" in words]
    assert bool(grew) == bool(leak)
