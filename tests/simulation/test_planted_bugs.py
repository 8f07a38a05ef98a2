"""That the simulation can fail: for each promise a bug is planted in the product, and has to be caught."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from appliance import errands, store
from appliance.core import alerts, connected, machine, moves, orders, pairing, trying
from appliance.core.effects import CloseFeed
from appliance.core.events import GatewayFound, OrdersReplaced
from appliance.core.states import Discovering
from appliance.core.values import Token
from appliance.errands import Errands
from appliance.gateway import feed, wire
from appliance.gateway.discovery import Discovery
from appliance.panel.display import Display
from appliance.store import TokenStore
from tests.simulation import __main__ as simulation
from tests.simulation.disk import Disk
from tests.simulation.gateway import Gateway
from tests.simulation.judge import BrokenPromiseError
from tests.simulation.life import live
from tests.simulation.memory import MemoryArchive
from tests.simulation.world import World

SEEDS = range(1, 9)
"""The lives that a bug is given to show itself, of a busy hour each."""
HOURS = ((12.0, 13.0),)

Plant = Callable[[pytest.MonkeyPatch], None]


def _what_is_cleared_stays(patch: pytest.MonkeyPatch) -> None:
    put = orders._put

    def never_gone(held: Any, order: Any, before: Any, *more: Any) -> None:
        if order.active or before is None:
            put(held, order, before, *more)

    patch.setattr(orders, "_put", never_gone)


def _a_dead_line_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(feed, "PING_TIMEOUT", 600.0)


def _the_whole_set_is_asked_for_too_seldom(patch: pytest.MonkeyPatch) -> None:
    for module in (moves, connected):
        patch.setattr(module, "REFRESH_AFTER", 1000.0)
        patch.setattr(module, "STALE_AFTER", 1000.0)


def _nothing_is_flushed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Disk, "_fsync", lambda *_: None)


def _the_last_address_is_always_trusted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trying, "_unresolved", lambda state, now: moves.open_feed(state))


def _who_is_announced_at_the_last_address_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    def unresolved(state: Any, now: float) -> Any:
        return moves.open_feed(state) if now <= state.link.trusted_until else pause(state, now)

    def pause(state: Any, now: float) -> Any:
        return moves.pause(state, moves.GATEWAY_UNREACHABLE, now)

    patch.setattr(trying, "_unresolved", unresolved)


def _effects_are_logged_with_their_tokens(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Token, "__repr__", lambda token: token.reveal())
    do = Errands.do

    def logged(errands: Errands, effect: Any) -> None:
        logging.getLogger("appliance").info("%s", effect)
        do(errands, effect)

    patch.setattr(Errands, "do", logged)


def _pages_are_one_sound_for_too_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(alerts, "PAGE_LASTS", 6.0)


def _retries_are_too_far_apart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(moves, "FIRST_RETRY", 100.0)
    patch.setattr(moves, "LAST_RETRY", 300.0)


def _nobody_asks_for_a_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pairing, "ask_all", lambda state, now: (state, ()))
    patch.setattr(moves, "ask_all", lambda state, now: (state, ()))


def _a_gateway_that_is_found_late_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    step = machine.step

    def blind(state: Any, event: Any, now: float) -> Any:
        if isinstance(state, Discovering) and isinstance(event, GatewayFound):
            return state, ()
        return step(state, event, now)

    patch.setattr(machine, "step", blind)


def _what_is_no_json_raises(patch: pytest.MonkeyPatch) -> None:
    read = wire.read_message

    def strict(text: bytes) -> Any:
        json.loads(text)
        return read(text)

    patch.setattr(feed, "read_message", strict)


def _the_history_is_gone(patch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Any:
        raise KeyError("a row")

    patch.setattr(MemoryArchive, "latest", missing)


def _old_feeds_stay_open(patch: pytest.MonkeyPatch) -> None:
    do = Errands.do

    def careless(errands: Errands, effect: Any) -> None:
        if not isinstance(effect, CloseFeed):
            do(errands, effect)

    patch.setattr(Errands, "do", careless)


def _closing_takes_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(feed, "CLOSE_TIMEOUT", 6.0)


def _a_display_that_failed_is_never_set_up_again(patch: pytest.MonkeyPatch) -> None:
    update = Display.update

    def once(display: Display, paint: Any, power: Any) -> None:
        if display.works or display._shown is None:
            update(display, paint, power)

    patch.setattr(Display, "update", once)


QUIET = ("wall clock jumps",)
CUTS = ("nothing goes through", "gateway's cable is pulled", "nothing comes in")

BUGS: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "count is true": (_what_is_cleared_stays, QUIET),
    "count is live": (_a_dead_line_is_believed, CUTS),
    "count is fresh": (_the_whole_set_is_asked_for_too_seldom, QUIET),
    "token is never lost": (_nothing_is_flushed, ("box loses power", "tokens are deleted", "power goes in a write")),
    "token goes nowhere else": (_the_last_address_is_always_trusted, ("gateway is renamed", "lines are reset")),
    "token is never shown": (_effects_are_logged_with_their_tokens, QUIET),
    "a page sounds": (_pages_are_one_sound_for_too_long, ("many pages",)),
    "connected within 60 s": (_retries_are_too_far_apart, ("gateway loses power", *CUTS)),
    "a way out": (_nobody_asks_for_a_token, QUIET),
    "no unhandled exception": (_what_is_no_json_raises, ("gateway talks rubbish",)),
    "nothing is left over": (_old_feeds_stay_open, ("gateway talks rubbish",)),
    "the display shows it": (_a_display_that_failed_is_never_set_up_again, ("display is pulled",)),
    "ends within 2 s": (_closing_takes_long, ("box is restarted", *CUTS)),
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


def _changes_are_kept_back(patch: pytest.MonkeyPatch) -> None:
    """The gateway says less than happens, and gives no sign of it: what a feed tells is no more than a part of it."""
    notify, changes = Gateway.notify, 0

    def sometimes(gateway: Gateway, message: Any) -> None:
        nonlocal changes
        changes += 1
        if changes % 3:
            notify(gateway, {key: value for key, value in message.items() if key != "seq"})

    patch.setattr(Gateway, "notify", sometimes)


def _feeds_outlive_their_tokens(patch: pytest.MonkeyPatch) -> None:
    """The gateway deletes tokens, and goes on with the feeds that were opened with them."""
    patch.setattr(Gateway, "delete_tokens", lambda gateway: gateway.tokens.clear())


@pytest.mark.parametrize(
    ("plant", "kinds", "words"),
    [
        (_changes_are_kept_back, QUIET, "all is well for a minute"),
        (_feeds_outlive_their_tokens, ("tokens are deleted",), "a token that no gateway takes"),
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


def _a_task_is_left(patch: pytest.MonkeyPatch) -> None:
    ended = Errands._feed_ended

    def and_something_else(errands: Errands, attempt: int) -> None:
        ended(errands, attempt)
        asyncio.get_running_loop().create_task(asyncio.sleep(1e6))

    patch.setattr(Errands, "_feed_ended", and_something_else)


def _a_socket_is_left(patch: pytest.MonkeyPatch) -> None:
    async def dial(address: Any) -> Any:
        line = vars(feed)["socket"].socket()
        await asyncio.get_running_loop().sock_connect(line, (address.host, address.port))
        return line

    patch.setattr(feed, "_dial", dial)


def _a_listener_is_left(patch: pytest.MonkeyPatch) -> None:
    async def stop(discovery: Discovery) -> None:
        discovery._zeroconf = None

    patch.setattr(Discovery, "_stop", stop)


def _a_file_is_left(patch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def never_closed(tokens: TokenStore, *, make: bool) -> Iterator[int]:
        yield store._open_directory(tokens._path)

    patch.setattr(TokenStore, "_directory", never_closed)


def _writes_are_given_up_and_tried_again_too_soon(patch: pytest.MonkeyPatch) -> None:
    """Calls pile up on a disk that is slow."""
    patch.setattr(errands, "STORE_TIMEOUT", 0.1)
    for module in (machine, trying):
        patch.setattr(module, "SAVE_AGAIN", 0.5)


LEFT: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "tasks": (_a_task_is_left, QUIET),
    "sockets": (_a_socket_is_left, ("gateway loses power", *CUTS)),
    "listeners": (_a_listener_is_left, QUIET),
    "files": (_a_file_is_left, ("tokens are deleted",)),
    "calls": (_writes_are_given_up_and_tried_again_too_soon, ("disk is slow", "tokens are deleted")),
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
    _a_gateway_that_is_found_late_is_overlooked(monkeypatch)
    assert caught(QUIET)[0] == "a way out"


def test_a_token_for_another_name_that_was_heard_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    _who_is_announced_at_the_last_address_is_overlooked(monkeypatch)
    assert caught(BUGS["token goes nowhere else"][1])[0] == "token goes nowhere else"


def test_a_mistake_that_the_box_survives_is_caught(monkeypatch: pytest.MonkeyPatch, unforeseen: list[str]) -> None:
    _the_history_is_gone(monkeypatch)
    assert caught(QUIET)[0] == "no unhandled exception"
    unforeseen.clear()


def _what_cannot_be_read_is_left_out(patch: pytest.MonkeyPatch) -> None:
    whole_set = wire._whole_set
    patch.setattr(wire, "_whole_set", lambda items: OrdersReplaced(whole_set(items).orders))


def _more_than_can_be_held_is_shown(patch: pytest.MonkeyPatch) -> None:
    """Up to a number of its own, and then no more is counted."""
    patch.setattr(connected, "overrun", lambda state, now: (state, ()))


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (_what_cannot_be_read_is_left_out, "orders can't be read"),
        (_more_than_can_be_held_is_shown, "too many orders"),
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
