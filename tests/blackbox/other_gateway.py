"""An independent gateway: HTTP and WebSocket on one port, written from the vendor's description alone.

Runs as a process of its own and shares no code with the appliance or its simulator. It reads commands as JSON lines
from standard input, and writes an answer line for each to standard output, mixed with lines about its clients.
It ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NoReturn

from tests.blackbox.other_feed import Closed, Feed, accept
from tests.blackbox.other_history import History

API = "/api/v2"
WINDOW = 120.0
TO_AUTHENTICATE = 20.0
Json = dict[str, Any]


def tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Gateway:
    def __init__(self, port: int, listen: str = "0.0.0.0") -> None:
        self.port, self.listen = port, listen
        self.tokens: set[str] = set()
        self.window = 0.0
        self.orders: dict[str, Json] = {}
        self.seq = 83
        self.feeds: set[Feed] = set()
        self.writers: set[asyncio.StreamWriter] = set()
        self.asking = 0
        self.server: asyncio.Server | None = None
        self.history = History()
        # Faults: see the command `behave`.
        self.late = 0.0
        self.half_booted = self.silent = self.wordless = self.single = self.crumbs = False
        self.header_only = self.message_only = self.http_refuses = False
        self.bad_name = self.raw = self.first = ""
        self.lag = 0.0
        self.early = 0
        self.dies: float | None = None
        self.valid_from: dict[str, float] = {}
        self.lists_most: int | None = None
        self.empty_set: Json | None = None
        self.clock_ahead = 0.0
        self.invalid_status = 403
        self.seq_step = 1
        self.feeds_most: int | None = None
        self.clears_with: Json | None = {"type": "ORDER_MODIFIED", "state": "cleared"}

    # Clients.

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            while await self.request(reader, writer):
                pass
        except (OSError, EOFError, Closed, TimeoutError, asyncio.CancelledError):
            # The client or the network is gone, or this gateway ends.
            pass
        finally:
            self.writers.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *rest = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        await reader.readexactly(int(headers.get("content-length", "0")))
        path, _, query = target.partition("?")
        authorization = headers.get("authorization")
        generate = path == f"{API}/accesstoken/generate"
        self.asking += generate
        peer = writer.get_extra_info("peername")[0]
        tell(log="request", at=time.monotonic(), method=method, path=path, peer=peer, authorization=authorization,
             asking=self.asking, query=query)  # fmt: skip
        try:
            if self.silent:
                await asyncio.sleep(3600)
            if self.raw:
                writer.write(self.raw.encode("latin-1"))
                await writer.drain()
                raise Closed
            if path == f"{API}/websocket" and self.upgrades(authorization):
                await self.feed(reader, writer, headers)
            status, body = await self.answer(method, path, query, authorization)
        finally:
            self.asking -= generate
        data = json.dumps({"status": status, **body}).encode()
        lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(data)}", "", ""]
        writer.write("\r\n".join(lines).encode() + data)
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    async def answer(self, method: str, path: str, query: str, authorization: str | None) -> tuple[int, Json]:
        if path == API:
            return 200, {"returnCode": 1}
        if path == f"{API}/websocket":
            return 401, {"returnCode": -2, "message": "Invalid access token."}
        if method == "GET" and path == f"{API}/accesstoken/generate":
            return await self.generate()
        if authorization is None or not authorization.startswith("Bearer "):
            return 400, {"returnCode": -1, "message": "Malformed authorization header."}
        if self.half_booted:
            return 503, {"returnCode": -5, "message": "API unavailable."}
        if self.http_refuses or not self.takes(authorization.removeprefix("Bearer ")):
            return self.invalid_status, {"returnCode": -2, "message": "Invalid access token."}
        if method == "DELETE" and path.startswith(f"{API}/activeorders/"):
            return self.clear(path.rpartition("/")[2])
        if path == f"{API}/activeorders":
            active = list(self.active())
            return 200, {"returnCode": 5, "count": len(active), "items": active}
        if path == f"{API}/orders":
            await asyncio.sleep(self.history.slow)
            return self.history.chunk(query, list(self.active()))
        return 404, {"returnCode": -6, "message": "Not found."}

    def clear(self, name: str) -> tuple[int, Json]:
        found = [uuid for uuid, order in self.orders.items() if name in (uuid, order["name"])]
        if not found:
            return 404, {"returnCode": -6, "message": "Active order not found."}
        order = self.orders.pop(found[0])
        if self.clears_with is not None:
            self.notify(self.clears_with["type"], {**order, **self.clears_with}, hush=False)
        return 200, {"returnCode": 1004}

    async def generate(self) -> tuple[int, Json]:
        if self.bad_name:
            return 400, {"returnCode": -4, "message": self.bad_name}
        if time.monotonic() > self.window:
            return 403, {"returnCode": -3, "message": "Time window expired or gateway button not pressed."}
        self.window = 0.0
        token = secrets.token_hex(24)
        self.tokens.add(token)
        self.valid_from[token] = time.monotonic() + self.lag
        tell(log="issued", token=token)
        await asyncio.sleep(self.late)
        made = {"name": "default", "token": token, "creation_date": "2016-12-24T08:04:34", "last_used": None}
        return 201, {"returnCode": 2, "token": {**made, "ip_address": None}}

    def takes(self, token: str) -> bool:
        return token in self.tokens and time.monotonic() >= self.valid_from.get(token, 0.0)

    def upgrades(self, authorization: str | None) -> bool:
        """Whether a handshake may go on."""
        return not self.header_only or self.takes((authorization or "").removeprefix("Bearer "))

    async def feed(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]
    ) -> NoReturn:
        writer.write(accept(headers["sec-websocket-key"]))
        feed = Feed(reader, writer)
        feed.crumbs = self.crumbs
        header = "" if self.message_only else headers.get("authorization", "").removeprefix("Bearer ")
        token = header or await self.token_of(feed)
        tell(log="token", token=token, peer=writer.get_extra_info("peername")[0], at=time.monotonic())
        if self.early:
            self.early -= 1
            raise Closed
        if self.half_booted or (not self.takes(token) and self.wordless):
            raise Closed
        if not self.takes(token):
            feed.send(json.dumps({"status": 403, "returnCode": -2, "message": "Invalid access token."}))
            feed.close()
            raise Closed
        if self.feeds_most is not None and len(self.feeds) >= self.feeds_most:
            feed.close(1013)
            raise Closed
        if self.first:
            writer.write(feed.frame(1, self.first.encode("latin-1")))
            await feed.message()
        feed.send(json.dumps(self.whole_set()))
        if self.single:
            self.do_close()
        self.feeds.add(feed)
        tell(log="feed", at=time.monotonic())
        try:
            async with asyncio.timeout(self.dies):
                while True:
                    await feed.message()
        finally:
            self.feeds.discard(feed)

    async def token_of(self, feed: Feed) -> str:
        async with asyncio.timeout(TO_AUTHENTICATE):
            text = await feed.message()
        try:
            return str(json.loads(text)["accesstoken"])
        except (ValueError, KeyError, TypeError) as error:
            raise Closed from error

    # Orders.

    def active(self) -> Iterator[Json]:
        return (order for order in self.orders.values() if order["state"] != "cleared")

    def whole_set(self) -> Json:
        active = list(self.active())
        if not active and self.empty_set is not None:
            return {"type": "ACTIVE_ORDERS", **self.empty_set}
        return {"type": "ACTIVE_ORDERS", "count": len(active), "items": active[: self.lists_most]}

    def notify(self, type_: str, facts: Json, *, hush: bool) -> None:
        self.seq += self.seq_step
        if not hush:
            self.say({"type": type_, "seq": self.seq, **facts})

    def say(self, *messages: Json | str) -> None:
        texts = [message if isinstance(message, str) else json.dumps(message) for message in messages]
        for feed in self.feeds:
            feed.send(*texts)

    def new_order(self, fields: Json) -> Json:
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + self.clock_ahead))
        order = {"name": "102", "uuid": str(uuid.uuid4()), "orderType": "ON_PREMISE", "locationName": "",
                 "state": "started", "created": now, "stateChanged": now, "paged": False, "elapsedTime": 0}  # fmt: skip
        order |= fields
        self.orders[str(order["uuid"])] = order
        return order

    # Commands. Each takes its keywords, and returns facts.

    def do_press(self) -> Json:
        self.window = time.monotonic() + WINDOW
        return {}

    def do_start(self, *, count: int = 1, hush: bool = False, **fields: Any) -> Json:
        """Start orders. hush: count `seq` without a notification."""
        made = [self.new_order({"name": str(i), **fields}) for i in range(count)]
        for order in made:
            self.notify("ORDER_CREATED", order, hush=hush)
        return {"uuids": [order["uuid"] for order in made]}

    def do_change(self, *, uuid: str, type: str = "ORDER_MODIFIED", hush: bool = False, **fields: Any) -> Json:
        self.orders[uuid] |= fields
        self.notify(type, self.orders[uuid], hush=hush)
        return {}

    def do_end(self, *, uuid: str, message: Json | None = None) -> Json:
        """An order ends. message: how its clients are told, or None for not at all."""
        del self.orders[uuid]
        if message is not None:
            self.do_say(messages=[message], seq=True)
        return {}

    def do_say(self, *, messages: list[Json | str], seq: bool = False) -> Json:
        """Send any messages. seq: number them as notifications."""
        for message in messages:
            self.seq += seq
            self.say({**message, "seq": self.seq} if seq and isinstance(message, dict) else message)
        return {}

    def do_burst(self, *, count: int) -> Json:
        """Send a burst of notifications: orders are created; every third changes, and every fifth is cleared."""
        messages: list[Json | str] = []
        for i in range(count):
            if i % 15 not in (3, 8):
                type_, order = "ORDER_CREATED", self.new_order({"name": str(i % 50)})
            else:
                type_ = "ORDER_MODIFIED"
                order["state"] = "located" if i % 15 == 3 else "cleared"
            self.seq += 1
            messages.append({"type": type_, "seq": self.seq, **order})
        self.say(*messages)
        return {"active": sum(1 for _ in self.active())}

    def do_empty(self) -> Json:
        self.orders.clear()
        return {}

    def do_tokens(self, *, keep: list[str]) -> Json:
        """Accept only these tokens from now on, and close every live feed."""
        self.tokens = set(keep)
        return self.do_close()

    def do_close(self) -> Json:
        """Close every feed without a message."""
        for feed in tuple(self.feeds):
            feed.writer.close()
        return {}

    def do_behave(self, **how: Any) -> Json:
        """late: delay of a 201 in seconds. half_booted: close feeds without a message; the API is unavailable.
        silent: accept requests and answer none. wordless: close on a wrong token without a message.
        single: a new feed closes the old one. crumbs: send new feeds a byte per frame.
        bad_name: refuse to issue tokens, with this message. lag: seconds until it accepts a token that it issued.
        header_only, message_only: the ways in which it takes a token. http_refuses: HTTP refuses every token.
        early: so many feeds close when their token comes. dies: close a live feed after so many seconds.
        raw: answer everything with this. first: the first message of each feed, and the only one.
        lists_most: orders in a whole set, whose `count` counts all. empty_set: the fields of a whole set without
        orders. clock_ahead: the error of its clock in seconds. invalid_status: the HTTP status for an invalid token.
        seq_step: what each notification adds to `seq`. feeds_most: feeds to let in. clears_with: the fields of the
        notification of an order that a client clears, or None for no notification."""
        for key, value in how.items():
            assert hasattr(self, key), key
            setattr(self, key, value)
        return {}

    def do_past(self, **what: Any) -> Json:
        """See History.command."""
        return self.history.command(**what)

    async def down(self) -> None:
        """Act as if switched off: close all connections and the port."""
        if self.server is not None:
            self.server.close()
        for writer in tuple(self.writers):
            writer.transport.abort()
        # Let the packets leave before the answer.
        await asyncio.sleep(0.05)

    async def up(self) -> None:
        self.server = await asyncio.start_server(self.client, self.listen, self.port, limit=1 << 20, reuse_address=True)

    async def command(self, do: str, keywords: Json) -> Json:
        if do in ("down", "up"):
            await (self.down() if do == "down" else self.up())
            return {}
        answer: Json = getattr(self, f"do_{do}")(**keywords)
        return answer


async def main(port: int, listen: str) -> None:
    gateway = Gateway(port, listen)
    await gateway.up()
    commands = asyncio.StreamReader(limit=1 << 22)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    tell(reply=0)
    while line := await commands.readline():
        keywords = json.loads(line)
        number, do = keywords.pop("id"), keywords.pop("do")
        tell(reply=number, **await gateway.command(do, keywords))
    await gateway.down()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
