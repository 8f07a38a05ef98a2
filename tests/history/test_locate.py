"""A token goes only where its gateway's name leads to at this moment, however long a reading lasts."""

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
    """Answers for the gateway's name, as long as it is somewhere."""

    def __init__(self) -> None:
        self.where: Address | None = HERE
        self.asked = 0

    async def resolve(self) -> Gateway | None:
        self.asked += 1
        await asyncio.sleep(0.1)
        return None if self.where is None else Gateway("Bar", (self.where,))


@virtual_time
async def test_it_is_asked_again_while_a_reading_lasts() -> None:
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
def test_nothing_more_is_asked_of_an_address_that_is_not_its_gateways_any_more(
    after: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """after: pages, after which the name leads elsewhere."""
    names, pages = Names(), 0
    directory = tmp_path_factory.mktemp("archive")

    async def page(address: Address, token: Token, offset: int, since: float | None) -> list[ListedOrder]:
        nonlocal pages
        pages += 1
        if pages >= after:
            names.where = THERE
        await asyncio.sleep(CACHED)
        return [ListedOrder(str(number)) for number in range(offset, offset + 100)]

    monkeypatch.setattr("appliance.history.archiver.read_orders", page)

    async def keep() -> None:
        if not after:
            names.where = THERE
        what = SyncHistory(1, "Bar", HERE, Token("x"), None, ())
        kept = await Archiver(Archive(directory), Benchmarks()).keep(what, FeedPriority(), names.resolve)
        assert kept == HistorySyncFailed(1)

    # The archive's threads take real time, for which this loop waits a little before it jumps.
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(patience=0.5)) as runner:
        runner.run(keep())
    assert pages == after
