"""Access tokens, and the pairing window that a press of the gateway's button opens."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from appliance.simulator.envelope import Refusal, ReturnCode
from appliance.simulator.restaurant import stamp

WINDOW = timedelta(minutes=2)
"""Length of the pairing window (gateway API, token generation)."""

_TOKEN_BYTES = 24  # 48 hexadecimal digits (gateway API, token generation)

_NAME = re.compile(r"[\w .-]{1,32}")
"""Valid token names. The documentation only mentions invalid names; the rule is an invention."""


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token and its metadata. The secret text is not in `repr`."""

    name: str
    text: str = field(repr=False)
    created: datetime
    last_used: datetime | None = None
    ip_address: str | None = None

    def fields(self) -> dict[str, object]:
        """The JSON fields, including the secret (gateway API, token generation)."""
        return {
            "name": self.name,
            "token": self.text,
            "creation_date": stamp(self.created),
            "last_used": None if self.last_used is None else stamp(self.last_used),
            "ip_address": self.ip_address,
        }


class Tokens:
    """The tokens of one gateway, and its pairing window. accepts_any: every text is a token of it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.accepts_any = False
        self._clock = clock
        self._records: dict[str, TokenRecord] = {}
        self._until: datetime | None = None

    def __len__(self) -> int:
        return len(self._records)

    @property
    def window_left(self) -> float:
        """Seconds until the pairing window closes; 0 if it is closed."""
        if self._until is None:
            return 0.0
        return max(0.0, (self._until - self._clock()).total_seconds())

    def open_window(self) -> None:
        """Open the pairing window, or restart it."""
        self._until = self._clock() + WINDOW

    def shut_window(self) -> None:
        """Close the pairing window."""
        self._until = None

    def make_in_window(self, name: str) -> TokenRecord:
        """Create a token and close the pairing window. Raises Refusal (-4, -3)."""
        self._check_name(name)
        if not self.window_left:
            raise Refusal(403, ReturnCode.WINDOW_EXPIRED, "Time window expired or gateway button not pressed.")
        self.shut_window()
        return self.make(name)

    def make(self, name: str) -> TokenRecord:
        """Create a token, whether or not the window is open. Raises Refusal (-4)."""
        self._check_name(name)
        record = TokenRecord(name, secrets.token_hex(_TOKEN_BYTES), self._clock())
        self._records[record.text] = record
        return record

    def admit(self, text: object, remote: str | None) -> TokenRecord:
        """Check a token and record its use. remote: the client's IP address. Raises Refusal (-2)."""
        record = self._records.get(text) if isinstance(text, str) else None
        if record is None and self.accepts_any and isinstance(text, str) and text:
            record = TokenRecord("default", text, self._clock())
        if record is None:
            raise Refusal(401, ReturnCode.INVALID_TOKEN, "Invalid or deleted access token.")
        self._records[record.text] = replace(record, last_used=self._clock(), ip_address=remote)
        return record

    def admit_header(self, header: str | None, remote: str | None) -> TokenRecord:
        """Check the token of an `Authorization: Bearer TOKEN` header. Raises Refusal (-1, -2)."""
        scheme, _, text = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise Refusal(400, ReturnCode.MALFORMED_AUTHORIZATION, "Malformed authorization header.")
        return self.admit(text.strip(), remote)

    def delete_all(self) -> int:
        """Delete all tokens; their number."""
        count = len(self._records)
        self._records.clear()
        return count

    @staticmethod
    def _check_name(name: str) -> None:
        if not _NAME.fullmatch(name):
            raise Refusal(400, ReturnCode.TOKEN_NAME, "Invalid token name.")
