"""Bugs to plant in the product or in the simulated gateway; each function patches one until its test ends."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from appliance import atomic_file, effect_handlers
from appliance.core import (
    alerts,
    connected,
    connecting,
    folding,
    machine,
    order_age,
    pairing,
    reasons,
    refusals,
    transitions,
)
from appliance.core.effects import CloseFeed
from appliance.core.events import GatewayFound
from appliance.core.notifications import OrdersReplaced
from appliance.core.states import NEVER, Discovering
from appliance.core.values import Token
from appliance.effect_handlers import EffectHandlers
from appliance.gateway import feed, feed_connection, wire
from appliance.gateway.discovery import Discovery
from appliance.gateway.network_watch import NetworkWatch
from appliance.panel.display import Display
from appliance.store import TokenStore
from tests.simulation.disk import Disk
from tests.simulation.gateway import Gateway
from tests.simulation.memory_archive import MemoryArchive
from tests.simulation.site import WALL_CLOCK_AT_START


def keep_cleared_orders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding._Folding, "_clear", lambda *_: None)


def ignore_unknown_types(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding._Folding, "ignore", lambda *_: None)


def age_new_orders_by_the_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding, "began_now", lambda order, now, clock: order_age.learnt(order, None, clock, now))


def take_the_time_from_the_wall_clock(patch: pytest.MonkeyPatch) -> None:
    step, began = machine.step, WALL_CLOCK_AT_START
    patch.setattr(machine, "step", lambda state, event, now: step(state, event, time.time() - began))


def trust_dead_connection(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(feed_connection, "PING_TIMEOUT", 600.0)


def refresh_too_rarely(patch: pytest.MonkeyPatch) -> None:
    for module in (transitions, connected):
        patch.setattr(module, "REFRESH_AFTER", 1000.0)
        patch.setattr(module, "STALE_AFTER", 1000.0)


def skip_fsync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Disk, "_fsync", lambda *_: None)


def always_trust_last_address(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(connecting, "_unresolved", lambda state, now: transitions.open_feed(state))


def ignore_other_name_at_last_address(patch: pytest.MonkeyPatch) -> None:
    def unresolved(state: Any, now: float) -> Any:
        return transitions.open_feed(state) if now <= state.link.trusted_until else pause(state, now)

    def pause(state: Any, now: float) -> Any:
        return transitions.back_off(state, reasons.GATEWAY_UNREACHABLE, now)

    patch.setattr(connecting, "_unresolved", unresolved)


def log_effects_with_tokens(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Token, "__repr__", lambda token: token.reveal())
    do = EffectHandlers.handle

    def logged(effect_handlers: EffectHandlers, effect: Any) -> None:
        logging.getLogger("appliance").info("%s", effect)
        do(effect_handlers, effect)

    patch.setattr(EffectHandlers, "handle", logged)


def give_up_late_token(patch: pytest.MonkeyPatch) -> None:
    """A new token that the gateway refuses at first is gone."""
    refused = refusals.token_refused

    def forgetful(state: Any, now: float) -> Any:
        return refused(replace(state, world=replace(state.world, pending_until=NEVER)), now)

    for module in (refusals, connected):
        patch.setattr(module, "token_refused", forgetful)


def reopen_short_lived_feeds_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transitions, "GOOD_AFTER", 0.0)


def ignore_interface_resets(patch: pytest.MonkeyPatch) -> None:
    """Only addresses are compared."""
    poll = NetworkWatch.poll

    def compare(watch: NetworkWatch) -> bool:
        before, first = watch.network.addresses, watch._links is None
        poll(watch)
        return first or watch.network.addresses != before

    patch.setattr(NetworkWatch, "poll", compare)


def merge_pages_for_too_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(alerts, "PAGE_LASTS", 6.0)


def retry_too_rarely(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transitions, "FIRST_RETRY", 100.0)
    patch.setattr(transitions, "LAST_RETRY", 300.0)


def never_request_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pairing, "_ask_for_tokens", lambda state, now: (state, ()))


def ignore_gateways_while_discovering(patch: pytest.MonkeyPatch) -> None:
    step = machine.step

    def blind(state: Any, event: Any, now: float) -> Any:
        if isinstance(state, Discovering) and isinstance(event, GatewayFound):
            return state, ()
        return step(state, event, now)

    patch.setattr(machine, "step", blind)


def raise_on_malformed_json(patch: pytest.MonkeyPatch) -> None:
    read = wire.read_message

    def strict(text: bytes) -> Any:
        json.loads(text)
        return read(text)

    patch.setattr(feed, "read_message", strict)


def raise_key_error_in_archive(patch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Any:
        raise KeyError("a row")

    patch.setattr(MemoryArchive, "latest", missing)


def never_close_feeds(patch: pytest.MonkeyPatch) -> None:
    do = EffectHandlers.handle

    def careless(effect_handlers: EffectHandlers, effect: Any) -> None:
        if not isinstance(effect, CloseFeed):
            do(effect_handlers, effect)

    patch.setattr(EffectHandlers, "handle", careless)


def wait_too_long_for_close(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(feed_connection, "CLOSE_TIMEOUT", 6.0)


def never_restart_failed_display(patch: pytest.MonkeyPatch) -> None:
    update = Display.update

    def once(display: Display, paint: Any, power: Any) -> None:
        if display.works or display._shown is None:
            update(display, paint, power)

    patch.setattr(Display, "update", once)


def drop_every_third_notification(patch: pytest.MonkeyPatch) -> None:
    """The gateway drops notifications, and without `seq` the box can't notice."""
    notify, changes = Gateway.notify, 0

    def sometimes(gateway: Gateway, message: Any) -> None:
        nonlocal changes
        changes += 1
        if changes % 3:
            notify(gateway, {key: value for key, value in message.items() if key != "seq"})

    patch.setattr(Gateway, "notify", sometimes)


def keep_feeds_of_deleted_tokens(patch: pytest.MonkeyPatch) -> None:
    """The gateway deletes tokens but keeps the feeds that used them."""
    patch.setattr(Gateway, "delete_tokens", lambda gateway: gateway.tokens.clear())


def leak_task(patch: pytest.MonkeyPatch) -> None:
    ended = EffectHandlers._feed_ended

    def and_something_else(effect_handlers: EffectHandlers, attempt: int) -> None:
        ended(effect_handlers, attempt)
        asyncio.get_running_loop().create_task(asyncio.sleep(1e6))

    patch.setattr(EffectHandlers, "_feed_ended", and_something_else)


def leak_socket(patch: pytest.MonkeyPatch) -> None:
    async def dial(address: Any) -> Any:
        line = vars(feed_connection)["socket"].socket()
        await asyncio.get_running_loop().sock_connect(line, (address.host, address.port))
        return line

    patch.setattr(feed_connection, "_connect_tcp", dial)


def leak_listener(patch: pytest.MonkeyPatch) -> None:
    async def close(discovery: Discovery) -> None:
        discovery._zeroconf = None

    patch.setattr(Discovery, "_close", close)


def leak_file(patch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def never_closed(tokens: TokenStore, *, make: bool) -> Iterator[int]:
        yield vars(atomic_file)["os"].open(tokens._path, os.O_RDONLY | os.O_DIRECTORY)

    patch.setattr(TokenStore, "_directory", never_closed)


def retry_slow_writes_too_soon(patch: pytest.MonkeyPatch) -> None:
    """Calls accumulate on a slow disk."""
    patch.setattr(effect_handlers, "STORE_TIMEOUT", 0.1)
    for module in (machine, connecting):
        patch.setattr(module, "SAVE_AGAIN", 0.5)


def omit_unreadable_orders(patch: pytest.MonkeyPatch) -> None:
    order_set = wire._order_set
    patch.setattr(wire, "_order_set", lambda *said: OrdersReplaced(order_set(*said).orders))


def show_too_many_orders(patch: pytest.MonkeyPatch) -> None:
    """The count stops at the number of orders that the box holds."""
    patch.setattr(connected, "too_many_orders", lambda state, now: (state, ()))
