"""Servers that break the protocol on a socket, each in its own way.

`python -m tests.hostile.servers PORT BEHAVIOUR ELSEWHERE ORDERS` runs one on all addresses. It prints `ready`. After a
line of input it becomes a real gateway with ORDERS orders, and prints the number of hosts that connected before. It
ends with its input.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tests.hostile.appliance_process import TOKEN
from tests.hostile.scripted_websocket import PING, TEXT, Client, Speaker, closings, frame


def orders(count: int) -> bytes:
    """A whole set with this number of orders."""
    items = [{"uuid": str(number), "state": "started"} for number in range(count)]
    return frame(json.dumps({"type": "ACTIVE_ORDERS", "count": count, "items": items}).encode())


EMPTY, ONE = orders(0), orders(1)
MEGABYTE = bytes(1 << 20)
BYTE_EVERY = 1.0
SEEN_FOR = 0.5
"""Seconds between orders and a close."""


def _http(status: str, head: str = "", body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def mute(line: socket.socket, elsewhere: str) -> None:
    """Accept connections and send nothing."""
    time.sleep(600)


def drips(line: socket.socket, elsewhere: str) -> None:
    """A valid answer at a byte per second."""
    for byte in _http("101 X", "Upgrade: websocket\r\nConnection: Upgrade\r\nX: " + "x" * 900 + "\r\n"):
        line.sendall(bytes([byte]))
        time.sleep(BYTE_EVERY)


def redirects(line: socket.socket, elsewhere: str) -> None:
    """Redirect to another server, which would get the token."""
    line.sendall(_http("302 Found", f"Location: http://{elsewhere}/api/v2/activeorders\r\nContent-Length: 0\r\n"))


def html(line: socket.socket, elsewhere: str) -> None:
    """The web page of another device."""
    body = b"<!DOCTYPE html><title>Router</title>" * 100
    line.sendall(_http("200 OK", f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\n", body))


def gigabytes(line: socket.socket, elsewhere: str) -> None:
    """An endless answer."""
    line.sendall(_http("500 X", "Content-Type: application/json\r\n"))
    while True:
        line.sendall(MEGABYTE)


def endless_head(line: socket.socket, elsewhere: str) -> None:
    """Endless headers."""
    line.sendall(b"HTTP/1.1 101 X\r\n")
    while True:
        line.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


def too_short(line: socket.socket, elsewhere: str) -> None:
    """Send less than Content-Length."""
    line.sendall(_http("200 OK", "Content-Length: 5000\r\n", b"{"))


def too_long(line: socket.socket, elsewhere: str) -> None:
    """Send more than Content-Length."""
    line.sendall(_http("200 OK", "Content-Length: 1\r\n", b"{" * 5000))


def wrong_length(line: socket.socket, elsewhere: str) -> None:
    """An invalid Content-Length."""
    line.sendall(_http("200 OK", "Content-Length: -7, many\r\nTransfer-Encoding: chunked\r\n", b"zz\r\n"))


def resets(line: socket.socket, elsewhere: str) -> None:
    """Reset the connection."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


HTTP: dict[str, Callable[[socket.socket, str], None]] = {
    "accepts and sends nothing": mute,
    "1 byte per second": drips,
    "HTTP redirects": redirects,
    "HTML from another device": html,
    "gigabytes of data": gigabytes,
    "endless headers": endless_head,
    "truncated response": too_short,
    "oversized response": too_long,
    "invalid Content-Length": wrong_length,
    "resets the connection": resets,
}


def fragments(client: Client) -> None:
    """Each message in frames of one byte with pings between them, which is valid."""
    text = ONE[2:] if ONE[1] < 126 else ONE[4:]
    for place, byte in enumerate(text):
        client.send(frame(bytes([byte]), TEXT if place == 0 else 0, last=place == len(text) - 1), frame(b"", PING))
    client.stay()


def endless_message(client: Client) -> None:
    """A message whose frames never end."""
    client.send(EMPTY, frame(MEGABYTE, TEXT, last=False))
    while True:
        client.send(frame(MEGABYTE, 0, last=False))


def huge_frame(client: Client) -> None:
    """A frame with a length of 2 ** 62 bytes."""
    client.send(EMPTY, b"\x81\x7f" + struct.pack(">Q", 1 << 62) + MEGABYTE)
    client.stay()


def wild_pings(client: Client) -> None:
    """Thousands of pings a second, and no answer to the client's own."""
    client.send(EMPTY)
    threading.Thread(target=_read_away, args=[client.line], daemon=True).start()
    while True:
        client.send(*[frame(b"?" * 125, PING)] * 100)
        # At full speed, they would leave no time for the other programs beside this one.
        time.sleep(0.03)


def pings_unread(client: Client) -> None:
    """Endless pings, without reading the answers."""
    client.send(EMPTY)
    while True:
        client.send(*[frame(b"?" * 125, PING)] * 100)


def bomb(client: Client) -> None:
    """A compressed frame of 64 KiB that becomes 64 MiB, even if the client did not accept compression."""
    import zlib

    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    client.send(EMPTY, frame(press.compress(bytes(64 << 20)) + press.flush(), TEXT, reserved=0x40))
    client.stay()


def noise(client: Client) -> None:
    """Bytes that are not frames."""
    client.send(EMPTY)
    while True:
        client.send(os.urandom(4096))


def _read_away(line: socket.socket) -> None:
    with suppress(OSError):
        while line.recv(65536):
            pass


def closes(closing: bytes) -> Callable[[Client], None]:
    """Close with this frame after the orders, with time to display them."""

    def close(client: Client) -> None:
        client.send(EMPTY)
        time.sleep(SEEN_FOR)
        client.send(closing)
        client.stay()

    return close


def storm(client: Client) -> None:
    """Close each feed in a different way."""
    ways = list(CLOSES.values())
    ways[client.number % len(ways)](client)


CLOSES = {f"closes with {what}": closes(closing) for what, closing in closings(TOKEN).items()}
FEEDS: dict[str, Callable[[Client], None]] = {
    "messages in 1-byte frames": fragments,
    "an endless message": endless_message,
    "a frame of 2 ** 62 bytes": huge_frame,
    "flood of pings": wild_pings,
    "unread answers to pings": pings_unread,
    "compression bomb": bomb,
    "invalid frames": noise,
    "every close code": storm,
}


class HostileServer(Speaker):
    """A faulty server, until it is repaired and becomes a gateway with some orders.

    Open connections keep the old behaviour. met: connections before the repair. hosts: their addresses.
    """

    def __init__(
        self, behaviour: str, elsewhere: str, where: tuple[str, int] = ("127.0.0.1", 0), whole_set: bytes = ONE
    ) -> None:
        self.good = False
        self.met = 0
        self.hosts: set[str] = set()
        self._behaviour, self._elsewhere, self._whole_set = behaviour, elsewhere, whole_set
        super().__init__(self._say, where, squeezes=behaviour == "compression bomb")

    def _serve(self, line: socket.socket) -> None:
        if self.good or self._behaviour not in HTTP:
            super()._serve(line)
            return
        self._meet(line)
        with suppress(OSError), line:
            line.recv(65536)
            HTTP[self._behaviour](line, self._elsewhere)

    def _say(self, client: Client) -> None:
        if self.good:
            client.send(self._whole_set)
            client.stay()
        else:
            self._meet(client.line)
            (FEEDS | CLOSES)[self._behaviour](client)

    def _meet(self, line: socket.socket) -> None:
        self.met += 1
        with suppress(OSError):
            self.hosts.add(line.getpeername()[0])


def main(port: str, behaviour: str, elsewhere: str, count: str) -> None:
    server = HostileServer(behaviour, elsewhere, ("", int(port)), orders(int(count)))
    print("ready", flush=True)
    sys.stdin.readline()
    server.good = True
    print(len(server.hosts), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
