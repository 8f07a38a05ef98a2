"""A replayed recording: clients meet the recorded gateway again, with its words, its refusals and its outages."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.core.events import Event, FeedFailure, FeedLost, FeedNotified, FeedOpened, GatewayLost, TokenRefused
from appliance.core.values import Address, Token
from appliance.gateway.dns_sd import SERVICE_TYPE
from appliance.gateway.feed import run_feed
from appliance.gateway.http import NoAnswerError, RawAnswer, exchange
from appliance.recording.entries import (
    TOKEN,
    Close,
    Entry,
    FeedEnded,
    FeedTried,
    Handshake,
    Heading,
    Http,
    Mdns,
    Message,
)
from appliance.simulator.replay import ReplayedGateway
from tests.gateway.mdns_peers import EventRecorder, browsing
from tests.recording.conftest import SECRET, Recorded, other_gateway, recording

HEADING = Heading(gateway="Grill")
MINE = Token("e" * 48)
"""The client's own token: a replayed gateway accepts every one."""


def order(uuid: str, **fields: Any) -> dict[str, Any]:
    return {"name": uuid[0], "uuid": uuid, "orderType": "ON_PREMISE", "locationName": "", "state": "started",
            "created": "2026-11-30T10:00:00", "stateChanged": "2026-11-30T10:00:00", "paged": False,
            "elapsedTime": 0, **fields}  # fmt: skip


def whole(*orders: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"type": "ACTIVE_ORDERS", "count": len(orders), "items": list(orders), **fields})


def change(kind: str, seq: int, one: dict[str, Any]) -> str:
    return json.dumps({"type": kind, "seq": seq, **one})


def feed(number: int, at: float, *messages: str, header: bool = False) -> list[Entry]:
    """A feed that is let in: its first message at once, and each other a tenth of a second later."""
    said = [Message(at=at + 0.1 * place, feed=number, data=text) for place, text in enumerate(messages)]
    return [
        FeedTried(at=at, feed=number, address="a:1", header=header),
        Handshake(at=at, feed=number, status=101),
        *said,
    ]


def answer(at: float, path: str, body: str, status: int = 200, *, token: bool = True) -> Http:
    return Http(
        at=at, took=0.01, address="a:1", method="GET", path=path, token=token, status=status, body=body,
        headers=(("Content-Type", "application/json"), ("X-Gateway", "V2"), ("Content-Length", "9")),
    )  # fmt: skip


@asynccontextmanager
async def replaying(entries: Sequence[Entry], pace: float = 1.0) -> AsyncIterator[ReplayedGateway]:
    async with ReplayedGateway(HEADING, entries, pace=pace) as gateway, asyncio.TaskGroup() as tasks:
        playing = tasks.create_task(gateway.run())
        yield gateway
        playing.cancel()


def at(gateway: ReplayedGateway) -> Address:
    return Address("127.0.0.1", gateway.port)


async def get(gateway: ReplayedGateway, path: str, token: Token | None = MINE) -> tuple[RawAnswer, Any]:
    got = await exchange(at(gateway), "GET", path, 5.0, token)
    assert got.body is not None
    return got, json.loads(got.body)


class Client:
    """A client of feeds, which sees what the appliance sees."""

    def __init__(self, gateway: ReplayedGateway, *, header: bool = False) -> None:
        self.events: list[Event] = []
        self.task = asyncio.create_task(run_feed(1, at(gateway), MINE, self.events.append, header))

    async def until(self, kind: type[Event], number: int = 1) -> list[Any]:
        await until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)

    def of(self, kind: type[Event]) -> list[Any]:
        return [one for one in self.events if isinstance(one, kind)]

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    @property
    def seen(self) -> list[Any]:
        """The notifications, one by one."""
        return [one for event in self.events if isinstance(event, FeedNotified) for one in event.notifications]


async def uuids_of_new_feed(gateway: ReplayedGateway) -> set[str]:
    client = Client(gateway)
    (opened,) = await client.until(FeedOpened)
    await client.close()
    return {one.uuid for one in opened.orders}


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not there():  # noqa: ASYNC110 - a position has no event
            await asyncio.sleep(0.005)


async def over(gateway: ReplayedGateway) -> None:
    await until(lambda: gateway.position >= gateway.length)
    await asyncio.sleep(0.05)


async def test_a_recorded_gateway_says_the_same_again(tmp_path: Path) -> None:
    """A recording of the replay has the same messages as the recording that is replayed."""
    first: Recorded
    async with other_gateway() as gateway, recording(tmp_path, gateway.port, SECRET) as first:
        await first.until(lambda: len(first.of(Message)) == 1)
        gateway.do_start(count=3, locationName="Küche")
        gateway.do_say(messages=["not JSON", {"type": "NEWS", "about": SECRET}, {"type": "LONG", "text": "x" * 2000}])
        gateway.do_burst(count=30)
        await first.until(lambda: len(first.of(Message)) == 37)
    async with replaying(first.entries) as replayed, recording(tmp_path, replayed.port, SECRET) as second:
        await second.until(lambda: len(second.of(Message)) == 37)

    def messages(recorded: Recorded) -> list[tuple[str, bool, int]]:
        return [(one.data, one.binary, one.fragments) for one in recorded.entries if isinstance(one, Message)]

    assert messages(second) == messages(first)
    assert any(TOKEN in data for data, _, _ in messages(first))
    statuses = [{(one.path, one.token): one.status for one in recorded.entries if isinstance(one, Http)}
                for recorded in (first, second)]  # fmt: skip
    assert statuses[0].items() <= statuses[1].items()


ONE, TWO, SIX = order("1a"), order("2b", locationName="4", state="located"), order("6c")


async def test_a_new_feed_begins_with_the_orders_of_that_moment() -> None:
    entries = feed(
        1, 5.0, whole(ONE, TWO, extra="kept"), change("ORDER_CREATED", 1, SIX),
        change("ORDER_MODIFIED", 2, {**ONE, "state": "cleared"}), change("ORDER_PAGED", 3, {**TWO, "paged": True}),
    )  # fmt: skip
    async with replaying(entries) as gateway:
        client = Client(gateway)
        (opened,) = await client.until(FeedOpened)
        assert [one.uuid for one in opened.orders] == ["1a", "2b"]
        await over(gateway)
        assert [type(one).__name__ for one in client.seen] == ["OrderChanged", "OrderChanged", "OrderPaged"]
        late = Client(gateway)
        (opened,) = await late.until(FeedOpened)
        assert {(one.uuid, one.paged) for one in opened.orders} == {("2b", True), ("6c", False)}
        assert gateway.orders == 2
        for each in (client, late):
            await each.close()
    assert json.loads(gateway._orders.whole_set(9.0))["extra"] == "kept"


ENDINGS = {
    "a type": json.dumps({"type": "ORDER_REMOVED", "seq": 1, "uuid": "1a"}),
    "deep in another message": json.dumps({"returnCode": 1004, "orders": [{"uuid": "1a"}]}),
    "another word": change("ORDER_MODIFIED", 1, {**ONE, "state": "finished"}),
    "capitals": change("ORDER_MODIFIED", 1, {**ONE, "state": "CLEARED"}),
}


@pytest.mark.parametrize("told", ENDINGS)
async def test_each_ending_of_an_order_is_understood_from_the_next_whole_set(told: str) -> None:
    """The message alone would not do: another one of that type may mean something else."""
    news = json.dumps({"type": "ORDER_NEWS", "seq": 2, "uuid": "2b"})
    entries = [*feed(1, 5.0, whole(ONE, TWO), ENDINGS[told], news), answer(6.0, "/api/v2/activeorders", whole(TWO))]
    async with replaying(entries, pace=20) as gateway:
        client = Client(gateway)
        await client.until(FeedOpened)
        await until(lambda: gateway.position > 5.25)
        assert await uuids_of_new_feed(gateway) == {"2b"}
        await client.close()


async def test_an_end_without_a_message_is_seen_at_the_next_whole_set() -> None:
    entries = [
        *feed(1, 5.0, whole(ONE, TWO), change("ORDER_MODIFIED", 1, ONE)),
        answer(5.6, "/api/v2/activeorders", whole(TWO)),
    ]
    async with replaying(entries) as gateway:
        client = Client(gateway)
        await client.until(FeedNotified)
        assert await uuids_of_new_feed(gateway) == {"1a", "2b"}
        await over(gateway)
        assert await uuids_of_new_feed(gateway) == {"2b"}
        await client.close()


async def test_the_recorded_empty_set_is_used() -> None:
    entries = [
        *feed(1, 5.0, json.dumps({"type": "ACTIVE_ORDERS", "count": 0}), change("ORDER_CREATED", 1, ONE),
              change("ORDER_MODIFIED", 2, {**ONE, "state": "cleared"}))
    ]  # fmt: skip
    async with replaying(entries) as gateway:
        client = Client(gateway)
        await over(gateway)
        assert gateway._orders.whole_set(99.0) == '{"type": "ACTIVE_ORDERS", "count": 0}'
        await client.close()


async def test_refusals_ends_and_outages_come_in_their_turn() -> None:
    entries: list[Entry] = [
        FeedTried(at=1.0, feed=1, address="a:1", header=False),
        Handshake(at=1.0, feed=1, status=503, reason="Booting", body='{"returnCode": -5}'),
        FeedEnded(at=1.0, feed=1, why="closed"),
        FeedTried(at=1.3, feed=2, address="a:1", header=False),
        Handshake(at=1.3, feed=2, status=101),
        Message(at=1.3, feed=2, data='{"status": 401, "returnCode": -2, "message": "No."}'),
        Close(at=1.3, feed=2, code=1008),
        FeedEnded(at=1.3, feed=2, why="token refused"),
        *feed(3, 1.6, whole(ONE)),
        Close(at=1.9, feed=3, code=1001, reason="bye"),
        FeedEnded(at=1.9, feed=3, why="closed"),
        FeedTried(at=2.1, feed=4, address="a:1", header=False),
        FeedEnded(at=2.1, feed=4, why="unreachable"),
        *feed(5, 2.6, whole(TWO)),
        answer(2.6, "/api/v2", '{"returnCode": 1}', token=False),
    ]
    async with replaying(entries) as gateway:
        outcomes: list[object] = []
        while outcomes[-1:] != [["2b"]]:
            client = Client(gateway)
            await until(lambda client=client: bool(client.events))  # type: ignore[misc]
            match client.events[0]:
                case FeedOpened() as opened:
                    outcome: object = [one.uuid for one in opened.orders]
                    if outcome == ["1a"]:
                        assert (await client.until(FeedLost))[0].why is FeedFailure.CLOSED
                case FeedLost() as lost:
                    outcome = lost.why
                case other:
                    outcome = type(other)
            if outcome not in outcomes[-1:]:
                outcomes.append(outcome)
            await client.close()
    assert outcomes == [FeedFailure.CLOSED, TokenRefused, ["1a"], FeedFailure.UNREACHABLE, ["2b"]]


async def test_a_gateway_that_wants_the_token_in_the_handshake() -> None:
    entries: list[Entry] = [
        FeedTried(at=1.0, feed=1, address="a:1", header=False),
        Handshake(at=1.0, feed=1, status=401, body='{"returnCode": -2}'),
        FeedEnded(at=1.0, feed=1, why="unauthorized"),
        *feed(2, 1.1, whole(ONE), header=True),
    ]
    async with replaying(entries) as gateway:
        before = Client(gateway)
        assert (await before.until(FeedLost))[0].why is FeedFailure.UNAUTHORIZED
        await over(gateway)
        without, with_header = Client(gateway), Client(gateway, header=True)
        assert (await without.until(FeedLost))[0].why is FeedFailure.UNAUTHORIZED
        await with_header.until(FeedOpened)
        for client in (before, without, with_header):
            await client.close()


PAST = [order(f"{number}p", state="cleared", created=f"2026-11-{30 - number:02}T10:00:00") for number in range(9)]


async def test_answers_are_those_of_the_moment() -> None:
    entries: list[Entry] = [
        answer(1.0, "/api/v2", '{"returnCode": 77}', token=False),
        answer(1.0, "/api/v2/activeorders", '{"returnCode": -1}', 400, token=False),
        answer(1.0, "/api/v2/activeorders", whole(ONE, returnCode=5)),
        answer(1.0, "/api/v2/activeorders/1a", json.dumps({"returnCode": 6, "activeorder": ONE})),
        answer(1.0, "/api/v2/orders?offset=0&limit=100", json.dumps({"returnCode": 7, "count": 9, "items": PAST})),
        answer(1.0, "/api/v2/statistics", json.dumps({"statistics": {"finished": 3}, "by": TOKEN})),
        *feed(1, 2.0, whole(ONE), change("ORDER_CREATED", 1, TWO)),
        answer(2.2, "/api/v2/activeorders", '{"returnCode": -2}', 403),
    ]
    async with replaying(entries) as gateway:
        got, body = await get(gateway, "/api/v2", None)
        assert (got.status, body["returnCode"]) == (200, 77)
        assert ("X-Gateway", "V2") in got.headers
        assert (await get(gateway, "/api/v2/statistics", None))[0].status == 400, "as for any without a token"
        assert (await get(gateway, "/api/v2/statistics"))[1]["by"] == MINE.reveal()
        assert [one["uuid"] for one in (await get(gateway, "/api/v2/activeorders"))[1]["items"]] == ["1a"]
        for query, expected in (
            ("offset=2&limit=3", ["2p", "3p", "4p"]),
            ("offset=100&limit=100", []),
            ("offset=0&limit=100&created_after=2026-11-28T10:00:00", ["0p", "1p", "2p"]),
        ):
            _, body = await get(gateway, f"/api/v2/orders?{query}")
            assert [one["uuid"] for one in body["items"]] == expected
            assert (body["count"], body["returnCode"]) == (len(expected), 7)
        client = Client(gateway)
        await client.until(FeedNotified)
        for name in ("2b", "2"):
            assert (await get(gateway, f"/api/v2/activeorders/{name}"))[1]["activeorder"]["uuid"] == "2b"
        assert (await get(gateway, "/api/v2/activeorders/none"))[0].status == 404
        await over(gateway)
        assert (await get(gateway, "/api/v2/activeorders"))[0].status == 403
        changed = await exchange(at(gateway), "DELETE", "/api/v2/activeorders/2b", 5.0, MINE)
        assert changed.status == 503, "a recording can't be changed"
        assert gateway.orders == 2
        await client.close()


async def test_a_box_pairs_with_it_by_its_button() -> None:
    async with replaying(feed(1, 1.0, whole(ONE))) as gateway:
        assert (await get(gateway, "/api/v2/accesstoken/generate", None))[0].status == 403
        gateway.press_button()
        got, body = await get(gateway, "/api/v2/accesstoken/generate", None)
        assert (got.status, len(body["token"]["token"])) == (201, 48)


async def test_a_request_without_an_answer_has_none_again() -> None:
    entries = [
        Http(at=1.0, took=5.0, address="a:1", method="GET", path="/api/v2", token=False, failed="no answer: timed out")
    ]
    async with replaying(entries) as gateway:
        with pytest.raises(NoAnswerError):
            await get(gateway, "/api/v2", None)


async def test_a_pause_stops_the_recording() -> None:
    async with replaying(feed(1, 1.0, whole(ONE), change("ORDER_CREATED", 1, TWO))) as gateway:
        client = Client(gateway)
        await client.until(FeedOpened)
        gateway.paused = True
        await asyncio.sleep(0.25)
        assert client.seen == []
        gateway.paused = False
        await client.until(FeedNotified)
        assert gateway.progress == "0 of 0 s"
        await client.close()


async def test_its_announcement_comes_and_goes_under_any_name() -> None:
    name = f"Replayed {os.getpid()}"

    def pointer(at: float, ttl: float) -> Mdns:
        return Mdns(at=at, name=SERVICE_TYPE, type="PTR", ttl=ttl, value=f"Grill.{SERVICE_TYPE}")

    texts = Mdns(at=0.5, name=f"Grill.{SERVICE_TYPE}", type="TXT", ttl=120.0, value=("model=V2",))
    entries = [texts, *feed(1, 1.0, whole(ONE)), pointer(1.2, 0.0), pointer(3.0, 120.0)]
    recorder = EventRecorder(name)
    gateway = ReplayedGateway(HEADING, entries, name, advertise_on=["127.0.0.1"])
    async with browsing(recorder), gateway:
        assert gateway.txt == (b"model=V2",)
        await recorder.wait_found(name, "127.0.0.1", port=gateway.port)
        playing = asyncio.create_task(gateway.run())
        client = Client(gateway)
        await recorder.wait_until(lambda: isinstance(recorder.last, GatewayLost))
        await recorder.wait_found(name, "127.0.0.1", port=gateway.port)
        await client.close()
        playing.cancel()
