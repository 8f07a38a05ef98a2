"""Asks one gateway for the facts that its documents leave open. It only reads, unless a person agrees to more."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from appliance.core.formatting import legible
from appliance.core.limits import LARGEST_CHUNK
from appliance.core.values import Address, Credential, Token
from appliance.doctor.console import Console
from appliance.doctor.protocol_facts import (
    FACTS,
    Observation,
    Verdict,
    empty_set,
    invalid_token,
    new_order,
    not_seen,
    observed,
    removal,
    reuse,
    seq,
    uuids,
    whole_set,
)
from appliance.doctor.protocol_feeds import WatchedFeed, open_feed
from appliance.gateway.http import NoAnswerError, RawAnswer, exchange
from appliance.gateway.wire import TooLargeError, decode, read_envelope

ACTIVE = "/api/v2/activeorders"
HISTORY = "/api/v2/orders?offset=0&limit=100"
NO_TOKEN = "needs a token: pair the box, or run tt-appliance pair"
TO_LISTEN = "new order", "seq", "removal"
"""The facts that only notifications show."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Times in seconds. reply: for an answer. answer: for a person. settle: for the effects of a second feed, or of
    clearing an order. listen: for notifications. poll: between two looks at the active orders meanwhile.
    """

    reply: float = 10.0
    answer: float = 60.0
    settle: float = 2.0
    listen: float = 60.0
    poll: float = 3.0


class Questions:
    """The questions to one gateway. seen: what it showed, by the names of the facts."""

    def __init__(self, address: Address, credential: Credential | None, console: Console, timeouts: Timeouts) -> None:
        self.seen: dict[str, Observation] = {}
        self._address = address
        self._credential = credential
        self._console = console
        self._timeouts = timeouts
        self._feeds: list[WatchedFeed] = []
        self._feed: WatchedFeed | None = None
        self._known: dict[str, None] = {}
        self._ended: dict[str, None] = {}
        self._active: list[dict[str, Any]] | None = None

    async def ask(self) -> None:
        """Ask all of them."""
        await self._ask_with_invalid_token()
        if self._credential is None:
            self.seen |= {name: not_seen(NO_TOKEN) for name in FACTS if name not in self.seen}
            return
        await self._ask_for_history()
        before = await self._look_at_active_orders()
        async with open_feed(self._address, self._credential, self._feeds.append) as feed:
            after = await self._look_at_active_orders()
            self.seen["whole set"] = (
                not_seen("GET activeorders failed")
                if before is None or after is None
                else whole_set(feed.seen.sets, before, after)
            )
            if not feed.is_live():
                self._judge()
                self.seen |= dict.fromkeys(("second feed", *TO_LISTEN), not_seen(f"no feed is let in: {feed.ended}"))
                return
            await self._open_second_feed(feed, self._credential)
            if feed.is_live():
                await self._listen(feed, self._credential)
                return
        async with open_feed(self._address, self._credential, self._feeds.append) as feed:
            self._known.clear()
            await self._listen(feed, self._credential)

    async def _ask_with_invalid_token(self) -> None:
        # Nobody has this token.
        answer = await self._get(ACTIVE, Token(secrets.token_hex(24)))
        self.seen["invalid token"] = (
            not_seen("no answer")
            if answer is None
            else invalid_token(answer.status, read_envelope(_json(answer)).return_code)
        )

    async def _ask_for_history(self) -> None:
        assert self._credential is not None
        items = _items(await self._get(HISTORY, self._credential.token))
        self.seen["re-use"] = not_seen("GET orders failed") if items is None else reuse(items)

    async def _open_second_feed(self, first: WatchedFeed, credential: Credential) -> None:
        async with open_feed(self._address, credential, self._feeds.append) as second:
            await self._wait(lambda: not (first.is_live() and second.is_live()), self._timeouts.settle)
            if not second.is_live():
                words = f"the second feed was not let in, or ended at once: {second.ended}"
            elif not first.is_live():
                words = f"the first feed ended when the second was opened: {first.ended}"
            else:
                words = "both stayed"
            self.seen["second feed"] = observed(first.is_live() and second.is_live(), words)

    async def _listen(self, feed: WatchedFeed, credential: Credential) -> None:
        """Listen for notifications, and clear an order if that is needed and a person agrees."""
        self._feed = feed
        seconds = self._timeouts.listen
        self._console.say(
            f"Listening for {seconds:.0f} seconds: start an order with a tracker, and clear it, if you can."
        )
        loop = asyncio.get_running_loop()
        until, said = loop.time() + seconds, 0
        while (left := until - loop.time()) > 0 and self._is_waiting_for_notifications():
            await asyncio.sleep(min(left, self._timeouts.poll))
            if said != (said := len(self._notifications())):
                await self._look_at_active_orders()
            self._judge()
        await self._look_at_active_orders()
        self._judge()
        if self.seen["removal"].verdict is Verdict.DIFFERS:
            # The feed may tell an end later than HTTP.
            await asyncio.sleep(self._timeouts.settle)
            self._judge()
        if self.seen["removal"].verdict is Verdict.NOT_SEEN and self._active:
            await self._clear_one(credential)
        if not self._active and self.seen["empty set"].verdict is Verdict.NOT_SEEN:
            async with open_feed(self._address, credential, self._feeds.append):
                self._judge()

    def _is_waiting_for_notifications(self) -> bool:
        return any(self.seen.get(name, not_seen("")).verdict is Verdict.NOT_SEEN for name in TO_LISTEN)

    async def _clear_one(self, credential: Credential) -> None:
        order = max(self._active or [], key=lambda one: str(one.get("created")))
        uuid = str(order.get("uuid"))
        name, table, created = (legible(str(order.get(key) or "")) for key in ("name", "locationName", "created"))
        named = f"order {name}{f' at table {table}' if table else ''}, created {created}"
        question = f"No order ended. Clear the newest one at the gateway, {named}, to see how that is told?"
        if not await self._console.agrees(question, self._timeouts.answer):
            return
        answer = await self._exchange("DELETE", f"{ACTIVE}/{quote(uuid, safe='')}", credential.token)
        if answer is None or not 200 <= answer.status < 300:
            status = "no answer" if answer is None else f"HTTP {answer.status}"
            self.seen["removal"] = not_seen(f"the gateway did not clear the order: {status}")
            return
        self._known[uuid] = None
        said = len(self._notifications())
        await self._wait(lambda: len(self._notifications()) > said, self._timeouts.settle)
        await self._look_at_active_orders()
        self._judge()

    async def _look_at_active_orders(self) -> list[str] | None:
        """The uuids of the active orders by HTTP, None if that fails; also finds those that ended during the feed."""
        assert self._credential is not None
        self._known |= dict.fromkeys(one for feed in self._feeds for body in feed.seen.sets for one in uuids(body))
        created = [one.get("uuid") for one in self._notifications() if one.get("state") in ("started", "located")]
        self._known |= dict.fromkeys(one for one in created if isinstance(one, str))
        known = list(self._known)
        items = _items(await self._get(ACTIVE, self._credential.token))
        if items is None:
            return None
        self._active = items
        active = uuids({"items": items})
        if self._feed is not None and self._feed.is_live():
            self._ended |= dict.fromkeys(one for one in known if one not in active)
        return active

    def _judge(self) -> None:
        """Judge what the feed showed so far."""
        notifications = self._notifications()
        sets = [one for feed in self._feeds for one in feed.seen.sets]
        self.seen |= {
            "empty set": empty_set(sets, len(self._active or [])),
            "new order": new_order(notifications),
            "seq": seq(notifications),
            "removal": removal(notifications, list(self._ended)),
        }

    def _notifications(self) -> list[Any]:
        return [] if self._feed is None else self._feed.seen.notifications

    async def _wait(self, there: Callable[[], bool], within: float) -> None:
        """Wait for a condition, at most so many seconds."""
        until = asyncio.get_running_loop().time() + within
        while not there() and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 - feeds end without an event
            await asyncio.sleep(min(0.05, within))

    async def _get(self, path: str, token: Token) -> RawAnswer | None:
        return await self._exchange("GET", path, token)

    async def _exchange(self, method: str, path: str, token: Token) -> RawAnswer | None:
        try:
            return await exchange(self._address, method, path, self._timeouts.reply, token, LARGEST_CHUNK)
        except NoAnswerError:
            return None


def _json(answer: RawAnswer | None) -> Any:
    if answer is None or answer.body is None:
        return None
    try:
        return decode(answer.body)
    except TooLargeError:
        return None


def _items(answer: RawAnswer | None) -> list[dict[str, Any]] | None:
    """The orders in an answer; None if it has none."""
    body = _json(answer)
    if answer is None or answer.status != 200 or not isinstance(body, dict):
        return None
    items = body.get("items")
    # A gateway without orders may send no list.
    return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
