"""The appliance with its archive: the day's statistics, and failures of the archive that must not stop the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from appliance.core.delivery import Finished, LeftOut, delivery_time
from appliance.core.events import HistorySynced, HistorySyncFailed
from appliance.core.values import Benchmarks
from appliance.core.view import Today, View
from appliance.demo.recording_panel import RecordingPanel
from appliance.gateway import history
from appliance.gateway.feed_priority import FeedPriority
from appliance.history.archive import Archive, Progress
from appliance.history.archiver import Archiver
from appliance.history.locate import CurrentAddresses
from appliance.history.schema import FILE
from appliance.history_syncs import UNEXPECTED_HISTORY_ERROR
from appliance.simulator.gateway import SimulatedGateway
from tests.running_appliance import appliance, count, in_state, paired_with


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[BlockBuster]:
    """The archive must not block the loop, nor may anything else of the appliance."""
    parts = ("runner", "effect_handlers", "gateway", "core", "history")
    with blockbuster_ctx([f"appliance.{part}" for part in parts]) as buster:
        yield buster


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway("Bar", "127.0.0.1") as gateway:
        yield gateway


def day(orders: int) -> Callable[[View], bool]:
    """Whether the view is the day's screen with so many orders."""
    return lambda view: isinstance(view.screen, Today) and view.screen.finished == f"{orders} done"


async def kept_in(directory: Path) -> list[Finished]:
    """The orders in a directory's archive."""
    return await asyncio.to_thread(lambda: list(Archive(directory).orders("Bar")))


async def measured_in(directory: Path, orders: int) -> list[Finished]:
    """The orders in the archive once it has the box's own times for so many of them."""
    async with asyncio.timeout(10):
        while True:
            kept = await kept_in(directory)
            if sum(order.took is not None for order in kept) >= orders:
                return kept
            await asyncio.sleep(0.05)


async def turned_to_today(box: RecordingPanel) -> None:
    await box.until(count(0))
    box.press()
    box.press()


async def test_the_day_combines_the_archive_and_the_feed(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.core.history_sync.SYNC_SOON", 0.05)
    monkeypatch.setattr("appliance.core.history_sync.SYNC_EVERY", 0.4)
    paired_with(gateway, tmp_path)
    for age in (100.0, 200.0):
        gateway.restaurant.clear(gateway.restaurant.create(order_type="TO_GO", age=age).uuid)
    archive = Archive(tmp_path)
    async with appliance(tmp_path, fixed_address=gateway, make_archiver=lambda: Archiver(archive, Benchmarks())) as box:
        await turned_to_today(box)
        view = await box.until(day(2))
        assert isinstance(view.screen, Today)
        assert (view.screen.title, view.screen.average) == ("Latest day", "2:30")
        for _ in range(3):
            gateway.restaurant.clear(gateway.restaurant.create(order_type="TO_GO").uuid)
        view = await box.until(day(5))
        assert isinstance(view.screen, Today)
        assert view.screen.title == "Today"
        await box.until(lambda view: isinstance(view.screen, Today) and view.screen.note.startswith("gateway: 5"))
        assert not isinstance(view.screen, Today) or not view.screen.doubt
        kept = await measured_in(tmp_path, 3)
    assert [order.took is not None for order in kept] == [False, False, True, True, True], (
        "orders that the box saw must have its times"
    )


@pytest.mark.parametrize("hours", [1, -1, 30])
async def test_a_change_of_the_gateways_clock_does_not_distort_the_statistics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setattr("appliance.core.history_sync.SYNC_SOON", 0.05)
    monkeypatch.setattr("appliance.core.history_sync.SYNC_EVERY", 0.3)
    shift = timedelta()
    async with SimulatedGateway("Bar", "127.0.0.1", clock=lambda: datetime.now() + shift) as gateway:
        gateway.restaurant.reports_elapsed = False
        paired_with(gateway, tmp_path)
        archiver = Archiver(Archive(tmp_path), Benchmarks())
        async with appliance(tmp_path, fixed_address=gateway, make_archiver=lambda: archiver) as box:
            await box.until(count(0))
            orders = [gateway.restaurant.create(order_type="TO_GO") for _ in range(3)]
            await box.until(count(3))
            shift = timedelta(hours=hours)
            for order in orders:
                gateway.restaurant.clear(order.uuid)
            await box.until(count(0))
            kept = await measured_in(tmp_path, 3)
    assert all(order.took is not None and order.took < 5 for order in kept), kept
    times = [delivery_time(order, 3 * 3600.0) for order in kept]
    assert all(not isinstance(time, LeftOut) and time < 5 for time in times), times


async def test_a_damaged_archive_is_replaced_while_the_box_runs(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.core.history_sync.SYNC_SOON", 0.05)
    paired_with(gateway, tmp_path)
    (tmp_path / FILE).write_bytes(b"no archive" * 1000)
    gateway.restaurant.clear(gateway.restaurant.create(order_type="TO_GO").uuid)
    async with appliance(
        tmp_path, fixed_address=gateway, make_archiver=lambda: Archiver(Archive(tmp_path), Benchmarks())
    ) as box:
        await turned_to_today(box)
        await box.until(day(1))
        gateway.restaurant.create_many(2)
        await box.until(count(2))
    assert (tmp_path / f"{FILE}.damaged").exists()
    assert len(await kept_in(tmp_path)) == 1


async def test_a_read_only_archive_does_not_stop_the_box(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("appliance.core.history_sync.SYNC_SOON", 0.05)
    monkeypatch.setattr("appliance.core.history_sync.SYNC_RETRY", 0.1)
    paired_with(gateway, tmp_path)
    (tmp_path / "file").write_text("in the way")
    archiver = Archiver(Archive(tmp_path / "file"), Benchmarks())
    async with appliance(tmp_path, fixed_address=gateway, make_archiver=lambda: archiver) as box:
        await turned_to_today(box)
        gateway.restaurant.clear(gateway.restaurant.create(order_type="TO_GO").uuid)
        await box.until(day(1))
        await asyncio.sleep(0.5)
        gateway.restaurant.create_many(3)
        await box.until(count(3))
    assert caplog.text.count("Could not update the archive") == 1, "the failure must be logged once"


@pytest.mark.parametrize("where", ["the archive", "its making", "the archiver"])
async def test_an_error_in_the_history_is_logged_once_and_does_not_stop_the_box(
    gateway: SimulatedGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    unexpected_errors: list[str],
    where: str,
) -> None:
    monkeypatch.setattr("appliance.core.history_sync.SYNC_SOON", 0.05)
    monkeypatch.setattr("appliance.core.history_sync.SYNC_RETRY", 0.1)
    paired_with(gateway, tmp_path)
    failed = 0

    def fails(*arguments: Any) -> Any:
        nonlocal failed
        failed += 1
        if failed <= 3:
            raise KeyError("the gateway's own words")
        return Progress() if where == "the archive" else CurrentAddresses(*arguments)

    if where == "the archive":
        monkeypatch.setattr(Archive, "progress", fails)
    elif where == "the archiver":
        monkeypatch.setattr("appliance.history.archiver.CurrentAddresses", fails)

    def make() -> Archiver:
        if where == "its making" and failed < 3:
            fails()
        return Archiver(Archive(tmp_path), Benchmarks())

    async with appliance(tmp_path, fixed_address=gateway, make_archiver=make) as box:
        await turned_to_today(box)
        async with asyncio.timeout(5):
            while failed < 3:  # noqa: ASYNC110 - no event reports this
                await asyncio.sleep(0.05)
        gateway.restaurant.create_many(3)
        await box.until(count(3))
    errors = [record.getMessage() for record in caplog.records if UNEXPECTED_HISTORY_ERROR in record.getMessage()]
    assert len(errors) == len(unexpected_errors) == 1, (
        "the error must be logged once, and reach the fixture of all tests"
    )
    unexpected_errors.clear()
    assert "KeyError" in errors[0]
    assert "test_effect_handlers_history.py:" in errors[0], "the log must name the place of the error"
    assert "words" not in caplog.text


async def test_no_history_is_requested_while_a_feed_opens(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.core.history_sync.SYNC_SOON", 0.05)
    monkeypatch.setattr("appliance.core.transitions.REFRESH_AFTER", 0.2)
    monkeypatch.setattr("appliance.core.connected.REFRESH_AFTER", 0.2)
    paired_with(gateway, tmp_path)
    gateway.restaurant.create_many(500)
    gateway.restaurant.clear_all()
    opening: set[int] = set()
    feeds = requests = 0
    read_chunk, begun, settled = history.read_orders, FeedPriority.opening, FeedPriority.settled

    async def asked(*arguments: Any) -> list[history.ListedOrder]:
        nonlocal requests
        assert not opening, "the history was requested while a feed was opening"
        requests += 1
        await asyncio.sleep(0.1)
        assert not opening, "the request must be interrupted when a feed opens"
        return await read_chunk(*arguments)

    def opens(feed_priority: FeedPriority, feed: int) -> None:
        nonlocal feeds
        feeds += 1
        opening.add(feed)
        begun(feed_priority, feed)

    def has_settled(feed_priority: FeedPriority, feed: int) -> None:
        opening.discard(feed)
        settled(feed_priority, feed)

    monkeypatch.setattr("appliance.history.archiver.read_orders", asked)
    monkeypatch.setattr(FeedPriority, "opening", opens)
    monkeypatch.setattr(FeedPriority, "settled", has_settled)
    archiver = Archiver(Archive(tmp_path), Benchmarks())
    async with appliance(tmp_path, fixed_address=gateway, make_archiver=lambda: archiver) as box:
        await turned_to_today(box)
        await box.until(day(500), within=20)
    assert feeds >= 3, "several feeds must have opened meanwhile"
    assert requests >= 8
    assert len(await kept_in(tmp_path)) == 500


async def test_a_requested_report_has_what_the_gateway_has_at_that_moment(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if a sync is under way, which may have read past the newest orders."""
    monkeypatch.setattr("appliance.core.history_sync.SYNC_SOON", 0.05)
    paired_with(gateway, tmp_path)
    read_chunk, under_way, go_on = history.read_orders, asyncio.Event(), asyncio.Event()

    async def slowly(*arguments: Any) -> list[history.ListedOrder]:
        chunk = await read_chunk(*arguments)
        under_way.set()
        await go_on.wait()
        return chunk

    monkeypatch.setattr("appliance.history.archiver.read_orders", slowly)
    progress: list[tuple[int, float]] = []
    archiver = Archiver(Archive(tmp_path), Benchmarks())
    async with appliance(tmp_path, fixed_address=gateway, make_archiver=lambda: archiver) as box:
        await box.until(count(0))
        async with asyncio.timeout(5):
            await under_way.wait()
        gateway.restaurant.clear(gateway.restaurant.create(order_type="TO_GO").uuid)
        filling = asyncio.create_task(box.effect_handlers.fill_archive(lambda *told: progress.append(told)))
        await asyncio.sleep(0.1)
        assert not filling.done()
        go_on.set()
        async with asyncio.timeout(5):
            outcome = await filling
        assert isinstance(outcome, HistorySynced)
        assert len(await kept_in(tmp_path)) == 1
        assert progress[-1] == (1, 1.0)
        # And the next one, with another order.
        gateway.restaurant.clear(gateway.restaurant.create(order_type="TO_GO").uuid)
        async with asyncio.timeout(5):
            both = await asyncio.gather(*(box.effect_handlers.fill_archive(lambda *_: None) for _ in range(2)))
        assert all(isinstance(one, HistorySynced) for one in both)
        assert len(await kept_in(tmp_path)) == 2


async def test_a_request_without_a_live_feed_ends(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.history_syncs.REQUEST_PATIENCE", 0.3)
    async with appliance(tmp_path, fixed_address=gateway, make_archiver=lambda: pytest.fail("not needed")) as box:
        await box.until(in_state("awaiting_pairing"))
        assert await box.effect_handlers.fill_archive(lambda *_: None) is None


async def test_a_requested_sync_that_loses_the_gateway_is_told(
    gateway: SimulatedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paired_with(gateway, tmp_path)
    under_way = asyncio.Event()

    async def hangs(*arguments: Any) -> list[history.ListedOrder]:
        under_way.set()
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr("appliance.history.archiver.read_orders", hangs)
    archiver = Archiver(Archive(tmp_path), Benchmarks())
    async with appliance(tmp_path, fixed_address=gateway, make_archiver=lambda: archiver) as box:
        await box.until(count(0))
        filling = asyncio.create_task(box.effect_handlers.fill_archive(lambda *_: None))
        async with asyncio.timeout(5):
            await under_way.wait()
            await gateway.stop()
            outcome = await filling
    assert outcome == HistorySyncFailed(0, "the connection to the gateway was lost")
