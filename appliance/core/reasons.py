"""Why a state is what it is: the values of `reason` in the headless panel's lines."""

from __future__ import annotations

NO_NETWORK = "no network"
GATEWAY_UNREACHABLE = "gateway unreachable"
HOST_NOT_FOUND = "host not found"
OTHER_GATEWAY = "another gateway is here"
FEED_REFUSED = "feed refused"
GATEWAY_UNREADABLE = "unreadable answer"
TOO_MANY_ORDERS = "too many orders"
TOKEN_REFUSED = "token refused"
TOKEN_UNREADABLE = "token unreadable"
WINDOW_OVER = "window over"
CONFIRM = "confirm the gateway"
