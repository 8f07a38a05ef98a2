"""The log of a feed: it never contains the token."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from appliance import logs
from appliance.core.values import Address, Token
from appliance.gateway import feed as module
from appliance.gateway.api import ask_for_token, check_token
from appliance.simulator.gateway import SimulatedGateway

from .conftest import SECRET, http, respond_with, serving
from .scripted_feeds import (
    EMPTY,
    feed_events,
    running_feed,
    scripted_gateway,
    send_and_close,
)


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway() as running:
        yield running


def at(gateway: SimulatedGateway) -> Address:
    return Address(gateway.host, gateway.port)


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Everything logged at any level, with the appliance's own set-up at its most verbose."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    libraries = {name: logging.getLogger(name).level for name in logs._LIBRARIES}
    lines: list[str] = []

    class ListHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter("%(name)s %(message)s").format(record) + repr(record.args))

    logs.set_up(logging.DEBUG)
    root.handlers[:] = [ListHandler()]
    yield lines
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in libraries.items():
        logging.getLogger(name).setLevel(before)


async def test_the_token_is_never_logged(
    gateway: SimulatedGateway, log_lines: list[str], refusing_address: Address
) -> None:
    gateway.press_button()
    token = await ask_for_token(at(gateway))
    assert isinstance(token, Token)
    secret = token.reveal()
    await check_token(at(gateway), token)
    await check_token(refusing_address, token)
    async with running_feed(at(gateway), token) as (recorder, task):
        await recorder.wait_opened()
        gateway.restaurant.create_many(3)
        await recorder.wait_until(lambda recorder: len(recorder.notifications) == 3)
        gateway.drop_lines()
        await task
    await feed_events(refusing_address, token)
    await feed_events(at(gateway), Token("0" * 48))
    async with scripted_gateway(
        send_and_close(EMPTY, "hello", f'{{"returnCode": -5, "message": "{SECRET}"}}')
    ) as address:
        await feed_events(address)
    async with serving(respond_with(http("302 Found", b"", f"Location: ws://x/{secret}"))) as server:
        await feed_events(server.address, token)
    assert any("ended" in line for line in log_lines)
    assert [line for line in log_lines if secret in line or SECRET in line] == []


async def test_a_token_in_a_message_type_is_not_logged(log_lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The log contains the beginning of an unknown type, which must not be a token's."""
    monkeypatch.setattr(module, "_logged", set())
    async with scripted_gateway(send_and_close(EMPTY, json.dumps({"type": SECRET}))) as address:
        await feed_events(address)
    assert any("unknown type (token)" in line for line in log_lines)
    assert [line for line in log_lines if SECRET[:16] in line] == []


async def test_unreadable_orders_are_logged_once(log_lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_logged", set())
    whole = json.dumps({"type": "ACTIVE_ORDERS", "items": [{"uuid": SECRET, "state": "started", "paged": "no"}]})
    for _ in range(2):
        async with scripted_gateway(send_and_close(whole, whole)) as address:
            await feed_events(address)
    assert sum("unreadable orders" in line for line in log_lines) == 1
    assert [line for line in log_lines if SECRET in line] == []
