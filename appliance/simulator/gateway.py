"""The simulated gateway: composes restaurant, tokens, feeds, API and advertisement, and simulates faults."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from aiohttp import WSMsgType, web

from appliance.simulator.advert import Advert
from appliance.simulator.envelope import Refusal, ReturnCode
from appliance.simulator.feeds import Feeds, frame, reset, text_frame
from appliance.simulator.restaurant import Notification, Restaurant
from appliance.simulator.server import Api
from appliance.simulator.tokens import Tokens

log = logging.getLogger(__name__)

GARBAGE = ("not-json", "unknown-type", "bad-order", "binary", "gap", "huge")
"""The kinds of invalid messages."""

HUGE = 80 * 1024 * 1024
"""Bytes of a huge message: three times the active orders of a site with 100,000 of them."""


class SimulatedGateway:
    """A Table Tracker gateway on one TCP port. As an async context manager it starts and stops.

    name: its DNS-SD instance name. port: 0 picks a free one once. advertise_on: IPv4 addresses of the interfaces to
    announce it on. clock: the gateway's local time.

    restaurant: each change to it notifies all feeds. Tokens and orders survive a restart. clock_ahead: by how much its
    clock is wrong. lists_most: the most orders that a whole set lists; `count` counts all. txt: strings of its TXT
    record.
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
        self.txt: tuple[bytes, ...] = ()
        self.clock_ahead = timedelta(0)
        self.lists_most: int | None = None
        self.restaurant = Restaurant(lambda: clock() + self.clock_ahead)
        self.tokens = Tokens(clock)
        self._feeds = Feeds(self.tokens, self._first_frame)
        self.restaurant.listener = self._feeds.broadcast
        self._api = Api(self.restaurant, self.tokens, self._feeds)
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
        """The host for clients: the first announced interface if the gateway listens on all."""
        wildcard = self.host in ("", "0.0.0.0", "::")
        return next(iter(self.advertise_on), "127.0.0.1") if wildcard else self.host

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        host = self.reachable_host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it is on."""
        return self._runner is not None

    @property
    def feeds(self) -> int:
        """The number of live feeds."""
        return len(self._feeds)

    @property
    def orders(self) -> int:
        """The number of active orders."""
        return len(self.restaurant.active)

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
        """Seconds within which a new feed must send its token."""
        return self._feeds.auth_timeout

    @auth_timeout.setter
    def auth_timeout(self, seconds: float) -> None:
        self._feeds.auth_timeout = seconds

    def press_button(self) -> None:
        """Press the gateway's button, which opens the pairing window for two minutes. Ignored while it is off."""
        if self.running:
            self.tokens.open_window()
            log.debug("gateway button pressed: the pairing window is open")

    def issue_token(self, name: str = "default") -> str:
        """Create a token without a button press, for a client that starts paired."""
        return self.tokens.make(name).text

    async def start(self) -> None:
        """Listen and announce.

        Raises OSError if it can't listen on its address, ValueError if it should announce a host name.
        """
        async with self._power:
            await self._start()

    async def stop(self, *, goodbye: bool = False) -> None:
        """Power off: reset all connections and close the pairing window.

        goodbye: withdraw the mDNS announcement, as a regular shutdown does.
        """
        async with self._power:
            await self._stop()
            await self._withdraw(goodbye=goodbye)

    async def restart(self, down_for: float) -> None:
        """Power off and on again. down_for: seconds in between."""
        log.debug("gateway goes down for %.1f s", down_for)
        await self.stop()
        await asyncio.sleep(down_for)
        await self.start()

    async def move(self, host: str, port: int | None = None) -> None:
        """Move to another address under the same name; all connections are reset.

        port: None keeps the port. Raises OSError if it can't listen on the address; it is then off.
        """
        async with self._power:
            was_running = self.running
            await self._stop()
            self.host, self.port = host, self.port if port is None else port
            if was_running:
                await self._start()
        log.debug("gateway moved to %s", self.address)

    def drop_lines(self) -> None:
        """Reset the TCP connections of all feeds."""
        log.debug("%d feeds dropped", self._feeds.drop())

    @property
    def silent(self) -> bool:
        """Whether it accepts connections but sends nothing: no responses, no pongs, no notifications.

        It sends what is pending when it responds again.
        """
        return self._feeds.silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        self._feeds.silent = silent
        log.debug("gateway stopped responding" if silent else "gateway responds again")

    @property
    def half_booted(self) -> bool:
        """Whether it closes each feed when its token arrives and answers authorised requests with 503."""
        return self._feeds.half_booted

    @half_booted.setter
    def half_booted(self, half_booted: bool) -> None:
        self._feeds.half_booted = half_booted

    @property
    def one_feed_per_token(self) -> bool:
        """Whether a token's new feed closes its old feed."""
        return self._feeds.one_per_token

    @one_feed_per_token.setter
    def one_feed_per_token(self, one: bool) -> None:
        self._feeds.one_per_token = one

    def delete_tokens(self) -> None:
        """Delete all tokens and close all feeds."""
        log.debug("%d tokens deleted", self.tokens.delete_all())
        self._feeds.refuse_all(Refusal(401, ReturnCode.INVALID_TOKEN, "Invalid or deleted access token."))

    def send_garbage(self, kind: str) -> None:
        """Send an invalid message to all feeds. kind: one of GARBAGE. Raises ValueError.

        `unknown-type` and `bad-order` use a sequence number; `gap` only skips one.
        """
        match kind:
            case "not-json":
                self._feeds.broadcast_frame(frame(WSMsgType.TEXT, b'{"type": "ORDER_CREATED", "seq": '))
            case "unknown-type":
                self._feeds.broadcast({"type": "TRACKER_BATTERY_LOW", "seq": self.restaurant.take_seq(), "name": "7"})
            case "bad-order":
                self._feeds.broadcast(self._bad_order())
            case "binary":
                self._feeds.broadcast_frame(frame(WSMsgType.BINARY, os.urandom(256)))
            case "gap":
                self.restaurant.take_seq()
            case "huge":
                self._feeds.broadcast_frame(text_frame({"type": "HUGE", "padding": "x" * HUGE}))
            case _:
                raise ValueError(f"unknown kind {kind!r}; choose from {', '.join(GARBAGE)}")
        log.debug("garbage sent: %s", kind)

    def _bad_order(self) -> Notification:
        return {
            "type": "ORDER_MODIFIED",
            "seq": self.restaurant.take_seq(),
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

    def _first_frame(self) -> bytes:
        orders = self.restaurant.active
        items = [self.restaurant.describe(order) for order in orders[: self.lists_most]]
        return text_frame({"type": "ACTIVE_ORDERS", "count": len(orders), "items": items})

    def _application(self) -> web.Application:
        return self._api.application()

    async def _start(self) -> None:
        if self._runner is not None:
            return
        # Without cancellation, the handlers of a silent gateway would survive its power cut.
        runner = web.AppRunner(self._application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host or None, self.port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        self.restaurant.seq = 0
        try:
            await self._announce()
        except (OSError, ValueError):  # the interface is gone, or the host is a name: do not stay half-started
            await self._stop()
            raise
        log.info("gateway %s is up at %s", self.name, self.address)

    async def _announce(self) -> None:
        if not self.advertise_on:
            return
        if self._advert is None:
            self._advert = Advert(self.name, self.advertise_on, self.txt)
        await self._advert.announce(str(ip_address(self.reachable_host)), self.port)

    async def _withdraw(self, *, goodbye: bool) -> None:
        if self._advert is not None:
            advert, self._advert = self._advert, None
            await advert.close(goodbye=goodbye)

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
