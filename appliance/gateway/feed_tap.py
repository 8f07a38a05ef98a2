"""A feed's connection that also passes on everything the gateway says, as it came."""

from __future__ import annotations

from typing import Any, Protocol

from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Event

from appliance.gateway.feed_connection import FeedConnection


class FeedTap(Protocol):
    """Takes what the gateway says on one connection."""

    def handshake(self, status: int, reason: str, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        """Take the answer to the handshake. status: 101 if the gateway accepted it."""

    def message(self, data: bytes, binary: bool, fragments: int) -> None:
        """Take a message. fragments: frames that it came in."""

    def control(self, kind: str, data: bytes) -> None:
        """Take a ping or a pong."""

    def close(self, code: int, reason: str) -> None:
        """Take the gateway's close frame."""


class TappedConnection(FeedConnection):
    """A connection with a tap."""

    def __init__(self, *arguments: Any, tap: FeedTap, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._tap = tap
        self._data: list[bytes] = []
        self._binary = False

    def process_event(self, event: Event) -> None:
        """Pass on one event before it is handled."""
        if isinstance(event, Response):
            headers = tuple((name, value) for name, value in event.headers.raw_items())
            self._tap.handshake(event.status_code, event.reason_phrase, headers, bytes(event.body or b""))
        elif isinstance(event, Frame):
            self._take(event)
        super().process_event(event)

    def _take(self, frame: Frame) -> None:
        data = bytes(frame.data)
        match frame.opcode:
            case Opcode.PING | Opcode.PONG:
                self._tap.control(frame.opcode.name.lower(), data)
            case Opcode.CLOSE:
                # If this side closed first, it is an echo.
                if self.protocol.close_rcvd_then_sent is not False:
                    close = Close.parse(data)
                    self._tap.close(close.code, close.reason)
            case opcode:
                if opcode is not Opcode.CONT:
                    self._data, self._binary = [], opcode is Opcode.BINARY
                self._data.append(data)
                if frame.fin:
                    self._tap.message(b"".join(self._data), self._binary, len(self._data))
                    self._data = []
