"""The WebSocket server: a Feed is one connection, Feeds are all of them, with simulated faults.

aiohttp does the handshake and reads. This module writes the frames, because a server's frame is the same for every
client: it serialises and frames each notification once for all feeds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import WSMsgType, web

from appliance.simulator.envelope import Refusal, ReturnCode
from appliance.simulator.tokens import Tokens

log = logging.getLogger(__name__)

AUTH_TIMEOUT = 20.0
"""Seconds from the handshake within which a client must send its token (gateway API, WebSocket)."""

FAREWELL = 1.0
"""Seconds from a close frame until the connection is aborted; an invention."""


def frame(opcode: WSMsgType, payload: bytes, *, last: bool = True) -> bytes:
    """An unmasked WebSocket frame (RFC 6455, section 5.2). last: it ends its message."""
    size = len(payload)
    first = (0x80 if last else 0) | opcode
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def text_frame(message: Mapping[str, object]) -> bytes:
    """A message as JSON in a text frame."""
    return frame(WSMsgType.TEXT, json.dumps(message).encode())


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Reset a TCP connection, as a power cut does: discard pending bytes and send RST."""
    if not isinstance(transport, asyncio.Transport):
        return  # already closed
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Feed:
    """One client's connection and its pending frames."""

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport, remote: str | None) -> None:
        self.ws = ws
        self.transport = transport
        self.remote = remote
        self.token = ""
        self._waiting: list[bytes] = []
        self._farewell: asyncio.TimerHandle | None = None

    @property
    def ended(self) -> bool:
        """Whether the gateway has sent a close frame."""
        return self._farewell is not None

    def put(self, data: bytes) -> bool:
        """Queue a frame; True if the queue was empty."""
        self._waiting.append(data)
        return len(self._waiting) == 1

    def flush(self) -> None:
        """Write all queued frames at once."""
        if self._waiting and not self.transport.is_closing():
            self.transport.write(b"".join(self._waiting))
        self._waiting.clear()

    def end(self, code: int, said: Mapping[str, object] | None = None, reason: str = "") -> None:
        """Send a last message, if any, and a close frame."""
        if self.ended:
            return
        if said is not None:
            self.put(text_frame(said))
        self.put(frame(WSMsgType.CLOSE, struct.pack("!H", code) + reason.encode("utf-8", "surrogateescape")))
        self.flush()
        self._farewell = asyncio.get_running_loop().call_later(FAREWELL, self.transport.abort)

    def forget(self) -> None:
        """Cancel the timer of a closed connection."""
        if self._farewell is not None:
            self._farewell.cancel()
        if self.ended:
            self.transport.close()


class Feeds:
    """All feeds of one gateway.

    first_frame: makes the frame that a new feed begins with. half_booted: close each new feed without a message when
    its token arrives, as a gateway does while it starts. turn_away: awaited with each new feed when its token has
    arrived; True if it ended the feed. one_per_token: close a token's old feed when its new one opens.
    """

    def __init__(self, tokens: Tokens, first_frame: Callable[[], bytes]) -> None:
        self.half_booted = False
        self.one_per_token = False
        self.auth_timeout = AUTH_TIMEOUT
        self._tokens = tokens
        self.turn_away: Callable[[Feed], Awaitable[bool]] | None = None
        self._first_frame = first_frame
        self._live: list[Feed] = []
        self._speaking = asyncio.Event()
        self._speaking.set()

    def __len__(self) -> int:
        return len(self._live)

    @property
    def silent(self) -> bool:
        """Whether the gateway stopped responding. Queued frames are sent when it responds again, as TCP does."""
        return not self._speaking.is_set()

    @silent.setter
    def silent(self, silent: bool) -> None:
        if silent:
            self._speaking.clear()
            return
        self._speaking.set()
        for feed in self._live:
            feed.flush()

    async def until_speaking(self) -> None:
        """Wait until the gateway responds."""
        await self._speaking.wait()

    def broadcast(self, message: Mapping[str, object]) -> None:
        """Send a message to all feeds."""
        if self._live:
            self.broadcast_frame(text_frame(message))

    def broadcast_frame(self, data: bytes) -> None:
        """Send a frame, valid or not, to all feeds."""
        for feed in self._live:
            self._send(feed, data)

    def drop(self) -> int:
        """Reset the TCP connections of all feeds; their number."""
        live, self._live = self._live, []
        for feed in live:
            reset(feed.transport)
        return len(live)

    def refuse_all(self, refusal: Refusal) -> None:
        """Send an error message to all feeds and close them."""
        self.end_all(1008, refusal.envelope())

    def end_all(self, code: int, said: Mapping[str, object] | None = None, reason: str = "") -> None:
        """Send a last message, if any, and a close frame to all feeds."""
        live, self._live = self._live, []
        for feed in live:
            feed.end(code, said, reason)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle one connection from handshake to close (gateway API, WebSocket)."""
        ws = web.WebSocketResponse(autoping=False, autoclose=False, compress=False)
        if not ws.can_prepare(request):
            raise Refusal(400, ReturnCode.UNAVAILABLE, "This address speaks WebSocket only.")
        await ws.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return ws  # the client disconnected during the handshake
        feed = Feed(ws, transport, request.remote)
        try:
            await self._welcome(feed, request.headers.get("Authorization"))
            while (data := await self._next(feed)) is not None:
                if not feed.ended and parse(data) is None:
                    self._live.remove(feed)
                    feed.end(1007)
        finally:
            if feed in self._live:
                self._live.remove(feed)
                log.info("feed to %s closed", feed.remote)
            feed.forget()
        return ws

    async def _welcome(self, feed: Feed, header: str | None) -> None:
        try:
            if header is not None:
                record = self._tokens.admit_header(header, feed.remote)
            else:
                async with asyncio.timeout(self.auth_timeout):
                    data = await self._next(feed)
                if data is None:
                    return
                message = parse(data)
                if message is None:
                    feed.end(1007)
                    return
                record = self._tokens.admit(message.get("accesstoken"), feed.remote)
        except TimeoutError:
            late = Refusal(401, ReturnCode.TOKEN_TIMEOUT, "Time-out while waiting for the access token.")
            feed.end(1008, late.envelope())
            return
        except Refusal as refusal:
            log.info("feed to %s refused: %s", feed.remote, refusal.message)
            feed.end(1008, refusal.envelope())
            return
        if self.half_booted:
            feed.end(1011)
            return
        feed.token = record.text
        if self.turn_away is not None and await self.turn_away(feed):
            return
        if self.one_per_token:
            for other in [other for other in self._live if other.token == feed.token]:
                self._live.remove(other)
                other.end(1000)
        self._live.append(feed)
        self._send(feed, self._first_frame())
        log.info("feed to %s opened", feed.remote)

    async def _next(self, feed: Feed) -> str | bytes | None:
        """A client's next message, answering pings meanwhile; None when the connection ends."""
        while True:
            message = await feed.ws.receive()
            await self._speaking.wait()
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    data: str | bytes = message.data
                    return data
                case WSMsgType.PING:
                    self._send(feed, frame(WSMsgType.PONG, bytes(message.data)))
                case WSMsgType.PONG:
                    pass
                case _:
                    return None

    def _send(self, feed: Feed, data: bytes) -> None:
        if feed.ended:
            return  # no frame may follow a close frame
        # Coalesce a burst into one write at the end of this loop iteration.
        if feed.put(data) and not self.silent:
            asyncio.get_running_loop().call_soon(self._flush, feed)

    def _flush(self, feed: Feed) -> None:
        if not self.silent:
            feed.flush()


def parse(data: str | bytes) -> Mapping[str, object] | None:
    """A client's message; None if it is not JSON, empty if it is not a JSON object."""
    try:
        message = json.loads(data)
    except ValueError:  # not JSON, or not UTF-8
        return None
    return message if isinstance(message, dict) else {}
