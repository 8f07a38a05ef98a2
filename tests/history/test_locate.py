"""A token goes only to the current address of its gateway's name, however long a reading lasts."""

from __future__ import annotations

import asyncio

import pytest

from appliance.core.effects import SyncHistory
from appliance.core.events import HistorySyncFailed
from appliance.core.values import Address, Benchmarks, Gateway, Token
from appliance.gateway.feed_priority import FeedPriority
from appliance.gateway.history import HistoryError, HistoryFailure, ListedOrder
from appliance.history.archive import Archive
from appliance.history.archiver import Archiver
from appliance.history.locate import CACHED, CurrentAddresses
from tests.clock import VirtualTimeLoop, virtual_time

HERE, THERE = Address("192.0.2.1"), Address("192.0.2.2")


class Names:
    """Resolves the gateway's name to `where`."""

    def __init__(self) -> None:
        self.where: Address | None = HERE
        self.asked = 0

    async def resolve(self) -> Gateway | None:
        self.asked += 1
        await asyncio.sleep(0.1)
        return None if self.where is None else Gateway("Bar", (self.where,))


@virtual_time
async def test_the_address_is_confirmed_again_during_a_long_reading() -> None:
    names = Names()
    where = CurrentAddresses(names.resolve)
    for _ in range(20):
        await where.confirm(HERE)
        await asyncio.sleep(0.2)
    assert names.asked == 1
    await asyncio.sleep(CACHED)
    names.where = THERE
    with pytest.raises(HistoryError) as caught:
        await where.confirm(HERE)
    assert caught.value.failure is HistoryFailure.NOT_FOUND
    assert await where.addresses() == (THERE,)
    await asyncio.sleep(CACHED)
    names.where = None
    with pytest.raises(HistoryError):
        await where.addresses()


@pytest.mark.parametrize("after", [0, 3])
def test_a_sync_stops_when_the_name_leads_to_another_address(
    after: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """after: chunks until the name resolves to another address."""
    names, chunks = Names(), 0
    directory = tmp_path_factory.mktemp("archive")

    async def read_chunk(address: Address, token: Token, offset: int, since: float | None) -> list[ListedOrder]:
        nonlocal chunks
        chunks += 1
        if chunks >= after:
            names.where = THERE
        await asyncio.sleep(CACHED)
        return [ListedOrder(str(number)) for number in range(offset, offset + 100)]

    monkeypatch.setattr("appliance.history.archiver.read_orders", read_chunk)

    async def sync() -> None:
        if not after:
            names.where = THERE
        what = SyncHistory(1, "Bar", HERE, Token("x"), None, ())
        outcome = await Archiver(Archive(directory), Benchmarks()).sync(what, FeedPriority(), names.resolve)
        assert isinstance(outcome, HistorySyncFailed)
        assert "no gateway with this name answers" in outcome.why

    # The archive's threads take real time, so the loop waits a little before it jumps.
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(patience=0.5)) as runner:
        runner.run(sync())
    assert chunks == after
