"""Bugs to be planted in the product, and in the simulated gateway: each patches something until its test is over."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from appliance import effect_handlers
from appliance.atomic_file import open_directory
from appliance.core import alerts, connected, connecting, machine, orders, pairing, reasons, transitions
from appliance.core.effects import CloseFeed
from appliance.core.events import GatewayFound, OrdersReplaced
from appliance.core.states import Discovering
from appliance.core.values import Token
from appliance.effect_handlers import EffectHandlers
from appliance.gateway import feed, wire
from appliance.gateway.discovery import Discovery
from appliance.panel.display import Display
from appliance.store import TokenStore
from tests.simulation.disk import Disk
from tests.simulation.gateway import Gateway
from tests.simulation.memory_archive import MemoryArchive


def what_is_cleared_stays(patch: pytest.MonkeyPatch) -> None:
    put = orders._put

    def never_gone(held: Any, order: Any, before: Any, *more: Any) -> None:
        if order.active or before is None:
            put(held, order, before, *more)

    patch.setattr(orders, "_put", never_gone)


def a_dead_line_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(feed, "PING_TIMEOUT", 600.0)


def the_whole_set_is_asked_for_too_seldom(patch: pytest.MonkeyPatch) -> None:
    for module in (transitions, connected):
        patch.setattr(module, "REFRESH_AFTER", 1000.0)
        patch.setattr(module, "STALE_AFTER", 1000.0)


def nothing_is_flushed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Disk, "_fsync", lambda *_: None)


def the_last_address_is_always_trusted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(connecting, "_unresolved", lambda state, now: transitions.open_feed(state))


def who_is_announced_at_the_last_address_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    def unresolved(state: Any, now: float) -> Any:
        return transitions.open_feed(state) if now <= state.link.trusted_until else pause(state, now)

    def pause(state: Any, now: float) -> Any:
        return transitions.back_off(state, reasons.GATEWAY_UNREACHABLE, now)

    patch.setattr(connecting, "_unresolved", unresolved)


def effects_are_logged_with_their_tokens(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Token, "__repr__", lambda token: token.reveal())
    do = EffectHandlers.handle

    def logged(effect_handlers: EffectHandlers, effect: Any) -> None:
        logging.getLogger("appliance").info("%s", effect)
        do(effect_handlers, effect)

    patch.setattr(EffectHandlers, "handle", logged)


def pages_are_one_sound_for_too_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(alerts, "PAGE_LASTS", 6.0)


def retries_are_too_far_apart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transitions, "FIRST_RETRY", 100.0)
    patch.setattr(transitions, "LAST_RETRY", 300.0)


def nobody_asks_for_a_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pairing, "ask_for_tokens", lambda state, now: (state, ()))
    patch.setattr(transitions, "ask_for_tokens", lambda state, now: (state, ()))


def a_gateway_that_is_found_late_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    step = machine.step

    def blind(state: Any, event: Any, now: float) -> Any:
        if isinstance(state, Discovering) and isinstance(event, GatewayFound):
            return state, ()
        return step(state, event, now)

    patch.setattr(machine, "step", blind)


def what_is_no_json_raises(patch: pytest.MonkeyPatch) -> None:
    read = wire.read_message

    def strict(text: bytes) -> Any:
        json.loads(text)
        return read(text)

    patch.setattr(feed, "read_message", strict)


def the_history_is_gone(patch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Any:
        raise KeyError("a row")

    patch.setattr(MemoryArchive, "latest", missing)


def old_feeds_stay_open(patch: pytest.MonkeyPatch) -> None:
    do = EffectHandlers.handle

    def careless(effect_handlers: EffectHandlers, effect: Any) -> None:
        if not isinstance(effect, CloseFeed):
            do(effect_handlers, effect)

    patch.setattr(EffectHandlers, "handle", careless)


def closing_takes_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(feed, "CLOSE_TIMEOUT", 6.0)


def a_display_that_failed_is_never_set_up_again(patch: pytest.MonkeyPatch) -> None:
    update = Display.update

    def once(display: Display, paint: Any, power: Any) -> None:
        if display.works or display._shown is None:
            update(display, paint, power)

    patch.setattr(Display, "update", once)


def changes_are_kept_back(patch: pytest.MonkeyPatch) -> None:
    """The gateway says less than happens, and gives no sign of it: what a feed tells is no more than a part of it."""
    notify, changes = Gateway.notify, 0

    def sometimes(gateway: Gateway, message: Any) -> None:
        nonlocal changes
        changes += 1
        if changes % 3:
            notify(gateway, {key: value for key, value in message.items() if key != "seq"})

    patch.setattr(Gateway, "notify", sometimes)


def feeds_outlive_their_tokens(patch: pytest.MonkeyPatch) -> None:
    """The gateway deletes tokens, and goes on with the feeds that were opened with them."""
    patch.setattr(Gateway, "delete_tokens", lambda gateway: gateway.tokens.clear())


def a_task_is_left(patch: pytest.MonkeyPatch) -> None:
    ended = EffectHandlers._feed_ended

    def and_something_else(effect_handlers: EffectHandlers, attempt: int) -> None:
        ended(effect_handlers, attempt)
        asyncio.get_running_loop().create_task(asyncio.sleep(1e6))

    patch.setattr(EffectHandlers, "_feed_ended", and_something_else)


def a_socket_is_left(patch: pytest.MonkeyPatch) -> None:
    async def dial(address: Any) -> Any:
        line = vars(feed)["socket"].socket()
        await asyncio.get_running_loop().sock_connect(line, (address.host, address.port))
        return line

    patch.setattr(feed, "_connect_tcp", dial)


def a_listener_is_left(patch: pytest.MonkeyPatch) -> None:
    async def stop(discovery: Discovery) -> None:
        discovery._zeroconf = None

    patch.setattr(Discovery, "_stop", stop)


def a_file_is_left(patch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def never_closed(tokens: TokenStore, *, make: bool) -> Iterator[int]:
        yield open_directory(tokens._path)

    patch.setattr(TokenStore, "_directory", never_closed)


def writes_are_given_up_and_tried_again_too_soon(patch: pytest.MonkeyPatch) -> None:
    """Calls pile up on a disk that is slow."""
    patch.setattr(effect_handlers, "STORE_TIMEOUT", 0.1)
    for module in (machine, connecting):
        patch.setattr(module, "SAVE_AGAIN", 0.5)


def what_cannot_be_read_is_left_out(patch: pytest.MonkeyPatch) -> None:
    order_set = wire._order_set
    patch.setattr(wire, "_order_set", lambda items: OrdersReplaced(order_set(items).orders))


def more_than_can_be_held_is_shown(patch: pytest.MonkeyPatch) -> None:
    """Up to a number of its own, and then no more is counted."""
    patch.setattr(connected, "too_many_orders", lambda state, now: (state, ()))
