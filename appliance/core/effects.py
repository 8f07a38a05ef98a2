"""What shall be done, in the imperative. EffectHandlers do what effects ask for, and answer with events."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.delivery import Finished
from appliance.core.events import Timer
from appliance.core.values import Address, Credential, Gateway, Token
from appliance.core.view import Sound


@dataclass(frozen=True, slots=True)
class AskForToken:
    """Ask a gateway once for a token; answered by TokenIssued or TokenDenied, however late."""

    attempt: int
    gateway: Gateway
    address: Address


@dataclass(frozen=True, slots=True)
class CheckToken:
    """Try a token with a secured GET; answered by TokenAccepted, TokenRefused or TokenUnchecked."""

    attempt: int
    address: Address
    token: Token


@dataclass(frozen=True, slots=True)
class ResolveGateway:
    """Ask for a gateway's name afresh, past every cache; answered by GatewayResolved or GatewayUnresolved."""

    attempt: int
    name: str


@dataclass(frozen=True, slots=True)
class OpenFeed:
    """Open a feed; answered by FeedOpened, TokenRefused or FeedLost, and FeedNotified in between."""

    attempt: int
    address: Address
    token: Token


@dataclass(frozen=True, slots=True)
class CloseFeed:
    """Close a feed, and say no more of it."""

    attempt: int


@dataclass(frozen=True, slots=True)
class StorePendingToken:
    """Write a token that is not proven yet beside the old one; answered by TokenStored or TokenNotStored."""

    attempt: int
    credential: Credential


@dataclass(frozen=True, slots=True)
class StoreToken:
    """Make this proven token the one on flash, in place of an older one; answered like StorePendingToken."""

    attempt: int
    credential: Credential


@dataclass(frozen=True, slots=True)
class DropPendingToken:
    """Remove the pending token from flash: the gateway would not have it."""


@dataclass(frozen=True, slots=True)
class ForgetTokens:
    """Remove every token from flash."""


@dataclass(frozen=True, slots=True)
class SyncHistory:
    """Bring the archive up to date with what the gateway still knows; answered by HistorySynced or HistorySyncFailed.

    gateway: whose token this is. day: the one whose figures are wanted, None for the latest there is. seen: what the
    feed told and the archive does not hold yet.
    """

    attempt: int
    gateway: str
    address: Address
    token: Token
    day: int | None
    seen: tuple[Finished, ...]


@dataclass(frozen=True, slots=True)
class StopHistorySync:
    """Ask the gateway for no more of it; what is in the archive stays there."""

    attempt: int


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Start a timer, or move it if it runs. delay: seconds. jitter: let it come sooner by up to a fifth, by chance."""

    timer: Timer
    delay: float
    jitter: bool = False


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Stop a timer; no harm if it does not run."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class MakeSound:
    """Start a sound, in place of one that still sounds."""

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
    | SyncHistory
    | StopHistorySync
    | StartTimer
    | StopTimer
)
"""What is done beside the loop: all but the sounds."""
Effect = HandledEffect | MakeSound
