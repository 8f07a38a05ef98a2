"""The gateway's HTTP API as an aiohttp application, with one method for each call."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from aiohttp import web

from appliance.simulator.envelope import Refusal, ReturnCode, envelope
from appliance.simulator.feeds import Feeds
from appliance.simulator.restaurant import Order, Restaurant, UnknownOrderError
from appliance.simulator.tokens import TokenRecord, Tokens

log = logging.getLogger(__name__)

DEFAULT_LIMIT, MOST = 25, 100  # orders in one answer of the history (gateway API, orders)
DEFAULT_TARGET = 300.0  # seconds of a delivery (gateway API, statistics)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The HTTP API of one gateway, on top of its restaurant, tokens and feeds."""

    def __init__(self, restaurant: Restaurant, tokens: Tokens, feeds: Feeds) -> None:
        self._restaurant = restaurant
        self._tokens = tokens
        self._feeds = feeds

    def application(self) -> web.Application:
        """A new application; aiohttp needs one for each start."""
        app = web.Application(middlewares=[self._front])
        app.add_routes(
            [
                web.get("/api/v2", self._online),
                web.get("/api/v2/accesstoken/generate", self._token_by_button),
                web.post("/api/v2/accesstoken/generate", self._token_by_token),
                web.get("/api/v2/activeorders", self._active_orders),
                web.get("/api/v2/activeorders/{order}", self._active_order),
                web.post("/api/v2/activeorders/{order}/page", self._page),
                web.delete("/api/v2/activeorders/{order}", self._clear),
                web.get("/api/v2/orders", self._history),
                web.get("/api/v2/statistics", self._statistics),
                web.get("/api/v2/statistics/", self._statistics),  # the vendor's page writes it with the slash
                web.get("/api/v2/websocket", self._feeds.serve),
            ]
        )
        return app

    @web.middleware
    async def _front(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # Logged without the query, which may contain a client's data.
        log.debug("%s: %s %s", request.remote, request.method, request.path)
        await self._feeds.until_speaking()
        try:
            return await handler(request)
        except Refusal as refusal:
            return _refuse(refusal)
        except UnknownOrderError:
            return _refuse(Refusal(404, ReturnCode.ORDER_NOT_FOUND, "Active order not found."))
        except web.HTTPException as error:  # aiohttp's own 404 and 405, in the gateway's envelope
            return _refuse(Refusal(error.status, ReturnCode.UNAVAILABLE, f"API unavailable: {error.reason}."))

    def _admit(self, request: web.Request) -> TokenRecord:
        record = self._tokens.admit_header(request.headers.get("Authorization"), request.remote)
        if self._feeds.half_booted:
            raise Refusal(503, ReturnCode.UNAVAILABLE, "API unavailable.")
        return record

    async def _online(self, request: web.Request) -> web.Response:
        return _answer(200, ReturnCode.ONLINE, message="Table Tracker gateway (simulated).")

    async def _token_by_button(self, request: web.Request) -> web.Response:
        record = self._tokens.make_in_window(request.query.get("name", "default"))
        log.info("token issued to %s", request.remote)
        return _answer(201, ReturnCode.TOKEN_MADE, token=record.fields())

    async def _token_by_token(self, request: web.Request) -> web.Response:
        """Issue another token. The name is in the query or (an invention) in a JSON body."""
        self._admit(request)
        name = (await _body(request)).get("name", request.query.get("name", "default"))
        record = self._tokens.make(name if isinstance(name, str) else "")
        log.info("another token issued to %s", request.remote)
        return _answer(201, ReturnCode.TOKEN_MADE, token=record.fields())

    async def _active_orders(self, request: web.Request) -> web.Response:
        self._admit(request)
        return self._listing(ReturnCode.ACTIVE_ORDERS, self._restaurant.active)

    async def _active_order(self, request: web.Request) -> web.Response:
        self._admit(request)
        order = self._restaurant.find(request.match_info["order"])
        return _answer(200, ReturnCode.ACTIVE_ORDER, activeorder=self._restaurant.describe(order))

    async def _page(self, request: web.Request) -> web.Response:
        """Page a tracker. The simulator ignores `tracking` in the body, which asks for repeated paging."""
        self._admit(request)
        await _body(request)
        order = self._restaurant.page(request.match_info["order"])
        log.info("order %s paged", order.name)
        return _answer(200, ReturnCode.ORDER_PAGED, message="Order paged.")

    async def _clear(self, request: web.Request) -> web.Response:
        self._admit(request)
        self._restaurant.clear(request.match_info["order"])
        return _answer(200, ReturnCode.ORDER_CLEARED, message="Order cleared.")

    async def _history(self, request: web.Request) -> web.Response:
        """One page of the history. `count` is the size of the page, as for active orders; an invention."""
        self._admit(request)
        query = request.query
        limit = _whole(query, "limit", DEFAULT_LIMIT)
        if limit is None or not 1 <= limit <= MOST:
            raise Refusal(400, ReturnCode.LIMIT, f"Limit must be a number from 1 to {MOST}.")
        offset = _whole(query, "offset", 0)
        if offset is None or offset < 0:
            raise Refusal(400, ReturnCode.OFFSET, "Offset must be a positive number.")
        found = self._restaurant.history(
            created_after=_date(query, "created_after"),
            created_before=_date(query, "created_before"),
            order_type=query.get("order_type"),
            location=query.get("location_name"),
        )
        return self._listing(ReturnCode.ORDERS, found[offset : offset + limit])

    async def _statistics(self, request: web.Request) -> web.Response:
        self._admit(request)
        target = _whole(request.query, "target_time", int(DEFAULT_TARGET))
        if target is None or target <= 0:
            raise Refusal(400, ReturnCode.INVALID_TARGET, "Target time must be a positive number.")
        return _answer(200, ReturnCode.STATISTICS, statistics=self._restaurant.statistics(target))

    def _listing(self, code: ReturnCode, orders: list[Order]) -> web.Response:
        return _answer(200, code, count=len(orders), items=[self._restaurant.describe(order) for order in orders])


def _answer(status: int, code: ReturnCode, **fields: object) -> web.Response:
    return web.json_response(envelope(status, code, **fields), status=status)


def _refuse(refusal: Refusal) -> web.Response:
    return web.json_response(refusal.envelope(), status=refusal.status)


async def _body(request: web.Request) -> Mapping[str, object]:
    text = await request.text()
    if not text.strip():
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise Refusal(400, ReturnCode.INVALID_JSON, "Invalid JSON.") from None
    return body if isinstance(body, dict) else {}


def _whole(query: Mapping[str, str], key: str, default: int) -> int | None:
    text = query.get(key)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:  # the caller chooses the return code
        return None


def _date(query: Mapping[str, str], key: str) -> datetime | None:
    text = query.get(key)
    if text is None:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        date = None
    # fromisoformat accepts more formats; the gateway accepts YYYY-MM-DDTHH:MM:SS only (gateway API, orders).
    if date is None or len(text) != 19 or text[10] != "T":
        raise Refusal(400, ReturnCode.DATE, f"{key} must be a date like 2016-12-24T08:04:34.")
    return date
