"""New tokens: a gateway may accept one only seconds after it issued it, and none is thrown away before that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.effects import DropPendingToken, Effect, ForgetTokens, OpenFeed, StorePendingToken, StoreToken
from appliance.core.events import (
    ButtonDown,
    ButtonUp,
    Event,
    FeedFailure,
    FeedLost,
    FeedOpened,
    GatewayFound,
    GatewayResolved,
    TokenIssued,
    TokenRefused,
    TokensLoaded,
    TokenStored,
)
from appliance.core.machine import begin
from appliance.core.present import present
from appliance.core.refusals import RETRY_PENDING
from appliance.core.states import AwaitingPairing, Connected, Connecting, Pairing, Phase, State
from appliance.core.timers import Timer
from appliance.core.transitions import GOOD_AFTER, MOST_PENDING, PAIRING_WINDOW, RECHECK_REFUSED
from appliance.core.values import Benchmarks, Credential, Token
from appliance.core.view import Sound
from tests.core.cases import CREDENTIAL, A, B
from tests.core.simulated_effects import Surroundings

NEW = Token("new")


class Box(Surroundings):
    """A box beside gateway A, which accepts the tokens in `accepted` and in the way that `header` says."""

    def __init__(self, *, current: Credential | None = None, pending: Credential | None = None) -> None:
        super().__init__(begin(Benchmarks()), now=100.0)
        self.accepted: set[Token] = set()
        self.header = False
        self.refuses_messages = False
        self.sent: list[Token] = []
        self.effects: list[Effect] = []
        for credential in (current, pending):
            if credential is not None:
                self.owner[credential.token] = credential.gateway
        self.happen(TokensLoaded(current, pending))
        self.happen(GatewayFound(A))

    def happen(self, event: Event) -> None:
        """Tell an event, and answer the effects as the gateway and the disk do."""
        pending = [event]
        while pending:
            for effect in self.tell(pending.pop(0)):
                self.effects.append(effect)
                match effect:
                    case OpenFeed(attempt, _, token, header):
                        self.sent.append(token)
                        pending.append(self.answer(attempt, token, header))
                    case StorePendingToken(number) | StoreToken(number):
                        pending.append(TokenStored(number))
            state = self.state
            link = getattr(state, "link", None)
            if not pending and link is not None and link.phase is Phase.RESOLVING:
                pending.append(GatewayResolved(link.attempt, A))

    def answer(self, attempt: int, token: Token, header: bool) -> Event:
        """What becomes of a feed. Without an answer to the header, the token follows in a message."""
        if self.header and not header:
            if self.refuses_messages:
                return TokenRefused(attempt)
            return FeedLost(attempt, FeedFailure.UNAUTHORIZED)
        return FeedOpened(attempt, (), header=self.header) if token in self.accepted else TokenRefused(attempt)

    def tap(self) -> None:
        """Press the button for a moment."""
        self.happen(ButtonDown())
        self.happen(ButtonUp())

    def pair(self, token: Token) -> None:
        """Press both buttons."""
        self.tap()
        assert isinstance(self.state, Pairing)
        self.happen(TokenIssued(self.state.attempt, A, token))

    @property
    def shown(self) -> tuple[str, tuple[str, ...]]:
        view = present(self.state, self.now).view
        return view.state, view.screen.words

    def is_in(self, kind: type[State]) -> bool:
        """Whether this is its state's type."""
        return isinstance(self.state, kind)

    def removed(self) -> list[Effect]:
        return [effect for effect in self.effects if isinstance(effect, DropPendingToken | ForgetTokens)]


@pytest.mark.parametrize("late", [0.0, 1.0, 30.0, 119.0])
@pytest.mark.parametrize("header", [False, True])
def test_a_token_that_is_accepted_later_in_the_window_needs_no_hand(late: float, header: bool) -> None:
    box = Box()
    box.header = header
    if not late:
        box.accepted.add(NEW)
    box.pair(NEW)
    if late:
        for _ in range(int(late)):
            assert box.shown == ("connecting", ("Connecting to", "A"))
            box.advance(1)
        box.accepted.add(NEW)
        box.advance(RETRY_PENDING)
    assert isinstance(box.state, Connected)
    assert box.state.world.current == Credential("A", NEW, header)
    assert box.state.world.pending is None
    assert box.sounds == [Sound.PAIRED]
    assert not box.removed()


def test_a_token_that_is_refused_beyond_the_window_is_told_once_and_tried_every_minute() -> None:
    box = Box()
    box.pair(NEW)
    box.advance(PAIRING_WINDOW + RETRY_PENDING)
    assert box.is_in(AwaitingPairing)
    assert box.sounds == [Sound.ERROR]
    sent = len(box.sent)
    box.advance(10 * RECHECK_REFUSED)
    assert len(box.sent) - sent == pytest.approx(2 * 10, abs=2), "once a minute, in both ways"
    assert box.sounds == [Sound.ERROR]
    assert not box.removed()
    box.accepted.add(NEW)
    box.advance(RECHECK_REFUSED)
    assert isinstance(box.state, Connected)
    assert box.state.world.current == Credential("A", NEW)


def test_a_new_token_is_tried_every_few_seconds_in_its_window() -> None:
    box = Box()
    box.pair(NEW)
    sent = len(box.sent)
    box.advance(60)
    assert len(box.sent) - sent == 2 * 60 / RETRY_PENDING, "in both ways"


def test_an_old_token_that_works_is_used_while_the_new_one_is_refused() -> None:
    box = Box(current=CREDENTIAL, pending=Credential("A", NEW))
    box.advance(RETRY_PENDING)
    assert box.is_in(Connecting)
    box.accepted.add(CREDENTIAL.token)
    box.advance(RETRY_PENDING)
    assert isinstance(box.state, Connected)
    assert box.state.world.pending == Credential("A", NEW), "the gateway may take it in a moment, and drop the old one"
    assert not box.removed()
    # The gateway drops the old one.
    box.accepted = {NEW}
    box.advance(GOOD_AFTER)
    box.happen(TokenRefused(box.state.feed))
    assert isinstance(box.state, Connected)
    assert box.state.world.current == Credential("A", NEW)


def test_a_new_token_that_is_refused_for_good_leaves_the_flash_once_the_old_one_was_accepted() -> None:
    box = Box(current=CREDENTIAL, pending=Credential("A", NEW))
    box.advance(PAIRING_WINDOW + RETRY_PENDING)
    assert box.is_in(AwaitingPairing)
    assert not box.removed()
    box.accepted.add(CREDENTIAL.token)
    box.advance(RECHECK_REFUSED)
    assert isinstance(box.state, Connected)
    assert box.state.world.held == (CREDENTIAL,)
    assert box.removed() == [DropPendingToken()]


def test_after_a_restart_the_new_token_is_tried_on() -> None:
    box = Box(pending=Credential("A", NEW))
    assert box.shown == ("connecting", ("Connecting to", "A"))
    box.advance(20)
    box.accepted.add(NEW)
    box.advance(RETRY_PENDING)
    assert isinstance(box.state, Connected)
    assert not box.removed()


def test_a_second_pairing_keeps_the_first_token_until_one_is_accepted() -> None:
    box = Box(current=CREDENTIAL)
    box.advance(1)
    tokens = [Token(f"new{number}") for number in range(MOST_PENDING)]
    for token in tokens:
        box.pair(token)
        box.advance(PAIRING_WINDOW + RETRY_PENDING)
    stored = [effect for effect in box.effects if isinstance(effect, StorePendingToken)][-1]
    assert (stored.credential.token, *[one.token for one in stored.earlier]) == tuple(reversed(tokens))
    assert box.state.world.held[-1] == CREDENTIAL
    box.accepted.add(tokens[0])
    box.advance(RECHECK_REFUSED)
    assert isinstance(box.state, Connected)
    assert box.state.world.held == (Credential("A", tokens[0]),)
    assert not box.removed()


def test_holding_the_button_forgets_them_all() -> None:
    box = Box(current=CREDENTIAL, pending=Credential("A", NEW))
    box.happen(ButtonDown())
    box.advance(5.1)
    box.happen(ButtonUp())
    assert box.removed() == [ForgetTokens()]
    assert box.state.world.held == ()
    box.advance(200)
    assert not box.state.world.held


def test_a_token_is_sent_in_the_header_at_once_where_the_way_is_known() -> None:
    box = Box(current=Credential("A", NEW, header=True))
    box.header = True
    box.accepted.add(NEW)
    box.advance(RECHECK_REFUSED)
    opened = [effect for effect in box.effects if isinstance(effect, OpenFeed)]
    assert {effect.header for effect in opened[-1:]} == {True}
    assert isinstance(box.state, Connected)
    box.advance(GOOD_AFTER)
    box.happen(FeedLost(box.state.feed, FeedFailure.CLOSED))
    opened = [effect for effect in box.effects if isinstance(effect, OpenFeed)]
    assert opened[-1].header
    assert isinstance(box.state, Connected)


def test_a_gateway_that_refuses_every_token_in_a_message_gets_it_in_the_header() -> None:
    box = Box()
    box.header = box.refuses_messages = True
    box.accepted.add(NEW)
    box.pair(NEW)
    assert isinstance(box.state, Connected)
    assert box.state.world.current == Credential("A", NEW, header=True)
    assert box.sounds == [Sound.PAIRED]


def test_another_way_of_a_proven_token_is_saved() -> None:
    box = Box(current=CREDENTIAL)
    box.header = True
    box.accepted.add(CREDENTIAL.token)
    box.advance(RECHECK_REFUSED)
    assert isinstance(box.state, Connected)
    saved = [effect.credential for effect in box.effects if isinstance(effect, StoreToken)]
    assert saved == [replace(CREDENTIAL, header=True)]


def test_a_gateway_that_changes_its_way_is_followed() -> None:
    box = Box(current=Credential("A", NEW, header=True))
    box.accepted.add(NEW)
    box.advance(RECHECK_REFUSED)
    assert isinstance(box.state, Connected)
    assert box.state.world.current == Credential("A", NEW, header=False)


def test_no_token_goes_the_other_way_to_an_address_that_another_name_announced() -> None:
    box = Surroundings(begin(Benchmarks()), now=100.0)
    box.owner[CREDENTIAL.token] = "A"
    box.tell(TokensLoaded(CREDENTIAL, None))
    box.find(A)
    (feed,) = box.feeds
    box.tell(GatewayFound(replace(B, addresses=A.addresses)))
    box.tell(FeedLost(feed, FeedFailure.UNAUTHORIZED))
    assert not box.feeds
    assert Timer.RETRY in box.timers
