"""The HTTP calls: asking for a token, and trying one. Facts: gateway API, access token and authentication."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from appliance.core.events import Denial
from appliance.core.values import Address, Token
from appliance.gateway.http import Answer, NoAnswerError, get
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
"""Seconds for a request for a token. Generous: an answer of 201 that nobody waits for is a token lost."""
CHECK_DEADLINE = 10.0
"""Seconds for the trial of a token, which spends nothing."""


@dataclass(frozen=True, slots=True)
class Denied:
    """No token. words: the gateway's own, for the log."""

    why: Denial
    words: str


class Verdict(Enum):
    """What a secured call says of a token."""

    ACCEPTED = auto()
    REFUSED = auto()
    UNKNOWN = auto()


async def ask_for_token(address: Address) -> Token | Denied:
    """Ask once (GET accesstoken/generate): a token within two minutes of a press of the gateway's button."""
    try:
        answer = await get(address, "/api/v2/accesstoken/generate", TOKEN_DEADLINE)
    except NoAnswerError as error:
        return Denied(Denial.UNREACHABLE, str(error))
    token = read_token(answer.body) if 200 <= answer.status < 300 else None
    if token is not None:
        return token
    envelope = read_envelope(answer.body)
    if envelope.return_code in (WINDOW_CLOSED, TOKEN_TIMEOUT):
        return Denied(Denial.NOT_PRESSED, envelope.words)
    return Denied(Denial.REFUSED, f"HTTP {answer.status}, returnCode {envelope.return_code}: {envelope.words}")


async def check_token(address: Address, token: Token) -> Verdict:
    """Try a token with a secured GET that changes nothing (active orders)."""
    try:
        answer = await get(address, "/api/v2/activeorders", CHECK_DEADLINE, token, read_success=False)
    except NoAnswerError:
        return Verdict.UNKNOWN
    if 200 <= answer.status < 300:
        return Verdict.ACCEPTED
    return Verdict.REFUSED if refuses_token(read_envelope(answer.body), answer) else Verdict.UNKNOWN


def refuses_token(envelope: Envelope, answer: Answer | None = None) -> bool:
    """Whether an error is about the token. The return code decides; the HTTP status only where there is none."""
    if envelope.return_code is not None:
        return envelope.return_code in (INVALID_TOKEN, MALFORMED_AUTHORIZATION)
    return answer is not None and answer.status in (401, 403)
