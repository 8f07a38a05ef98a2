"""A simulated gateway on the simulated network: its tokens, feeds, power and fault modes, as the protocol defines them.

ClientConnection owns the messages of a single connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from tests.simulation.client_connection import INVALID, ClientConnection, frame
from tests.simulation.restaurant import Message, Restaurant
from tests.simulation.simulated_network import Network
from tests.simulation.tcp import Host, TcpEnd

WINDOW = 120.0
"""Seconds for which a client may request a token after a press (gateway API, access token)."""
LATE_TOKEN = (1.0, 150.0)
"""Seconds until a gateway accepts a token that it issued: some are longer than the pairing window."""


class Gateway:
    """One gateway. on_token: called with each token that it receives, valid or not, and when the client sent it.

    fault_modes: `starting` closes feeds without a message, `silent` accepts connections and never answers, `one feed
    per token` closes a token's old feed when a new one opens, `no seq`, `meaningless seq` (not consecutive), `html
    errors` (answers requests with HTML), `no orders` (answers pings, but sends no orders), `403 for 401`, `token
    timeout` (waits for a press of its button, then answers with a timeout), `rejects token name`, `slow tokens`
    (creates the token at once, but answers late), `late tokens` (accepts a token some time after it issued it), `header
    only` (takes the token from the handshake alone), `feeds die` (closes each feed within feed_life seconds).
    """

    def __init__(self, network: Network, random: Random, name: str, host: Host, port: int = 8000) -> None:
        self.network, self.random, self.name, self.host, self.port = network, random, name, host, port
        self.restaurant = Restaurant(random, network.loop.time)
        self.restaurant.on_notification = self.notify
        self.fault_modes: set[str] = set()
        self.tokens: set[str] = set()
        self.issued: list[str] = []
        self.accepted_from: dict[str, float] = {}
        self.window_until = 0.0
        self.on_token: Callable[[Gateway, str, float], None] = lambda gateway, token, sent_at: None
        self.on_issue: Callable[[Gateway, str], None] = lambda gateway, token: None
        self.on_feed: Callable[[int, ClientConnection], None] = lambda attempt, connection: None
        self.feeds: list[ClientConnection] = []
        self.feed_life = 2.0
        self.notifications_to_drop = self.notifications_to_repeat = 0
        host.accept = self._accept

    def press(self) -> None:
        if self.host.up:
            self.window_until = self.network.loop.time() + WINDOW

    def issue(self) -> str:
        token = f"{self.random.getrandbits(192):048x}"
        self.tokens.add(token)
        self.issued.append(token)
        if "late tokens" in self.fault_modes:
            self.accepted_from[token] = self.network.loop.time() + self.random.uniform(*LATE_TOKEN)
        return token

    def accepts(self, token: str) -> bool:
        """Whether a token is valid by now."""
        return token in self.tokens and self.network.loop.time() >= self.accepted_from.get(token, 0.0)

    def power_off(self) -> None:
        self.host.up = False
        self.host.power_cut()
        self.feeds.clear()
        self.window_until = 0.0
        self.restaurant.seq = 0

    def delete_tokens(self) -> None:
        self.tokens.clear()
        for feed in list(self.feeds):
            feed.send_json(INVALID)
            feed.close(1008)

    def notify(self, message: Message) -> None:
        """Send a notification to every feed; drop or repeat it if a fault says so."""
        times = 1
        if self.notifications_to_drop:
            self.notifications_to_drop -= 1
            times = 0
        elif self.notifications_to_repeat:
            self.notifications_to_repeat -= 1
            times = 2
        if "no seq" in self.fault_modes:
            message = {key: value for key, value in message.items() if key != "seq"}
        elif "meaningless seq" in self.fault_modes:
            message = {**message, "seq": message["seq"] * 3 % 101}
        for _ in range(times):
            for feed in list(self.feeds):
                feed.send_json(message)

    def send_malformed(self) -> None:
        """Send a malformed or unexpected message on every feed."""
        kind = self.random.choice(("not json", "unknown", "bad order", "binary", "gap", "number", "error", "unwanted"))
        for feed in list(self.feeds):
            match kind:
                case "not json":
                    feed.send_raw(frame(1, b'{"type": "ORDER_CREATED", "seq": '))
                case "unknown":
                    feed.send_json({"type": "BATTERY_LOW", "seq": self.restaurant.next_seq(), "name": "7"})
                case "bad order":
                    feed.send_json(
                        {"type": "ORDER_MODIFIED", "seq": self.restaurant.next_seq(), "uuid": 17, "state": []}
                    )
                case "binary":
                    feed.send_raw(frame(2, self.random.randbytes(40)))
                case "gap":
                    self.restaurant.next_seq()
                case "number":
                    feed.send_raw(frame(1, b"1" * 5000))
                case "error":
                    feed.send_json({"status": 500, "returnCode": -5, "message": "API unavailable."})
                case _:
                    # A change to an order unknown to the client.
                    order = {"uuid": f"{self.random.getrandbits(60):x}", "name": "1", "state": "cleared"}
                    feed.send_json(
                        {"type": "ORDER_MODIFIED", "seq": self.restaurant.next_seq(), "paged": False, **order}
                    )

    def _accept(self, port: int, end: TcpEnd) -> asyncio.Protocol | None:
        if port != self.port:
            return None
        connection = ClientConnection(self, end)
        end.peer.on_delivery = connection.delivered
        if end.tag is not None:
            self.on_feed(end.tag, connection)
        return connection
