"""The request to fill the archive, over its real socket."""

from __future__ import annotations

import asyncio

import pytest

from appliance.core.day_stats import DeliveryStats
from appliance.core.events import HistorySynced
from appliance.history_syncs import OnProgress, Outcome
from appliance.status import client as client_module
from appliance.status import server
from appliance.status.client import GONE, RunningAppliance, StatusError, find_appliance
from appliance.status.places import ARCHIVE
from appliance.status.publisher import StatusPublisher
from appliance.status.server import Fill
from tests.status.conftest import connected, no_connection, received, refused, served


async def found(publisher: StatusPublisher) -> RunningAppliance:
    appliance = await asyncio.to_thread(find_appliance, publisher.state_dir)
    assert appliance is not None
    return appliance


async def test_progress_and_outcome_are_told(publisher: StatusPublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PROGRESS_EVERY", 0.01)
    told: list[tuple[int, float]] = []

    async def fill(on_progress: OnProgress) -> Outcome | None:
        for part in (0.25, 0.5):
            on_progress(int(part * 1000), part)
            while (int(part * 1000), part) not in told:  # noqa: ASYNC110 - another thread tells it
                await asyncio.sleep(0.01)
        return HistorySynced(1, None, DeliveryStats(), frozenset(), frozenset(), unreadable=2)

    async with served(publisher, fill):
        appliance = await found(publisher)
        assert await asyncio.to_thread(appliance.fill_archive, lambda *progress: told.append(progress)) == 2


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (refused, "the gateway refused the token"),
        (no_connection, "the appliance has no connection to its gateway: connected"),
    ],
)
async def test_a_failure_is_told(publisher: StatusPublisher, fill: Fill, words: str) -> None:
    async with served(publisher, fill):
        appliance = await found(publisher)
        with pytest.raises(StatusError, match=words):
            await asyncio.to_thread(appliance.fill_archive, lambda *_: None)


@pytest.mark.parametrize("said", [b"", b"full\n", b"fill", b"x" * 1000])
async def test_any_other_request_is_refused(
    publisher: StatusPublisher, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(server, "SLOW", 0.1)
    asked = False

    async def fill(on_progress: OnProgress) -> Outcome | None:
        nonlocal asked
        asked = True
        return None

    async with served(publisher, fill):
        with await connected(publisher, ARCHIVE) as client:
            client.send(said)
            answer = await received(client)
            assert answer in (b"", b'{"error": "unknown request"}\n')
        assert await found(publisher)
    assert not asked


async def test_a_client_that_leaves_ends_the_wait_for_it(
    publisher: StatusPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PROGRESS_EVERY", 0.01)
    ended = asyncio.Event()

    async def fill(on_progress: OnProgress) -> Outcome | None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return None

    async with served(publisher, fill):
        with await connected(publisher, ARCHIVE) as client:
            client.send(b"fill\n")
            assert await received(client)
        async with asyncio.timeout(5):
            await ended.wait()


async def test_an_appliance_that_ends_meanwhile_is_told(
    publisher: StatusPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "TIMEOUT", 2.0)

    async def fill(on_progress: OnProgress) -> Outcome | None:
        await asyncio.sleep(60)
        return None

    async with served(publisher, fill):
        appliance = await found(publisher)
        asking = asyncio.create_task(asyncio.to_thread(appliance.fill_archive, lambda *_: None))
        await asyncio.sleep(0.2)
    with pytest.raises(StatusError, match=GONE):
        await asking
