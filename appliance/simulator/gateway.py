"""The simulated gateway as one object: it composes floor, tokens, feeds, API and advertisement, and has a hand on the
faults.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from aiohttp import WSMsgType, web

from appliance.simulator.advert import Advert
from appliance.simulator.envelope import Refusal, ReturnCode
from appliance.simulator.feeds import Feeds, frame, reset, text_frame
from appliance.simulator.restaurant import Floor, Notification
from appliance.simulator.server import Api
from appliance.simulator.tokens import Tokens

log = logging.getLogger(__name__)

GARBAGE = ("not-json", "unknown-type", "bad-order", "binary", "gap", "huge")
"""The kinds of garbage that a gateway can be made to send."""

HUGE = 80 * 1024 * 1024
"""Bytes of a huge message: three times what a site with 100,000 orders says at once."""


class SimulatedGateway:
    """A Table Tracker gateway on one TCP port, as an async context manager: on inside, off outside.

    name: its DNS-SD instance name. port: 0 takes any free one, and keeps it. advertise_on: IPv4 addresses of the
    interfaces to announce it on; none means no announcement. clock: the gateway's local time.

    floor: the restaurant; each change to it notifies every feed. Tokens and orders outlive a power cut.
    """

    def __init__(
        self,
        name: str = "Simulated gateway",
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        advertise_on: Sequence[str] = (),
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.advertise_on = tuple(advertise_on)
        self.floor = Floor(clock)
        self.tokens = Tokens(clock)
        self._feeds = Feeds(self.tokens, self._whole_set)
        self.floor.listener = self._feeds.tell
        self._api = Api(self.floor, self.tokens, self._feeds)
        self._runner: web.AppRunner | None = None
        self._advert: Advert | None = None
        self._power = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(goodbye=True)

    @property
    def reachable_host(self) -> str:
        """Where clients find it: the host, or the first interface announced on where it listens on every one."""
        wildcard = self.host in ("", "0.0.0.0", "::")
        return next(iter(self.advertise_on), "127.0.0.1") if wildcard else self.host

    @property
    def address(self) -> str:
        """`host:port` as a client would write it."""
        host = self.reachable_host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it has power."""
        return self._runner is not None

    @property
    def feeds(self) -> int:
        """How many feeds are live."""
        return len(self._feeds)

    @property
    def window_open(self) -> bool:
        """Whether its pairing window is open."""
        return self.window_left > 0

    @property
    def window_left(self) -> float:
        """Seconds left of its pairing window."""
        return self.tokens.window_left

    @property
    def auth_timeout(self) -> float:
        """Seconds that a new feed has for its token."""
        return self._feeds.auth_timeout

    @auth_timeout.setter
    def auth_timeout(self, seconds: float) -> None:
        self._feeds.auth_timeout = seconds

    def press_button(self) -> None:
        """Press the gateway's own button: a token may be asked for during two minutes. Without power, nothing."""
        if self.running:
            self.tokens.open_window()
            log.debug("gateway button pressed: the pairing window is open")

    def issue_token(self, name: str = "default") -> str:
        """Make a token without a button, for a client that is to begin paired."""
        return self.tokens.make(name).text

    async def start(self) -> None:
        """Give it power: it listens and is announced.

        Raises OSError where its address is not to be had, ValueError where a host name is to be announced.
        """
        async with self._power:
            await self._start()

    async def stop(self, *, goodbye: bool = False) -> None:
        """Take its power: every connection is reset and the pairing window ends.

        goodbye: whether the announcement is taken back first, as an orderly shutdown does.
        """
        async with self._power:
            await self._stop()
            if self._advert is not None:
                advert, self._advert = self._advert, None
                await advert.close(goodbye=goodbye)

    async def restart(self, down_for: float) -> None:
        """Take its power and give it back. down_for: seconds without."""
        log.debug("gateway goes down for %.1f s", down_for)
        await self.stop()
        await asyncio.sleep(down_for)
        await self.start()

    async def move(self, host: str, port: int | None = None) -> None:
        """Give it another address, announced under the same name; its connections are reset.

        port: as before where it is None. Raises OSError where the address is not to be had; it is then without power.
        """
        async with self._power:
            was_running = self.running
            await self._stop()
            self.host, self.port = host, self.port if port is None else port
            if was_running:
                await self._start()
        log.debug("gateway moved to %s", self.address)

    def drop_lines(self) -> None:
        """Cut every feed's TCP connection."""
        log.debug("%d feeds dropped", self._feeds.drop())

    @property
    def silent(self) -> bool:
        """Whether it accepts connections and then answers nothing: no call, no ping, and no notification goes out.

        What was held back goes out when the silence ends.
        """
        return self._feeds.silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        self._feeds.silent = silent
        log.debug("gateway is silent" if silent else "gateway speaks again")

    @property
    def half_booted(self) -> bool:
        """Whether it closes each feed without a word once the token came, and answers secured calls with 503."""
        return self._feeds.half_booted

    @half_booted.setter
    def half_booted(self, half_booted: bool) -> None:
        self._feeds.half_booted = half_booted

    @property
    def one_feed_per_token(self) -> bool:
        """Whether a token's new feed closes its old one."""
        return self._feeds.one_per_token

    @one_feed_per_token.setter
    def one_feed_per_token(self, one: bool) -> None:
        self._feeds.one_per_token = one

    def delete_tokens(self) -> None:
        """Delete every token, and close the feeds that were opened with one."""
        log.debug("%d tokens deleted", self.tokens.delete_all())
        self._feeds.refuse_all(Refusal(401, ReturnCode.INVALID_TOKEN, "Invalid or deleted access token."))

    def send_garbage(self, kind: str) -> None:
        """Send every feed what no gateway should. kind: one of GARBAGE. Raises ValueError.

        `unknown-type` and `bad-order` take a number, and `gap` takes one without sending anything.
        """
        match kind:
            case "not-json":
                self._feeds.tell_frame(frame(WSMsgType.TEXT, b'{"type": "ORDER_CREATED", "seq": '))
            case "unknown-type":
                self._feeds.tell({"type": "TRACKER_BATTERY_LOW", "seq": self.floor.take_seq(), "name": "7"})
            case "bad-order":
                self._feeds.tell(self._bad_order())
            case "binary":
                self._feeds.tell_frame(frame(WSMsgType.BINARY, os.urandom(256)))
            case "gap":
                self.floor.take_seq()
            case "huge":
                self._feeds.tell_frame(text_frame({"type": "HUGE", "padding": "x" * HUGE}))
            case _:
                raise ValueError(f"unknown garbage {kind!r}; there are {', '.join(GARBAGE)}")
        log.debug("garbage sent: %s", kind)

    def _bad_order(self) -> Notification:
        return {
            "type": "ORDER_MODIFIED",
            "seq": self.floor.take_seq(),
            "name": None,
            "uuid": 17,
            "orderType": ["ON_PREMISE"],
            "locationName": {"table": 4},
            "state": 3,
            "created": "yesterday",
            "stateChanged": False,
            "paged": "yes",
            "elapsedTime": "soon",
        }

    def _whole_set(self) -> Notification:
        orders = self.floor.active
        return {"type": "ACTIVE_ORDERS", "count": len(orders), "items": [self.floor.describe(o) for o in orders]}

    async def _start(self) -> None:
        if self._runner is not None:
            return
        # A handler ends with its connection, or a silent one would outlive the power.
        runner = web.AppRunner(
            self._api.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.5
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host or None, self.port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        self.floor.seq = 0
        if self.advertise_on:
            if self._advert is None:
                self._advert = Advert(self.name, self.advertise_on)
            try:
                await self._advert.announce(str(ip_address(self.reachable_host)), self.port)
            except (OSError, ValueError):  # the interface is gone, or the host is a name: no half-started gateway
                await self._stop()
                raise
        log.info("gateway %s is up at %s", self.name, self.address)

    async def _stop(self) -> None:
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        self.tokens.shut_window()
        for site in runner.sites:
            await site.stop()
        self._feeds.drop()
        if runner.server is not None:
            for connection in list(runner.server.connections):
                reset(connection.transport)
        await runner.cleanup()
        log.info("gateway is down")
