"""From a token to a live feed: retries, addresses, and the data that the box keeps meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core import machine
from appliance.core.effects import OpenFeed, ResolveGateway
from appliance.core.events import (
    ButtonDown,
    ButtonUp,
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    GatewayFound,
    GatewayLost,
    GatewayResolved,
    GatewayUnresolved,
    NetworkChanged,
    TokenNotStored,
    TokensLoaded,
    TokenStored,
)
from appliance.core.machine import begin
from appliance.core.notifications import (
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.present import present
from appliance.core.states import AwaitingPairing, Connecting, Link, Offline, Phase
from appliance.core.timers import Timer
from appliance.core.transitions import GOOD_AFTER, STALE_AFTER_DOUBT
from appliance.core.values import Address, Benchmarks, Credential, Gateway, Order, Token
from appliance.core.view import Sound
from tests.core.cases import A_MOVED, A_TWICE, CREDENTIAL, NOW, STATES, A
from tests.core.simulated_effects import Surroundings
from tests.core.test_connected import connected, live

ORDER = Order("u1", "23", elapsed=10.0)


def loaded(*, fixed: bool = False) -> Surroundings:
    """A paired box at its start, with its gateway found and resolved."""
    box = Surroundings(begin(Benchmarks(), fixed_address=fixed), now=NOW)
    box.owner[CREDENTIAL.token] = "A"
    box.tell(TokensLoaded(CREDENTIAL, None))
    if not fixed:
        box.tell(GatewayFound(A))
        box.tell(GatewayResolved(box.resolving, A))
    return box


def link(box: Surroundings) -> Link:
    assert isinstance(box.state, Connecting | Offline)
    return box.state.link


def fail(box: Surroundings, why: FeedFailure = FeedFailure.UNREACHABLE) -> None:
    box.tell(FeedLost(link(box).attempt, why))


def outage() -> Surroundings:
    """A box after the loss of its feed, whose gateway does not resolve."""
    box = live(ORDER)
    box.tell(FeedLost(connected(box).feed, FeedFailure.UNREACHABLE))
    return box


def test_the_box_connects_at_once_to_a_gateway_found_at_the_start() -> None:
    box = loaded()
    assert isinstance(box.state, Connecting)
    assert link(box).phase is Phase.OPENING
    assert link(box).trusted_until == NOW + 60


def test_the_box_connects_to_a_fixed_address_without_an_announcement() -> None:
    box = loaded(fixed=True)
    assert isinstance(box.state, Connecting)
    assert link(box).phase is Phase.RESOLVING
    box.tell(GatewayResolved(box.resolving, A))
    assert link(box).phase is Phase.OPENING
    fail(box)
    assert link(box).phase is Phase.WAITING
    assert present(box.state, box.now).view.state == "offline"


def test_the_pauses_between_attempts_grow_to_ten_seconds() -> None:
    box = outage()
    pauses = []
    for _ in range(14):
        box.tell(GatewayResolved(box.resolving, A))
        fail(box, FeedFailure.CLOSED)
        pauses.append(box.timers[Timer.RETRY] - box.now)
        box.advance(pauses[-1])
    assert pauses == pytest.approx([1, 2, 4, 8] + [10] * 10)
    box.tell(GatewayResolved(box.resolving, A))
    box.tell(FeedOpened(link(box).attempt, ()))
    box.advance(GOOD_AFTER)
    box.tell(FeedLost(connected(box).feed, FeedFailure.UNREACHABLE))
    assert link(box).failures == 0, "a good feed begins anew"


def test_the_last_address_is_tried_for_a_minute_after_a_failed_resolve() -> None:
    box = outage()
    box.advance(59)
    box.tell(GatewayUnresolved(box.resolving))
    assert link(box).phase is Phase.OPENING
    fail(box)
    box.advance(1.1)
    box.tell(GatewayUnresolved(box.resolving))
    assert link(box).phase is Phase.WAITING
    assert not box.feeds
    assert not box.state.world.gateways, "the name does not resolve to it"


def test_on_another_network_the_last_address_is_not_tried() -> None:
    box = outage()
    box.tell(NetworkChanged(("198.51.100.7",)))
    box.tell(GatewayUnresolved(box.resolving))
    assert link(box).phase is Phase.WAITING


def test_a_restored_network_ends_a_pause() -> None:
    box = outage()
    box.tell(GatewayResolved(box.resolving, A))
    fail(box)
    box.tell(NetworkChanged(()))
    assert link(box).phase is Phase.WAITING
    box.tell(NetworkChanged(("192.0.2.5",)))
    assert link(box).phase is Phase.RESOLVING


def test_a_press_ends_a_pause_and_turns_the_screen() -> None:
    box = outage()
    box.tell(GatewayResolved(box.resolving, A))
    fail(box)
    box.tell(ButtonDown())
    effects = box.tell(ButtonUp())
    assert [effect for effect in effects if isinstance(effect, ResolveGateway)]
    assert present(box.state, box.now).view.screen.words[1] == "192.0.2.5"


def test_a_gateway_that_moves_while_its_feed_opens_is_resolved_again() -> None:
    box = loaded()
    (opening,) = box.feeds
    assert not box.tell(GatewayFound(A_MOVED))
    assert box.feeds == {opening}
    fail(box)
    box.advance(1)
    box.tell(GatewayUnresolved(box.resolving))
    assert not box.feeds, "one of the two addresses is wrong"
    box.advance(2)
    effects = box.tell(GatewayResolved(box.resolving, A_MOVED))
    (opened,) = [effect for effect in effects if isinstance(effect, OpenFeed)]
    assert opened.address == A_MOVED.addresses[0]


def test_an_additional_address_does_not_interrupt_an_opening_feed() -> None:
    box = loaded()
    attempt = link(box).attempt
    more = Gateway("A", (Address("192.0.2.11"), Address("192.0.2.10")))
    assert not box.tell(GatewayFound(more))
    assert (link(box).attempt, link(box).address) == (attempt, Address("192.0.2.10"))


def test_only_after_an_unreachable_address_the_next_one_is_tried() -> None:
    box = outage()
    box.tell(GatewayResolved(box.resolving, A_TWICE))
    fail(box, FeedFailure.CLOSED)
    assert link(box).address == A_TWICE.addresses[0]
    box.advance(1)
    box.tell(GatewayResolved(box.resolving, A_TWICE))
    fail(box)
    assert link(box).address == A_TWICE.addresses[1]
    box.advance(2)
    box.tell(GatewayResolved(box.resolving, A))
    assert link(box).address == A.addresses[0]


def test_after_too_many_orders_the_box_retries_in_half_a_minute_without_a_book() -> None:
    box = outage()
    box.tell(GatewayResolved(box.resolving, A))
    assert link(box).book.held
    fail(box, FeedFailure.TOO_MUCH)
    assert not link(box).book.held
    assert box.timers[Timer.RETRY] == pytest.approx(box.now + 30)
    assert isinstance(box.state, Offline)
    assert box.state.why == "too many orders"


def test_an_outage_counts_from_its_first_moment() -> None:
    box = outage()
    began = box.now
    box.advance(5)
    box.tell(GatewayUnresolved(box.resolving))
    fail(box)
    assert isinstance(box.state, Offline)
    assert box.state.since == began


def test_orders_keep_their_ages_through_an_outage() -> None:
    box = outage()
    box.advance(50)
    box.tell(GatewayResolved(box.resolving, A))
    box.tell(FeedOpened(link(box).attempt, (replace(ORDER, elapsed=None),)))
    assert present(box.state, box.now).view.oldest == 60


def test_a_page_during_an_outage_sounds_after_the_reconnection() -> None:
    box = live(ORDER)
    box.tell(FeedNotified(connected(box).feed, (OrderPaged(replace(ORDER, paged=True)),)))
    box.tell(FeedLost(connected(box).feed, FeedFailure.UNREACHABLE))
    box.tell(GatewayResolved(box.resolving, A))
    paged = Order("u2", "7", paged=True)
    box.tell(FeedOpened(link(box).attempt, (replace(ORDER, paged=True), paged)))
    assert box.sounds == [Sound.PAGE] * 2, "also a moment after another page"
    assert present(box.state, box.now).view.screen.words[0] == "Tracker 7 paged"
    assert connected(box).world.last_page == box.now
    assert connected(box).alerted(box.now + 7.9) is not None


def proving() -> Surroundings:
    """A box with a live feed that is still writing its new token."""
    box = Surroundings(STATES["connecting, opening with a new token"], NOW)
    box.owner[Token("b" * 48)] = "A"
    box.known["A"] = set(A.addresses)
    box.feeds = {7}
    box.tell(FeedOpened(7, (replace(ORDER, paged=True),)))
    assert link(box).phase is Phase.PROMOTING
    return box


def test_notifications_during_the_write_of_a_new_token_are_kept() -> None:
    box = proving()
    box.advance(20)
    box.tell(FeedNotified(7, (OrderPaged(Order("u2", "7", paged=True)),)))
    box.advance(1)
    box.tell(FeedNotified(7, (OrderChanged(Order("u3"), created=True),)))
    box.tell(TokenStored(box.state.world.saving))
    assert set(connected(box).book.held) == {"u1", "u2", "u3"}
    assert box.sounds == [Sound.PAIRED, Sound.PAGE]
    assert present(box.state, box.now).view.screen.words[0] == "Tracker 7 paged", (
        "pages from before the pairing make no sound"
    )
    assert box.timers[Timer.STALE] == pytest.approx(box.now + STALE_AFTER_DOUBT)
    assert box.timers[Timer.REFRESH] == pytest.approx(box.now), "a page of an unknown order: the book may be wrong"
    assert connected(box).last_look == NOW


def test_a_whole_set_during_the_write_of_a_new_token_ages_from_its_arrival() -> None:
    box = proving()
    box.advance(20)
    box.tell(FeedNotified(7, (OrdersReplaced((ORDER,)),)))
    box.advance(5)
    box.tell(TokenStored(box.state.world.saving))
    assert connected(box).stale_at == NOW + 320
    assert box.timers[Timer.STALE] == pytest.approx(NOW + 320)


def test_a_move_during_the_write_of_a_new_token_causes_a_refresh_soon() -> None:
    box = proving()
    box.tell(GatewayFound(A_MOVED))
    assert link(box).trusted_until == float("-inf")
    box.advance(3)
    box.tell(TokenStored(box.state.world.saving))
    assert connected(box).gateway == A_MOVED
    assert connected(box).address == A.addresses[0]
    assert box.timers[Timer.REFRESH] == pytest.approx(NOW + 10)


def test_an_unsaved_token_is_used_and_saving_is_retried_every_minute() -> None:
    def saving(box: Surroundings) -> int:
        return box.state.world.saving

    def unsaved(box: Surroundings) -> bool:
        return box.state.world.unsaved

    box = proving()
    box.tell(TokenNotStored(saving(box)))
    connected(box)
    assert unsaved(box)
    for _ in range(2):
        box.advance(59.9)
        assert saving(box) == 0
        box.advance(0.2)
        assert saving(box) > 0
        box.tell(TokenNotStored(saving(box)))
        assert unsaved(box)
    box.advance(60.1)
    box.tell(TokenStored(saving(box)))
    assert (saving(box), unsaved(box)) == (0, False)
    assert Timer.SAVE not in box.timers


def test_the_welcome_is_shown_for_four_seconds() -> None:
    box = proving()
    box.advance(2)
    box.tell(TokenStored(box.state.world.saving))
    assert connected(box).welcome_until == box.now + 4


def test_a_pairing_forgotten_during_the_write_of_its_token_stays_forgotten() -> None:
    box = proving()
    number = box.state.world.saving
    box.tell(ButtonDown())
    box.advance(5.1)
    box.tell(ButtonUp())
    assert isinstance(box.state, AwaitingPairing)
    box.tell(TokenNotStored(number))
    assert box.state.world.credential is None
    assert not box.state.world.unsaved
    assert not box.timers


def test_a_pending_token_is_tried_before_the_proven_one() -> None:
    box = Surroundings(begin(Benchmarks()), now=NOW)
    new = Credential("A", Token("new"))
    box.owner |= {new.token: "A", CREDENTIAL.token: "A"}
    box.tell(TokensLoaded(CREDENTIAL, new))
    effects = box.tell(GatewayResolved(box.resolving, A))
    assert [effect.token for effect in effects if isinstance(effect, OpenFeed)] == [new.token]


def test_a_gateway_out_of_sight_keeps_its_feed() -> None:
    box = live(ORDER)
    box.tell(GatewayLost("A"))
    box.advance(271)
    assert connected(box).looking


def test_the_last_address_is_trusted_for_exactly_a_minute() -> None:
    state = STATES["offline, resolving"]
    assert isinstance(state, Offline)
    ends = state.link.trusted_until
    for now, phase in ((ends, Phase.OPENING), (ends + 0.01, Phase.WAITING)):
        after, _ = machine.step(state, GatewayUnresolved(state.link.attempt), now)
        assert isinstance(after, Offline)
        assert after.link.phase is phase


def test_an_address_with_the_gateways_own_name_is_tried() -> None:
    box = loaded()
    box.tell(FeedOpened(link(box).attempt, (ORDER,)))
    box.advance(GOOD_AFTER)
    box.tell(FeedLost(connected(box).feed, FeedFailure.UNREACHABLE))
    assert dict(box.state.world.names_heard) == {A.addresses[0]: "A"}
    box.tell(GatewayUnresolved(box.resolving))
    assert link(box).phase is Phase.OPENING


def test_after_many_syncs_within_an_hour_the_next_one_waits() -> None:
    box = loaded()
    kept = tuple(NOW - 600 + number for number in range(6))
    box.state = replace(box.state, world=replace(box.state.world, history_syncs=kept))
    box.tell(FeedOpened(link(box).attempt, (ORDER,)))
    assert box.timers[Timer.HISTORY] == pytest.approx(NOW - 600 + 3600)
