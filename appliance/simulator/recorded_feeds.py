"""How a recorded gateway treated the feeds that were opened: whether it let them in, and what it said. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from appliance.recording.entries import Close, Entry, FeedEnded, FeedTried, Handshake, Message
from appliance.simulator.recorded_orders import WHOLE_SET, parse


class Outcome(Enum):
    """What the gateway does with a new feed."""

    LET_IN = auto()
    CLOSED = auto()
    """The gateway takes the token, says something or nothing, and closes."""
    REFUSED = auto()
    """It answers the handshake with an HTTP error."""
    UNREACHABLE = auto()
    """Nobody answers."""


@dataclass(slots=True)
class FeedAttempt:
    """One feed that the recorder opened, and its outcome. header: with the token in the handshake."""

    header: bool
    handshake: Handshake | None = None
    messages: list[Message] = field(default_factory=list)
    close: Close | None = None
    ended: FeedEnded | None = None

    @property
    def outcome(self) -> Outcome:
        """What the gateway did with it."""
        if self.handshake is None:
            return Outcome.UNREACHABLE
        if self.handshake.status != 101:
            return Outcome.REFUSED
        return Outcome.LET_IN if any(map(_is_whole_set, self.messages)) or self.ended is None else Outcome.CLOSED


class RecordedFeeds:
    """Follows a recording: `take` its entries in turn.

    now: the attempt whose outcome a new feed has. waits: a new feed has to wait, because the recorder's own has no
    whole set yet, or none any more.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._attempts = _attempts(entries)
        first = next(iter(self._attempts.values()), None)
        self.now = first or FeedAttempt(False, Handshake(at=0.0, feed=0, status=101))
        self.waits = bool(self._attempts)
        let_in = [one for one in self._attempts.values() if one.outcome is Outcome.LET_IN]
        refused = [one for one in self._attempts.values() if one.outcome is Outcome.REFUSED and not one.header]
        self._needs_header = refused[0] if refused and let_in and all(one.header for one in let_in) else None

    def is_answered(self, entry: Entry) -> bool:
        """Whether an entry is the attempt to open a feed that the gateway answered."""
        return isinstance(entry, FeedTried) and self._attempts[entry.feed].outcome is not Outcome.UNREACHABLE

    def take(self, entry: Entry) -> None:
        """Go on to an entry."""
        match entry:
            case FeedTried():
                self.now = self._attempts[entry.feed]
            case Message() if _is_whole_set(entry):
                self.waits = False
            case Close() | FeedEnded() if self.is_end_of_live_feed(entry):
                # The next attempt shows how it went on.
                later = [one for number, one in self._attempts.items() if number > entry.feed]
                self.now = later[0] if later else self.now
                self.waits = True
            case _:
                pass

    def is_end_of_live_feed(self, entry: Entry) -> bool:
        """Whether an entry ends a feed that the gateway had let in: its close frame, or its end without one."""
        if not isinstance(entry, Close | FeedEnded):
            return False
        one = self._attempts.get(entry.feed)
        closed = one is not None and one.close is not None
        return one is not None and one.outcome is Outcome.LET_IN and (isinstance(entry, Close) or not closed)

    def attempt_for(self, header: bool) -> FeedAttempt:
        """The attempt whose outcome a new feed has now. header: it has the token in the handshake."""
        if not header and self._needs_header is not None and self.now.outcome is Outcome.LET_IN:
            return self._needs_header
        return self.now


def _is_whole_set(message: Message) -> bool:
    return str((parse(message.data) or {}).get("type")).strip().upper() == WHOLE_SET


def _attempts(entries: Iterable[Entry]) -> dict[int, FeedAttempt]:
    """The attempts by the numbers of their feeds, in order of time."""
    attempts: dict[int, FeedAttempt] = {}
    for entry in entries:
        match entry:
            case FeedTried():
                attempts[entry.feed] = FeedAttempt(entry.header)
            case Handshake() if entry.feed in attempts:
                attempts[entry.feed].handshake = entry
            case Message() if entry.feed in attempts:
                attempts[entry.feed].messages.append(entry)
            case Close() if entry.feed in attempts:
                attempts[entry.feed].close = entry
            case FeedEnded() if entry.feed in attempts:
                attempts[entry.feed].ended = entry
            case _:
                pass
    return attempts
