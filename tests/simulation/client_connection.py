"""A client's connection to a simulated gateway: an HTTP request, or a feed from its handshake to its end.

Owns the messages sent on a feed and how much of each was delivered. The checker compares the screen with them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import struct
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests.simulation.restaurant import ExpectedOrders, Message
from tests.simulation.tcp import TcpEnd

if TYPE_CHECKING:
    from tests.simulation.gateway import Gateway

AUTH_TIMEOUT = 20.0
"""Seconds in which a feed must receive its token (gateway API, WebSocket)."""
KEEP_COUNTS_FOR = 20.0
"""Seconds for which delivered counts are kept: longer than any stall of the board."""
ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLOSE = b"\x88"
"""First byte of a close frame (RFC 6455, 5.2)."""
TOKEN_TIMEOUT = 30.0
"""Seconds after which a gateway that waits for its button answers -32; a real gateway's timeout and HTTP status are
unknown."""
SLOW_TOKEN_DELAY = (1.0, 130.0)
"""Seconds until a slow gateway answers with a token: some answers come after the pairing window, some after the
client's timeout."""
INVALID = {"status": 401, "returnCode": -2, "message": "Invalid or deleted access token."}


def frame(opcode: int, payload: bytes) -> bytes:
    """A complete, unmasked frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x80 | opcode, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


class ClientConnection(asyncio.Protocol):
    """A client's connection, from its request line on; it becomes a feed once the gateway accepts its token."""

    def __init__(self, gateway: Gateway, end: TcpEnd) -> None:
        self.gateway, self.end = gateway, end
        self.token: str | None = None
        self.expected = ExpectedOrders()
        self.sent = 0
        self.undelivered: deque[tuple[int, tuple[int, int], str, str, bool]] = deque()
        """Messages on their way: bytes up to the message's end, the counts after it, its type, the order's UUID, and
        whether it makes the client doubt its count."""
        self.delivered_counts: deque[tuple[float, tuple[int, int]]] = deque()
        """Times of recent changes of the counts on the client's side, with the counts."""
        self.heard_at = self.full_set_at = float("-inf")
        self.doubted_at: float | None = None
        """Since when the client must doubt its count."""
        self.on_page: Callable[[ClientConnection, str], None] = lambda peer, uuid: None
        self._buffer = bytearray()
        self._websocket = self._closed = self._ignoring_input = False
        self._deadline: asyncio.TimerHandle | None = None
        self._delayed_reply: asyncio.TimerHandle | None = None

    @property
    def client_closing(self) -> bool:
        """Whether the client is closing the feed; the gateway may not know yet."""
        return self.end.peer.last_written[:1] == CLOSE

    def data_received(self, data: bytes) -> None:
        # A gateway that stopped answering never reads what arrived meanwhile.
        self._ignoring_input = self._ignoring_input or "silent" in self.gateway.fault_modes
        if self._closed or self._ignoring_input:
            return
        self._buffer += data
        if not self._websocket:
            self._handle_request()
        while self._websocket and (read := self._frame()) is not None:
            opcode, payload = read
            if opcode == 9:
                self.send_raw(frame(10, payload))
            elif opcode == 8:
                self.close(1000)
            elif opcode in (1, 2):
                self._authenticate(payload)

    def eof_received(self) -> None:
        self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()

    # Sending.

    def send_json(self, message: Message) -> None:
        if self._closed:
            return
        doubtful = self.expected.apply(message)
        self.send_raw(frame(1, json.dumps(message).encode()))
        kind, uuid = str(message.get("type")), str(message.get("uuid"))
        self.undelivered.append((self.sent, self.expected.counts, kind, uuid, doubtful))

    def send_raw(self, data: bytes) -> None:
        if not self._closed:
            self.sent += len(data)
            self.end.write(data)

    def close(self, code: int) -> None:
        self.send_raw(frame(8, struct.pack("!H", code)))
        self._leave()
        self.end.close()

    def delivered(self) -> None:
        """More bytes reached the client: update the counts that it can know."""
        now, so_far = self.gateway.network.loop.time(), self.end.peer.delivered
        self.heard_at = now
        while self.undelivered and self.undelivered[0][0] <= so_far:
            _, counts, kind, uuid, doubtful = self.undelivered.popleft()
            if doubtful and self.doubted_at is None:
                self.doubted_at = now
            self.delivered_counts.append((now, counts))
            while len(self.delivered_counts) > 1 and self.delivered_counts[1][0] < now - KEEP_COUNTS_FOR:
                self.delivered_counts.popleft()
            if kind == "ACTIVE_ORDERS":
                self.full_set_at, self.doubted_at = now, None
            elif kind == "ORDER_PAGED":
                self.on_page(self, uuid)

    # Receiving.

    def _handle_request(self) -> None:
        head, separator, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not separator:
            return
        self._buffer[:] = rest
        lines = head.decode("latin-1").split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
        path = lines[0].split(" ")[1]
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if bearer:
            self.gateway.on_token(self.gateway, bearer, self.end.written_at)
        if headers.get("upgrade", "").lower() == "websocket":
            self._upgrade(headers["sec-websocket-key"], bearer)
        else:
            self._answer(path, bearer)

    def _answer(self, path: str, bearer: str) -> None:
        gateway = self.gateway
        status = 200
        body: Message
        if "html errors" in gateway.fault_modes:
            self._reply(500, b"<html>not today</html>")
            return
        if "starting" in gateway.fault_modes:
            status = 503
            body = {"status": 503, "returnCode": -5, "message": "API unavailable."}
        elif path.startswith("/api/v2/accesstoken/generate"):
            if gateway.network.loop.time() < gateway.window_until:
                gateway.window_until = 0.0
                token = gateway.issue()
                gateway.on_issue(gateway, token)
                status = 201
                body = {"status": 201, "returnCode": 2, "token": {"name": "default", "token": token}}
                if "slow tokens" in gateway.fault_modes:
                    self._reply_in(gateway.random.uniform(*SLOW_TOKEN_DELAY), status, body)
                    return
            elif "rejects token name" in gateway.fault_modes:
                status, body = 400, {"status": 400, "returnCode": -4, "message": "Invalid token name."}
            elif "token timeout" in gateway.fault_modes:
                body = {"status": 408, "returnCode": -32, "message": "Time-out while waiting for the token."}
                self._reply_in(TOKEN_TIMEOUT, 408, body)
                return
            else:
                words = "Time window expired or gateway button not pressed."
                status = 403
                body = {"status": 403, "returnCode": -3, "message": words}
        elif not gateway.accepts(bearer):
            status, body = self._invalid()
        elif path.startswith("/api/v2/orders?"):
            asked = {key: values[0] for key, values in parse_qs(path.partition("?")[2]).items()}
            items = gateway.restaurant.history(
                int(asked["offset"]), int(asked["limit"]), asked.get("created_after", "")
            )
            body = {"status": 200, "returnCode": 7, "items": items}
        elif path.startswith("/api/v2/statistics"):
            body_statistics = {"finishedOrders": len(gateway.restaurant.finished), "averageTime": 300}
            body = {"status": 200, "returnCode": 8, "statistics": body_statistics}
        else:
            body = {"status": 200, "returnCode": 5, "count": 0, "items": []}
        self._reply(status, json.dumps(body).encode())

    def _invalid(self) -> tuple[int, Message]:
        """An answer to an invalid token, with either status: a real gateway's is unknown."""
        status = 403 if "403 for 401" in self.gateway.fault_modes else 401
        return status, {**INVALID, "status": status}

    def _reply_in(self, seconds: float, status: int, body: Message) -> None:
        """Answer later, unless the client disconnects or the gateway loses power."""
        data = json.dumps(body).encode()
        self._delayed_reply = self.gateway.network.loop.call_later(seconds, self._reply, status, data)

    def _reply(self, status: int, body: bytes) -> None:
        self.send_raw(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        self._leave()
        self.end.close()

    def _upgrade(self, key: str, bearer: str) -> None:
        if "html errors" in self.gateway.fault_modes:
            self._reply(500, b"<html>not today</html>")
            return
        if "header only" in self.gateway.fault_modes and not self.gateway.accepts(bearer):
            status, body = self._invalid()
            self._reply(status, json.dumps(body).encode())
            return
        accept = base64.b64encode(hashlib.sha1(key.encode() + ACCEPT).digest()).decode()
        self.send_raw(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        self._websocket = True
        self._deadline = self.gateway.network.loop.call_later(AUTH_TIMEOUT, self.close, 1008)
        if bearer:
            self._open(bearer)

    def _authenticate(self, payload: bytes) -> None:
        if self.token is not None:
            return
        try:
            message: Any = json.loads(payload)
            token = message["accesstoken"]
        except (ValueError, KeyError, TypeError):
            self.close(1007)
            return
        self.gateway.on_token(self.gateway, token, self.end.written_at)
        self._open(token)

    def _open(self, token: str) -> None:
        gateway = self.gateway
        if not gateway.accepts(token):
            if gateway.random.random() < 0.7:
                self.send_json(self._invalid()[1])
            self.close(1008)
            return
        if "starting" in gateway.fault_modes:
            self.close(1011)
            return
        if "one feed per token" in gateway.fault_modes:
            for other in [feed for feed in gateway.feeds if feed.token == token]:
                other.close(1000)
        self.token = token
        if self._deadline is not None:
            self._deadline.cancel()
        gateway.feeds.append(self)
        if "no orders" not in gateway.fault_modes:
            self.send_json(gateway.restaurant.full_set())
        if "feeds die" in gateway.fault_modes:
            gateway.network.loop.call_later(gateway.random.uniform(0, gateway.feed_life), self.close, 1001)

    def _frame(self) -> tuple[int, bytes] | None:
        """The client's next complete frame: masked, and short."""
        data = self._buffer
        if len(data) < 6:
            return None
        size, at = data[1] & 0x7F, 2
        if size == 126:
            if len(data) < 8:
                return None
            size, at = int.from_bytes(data[2:4], "big"), 4
        if len(data) < at + 4 + size:
            return None
        mask = data[at : at + 4]
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data[at + 4 : at + 4 + size]))
        opcode = data[0] & 0x0F
        del data[: at + 4 + size]
        return opcode, payload

    def _leave(self) -> None:
        self._closed = True
        for timer in (self._deadline, self._delayed_reply):
            if timer is not None:
                timer.cancel()
        if self in self.gateway.feeds:
            self.gateway.feeds.remove(self)
