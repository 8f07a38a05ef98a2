"""HTTP calls that request a token and check one. Source: gateway API, access token and authentication."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from appliance.core.events import Denial
from appliance.core.values import Address, Token
from appliance.gateway.http import Answer, NoAnswerError, UnreadableAnswerError, get
from appliance.gateway.wire import (
    INVALID_TOKEN,
    MALFORMED_AUTHORIZATION,
    TOKEN_TIMEOUT,
    WINDOW_CLOSED,
    Envelope,
    read_envelope,
    read_token,
)

TOKEN_DEADLINE = 60.0
"""Seconds for a token request. It is generous, because giving up before a 201 arrives loses the token."""
CHECK_DEADLINE = 10.0
"""Seconds for a token check, which is safe to repeat."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The gateway issued no token. message: its error message, for the log."""

    why: Denial
    message: str


class Verdict(Enum):
    """The result of checking a token with an authenticated call."""

    ACCEPTED = auto()
    REFUSED = auto()
    UNKNOWN = auto()


async def ask_for_token(address: Address) -> Token | Denied:
    """Request a token once; the gateway issues one for two minutes after its button was pressed."""
    try:
        answer = await get(address, "/api/v2/accesstoken/generate", TOKEN_DEADLINE)
    except UnreadableAnswerError as error:
        return Denied(Denial.UNREADABLE, str(error))
    except NoAnswerError as error:
        return Denied(Denial.UNREACHABLE, str(error))
    token = read_token(answer.body) if 200 <= answer.status < 300 else None
    if token is not None:
        return token
    envelope = read_envelope(answer.body)
    if envelope.return_code in (WINDOW_CLOSED, TOKEN_TIMEOUT):
        return Denied(Denial.NOT_PRESSED, envelope.message)
    if envelope.return_code is None and answer.status < 500 and answer.status not in (401, 403):
        return Denied(Denial.UNREADABLE, f"HTTP {answer.status} without a return code")
    return Denied(Denial.REFUSED, f"HTTP {answer.status}, returnCode {envelope.return_code}: {envelope.message}")


async def check_token(address: Address, token: Token) -> Verdict:
    """Check a token with an authenticated GET of the active orders, which changes nothing."""
    try:
        answer = await get(address, "/api/v2/activeorders", CHECK_DEADLINE, token, read_success=False)
    except NoAnswerError:
        return Verdict.UNKNOWN
    if 200 <= answer.status < 300:
        return Verdict.ACCEPTED
    return Verdict.REFUSED if refuses_token(read_envelope(answer.body), answer) else Verdict.UNKNOWN


def refuses_token(envelope: Envelope, answer: Answer | None = None) -> bool:
    """Whether an error rejects the token. The HTTP status counts only if there is no return code."""
    if envelope.return_code is not None:
        return envelope.return_code in (INVALID_TOKEN, MALFORMED_AUTHORIZATION)
    return answer is not None and answer.status in (401, 403)
