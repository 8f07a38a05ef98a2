"""Records one gateway: opens feeds as the appliance does, asks for everything that can be read, and changes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from urllib.parse import quote

from appliance.core.events import Event, FeedFailure, FeedLost, FeedOpened, TokenRefused
from appliance.core.limits import LARGEST_CHUNK
from appliance.core.values import Address, Credential, Token
from appliance.gateway.feed import run_feed
from appliance.gateway.feed_tap import TappedConnection
from appliance.gateway.http import NoAnswerError, exchange
from appliance.history.locate import GatewaySearch
from appliance.recording.entries import (
    Close,
    Control,
    Entry,
    FeedEnded,
    FeedTried,
    Handshake,
    Headers,
    Http,
    Message,
    as_text,
)

API = "/api/v2"
ACTIVE = f"{API}/activeorders"
ASKED = (
    (API, False),
    (ACTIVE, False),
    (ACTIVE, True),
    (f"{API}/orders?offset=0&limit=100", True),
    (f"{API}/orders?offset=100&limit=100", True),
    (f"{API}/orders?offset=1000000&limit=100", True),
    (f"{API}/statistics", True),
)
"""What is asked once: the path, and whether with the token. The answers without it, and beyond the end of the history,
show how this gateway refuses."""
ASK_EVERY = 60.0
"""Seconds between two requests for the active orders, if the feed said anything in between: they show which orders
ended. A new feed cuts them short."""
DEADLINE = 20.0
"""Seconds for one request."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until the next feed after one that ended. They double after each feed that lived for less than the longest:
another client, whose feed the recorder's may have ended, is left alone for longer and longer."""


@dataclass(slots=True)
class Tally:
    """What was recorded so far."""

    messages: int = 0
    answers: int = 0
    records: int = 0


class Recorder:
    """Records until it is cancelled. add: takes each entry."""

    def __init__(self, search: GatewaySearch, credential: Credential, add: Callable[[Entry], None]) -> None:
        self.tally = Tally()
        self._search = search
        self._credential = credential
        self._add = add
        self._began = asyncio.get_running_loop().time()
        self._addresses: tuple[Address, ...] = ()
        self._located = asyncio.Event()
        self._opened = asyncio.Event()
        self._said = 0
        self._answered: set[tuple[str, bool]] = set()
        self._asked_for_one = False

    def now(self) -> float:
        """Seconds since the recording began."""
        return asyncio.get_running_loop().time() - self._began

    async def run(self) -> None:
        """Record until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._open_feeds(), name="record feeds")
            tasks.create_task(self._ask(), name="record answers")

    async def _open_feeds(self) -> None:
        pause, header = SHORTEST_PAUSE, self._credential.header
        for number in count(1):
            gateway = await self._search.resolve(self._credential.gateway)
            if gateway is None:
                await asyncio.sleep(SHORTEST_PAUSE)
                continue
            self._addresses = gateway.addresses
            self._located.set()
            address = gateway.addresses[(number - 1) % len(gateway.addresses)]
            tried = self.now()
            ended = await self._open_feed(number, address, self._credential.token, header)
            if ended is TokenRefused or ended is FeedFailure.UNAUTHORIZED:
                header = not header
            if self.now() > tried + LONGEST_PAUSE:
                pause = SHORTEST_PAUSE
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    async def _open_feed(
        self, number: int, address: Address, token: Token, header: bool
    ) -> FeedFailure | type[TokenRefused]:
        """Record one feed until it ends; why it did."""
        self._add(FeedTried(at=self.now(), feed=number, address=str(address), header=header))
        last: list[Event] = []

        def note(event: Event) -> None:
            if isinstance(event, FeedOpened):
                self._opened.set()
            last[:] = [event]

        kind = partial(TappedConnection, tap=_Tap(self, number))
        await run_feed(number, address, token, note, header, kind)
        ended = last[-1].why if last and isinstance(last[-1], FeedLost) else TokenRefused
        why = ended.name.lower().replace("_", " ") if isinstance(ended, FeedFailure) else "token refused"
        self._add(FeedEnded(at=self.now(), feed=number, why=why))
        return ended

    async def _ask(self) -> None:
        await self._located.wait()
        said = -1
        while True:
            for path, with_token in ASKED:
                if (path, with_token) not in self._answered:
                    await self._ask_for(path, with_token)
            if said not in (-1, self._said):
                await self._ask_for(ACTIVE, True)
            said = self._said
            self._opened.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_EVERY):
                    await self._opened.wait()

    async def _ask_for(self, path: str, with_token: bool) -> None:
        """Record one answer, of the first address that gives one; after the active orders, once that of one order."""
        token = self._credential.token if with_token else None
        for address in self._addresses:
            began = self.now()
            facts = partial(Http, address=str(address), method="GET", path=path, token=with_token)
            try:
                answer = await exchange(address, "GET", path, DEADLINE, token, LARGEST_CHUNK)
            except NoAnswerError as error:
                self._add(facts(at=self.now(), took=self.now() - began, failed=f"no answer: {error}"))
                continue
            body = None if answer.body is None else as_text(answer.body)
            self._add(
                facts(
                    at=self.now(),
                    took=self.now() - began,
                    status=answer.status,
                    reason=answer.reason,
                    headers=answer.headers,
                    body=body,
                )
            )
            self.tally.answers += 1
            self._answered.add((path, with_token))
            uuid = next(_uuids(body), None) if path == ACTIVE and not self._asked_for_one else None
            if uuid is not None:
                self._asked_for_one = True
                await self._ask_for(f"{ACTIVE}/{quote(uuid, safe='')}", with_token)
            return

    def take(self, entry: Entry) -> None:
        """Take what a feed said."""
        if isinstance(entry, Message):
            self.tally.messages += 1
            self._said += 1
        self._add(entry)


class _Tap:
    """Records what the gateway says on one connection."""

    def __init__(self, recorder: Recorder, feed: int) -> None:
        self._take = recorder.take
        self._now = recorder.now
        self._feed = feed

    def handshake(self, status: int, reason: str, headers: Headers, body: bytes) -> None:
        self._take(
            Handshake(
                at=self._now(), feed=self._feed, status=status, reason=reason, headers=headers, body=as_text(body)
            )
        )

    def message(self, data: bytes, binary: bool, fragments: int) -> None:
        self._take(Message(at=self._now(), feed=self._feed, data=as_text(data), binary=binary, fragments=fragments))

    def control(self, kind: str, data: bytes) -> None:
        # The pongs answer the recorder's own pings.
        if kind == "ping":
            self._take(Control(at=self._now(), feed=self._feed, frame=kind, data=as_text(data)))

    def close(self, code: int, reason: str) -> None:
        self._take(Close(at=self._now(), feed=self._feed, code=code, reason=reason))


def _uuids(body: str | None) -> Iterator[str]:
    """The uuids in an answer with orders."""
    try:
        items = json.loads(body or "null")["items"]
        yield from (item["uuid"] for item in items if isinstance(item["uuid"], str))
    except (ValueError, KeyError, TypeError):
        return
