"""The other gateway's side of a WebSocket (RFC 6455), without a library: the handshake and the frames."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept(key: str) -> bytes:
    """The answer to a handshake. key: its Sec-WebSocket-Key."""
    proof = base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    return "\r\n".join([*lines, f"Sec-WebSocket-Accept: {proof}", "", ""]).encode()


class Closed(Exception):
    """The client closed the connection, or must be disconnected."""


class Feed:
    """One WebSocket connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.crumbs = False

    def frame(self, opcode: int, data: bytes, *, last: bool = True) -> bytes:
        head = bytes([opcode | (0x80 if last else 0)])
        if len(data) < 126:
            return head + bytes([len(data)]) + data
        if len(data) < 65536:
            return head + b"\x7e" + struct.pack(">H", len(data)) + data
        return head + b"\x7f" + struct.pack(">Q", len(data)) + data

    def send(self, *texts: str) -> None:
        frames = []
        for text in texts:
            data = text.encode()
            if self.crumbs:
                # RFC 6455 also allows a byte per frame, with a ping after each.
                for place, byte in enumerate(data):
                    last = place == len(data) - 1
                    frames += [self.frame(0 if place else 1, bytes([byte]), last=last), self.frame(9, b"")]
                continue
            # A long message comes in fragments, as RFC 6455 allows.
            half = len(data) // 2 if len(data) > 1000 else 0
            if half:
                frames.append(self.frame(1, data[:half], last=False))
            frames.append(self.frame(0 if half else 1, data[half:]))
        self.writer.write(b"".join(frames))

    def close(self, code: int = 1000) -> None:
        self.writer.write(self.frame(8, struct.pack(">H", code)))

    async def message(self) -> str:
        """The next text message; answers control frames before it."""
        text = b""
        while True:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack(">H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", await self.reader.readexactly(8))
            mask = await self.reader.readexactly(4) if second & 0x80 else bytes(4)
            data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(await self.reader.readexactly(length)))
            match first & 0x0F:
                case 8:
                    self.writer.write(self.frame(8, data[:2]))
                    raise Closed
                case 9:
                    self.writer.write(self.frame(10, data))
                case 0 | 1 | 2:
                    text += data
                    if first & 0x80:
                        return text.decode()
