"""Access tokens, and the window that a press of the gateway's button opens for making one."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from appliance.simulator.envelope import Refusal, ReturnCode
from appliance.simulator.restaurant import stamp

WINDOW = timedelta(minutes=2)
"""How long after a press of the button a token may be asked for (gateway API, token generation)."""

_TOKEN_BYTES = 24  # 48 hexadecimal digits (gateway API, token generation)

_NAME = re.compile(r"[\w .-]{1,32}")
"""What a token may be called. The documentation says only that there are invalid names; the rule is an invention."""


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What the gateway knows of a token. Its text stays out of `repr`."""

    name: str
    text: str = field(repr=False)
    created: datetime
    last_used: datetime | None = None
    ip_address: str | None = None

    def fields(self) -> dict[str, object]:
        """Give the token's JSON fields, the secret among them (gateway API, token generation)."""
        return {
            "name": self.name,
            "token": self.text,
            "creation_date": stamp(self.created),
            "last_used": None if self.last_used is None else stamp(self.last_used),
            "ip_address": self.ip_address,
        }


class Tokens:
    """The tokens of one gateway and its pairing window."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._records: dict[str, TokenRecord] = {}
        self._until: datetime | None = None

    def __len__(self) -> int:
        return len(self._records)

    @property
    def window_left(self) -> float:
        """Seconds for which the pairing window is still open, 0 when it is shut."""
        if self._until is None:
            return 0.0
        return max(0.0, (self._until - self._clock()).total_seconds())

    def open_window(self) -> None:
        """Open the pairing window, or begin it anew."""
        self._until = self._clock() + WINDOW

    def shut_window(self) -> None:
        """End the pairing window."""
        self._until = None

    def make_in_window(self, name: str) -> TokenRecord:
        """Make the one token that the window is good for. Raises Refusal (-4, -3)."""
        self._check_name(name)
        if not self.window_left:
            raise Refusal(403, ReturnCode.WINDOW_EXPIRED, "Time window expired or gateway button not pressed.")
        self.shut_window()
        return self.make(name)

    def make(self, name: str) -> TokenRecord:
        """Make a token without a window. Raises Refusal (-4)."""
        self._check_name(name)
        record = TokenRecord(name, secrets.token_hex(_TOKEN_BYTES), self._clock())
        self._records[record.text] = record
        return record

    def admit(self, text: object, remote: str | None) -> TokenRecord:
        """Take a token and note its use. remote: the client's IP address. Raises Refusal (-2)."""
        record = self._records.get(text) if isinstance(text, str) else None
        if record is None:
            raise Refusal(401, ReturnCode.INVALID_TOKEN, "Invalid or deleted access token.")
        self._records[record.text] = replace(record, last_used=self._clock(), ip_address=remote)
        return record

    def admit_header(self, header: str | None, remote: str | None) -> TokenRecord:
        """Take a token from an `Authorization: Bearer TOKEN` header. Raises Refusal (-1, -2)."""
        scheme, _, text = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise Refusal(400, ReturnCode.MALFORMED_AUTHORIZATION, "Malformed authorization header.")
        return self.admit(text.strip(), remote)

    def delete_all(self) -> int:
        """Delete every token; gives how many there were."""
        count = len(self._records)
        self._records.clear()
        return count

    @staticmethod
    def _check_name(name: str) -> None:
        if not _NAME.fullmatch(name):
            raise Refusal(400, ReturnCode.TOKEN_NAME, "Invalid token name.")
