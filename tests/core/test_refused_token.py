"""A refused token: the state that follows fits the gateways in sight, and a person always has a way out."""

from __future__ import annotations

import pytest

from appliance.core.events import (
    ButtonDown,
    ButtonUp,
    FeedFailure,
    FeedLost,
    FeedOpened,
    GatewayFound,
    GatewayLost,
    GatewayResolved,
    GatewayUnresolved,
    TokenRefused,
    TokenUnchecked,
)
from appliance.core.present import present
from appliance.core.states import AwaitingPairing, Connected, Connecting, Offline, Pairing, Phase
from appliance.core.timers import Timer
from appliance.core.transitions import HURRY_EVERY, RECHECK_REFUSED
from appliance.core.values import Token
from appliance.core.view import Sound
from tests.core.cases import CREDENTIAL, NOW, STATES, A, B
from tests.core.simulated_effects import Surroundings
from tests.core.test_connected import connected, live


def shown(box: Surroundings) -> tuple[str, str | None, tuple[str, ...]]:
    view = present(box.state, box.now).view
    return view.state, view.reason, view.screen.words


def tap(box: Surroundings) -> None:
    box.tell(ButtonDown())
    box.tell(ButtonUp())


def refused_out_of_sight() -> Surroundings:
    """Connected, then the gateway goes out of sight, and then it refuses the token."""
    box = live()
    box.tell(GatewayLost("A"))
    box.tell(TokenRefused(connected(box).feed))
    return box


def refuse(box: Surroundings) -> None:
    """The gateway refuses the token on the feed that opens."""
    (feed,) = box.feeds
    box.tell(TokenRefused(feed))


def offline(box: Surroundings) -> Offline:
    assert isinstance(box.state, Offline)
    return box.state


def test_in_sight_a_press_pairs_again() -> None:
    box = live()
    box.tell(TokenRefused(connected(box).feed))
    assert shown(box)[:2] == ("awaiting_pairing", "token refused")
    assert box.sounds == [Sound.ERROR]
    assert box.state.world.current == CREDENTIAL, "the old token stays until a new one is accepted"
    tap(box)
    assert isinstance(box.state, Pairing)


def test_a_cancelled_pairing_shows_the_refusal_again() -> None:
    box = live()
    box.tell(TokenRefused(connected(box).feed))
    tap(box)
    tap(box)
    assert shown(box)[:2] == ("awaiting_pairing", "token refused")
    tap(box)
    box.advance(121)
    assert shown(box)[:2] == ("awaiting_pairing", "window over")
    assert Timer.RETRY in box.timers, "the old token is retried"


def test_out_of_sight_the_box_is_offline_with_a_reason() -> None:
    box = refused_out_of_sight()
    state, reason, words = shown(box)
    assert (state, reason) == ("offline", "token refused")
    assert words == ("OFFLINE", "for <1 min", "Gateway revoked pairing", "Looking to pair again", "Gateway: A")
    assert box.sounds == [Sound.ERROR]
    assert box.state.world.current == CREDENTIAL


def test_out_of_sight_the_old_token_is_tried_after_a_minute() -> None:
    box = refused_out_of_sight()
    box.advance(RECHECK_REFUSED - 0.1)
    assert offline(box).link.phase is Phase.WAITING
    box.advance(0.2)
    assert offline(box).link.phase is Phase.RESOLVING
    box.tell(GatewayResolved(box.resolving, A))
    (feed,) = box.feeds
    box.tell(FeedOpened(feed, ()))
    assert isinstance(box.state, Connected)


def test_a_refusing_gateway_back_in_sight_can_be_paired() -> None:
    box = refused_out_of_sight()
    box.tell(GatewayFound(A))
    box.tell(GatewayResolved(box.resolving, A))
    refuse(box)
    assert shown(box)[0] == "awaiting_pairing"
    tap(box)
    assert isinstance(box.state, Pairing)


def test_out_of_sight_a_press_looks_for_the_gateway_at_once() -> None:
    box = refused_out_of_sight()
    tap(box)
    box.tell(GatewayResolved(box.resolving, A))
    refuse(box)
    assert shown(box)[:2] == ("awaiting_pairing", "token refused")


def test_a_refusing_gateway_out_of_sight_is_unreachable() -> None:
    box = refused_out_of_sight()
    box.advance(RECHECK_REFUSED + 0.1)
    box.tell(GatewayUnresolved(box.resolving))
    assert shown(box)[:2] == ("offline", "gateway unreachable")
    assert not box.feeds, "the token is not sent to an address that its gateway no longer announces"


def test_another_gateway_in_sight_is_offered_instead() -> None:
    box = live()
    box.tell(GatewayFound(B))
    box.tell(GatewayLost("A"))
    box.tell(TokenRefused(connected(box).feed))
    state, reason, words = shown(box)
    assert (state, reason) == ("offline", "another gateway is here")
    assert words[2:4] == ("Found only B", "To pair anew: hold 5 s")
    box.tell(ButtonDown())
    box.advance(5.1)
    box.tell(ButtonUp())
    assert isinstance(box.state, AwaitingPairing)
    assert box.state.world.credential is None


def test_a_refusal_keeps_the_start_of_the_outage() -> None:
    box = live()
    box.tell(GatewayLost("A"))
    box.tell(FeedLost(connected(box).feed, FeedFailure.UNREACHABLE))
    began = offline(box).since
    box.advance(5)
    box.tell(GatewayUnresolved(box.resolving))
    refuse(box)
    assert shown(box)[1] == "token refused"
    assert offline(box).since == began


def test_a_refused_new_token_out_of_sight_is_tried_again_every_minute() -> None:
    box = Surroundings(STATES["connecting, opening with a new token, out of sight"], NOW)
    box.owner[Token("b" * 48)] = "A"
    box.known["A"] = set(A.addresses)
    box.feeds = {7}
    refuse(box)
    assert shown(box)[0] == "connecting", "in the header it may be accepted"
    refuse(box)
    assert shown(box)[:2] == ("offline", "token refused")
    assert box.timers[Timer.RETRY] == box.now + RECHECK_REFUSED


@pytest.mark.parametrize("ends", [True, False])
def test_a_pairing_that_ends_out_of_sight_leaves_the_box_offline(ends: bool) -> None:
    box = live()
    box.tell(GatewayFound(B))
    box.tell(TokenRefused(connected(box).feed))
    tap(box)
    box.tell(GatewayLost("A"))
    if ends:
        box.advance(121)
    else:
        tap(box)
    assert shown(box)[:2] == ("offline", "another gateway is here")


def test_a_token_accepted_again_connects_without_a_press() -> None:
    box = live()
    box.tell(TokenRefused(connected(box).feed))
    for _ in range(2):
        box.advance(RECHECK_REFUSED + 0.1)
        assert isinstance(box.state, AwaitingPairing)
        box.tell(GatewayResolved(box.resolving, A))
        refuse(box)
        assert isinstance(box.state, AwaitingPairing)
        assert box.state.link is None
    box.advance(RECHECK_REFUSED + 0.1)
    box.tell(GatewayResolved(box.resolving, A))
    (feed,) = box.feeds
    box.tell(FeedOpened(feed, ()))
    connected(box)
    assert box.sounds == [Sound.ERROR], "the tries make no sound"


def test_a_try_with_a_refused_token_ends_when_somebody_presses() -> None:
    box = live()
    box.tell(TokenRefused(connected(box).feed))
    box.advance(RECHECK_REFUSED + 0.1)
    box.tell(GatewayResolved(box.resolving, A))
    assert box.feeds
    tap(box)
    assert isinstance(box.state, Pairing)
    assert not box.feeds


@pytest.mark.parametrize("why", FeedFailure)
def test_a_failed_try_with_a_refused_token_changes_nothing_on_the_display(why: FeedFailure) -> None:
    box = live()
    box.tell(TokenRefused(connected(box).feed))
    before = shown(box)
    box.advance(RECHECK_REFUSED + 0.1)
    tried = box.now - 0.1
    box.tell(GatewayResolved(box.resolving, A))
    for _ in range(2):
        for feed in tuple(box.feeds):
            box.tell(FeedLost(feed, why))
        if isinstance(box.state, AwaitingPairing) and box.state.link is not None:
            box.tell(TokenUnchecked(box.state.link.attempt))
        assert shown(box) == before
    assert box.timers[Timer.RETRY] == pytest.approx(tried + RECHECK_REFUSED)
    assert box.sounds == [Sound.ERROR]


def test_a_refusal_is_heard_once_until_a_feed_was_live_or_somebody_pressed() -> None:
    box = live()
    box.tell(TokenRefused(connected(box).feed))
    for _ in range(3):
        box.tell(GatewayLost("A"))
        box.advance(HURRY_EVERY)
        box.find(A)
        refuse(box)
        assert isinstance(box.state, AwaitingPairing)
    assert box.sounds == [Sound.ERROR]
    tap(box)
    tap(box)
    box.tell(GatewayLost("A"))
    box.advance(HURRY_EVERY)
    box.find(A)
    refuse(box)
    assert box.sounds == [Sound.ERROR] * 2


def close_early(box: Surroundings) -> None:
    """The feed that opens closes without a word, and HTTP refuses its token."""
    (feed,) = box.feeds
    box.tell(FeedLost(feed, FeedFailure.CLOSED_EARLY))
    assert isinstance(box.state, Connecting | Offline)
    box.tell(TokenRefused(box.state.link.attempt))


def test_http_alone_is_believed_the_third_time() -> None:
    box = Surroundings(STATES["connecting, opening"], NOW)
    box.owner[CREDENTIAL.token] = "A"
    box.known["A"] = set(A.addresses)
    box.feeds = {7}
    for _ in range(2):
        close_early(box)
        assert shown(box)[:2] == ("offline", "feed refused")
        box.advance(2)
        box.tell(GatewayResolved(box.resolving, A))
    close_early(box)
    assert shown(box)[:2] == ("awaiting_pairing", "token refused")
    assert box.sounds == [Sound.ERROR]


def test_a_feed_that_opens_after_all_is_used_whatever_http_says() -> None:
    box = Surroundings(STATES["connecting, opening"], NOW)
    box.owner[CREDENTIAL.token] = "A"
    box.known["A"] = set(A.addresses)
    box.feeds = {7}
    close_early(box)
    box.advance(1)
    box.tell(GatewayResolved(box.resolving, A))
    (feed,) = box.feeds
    box.tell(FeedOpened(feed, ()))
    connected(box)
    assert not box.sounds
