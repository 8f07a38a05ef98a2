"""Plays a recording: a gateway that says what the recorded one said, at the same distances in time.

It accepts every token, and begins when the first feed is opened. It can't be silent as the recorded one was: it ends
the feed at the moment when the recorder gave it up. Changes to orders are refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from aiohttp import WSMsgType, web

from appliance.recording.entries import (
    TOKEN,
    Close,
    Control,
    Entry,
    FeedEnded,
    Heading,
    Mdns,
    Message,
    as_bytes,
)
from appliance.simulator.envelope import Refusal, ReturnCode, envelope
from appliance.simulator.feeds import Feed, frame, reset
from appliance.simulator.gateway import SimulatedGateway
from appliance.simulator.recorded_answers import RecordedAnswers
from appliance.simulator.recorded_feeds import Outcome, RecordedFeeds
from appliance.simulator.recorded_orders import RecordedOrders
from appliance.simulator.server import Handler

log = logging.getLogger(__name__)

FRAMING = ("content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive", "date")
"""Headers of a recorded answer that belong to its connection or its time."""


class ReplayedGateway(SimulatedGateway):
    """A gateway that plays a recording. pace: factor on speed. paused: nothing is played."""

    def __init__(
        self,
        heading: Heading,
        entries: Sequence[Entry],
        name: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        advertise_on: Sequence[str] = (),
        pace: float = 1.0,
    ) -> None:
        super().__init__(name or heading.gateway, host, port, advertise_on=advertise_on)
        self.pace = pace
        self._recorded_name = heading.gateway
        self.length = max((entry.at for entry in entries), default=0.0)
        self.paused = False
        self.tokens.accepts_any = True
        self._feeds.turn_away = self._turn_away
        self._orders = RecordedOrders(entries)
        self._answers = RecordedAnswers(entries, self._orders)
        self._attempts = RecordedFeeds(entries)
        # It begins with the first feed that the gateway answered: a client can't meet those before.
        begin = next(
            (place for place, entry in enumerate(entries) if self._attempts.is_answered(entry)), len(entries) - 1
        )
        for entry in entries[: begin + 1]:
            self._follow(entry)
        self._to_play = entries[begin + 1 :]
        self._begin = self.position = entries[begin].at if entries else 0.0
        self._fed: set[int] = set()
        self._token = ""
        self._begun = asyncio.Event()
        self._over = False
        self._changed = asyncio.Condition()
        texts = [entry for entry in entries if isinstance(entry, Mdns) and self._is_own(entry) and entry.type == "TXT"]
        if texts:
            self.txt = tuple(as_bytes(one) for one in texts[0].value)

    @property
    def orders(self) -> int:
        """The number of active orders."""
        return len(self._orders.listed(self.position))

    @property
    def progress(self) -> str:
        """How much has been played, for the status."""
        return f"{self.position - self._begin:.0f} of {self.length - self._begin:.0f} s"

    async def run(self) -> None:
        """Play the recording once; then the gateway stays as it was at the end. Runs until cancelled."""
        await self._begun.wait()
        for entry in self._to_play:
            await self._wait_for(entry.at)
            await self._play(entry)
            async with self._changed:
                self._changed.notify_all()
        self._over = True
        async with self._changed:
            self._changed.notify_all()
        log.info("the recording is over: %.0f s; the gateway stays as it is", self.length - self._begin)
        await asyncio.Event().wait()

    async def _wait_for(self, at: float) -> None:
        """Wait for a moment of the recording, in steps: the pause may be asked for at any time."""
        loop = asyncio.get_running_loop()
        # A burst must not keep clients waiting.
        await asyncio.sleep(0)
        while self.position < at:
            before = loop.time()
            await asyncio.sleep(min(0.05, (at - self.position) / self.pace))
            if not self.paused:
                self.position = min(at, self.position + (loop.time() - before) * self.pace)

    def _follow(self, entry: Entry) -> None:
        self._orders.take(entry)
        self._answers.take(entry)
        self._attempts.take(entry)

    async def _play(self, entry: Entry) -> None:
        was_reachable = self._attempts.now.outcome is not Outcome.UNREACHABLE
        self._follow(entry)
        match entry:
            case Message() if entry.feed not in self._fed:
                # The first message of a feed belongs to that feed alone.
                self._fed.add(entry.feed)
            case Message():
                self._feeds.broadcast_frame(self._frames(entry))
            case Control(frame="ping"):
                self._feeds.broadcast_frame(frame(WSMsgType.PING, as_bytes(entry.data)))
            case Close() if self._attempts.is_end_of_live_feed(entry):
                self._feeds.end_all(entry.code, reason=entry.reason)
            case FeedEnded() if self._attempts.is_end_of_live_feed(entry):
                self.drop_lines()
            case Mdns(type="PTR", ttl=0) if self._is_own(entry):
                await self._withdraw(goodbye=True)
            case Mdns(type="PTR") if self._is_own(entry) and self.running and self._advert is None:
                await self._announce()
        reachable = self._attempts.now.outcome is not Outcome.UNREACHABLE
        if reachable != was_reachable:
            await (self.start() if reachable else self.stop())

    def _is_own(self, entry: Mdns) -> bool:
        """Whether a PTR or TXT record is the replayed gateway's, and not another one's."""
        instance = entry.value if entry.type == "PTR" else entry.name
        return isinstance(instance, str) and instance.lower().startswith(f"{self._recorded_name.lower()}.")

    def _frames(self, message: Message) -> bytes:
        """A recorded message, in as many frames as it came in."""
        data = as_bytes(self._with_token(message.data))
        opcode = WSMsgType.BINARY if message.binary else WSMsgType.TEXT
        size = max(1, -(-len(data) // message.fragments))
        parts = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
        return b"".join(
            frame(opcode if number == 0 else WSMsgType.CONTINUATION, part, last=number == len(parts) - 1)
            for number, part in enumerate(parts)
        )

    def _with_token(self, text: str) -> str:
        """A recorded text with the client's token in the place of the recorded one."""
        return text.replace(TOKEN, self._token) if self._token else text

    def _first_frame(self) -> bytes:
        return frame(WSMsgType.TEXT, as_bytes(self._with_token(self._orders.whole_set(self.position))))

    async def _turn_away(self, feed: Feed) -> bool:
        self._token = feed.token
        self._begun.set()
        async with self._changed:
            await self._changed.wait_for(self._is_decided)
        one = self._attempts.now
        if one.outcome is not Outcome.CLOSED:
            return False
        for message in one.messages:
            feed.put(self._frames(message))
        if one.close is None:
            feed.flush()
            feed.transport.close()
        else:
            feed.end(one.close.code, reason=one.close.reason)
        return True

    def _is_decided(self) -> bool:
        """Whether the recording shows what becomes of a new feed."""
        return self._over or self._attempts.now.outcome is not Outcome.LET_IN or not self._attempts.waits

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._front])
        app.add_routes(
            [
                web.get("/api/v2/websocket", self._websocket),
                web.get("/api/v2/accesstoken/generate", self._generate),
                web.route("*", "/{path:.*}", self._answer),
            ]
        )
        return app

    @web.middleware
    async def _front(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        log.debug("%s: %s %s", request.remote, request.method, request.path)
        await self._feeds.until_speaking()
        return await handler(request)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        one = self._attempts.attempt_for("Authorization" in request.headers)
        if one.outcome is Outcome.REFUSED and one.handshake is not None:
            self._begun.set()
            shake = one.handshake
            return self._response(shake.status, shake.reason, shake.headers, shake.body)
        return await self._feeds.serve(request)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        try:
            record = self.tokens.make_in_window(request.query.get("name", "default"))
        except Refusal as refusal:
            return web.json_response(refusal.envelope(), status=refusal.status)
        return web.json_response(envelope(201, ReturnCode.TOKEN_MADE, token=record.fields()), status=201)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        authorization = request.headers.get("Authorization", "")
        self._token = authorization.removeprefix("Bearer ") or self._token
        if request.method != "GET":
            refusal = Refusal(503, ReturnCode.UNAVAILABLE, "API unavailable: a recording can't be changed.")
            return web.json_response(refusal.envelope(), status=refusal.status)
        found = self._answers.answer(request.path, request.query, bool(authorization), self.position)
        if found is None:
            refusal = Refusal(404, ReturnCode.ORDER_NOT_FOUND, "Not in the recording.")
            return web.json_response(refusal.envelope(), status=refusal.status)
        if found.status is None:
            reset(request.transport)
            raise web.HTTPServiceUnavailable
        return self._response(found.status, found.reason, found.headers, found.body or "")

    def _response(self, status: int, reason: str, headers: Sequence[tuple[str, str]], body: str) -> web.Response:
        kept: list[Any] = [(name, value) for name, value in headers if name.lower() not in FRAMING]
        made = web.Response(status=status, reason=reason or None, body=as_bytes(self._with_token(body)))
        made.headers.popall("Content-Type", None)
        made.headers.extend(kept)
        return made
