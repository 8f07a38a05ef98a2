"""Effects: imperatives, and the machine's only output. `EffectHandlers` carries them out and answers with events."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.delivery import Finished
from appliance.core.timers import Timer
from appliance.core.updates import Action
from appliance.core.values import Address, Credential, DisplayIdentity, Gateway, Token
from appliance.core.view import Sound


@dataclass(frozen=True, slots=True)
class AskForToken:
    """Request a token from a gateway once; answered by TokenIssued or TokenDenied, however late."""

    attempt: int
    gateway: Gateway
    address: Address


@dataclass(frozen=True, slots=True)
class CheckToken:
    """Check a token with a secured GET; answered by TokenAccepted, TokenRefused or TokenUnchecked."""

    attempt: int
    address: Address
    token: Token


@dataclass(frozen=True, slots=True)
class ResolveGateway:
    """Resolve a gateway's name without any cache; answered by GatewayResolved or GatewayUnresolved.

    hoped: the address that worked last. It is worth a short wait if the first answer lacks it.
    """

    attempt: int
    name: str
    hoped: Address | None = None


@dataclass(frozen=True, slots=True)
class OpenFeed:
    """Open a feed; answered by FeedOpened, TokenRefused or FeedLost, and FeedNotified in between.

    header: send the token in the header of the handshake, and not in the first message.
    """

    attempt: int
    address: Address
    token: Token
    header: bool = False


@dataclass(frozen=True, slots=True)
class CloseFeed:
    """Close a feed, and send no more events of it."""

    attempt: int


@dataclass(frozen=True, slots=True)
class StorePendingToken:
    """Write an unproven token to flash beside the old one; answered by TokenStored or TokenNotStored.

    earlier: older unproven tokens, which stay on flash too.
    """

    attempt: int
    credential: Credential
    earlier: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreToken:
    """Replace the token on flash with this proven one; answered like StorePendingToken."""

    attempt: int
    credential: Credential


@dataclass(frozen=True, slots=True)
class DropPendingToken:
    """Remove the unproven tokens from flash: the gateway refused them, and accepted the proven one."""


@dataclass(frozen=True, slots=True)
class ForgetTokens:
    """Remove every token from flash."""


@dataclass(frozen=True, slots=True)
class KeepDisplayDriver:
    """Keep on flash which driver a person chose for this display, or that nobody chose one. Unanswered."""

    display: DisplayIdentity


@dataclass(frozen=True, slots=True)
class RequestAction:
    """Ask the card's system for an action that needs root. Unanswered; a status file shows what comes of it."""

    action: Action


@dataclass(frozen=True, slots=True)
class SyncHistory:
    """Bring the archive up to date with the gateway's history; answered by HistorySynced or HistorySyncFailed.

    gateway: the name that the token belongs to. day: the day whose figures are wanted; None for the latest. seen:
    orders that the feed reported and the archive does not hold yet. requested: for a report, which needs all that the
    gateway has.
    """

    attempt: int
    gateway: str
    address: Address
    token: Token
    day: int | None
    seen: tuple[Finished, ...]
    requested: bool = False


@dataclass(frozen=True, slots=True)
class StopHistorySync:
    """Stop a history sync; the archive keeps what it holds."""

    attempt: int


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Start a timer, or move it if it runs. delay: seconds. jitter: shorten the delay by up to a fifth, at random."""

    timer: Timer
    delay: float
    jitter: bool = False


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Stop a timer, if it runs."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class MakeSound:
    """Start a sound, replacing one that still sounds."""

    sound: Sound


HandledEffect = (
    AskForToken
    | CheckToken
    | ResolveGateway
    | OpenFeed
    | CloseFeed
    | StorePendingToken
    | StoreToken
    | DropPendingToken
    | ForgetTokens
    | KeepDisplayDriver
    | RequestAction
    | SyncHistory
    | StopHistorySync
    | StartTimer
    | StopTimer
)
"""The effects that `EffectHandlers` carries out: all but sounds, which the panel makes."""
Effect = HandledEffect | MakeSound
