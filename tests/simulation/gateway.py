"""A simulated gateway on the simulated network, from the protocol's facts: its tokens, its feeds, power and moods.

What it says on one connection, and what it has sent on a feed, is its peers' own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from tests.simulation.peer import INVALID, Peer, frame
from tests.simulation.restaurant import Floor, Message
from tests.simulation.simulated_network import Network
from tests.simulation.tcp import End, Host

WINDOW = 120.0
"""Seconds for which a token may be asked for after a press (gateway API, access token)."""


class Gateway:
    """One gateway. on_token: told of each token that reaches it, good or bad, and when it was sent.

    moods: `half booted` closes feeds without a word, `mute` answers nothing and accepts all, `one feed` closes a
    token's old feed when its new one opens, `no seq`, `useless seq` (it counts something else), `elapsed`, `html`
    (answers calls with a page), `lazy` (answers pings, but says nothing of the orders), `forbids` (403 in place of
    401), `times out` (waits for its button, and says at last that it waited too long), `names` (finds the token's name
    wrong), `slow tokens` (takes its time over one that it has made).
    """

    def __init__(self, network: Network, random: Random, name: str, host: Host, port: int = 8000) -> None:
        self.network, self.random, self.name, self.host, self.port = network, random, name, host, port
        self.floor = Floor(random, network.loop.time)
        self.floor.tell = self.notify
        self.moods: set[str] = set()
        self.tokens: set[str] = set()
        self.issued: list[str] = []
        self.window_until = 0.0
        self.on_token: Callable[[Gateway, str, float], None] = lambda gateway, token, sent_at: None
        self.on_issue: Callable[[Gateway, str], None] = lambda gateway, token: None
        self.on_feed: Callable[[int, Peer], None] = lambda attempt, peer: None
        self.feeds: list[Peer] = []
        self.to_lose = self.to_double = 0
        host.accept = self._accept

    def press(self) -> None:
        if self.host.up:
            self.window_until = self.network.loop.time() + WINDOW

    def issue(self) -> str:
        token = f"{self.random.getrandbits(192):048x}"
        self.tokens.add(token)
        self.issued.append(token)
        return token

    def power_off(self) -> None:
        self.host.up = False
        self.host.power_cut()
        self.feeds.clear()
        self.window_until = 0.0
        self.floor.seq = 0

    def delete_tokens(self) -> None:
        self.tokens.clear()
        for feed in list(self.feeds):
            feed.send_json(INVALID)
            feed.close(1008)

    def notify(self, message: Message) -> None:
        """Tell every feed of a change; or not, or twice, as the moment has it."""
        times = 1
        if self.to_lose:
            self.to_lose -= 1
            times = 0
        elif self.to_double:
            self.to_double -= 1
            times = 2
        if "no seq" in self.moods:
            message = {key: value for key, value in message.items() if key != "seq"}
        elif "useless seq" in self.moods:
            message = {**message, "seq": message["seq"] * 3 % 101}
        for _ in range(times):
            for feed in list(self.feeds):
                feed.send_json(message)

    def garbage(self) -> None:
        """What no gateway should say, on every feed."""
        kind = self.random.choice(("not json", "unknown", "bad order", "binary", "gap", "number", "error", "unwanted"))
        for feed in list(self.feeds):
            match kind:
                case "not json":
                    feed.send_raw(frame(1, b'{"type": "ORDER_CREATED", "seq": '))
                case "unknown":
                    feed.send_json({"type": "BATTERY_LOW", "seq": self.floor.next_seq(), "name": "7"})
                case "bad order":
                    feed.send_json({"type": "ORDER_MODIFIED", "seq": self.floor.next_seq(), "uuid": 17, "state": []})
                case "binary":
                    feed.send_raw(frame(2, self.random.randbytes(40)))
                case "gap":
                    self.floor.next_seq()
                case "number":
                    feed.send_raw(frame(1, b"1" * 5000))
                case "error":
                    feed.send_json({"status": 500, "returnCode": -5, "message": "API unavailable."})
                case _:
                    # A change to an order that the client can't know.
                    order = {"uuid": f"{self.random.getrandbits(60):x}", "name": "1", "state": "cleared"}
                    feed.send_json({"type": "ORDER_MODIFIED", "seq": self.floor.next_seq(), "paged": False, **order})

    def _accept(self, port: int, end: End) -> asyncio.Protocol | None:
        if port != self.port:
            return None
        peer = Peer(self, end)
        end.peer.on_delivery = peer.delivered
        if end.tag is not None:
            self.on_feed(end.tag, peer)
        return peer
