"""A WebSocket server that sends scripted frames to every client."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = b"sec-websocket-key:"
ACCEPTED = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
SQUEEZED = b"\r\nSec-WebSocket-Extensions: permessage-deflate"
GOOD = b'HTTP/1.1 200 X\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{"returnCode": 5}'
TEXT, CLOSE, PING = 1, 8, 9
CODES = (
    *(0, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015),
    *(1016, 2999, 3000, 4000, 4001, 4999, 5000, 65535),
)
"""Close codes: all that are defined, those that must never be sent (RFC 6455, 7.4), and both ends of each range."""
Say = Callable[["Client"], None]


def frame(data: bytes, opcode: int = TEXT, *, last: bool = True, reserved: int = 0) -> bytes:
    """A frame as servers send it (RFC 6455, 5.2)."""
    head = bytes([opcode | (0x80 if last else 0) | reserved])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 65536:
        return head + b"\x7e" + struct.pack(">H", len(data)) + data
    return head + b"\x7f" + struct.pack(">Q", len(data)) + data


def closings(token: str) -> dict[str, bytes]:
    """Close frames by description: with every code, and with invalid codes and reasons."""
    odd = {
        "no code": b"",
        "half a code": b"\x03",
        "a reason that is no text": struct.pack(">H", 1000) + b"\xff\xfe",
        "a reason of two lines": struct.pack(">H", 1000) + b"one\nand\x1b[2Janother",
        "the token for a reason": struct.pack(">H", 1008) + token.encode(),
        "the token in a reason that is no text": struct.pack(">H", 1008) + token.encode() + b"\xff",
        "the token and a code that may not be": struct.pack(">H", 1005) + token.encode(),
    }
    codes = {str(code): struct.pack(">H", code) + b"because" for code in CODES}
    return {what: frame(data, CLOSE) for what, data in (codes | odd).items()}


class Client:
    """A client that connected and requested the feed. number: from 1."""

    def __init__(self, line: socket.socket, number: int) -> None:
        self.line = line
        self.number = number

    def send(self, *frames: bytes) -> None:
        """Send frames unchanged. Raises OSError if the client is gone."""
        for one in frames:
            self.line.sendall(one)

    def stay(self) -> None:
        """Answer pings until the client disconnects."""
        with suppress(OSError, struct.error, IndexError):
            while True:
                first, second = self._exactly(2)
                length = second & 0x7F
                mask, data = self._exactly(4), self._exactly(length)
                plain = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
                if first & 0x0F == PING:
                    self.send(frame(plain, 10))
                elif first & 0x0F == CLOSE:
                    self.send(frame(plain, CLOSE))
                    return

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.line.recv(count - len(data))
            if not more:
                raise OSError("gone")
            data += more
        return data


class Speaker:
    """The server. script: called for each client after its token; then the connection is closed.

    where: the address to listen at; port 0 for any free one. squeezes: accepts compression if the client offers it.
    """

    def __init__(self, script: Say, where: tuple[str, int] = ("127.0.0.1", 0), *, squeezes: bool = False) -> None:
        self.script = script
        self.clients = 0
        self._squeezes = squeezes
        self._listening = socket.create_server(where)
        self.address = "{}:{}".format(*self._listening.getsockname())
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        # A close alone does not wake the accepting thread.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=[line], daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError), line:
            head = b""
            while b"\r\n\r\n" not in head:
                head += line.recv(4096) or b"\r\n\r\n"
            key = next((row[18:].strip() for row in head.split(b"\r\n") if row.lower().startswith(KEY)), b"")
            if not key:
                # A secured call: accept the token.
                line.sendall(GOOD)
                return
            proof = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
            agreed = SQUEEZED if self._squeezes and b"permessage-deflate" in head.lower() else b""
            line.sendall(ACCEPTED + proof + agreed + b"\r\n\r\n")
            self.clients += 1
            client = Client(line, self.clients)
            # The token, compressed if that was negotiated.
            client._exactly(4 + (client._exactly(2)[1] & 0x7F))
            self.script(client)


@contextmanager
def speaking(script: Say) -> Iterator[Speaker]:
    """Run a speaker."""
    speaker = Speaker(script)
    try:
        yield speaker
    finally:
        speaker.close()


def in_pieces(data: bytes, pieces: int) -> Iterable[bytes]:
    """One message in this number of frames."""
    size = -(-len(data) // pieces)
    for place in range(0, len(data), size):
        yield frame(data[place : place + size], TEXT if place == 0 else 0, last=place + size >= len(data))
