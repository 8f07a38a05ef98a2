"""The JSON envelope of every response, and its return codes (gateway API, API code glossary)."""

from __future__ import annotations

from enum import IntEnum


class ReturnCode(IntEnum):
    """Positive for success, negative for an error."""

    TOKEN_MADE = 2
    ACTIVE_ORDERS = 5
    ACTIVE_ORDER = 6
    MALFORMED_AUTHORIZATION = -1
    INVALID_TOKEN = -2
    WINDOW_EXPIRED = -3
    TOKEN_NAME = -4
    UNAVAILABLE = -5
    ORDER_NOT_FOUND = -6
    LIMIT = -23
    OFFSET = -24
    DATE = -25
    INVALID_JSON = -31
    TOKEN_TIMEOUT = -32

    # Inventions: the documentation has no numbers for these.
    ONLINE = 1
    ORDERS = 7
    STATISTICS = 8
    ORDER_PAGED = 1003
    ORDER_CLEARED = 1004
    INVALID_TARGET = -26


def envelope(status: int, code: ReturnCode, **fields: object) -> dict[str, object]:
    """A response body with these fields. status: the HTTP status, repeated in the body (gateway API, errors)."""
    return {"status": status, "returnCode": int(code), **fields}


class Refusal(Exception):
    """An error response: HTTP status, return code and message."""

    def __init__(self, status: int, code: ReturnCode, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def envelope(self) -> dict[str, object]:
        """The response body."""
        return envelope(self.status, self.code, message=self.message)
