"""The status over its real socket: the line, and clients that are slow, many or rude."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
from contextlib import suppress

import pytest

from appliance import __version__
from appliance.core.view import Sound
from appliance.logs import LONGEST_PROBLEM, LastProblem
from appliance.panel.headless import to_facts
from appliance.status import server
from appliance.status.places import own_folder
from appliance.status.publisher import MOST_LINES, StatusPublisher
from tests.status.conftest import connected, received, served, view

KEYS = {
    *("late", "since_s", "version", "uptime_s", "clock_synchronised", "last_error", "last_error_s", "state_dir"),
    *("gateway_time", "settings_read", "display_works", "slot", "trial", "trial_conditions", "update"),
}
"""What a status has beyond the headless panel's line."""


async def test_a_status_has_the_headless_panels_line_and_more(publisher: StatusPublisher) -> None:
    async with served(publisher):
        with await connected(publisher) as client:
            line = json.loads(await received(client))
    headless = to_facts(view(), None)
    assert {key: line[key] for key in headless} == headless
    assert line.keys() - headless.keys() == KEYS
    assert (line["late"], line["version"], line["last_error"], line["last_error_s"]) == (3, __version__, None, None)
    assert line["clock_synchronised"] in (True, False, None)
    assert line["state_dir"] == str(publisher.state_dir)


async def test_a_client_that_stays_gets_a_line_for_each_change(publisher: StatusPublisher) -> None:
    async with served(publisher):
        with await connected(publisher) as client:
            await received(client)
            publisher.show(view(oldest=432), None)
            publisher.show(view(13), Sound.NEW_ORDER)
            publisher.show(view(13), None)
            line = json.loads(await received(client))
            assert (line["active"], line["sound"]) == (13, "new_order"), "an age alone is no change"
            publisher.show(view(14), None)
            assert json.loads(await received(client))["active"] == 14


async def test_ages_count_on_between_two_views(publisher: StatusPublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(publisher):
        loop = asyncio.get_running_loop()
        later = loop.time() + 50.5
        with monkeypatch.context() as patch:
            patch.setattr(loop, "time", lambda: later)
            reader = publisher.subscribe()
        line = json.loads(reader.get_nowait())
        assert (line["oldest_s"], line["since_s"], line["uptime_s"]) == (431 + 50, 50, 50)
        with monkeypatch.context() as patch:
            patch.setattr(loop, "time", lambda: later)
            publisher.show(view(13), None)
            publisher.show(view(0, None, "offline"), None)
        assert [json.loads(reader.get_nowait())["since_s"] for _ in range(2)] == [50, 0]


async def test_the_gateways_time_of_day_is_told_if_it_is_known(publisher: StatusPublisher) -> None:
    async with served(publisher):
        now = asyncio.get_running_loop().time()
        before_midnight = dataclasses.replace(view(13), gateway_offset=5 * 86400 - 1.0 - int(now))
        publisher.show(before_midnight, None)
        told = json.loads(publisher.subscribe().get_nowait())["gateway_time"]
        publisher.show(view(14), None)
        assert json.loads(publisher.subscribe().get_nowait())["gateway_time"] is None
    assert told in ("23:59:59", "00:00:00", "00:00:01")


async def test_the_last_warning_or_error_is_told(publisher: StatusPublisher, last_problem: LastProblem) -> None:
    log = logging.getLogger("appliance")
    log.warning("first")
    log.error("Can't save the pairing:\n\tdisk is full" + "x" * 1000)
    log.info("just talking")
    async with served(publisher):
        with await connected(publisher) as client:
            line = json.loads(await received(client))
    assert line["last_error"].startswith("Can't save the pairing: disk is full")
    assert len(line["last_error"]) == LONGEST_PROBLEM
    assert line["last_error_s"] >= 0


async def test_clients_that_do_not_read_cost_nobody_anything(
    publisher: StatusPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lose lines, and after a time the connection; the box and other clients go on."""
    monkeypatch.setattr(server, "SLOW", 0.3)
    async with served(publisher):
        lazy = [await connected(publisher) for _ in range(3)]
        await asyncio.sleep(0.2)
        readers = set(publisher._readers)
        assert len(readers) == 3
        for number in range(3000):
            publisher.show(view(number), None)
            assert all(reader.qsize() <= MOST_LINES for reader in readers)
            if number % 10 == 0:
                await asyncio.sleep(0)
        with await connected(publisher) as quick:
            assert json.loads(await received(quick))["active"] == 2999
            async with asyncio.timeout(5):
                while len(publisher._readers) > 1:  # noqa: ASYNC110 - no event tells it
                    await asyncio.sleep(0.05)
            publisher.show(view(7), None)
            assert json.loads(await received(quick))["active"] == 7
        for client in lazy:
            client.close()


@pytest.mark.parametrize("said", [b"quit\n", b"fill\n", b"\0" * 100_000, b"{" * 5])
async def test_nothing_is_taken_from_a_client(publisher: StatusPublisher, said: bytes) -> None:
    """Who says anything has got the present line, and is disconnected."""
    async with served(publisher):
        with await connected(publisher) as client:
            with suppress(BlockingIOError):
                client.send(said)
            assert json.loads(await received(client))["active"] == 12
            with suppress(ConnectionResetError):
                assert await received(client) == b""
        with await connected(publisher) as other:
            assert await received(other)
    assert not publisher._readers


async def test_the_newest_clients_are_served_however_many_stay(publisher: StatusPublisher) -> None:
    async with served(publisher):
        staying = [await connected(publisher) for _ in range(server.MOST_CLIENTS + 3)]
        for client in staying:
            assert json.loads(await received(client))["active"] == 12
        assert len(publisher._readers) <= server.MOST_CLIENTS
        assert [await received(client) for client in staying[:3]] == [b""] * 3
        publisher.show(view(13), None)
        assert json.loads(await received(staying[-1]))["active"] == 13
        for client in staying:
            client.close()


async def test_the_end_of_the_appliance_ends_every_connection(publisher: StatusPublisher) -> None:
    async with served(publisher):
        client = await connected(publisher)
        await received(client)
    assert await received(client) == b""
    client.close()
    assert not own_folder(publisher.state_dir, os.geteuid()).exists()
