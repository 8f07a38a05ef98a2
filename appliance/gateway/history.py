"""Reads the gateway's past orders in chunks, and its statistics of today. Source: gateway API, orders.

Failures are distinguished by their remedy: wait, pair again, or check the gateway.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from appliance.core.day_stats import GatewayStats
from appliance.core.delivery import Finished, finished
from appliance.core.limits import LARGEST_CHUNK
from appliance.core.values import Address, Token
from appliance.gateway.api import refuses_token
from appliance.gateway.http import Answer, NoAnswerError, get
from appliance.gateway.order_json import EPOCH, read_order, read_time
from appliance.gateway.wire import MALFORMED_AUTHORIZATION, read_envelope

CHUNK_SIZE = 100
"""Orders in a chunk: the gateway's maximum (gateway API, orders)."""
CHUNK_DEADLINE = 20.0
"""Seconds for one chunk."""
UNAVAILABLE = -5
LIMIT, OFFSET, DATE = -23, -24, -25
_FIRST, _LAST = ((end - EPOCH).total_seconds() for end in (datetime.min, datetime.max.replace(microsecond=0)))
"""The first and the last time that datetime can represent; a gateway's clock may be at either."""


class HistoryFailure(StrEnum):
    """Why a chunk could not be read, as text for a person."""

    NO_ANSWER = "the gateway does not answer"
    NOT_FOUND = "no gateway with this name answers at this address any more"
    TRUNCATED = "truncated response from the gateway"
    REFUSED = "the gateway refused the token"
    MALFORMED = "the gateway can't parse the token"
    FORBIDDEN = "the gateway does not allow this token to read orders"
    UNAVAILABLE = "the gateway is not ready yet"
    LIMIT = "the gateway refused to send 100 orders at once"
    OFFSET = "the gateway has no orders at this offset"
    DATE = "the gateway refused the date filter"
    CHANGING = "the gateway's orders change faster than they can be read"
    UNEXPECTED = "unexpected response from the gateway"


class HistoryError(Exception):
    """A chunk could not be read. details: for the log."""

    def __init__(self, failure: HistoryFailure, details: str = "") -> None:
        super().__init__(f"{failure}{f' ({details})' if details else ''}")
        self.failure = failure


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order in a chunk. uuid: empty if it is unreadable. finished: None if it is unreadable or still active."""

    uuid: str
    finished: Finished | None = None


async def read_orders(
    address: Address, token: Token, offset: int, created_after: float | None = None
) -> list[ListedOrder]:
    """Read one chunk, in the gateway's order. created_after: the gateway's local time, as in `Finished`.

    Raises:
        HistoryError: The chunk could not be read in full.
    """
    query: dict[str, object] = {"offset": offset, "limit": CHUNK_SIZE}
    if created_after is not None:
        query["created_after"] = format_local_time(created_after)
    answer = await _get(address, f"/api/v2/orders?{urlencode(query)}", token)
    items = answer.body.get("items") if isinstance(answer.body, dict) else None
    if not isinstance(items, list):
        raise HistoryError(HistoryFailure.TRUNCATED)
    return [_parse_order(item) for item in items]


async def read_statistics(address: Address, token: Token, target: float) -> GatewayStats | None:
    """Read the gateway's statistics of today; None if they are unreadable. target: of the delivery time, in seconds.

    Raises:
        HistoryError: The call failed.
    """
    answer = await _get(address, f"/api/v2/statistics?{urlencode({'target_time': max(1, int(target))})}", token)
    statistics = answer.body.get("statistics") if isinstance(answer.body, dict) else None
    return parse_statistics(statistics)


def parse_statistics(statistics: object) -> GatewayStats | None:
    """Find the two statistics that can be compared with the archive's; None if both are missing.

    The gateway's names for them are undocumented, so they are recognised by the words in the names: the first number
    of finished orders, and the first average time.
    """
    if not isinstance(statistics, dict):
        return None
    count = average = None
    for name, value in statistics.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            continue
        label = str(name).lower().replace("_", "")
        if average is None and ("average" in label or label.startswith("avg")) and "sit" not in label:
            average = float(value)
        elif count is None and any(word in label for word in ("finished", "delivered", "cleared", "completed")):
            count = int(value) if "time" not in label else None
    return None if count is None and average is None else GatewayStats(count, average)


def format_local_time(local: float) -> str:
    """Format a gateway's local time as in its API: to the second, without a zone, clamped to what datetime can hold."""
    day, seconds = divmod(int(min(_LAST, max(_FIRST, local))), 86_400)
    return f"{_date(day)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@lru_cache(maxsize=1024)
def _date(day: int) -> str:
    """A day's date. Cached, because exporting a year of orders formats each day a thousand times."""
    return (EPOCH + timedelta(days=day)).date().isoformat()


async def _get(address: Address, path: str, token: Token) -> Answer:
    try:
        answer = await get(address, path, CHUNK_DEADLINE, token, largest=LARGEST_CHUNK)
    except NoAnswerError as error:
        raise HistoryError(HistoryFailure.NO_ANSWER, str(error)) from None
    envelope = read_envelope(answer.body)
    code = envelope.return_code
    if 200 <= answer.status < 300 and (code is None or code >= 0):
        return answer
    details = f"HTTP {answer.status}" + ("" if code is None else f", returnCode {code}")
    if code == MALFORMED_AUTHORIZATION:
        raise HistoryError(HistoryFailure.MALFORMED, details)
    if refuses_token(envelope, answer):
        raise HistoryError(HistoryFailure.REFUSED, details)
    by_code = {
        UNAVAILABLE: HistoryFailure.UNAVAILABLE,
        LIMIT: HistoryFailure.LIMIT,
        OFFSET: HistoryFailure.OFFSET,
        DATE: HistoryFailure.DATE,
    }
    if code in by_code:
        raise HistoryError(by_code[code], details)
    if answer.status in (401, 403):
        raise HistoryError(HistoryFailure.FORBIDDEN, details)
    raise HistoryError(HistoryFailure.UNAVAILABLE if answer.status >= 500 else HistoryFailure.UNEXPECTED, details)


def _parse_order(item: Any) -> ListedOrder:
    order = read_order(item)
    if order is None:
        return ListedOrder("")
    # `cleared`, the time at which the order was cleared, is undocumented and optional.
    cleared = read_time(item.get("cleared"))
    if order.active and cleared is None:
        return ListedOrder(order.uuid)
    ended = finished(order, at=cleared)
    return ListedOrder(order.uuid, ended)
