"""What the gateway remembers: pages of its orders, and its own figures of today. Facts: gateway API, paging and orders.

Each trouble is told apart, because each has another remedy: wait, pair again, or look at the gateway.
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
from appliance.core.limits import LARGEST_PAGE
from appliance.core.values import Address, Token
from appliance.gateway.api import refuses_token
from appliance.gateway.http import Answer, NoAnswerError, get
from appliance.gateway.wire import EPOCH, MALFORMED_AUTHORIZATION, read_envelope, read_order, read_time

PAGE = 100
"""Orders of a page: the most that the gateway gives at once (gateway API, orders)."""
DEADLINE = 20.0
"""Seconds for one page."""
UNAVAILABLE = -5
LIMIT, OFFSET, DATE = -23, -24, -25
_FIRST, _LAST = ((end - EPOCH).total_seconds() for end in (datetime.min, datetime.max.replace(microsecond=0)))
"""Seconds of the first and the last time that there is; a gateway's clock may say either."""


class Trouble(StrEnum):
    """Why there is no page, in words for a person."""

    SILENT = "the gateway does not answer"
    MOVED = "the gateway does not answer for its name there any more"
    HALF = "the gateway's answer is not whole"
    REFUSED = "the gateway does not take the token any more"
    MALFORMED = "the gateway can't read the token"
    FORBIDDEN = "the gateway does not let this token read its orders"
    UNAVAILABLE = "the gateway is not ready yet"
    LIMIT = "the gateway does not give pages of 100"
    OFFSET = "the gateway has no such page"
    DATE = "the gateway does not take the dates"
    RESTLESS = "the gateway's orders change faster than they can be read"
    ODD = "the gateway's answer is not what it should be"


class HistoryError(Exception):
    """No page. words: the gateway's own, for the log."""

    def __init__(self, trouble: Trouble, words: str = "") -> None:
        super().__init__(f"{trouble}{f' ({words})' if words else ''}")
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Listed:
    """An order of a page. uuid: empty where it could not be used. finished: None while it is active, too."""

    uuid: str
    finished: Finished | None = None


async def read_page(address: Address, token: Token, offset: int, created_after: float | None = None) -> list[Listed]:
    """One page, in the gateway's order. created_after: its local time, as `Finished` has it.

    Raises:
        HistoryError: There is no page, or only a part of one.
    """
    query: dict[str, object] = {"offset": offset, "limit": PAGE}
    if created_after is not None:
        query["created_after"] = stamp(created_after)
    answer = await _ask(address, f"/api/v2/orders?{urlencode(query)}", token)
    items = answer.body.get("items") if isinstance(answer.body, dict) else None
    if not isinstance(items, list):
        raise HistoryError(Trouble.HALF)
    return [_listed(item) for item in items]


async def read_statistics(address: Address, token: Token, target: float) -> GatewayStats | None:
    """The gateway's own figures of today against a target in seconds; None where it gives none that can be read.

    Raises:
        HistoryError: It does not answer the call at all.
    """
    answer = await _ask(address, f"/api/v2/statistics?{urlencode({'target_time': max(1, int(target))})}", token)
    told = answer.body.get("statistics") if isinstance(answer.body, dict) else None
    return read_figures(told)


def read_figures(told: object) -> GatewayStats | None:
    """The two figures that can be compared with ours.

    What the gateway calls them is documented nowhere, so they are known by the words in their names: the first number
    whose name speaks of finished orders, and the first that is an average of time. Without either there are none.
    """
    if not isinstance(told, dict):
        return None
    count = average = None
    for name, value in told.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            continue
        words = str(name).lower().replace("_", "")
        if average is None and ("average" in words or words.startswith("avg")) and "sit" not in words:
            average = float(value)
        elif count is None and any(word in words for word in ("finished", "delivered", "cleared", "completed")):
            count = int(value) if "time" not in words else None
    return None if count is None and average is None else GatewayStats(count, average)


def stamp(local: float) -> str:
    """A gateway's local time as its API has it: to the second, without a zone; the first or last there is beyond it."""
    day, seconds = divmod(int(min(_LAST, max(_FIRST, local))), 86_400)
    return f"{_date(day)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@lru_cache(maxsize=1024)
def _date(day: int) -> str:
    """A day's date. Kept, because whoever writes a year of orders asks for each a thousand times."""
    return (EPOCH + timedelta(days=day)).date().isoformat()


async def _ask(address: Address, path: str, token: Token) -> Answer:
    try:
        answer = await get(address, path, DEADLINE, token, largest=LARGEST_PAGE)
    except NoAnswerError as error:
        raise HistoryError(Trouble.SILENT, str(error)) from None
    envelope = read_envelope(answer.body)
    code = envelope.return_code
    if 200 <= answer.status < 300 and (code is None or code >= 0):
        return answer
    said = f"HTTP {answer.status}" + ("" if code is None else f", returnCode {code}")
    if code == MALFORMED_AUTHORIZATION:
        raise HistoryError(Trouble.MALFORMED, said)
    if refuses_token(envelope, answer):
        raise HistoryError(Trouble.REFUSED, said)
    by_code = {UNAVAILABLE: Trouble.UNAVAILABLE, LIMIT: Trouble.LIMIT, OFFSET: Trouble.OFFSET, DATE: Trouble.DATE}
    if code in by_code:
        raise HistoryError(by_code[code], said)
    if answer.status in (401, 403):
        raise HistoryError(Trouble.FORBIDDEN, said)
    raise HistoryError(Trouble.UNAVAILABLE if answer.status >= 500 else Trouble.ODD, said)


def _listed(item: Any) -> Listed:
    order = read_order(item)
    if order is None:
        return Listed("")
    # Undocumented, and used where it is there: a time of clearing of its own.
    cleared = read_time(item.get("cleared"))
    if order.active and cleared is None:
        return Listed(order.uuid)
    ended = finished(order, at=cleared)
    return Listed(order.uuid, ended)
