"""The WebSocket side: one Feed a connection, and Feeds, all of them together with the faults that befall them.

aiohttp makes the handshake and reads. Frames are written here, because a server's frame is the same for every client:
each notification is made JSON and framed once, however many listen.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
from collections.abc import Callable, Mapping

from aiohttp import WSMsgType, web

from appliance.simulator.envelope import Refusal, ReturnCode
from appliance.simulator.restaurant import Notification
from appliance.simulator.tokens import Tokens

log = logging.getLogger(__name__)

AUTH_TIMEOUT = 20.0
"""Seconds that a client has for its token after the handshake (gateway API, WebSocket)."""

FAREWELL = 1.0
"""Seconds that a client has to answer a close frame before its connection is cut; an invention."""


def frame(opcode: WSMsgType, payload: bytes) -> bytes:
    """Make one whole, unmasked WebSocket frame (RFC 6455, section 5.2)."""
    size = len(payload)
    first = 0x80 | opcode
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def text_frame(message: Mapping[str, object]) -> bytes:
    """Make a message JSON and frame it."""
    return frame(WSMsgType.TEXT, json.dumps(message).encode())


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Cut a TCP connection as a power cut does: no more bytes, no goodbye, a RST to the client."""
    if not isinstance(transport, asyncio.Transport):
        return  # the connection is gone already
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Feed:
    """One client's connection: what is to be written to it, and its end."""

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport, remote: str | None) -> None:
        self.ws = ws
        self.transport = transport
        self.remote = remote
        self.token = ""
        self._waiting: list[bytes] = []
        self._farewell: asyncio.TimerHandle | None = None

    @property
    def ended(self) -> bool:
        """Whether the gateway has ended this feed; the client may still have to answer."""
        return self._farewell is not None

    def put(self, data: bytes) -> bool:
        """Add a frame to those that wait; True where it is the first of them."""
        self._waiting.append(data)
        return len(self._waiting) == 1

    def flush(self) -> None:
        """Write all that waits in one go."""
        if self._waiting and not self.transport.is_closing():
            self.transport.write(b"".join(self._waiting))
        self._waiting.clear()

    def end(self, code: int, said: Mapping[str, object] | None = None) -> None:
        """Close with a close frame, after a last message where there is one."""
        if self.ended:
            return
        if said is not None:
            self.put(text_frame(said))
        self.put(frame(WSMsgType.CLOSE, struct.pack("!H", code)))
        self.flush()
        self._farewell = asyncio.get_running_loop().call_later(FAREWELL, self.transport.abort)

    def forget(self) -> None:
        """Let go of the timer when the connection is over."""
        if self._farewell is not None:
            self._farewell.cancel()
        if self.ended:
            self.transport.close()


class Feeds:
    """All feeds of one gateway. They outlive a restart only as an empty set.

    half_booted: True closes each new feed without a word once its token has come, as a gateway does that is not quite
    up yet. one_per_token: True closes a token's old feed when its new one opens.
    """

    def __init__(self, tokens: Tokens, whole_set: Callable[[], Notification]) -> None:
        self.half_booted = False
        self.one_per_token = False
        self.auth_timeout = AUTH_TIMEOUT
        self._tokens = tokens
        self._whole_set = whole_set
        self._live: list[Feed] = []
        self._speaking = asyncio.Event()
        self._speaking.set()

    def __len__(self) -> int:
        return len(self._live)

    @property
    def silent(self) -> bool:
        """Whether nothing is answered. What is held back goes out when the silence ends, as TCP would have it."""
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
        """Wait while the gateway is silent."""
        await self._speaking.wait()

    def tell(self, message: Mapping[str, object]) -> None:
        """Send a message to every feed."""
        if self._live:
            self.tell_frame(text_frame(message))

    def tell_frame(self, data: bytes) -> None:
        """Send a frame, good or bad, to every feed."""
        for feed in self._live:
            self._send(feed, data)

    def drop(self) -> int:
        """Cut every feed's TCP connection; gives how many there were."""
        live, self._live = self._live, []
        for feed in live:
            reset(feed.transport)
        return len(live)

    def refuse_all(self, refusal: Refusal) -> None:
        """Close every feed after telling it why."""
        live, self._live = self._live, []
        for feed in live:
            feed.end(1008, refusal.envelope())

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Carry one connection from its handshake to its end (gateway API, WebSocket)."""
        ws = web.WebSocketResponse(autoping=False, autoclose=False, compress=False)
        if not ws.can_prepare(request):
            raise Refusal(400, ReturnCode.UNAVAILABLE, "This address speaks WebSocket only.")
        await ws.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return ws  # the client left during the handshake
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
        if self.one_per_token:
            for other in [other for other in self._live if other.token == feed.token]:
                self._live.remove(other)
                other.end(1000)
        self._live.append(feed)
        self._send(feed, text_frame(self._whole_set()))
        log.info("feed to %s opened", feed.remote)

    async def _next(self, feed: Feed) -> str | bytes | None:
        """Give a client's next message, answering its pings meanwhile; None at the connection's end."""
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
            return  # nothing may follow a close frame
        # A burst is written once, at the end of this turn of the loop, instead of once a frame.
        if feed.put(data) and not self.silent:
            asyncio.get_running_loop().call_soon(self._flush, feed)

    def _flush(self, feed: Feed) -> None:
        if not self.silent:
            feed.flush()


def parse(data: str | bytes) -> Mapping[str, object] | None:
    """Read a client's message; None where it is not JSON. JSON that is no object says nothing."""
    try:
        message = json.loads(data)
    except ValueError:  # not JSON, or not UTF-8
        return None
    return message if isinstance(message, dict) else {}
