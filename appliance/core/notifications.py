"""Notifications: the content of one message of a feed (gateway API, WebSocket)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.values import NONE_UNREADABLE, Order, Unreadable


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """ORDER_CREATED or ORDER_MODIFIED: the order as it is now.

    created: whether the gateway called the order new. seq: the notification's number, if it has one.
    """

    order: Order
    created: bool = False
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class OrderPaged:
    """ORDER_PAGED: the order as it is now; its tracker was paged."""

    order: Order
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class OrdersReplaced:
    """ACTIVE_ORDERS: the whole set. unreadable: its unreadable orders, which are not among `orders`."""

    orders: tuple[Order, ...]
    unreadable: Unreadable = NONE_UNREADABLE


@dataclass(frozen=True, slots=True)
class MessageUnusable:
    """An unreadable message or an invalid order; its number is read all the same."""

    seq: int | None = None


@dataclass(frozen=True, slots=True)
class MessageIgnored:
    """A well-formed message of an unknown type; it counts in `seq`.

    mentions: its texts that may be uuids of orders. unspecific: its type speaks of orders or of clearing, and it names
    none by `uuid`.
    """

    seq: int | None = None
    kind: str = ""
    mentions: tuple[str, ...] = ()
    unspecific: bool = False


Notification = OrdersReplaced | OrderChanged | OrderPaged | MessageUnusable | MessageIgnored
"""The content of one message of a feed."""
