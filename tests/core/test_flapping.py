"""Feeds, announcements and networks that come and go: the box reconnects slowly, and its display does not flicker."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.core import texts
from appliance.core.effects import OpenFeed, ResolveGateway
from appliance.core.events import (
    ButtonDown,
    ButtonUp,
    Event,
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    GatewayFound,
    GatewayLost,
    GatewayResolved,
    NetworkChanged,
    TimerFired,
    TokenRefused,
    TokensLoaded,
    TokenUnchecked,
)
from appliance.core.machine import begin
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.present import present
from appliance.core.states import AwaitingPairing, Connected, Offline, Phase
from appliance.core.transitions import GOOD_AFTER, STALE_AFTER_DOUBT
from appliance.core.values import Benchmarks, Order
from appliance.core.view import Sound
from tests.core.cases import A_MOVED, CREDENTIAL, A
from tests.core.simulated_effects import Surroundings

ORDER = Order("u1", "23")
LASTS = 120
"""Seconds of flapping."""


def paired(*, fixed: bool = False) -> Surroundings:
    box = Surroundings(begin(Benchmarks(), fixed_address=fixed), now=100.0)
    box.owner[CREDENTIAL.token] = "A"
    box.tell(TokensLoaded(CREDENTIAL, None))
    return box


class Flapping:
    """A box and a gateway whose feeds end after some seconds, or do not open.

    opened: when feeds were opened. changes: when the display changed.
    """

    def __init__(self, box: Surroundings, lives: float, end: Callable[[int], Event], *, opens: bool = True) -> None:
        self.box, self.lives, self.end, self.opens = box, lives, end, opens
        self.opened: list[float] = []
        self.changes: list[float] = []
        self._dies: dict[int, float] = {}
        self._shown = self.shown

    @property
    def shown(self) -> tuple[str, str | None]:
        view = present(self.box.state, self.box.now).view
        return view.state, view.reason

    def tell(self, event: Event) -> None:
        for effect in self.box.tell(event):
            if isinstance(effect, OpenFeed):
                self.opened.append(self.box.now)
                self._dies[effect.attempt] = self.box.now + self.lives
                if self.opens:
                    self.tell(FeedOpened(effect.attempt, (ORDER,)))
            elif isinstance(effect, ResolveGateway):
                self.tell(GatewayResolved(effect.attempt, A))
        if isinstance(event, GatewayFound) and self.box.resolving >= 0:
            # Since before this flapping began.
            self.tell(GatewayResolved(self.box.resolving, event.gateway))
        if self.shown != self._shown:
            self._shown = self.shown
            self.changes.append(self.box.now)

    def run(self, seconds: float, every: float = 0.05, event: Callable[[], Event | None] = lambda: None) -> None:
        """Let time pass; feeds end, timers fire, and an event comes each time."""
        box, ends = self.box, self.box.now + seconds
        while box.now < ends:
            for attempt, at in list(self._dies.items()):
                if box.now >= at:
                    del self._dies[attempt]
                    if attempt in box.feeds:
                        self.tell(self.end(attempt))
            for timer, due in list(box.timers.items()):
                if due <= box.now and timer in box.timers:
                    self.tell(TimerFired(timer))
            if (happened := event()) is not None:
                self.tell(happened)
            box.now += every


def lost(attempt: int) -> Event:
    return FeedLost(attempt, FeedFailure.CLOSED)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("lives", [0.0, 0.3, GOOD_AFTER - 0.5])
def test_a_feed_that_dies_young_is_reopened_ever_more_slowly_and_shown_no_more(fixed: bool, lives: float) -> None:
    flapping = Flapping(paired(fixed=fixed), lives, lost)
    flapping.tell(GatewayFound(A))
    flapping.run(LASTS)
    assert len(flapping.opened) <= 5 + LASTS / (8 + lives), "the back-off reaches ten seconds, less its jitter"
    assert len(flapping.changes) <= 4, flapping.changes
    assert flapping.shown == ("offline", "feed refused")


@pytest.mark.parametrize("why", [why for why in FeedFailure if why is not FeedFailure.TOO_MUCH])
def test_every_way_of_failing_backs_off(why: FeedFailure) -> None:
    flapping = Flapping(paired(), 0.0, lambda attempt: FeedLost(attempt, why), opens=False)
    flapping.tell(GatewayFound(A))

    def unchecked() -> Event | None:
        link = getattr(flapping.box.state, "link", None)
        return TokenUnchecked(link.attempt) if link is not None and link.phase is Phase.CHECKING else None

    flapping.run(LASTS, event=unchecked)
    assert len(flapping.opened) <= 2 * (5 + LASTS / 8), "in both ways"
    assert len(flapping.changes) <= 4


def test_a_feed_that_lives_for_some_seconds_is_shown_again_at_once() -> None:
    flapping = Flapping(paired(), GOOD_AFTER + 1, lost)
    flapping.tell(GatewayFound(A))
    flapping.run(60)
    assert len(flapping.opened) == pytest.approx(60 / (GOOD_AFTER + 1), abs=1.5)
    assert isinstance(flapping.box.state, Connected)


def test_a_good_feed_after_one_that_died_young_is_shown_once_it_has_proved_itself() -> None:
    flapping = Flapping(paired(), 0.0, lost)
    flapping.tell(GatewayFound(A))
    flapping.run(0.5)
    assert flapping.shown == ("offline", "feed refused")
    flapping.lives = 1e9
    flapping.run(1)
    assert flapping.shown[0] == "offline"
    flapping.run(GOOD_AFTER)
    assert isinstance(flapping.box.state, Connected)
    assert flapping.box.state.since <= flapping.box.now - GOOD_AFTER, "it counts from its opening"


def proving() -> tuple[Surroundings, int]:
    """A box whose feed opened again after one that died young."""
    flapping = Flapping(paired(), 0.0, lost)
    flapping.tell(GatewayFound(A))
    flapping.run(0.5)
    flapping.lives = 1e9
    flapping.run(1)
    state = flapping.box.state
    assert isinstance(state, Offline)
    assert state.link.phase is Phase.PROVING
    return flapping.box, state.link.attempt


def test_a_page_does_not_wait_until_the_feed_has_proved_itself() -> None:
    box, feed = proving()
    box.tell(FeedNotified(feed, (OrderPaged(Order("u1", "23", paged=True)),)))
    assert box.sounds == [Sound.PAGE]
    assert present(box.state, box.now).view.screen.words[0] == "Tracker 23 paged"


def test_what_comes_while_the_feed_proves_itself_is_counted() -> None:
    box, feed = proving()
    box.tell(FeedNotified(feed, (OrderChanged(Order("u2", "7"), created=True),)))
    box.advance(GOOD_AFTER)
    assert present(box.state, box.now).view.active == 2


def test_a_doubt_while_the_feed_proves_itself_leads_to_a_look() -> None:
    box, _ = proving()
    box.tell(NetworkChanged(("192.0.2.5",)))
    box.advance(GOOD_AFTER)
    assert isinstance(box.state, Connected)
    box.advance(10)
    assert box.state.looking


@pytest.mark.parametrize(
    "end",
    [
        MessageIgnored(kind="ORDER_REMOVED", mentions=("u1",)),
        OrderChanged(Order("u1", "23", state="finished")),
        OrderChanged(Order("u9", "9")),
        MessageUnusable(),
    ],
)
def test_an_unknown_end_while_the_feed_proves_itself_is_a_doubt(end: Notification) -> None:
    box, feed = proving()
    box.tell(FeedNotified(feed, (OrdersReplaced((ORDER,)), end)))
    box.advance(GOOD_AFTER)
    assert isinstance(box.state, Connected)
    assert box.state.doubted_at is not None
    box.advance(10)
    assert box.state.looking
    # No answer: first the display says so, and then the count goes.
    box.advance(5)
    assert texts.COUNT_IN_DOUBT in present(box.state, box.now).view.screen.words
    box.advance(STALE_AFTER_DOUBT)
    assert present(box.state, box.now).view.active is None


def test_announcements_at_a_high_rate_do_not_cut_every_back_off_short() -> None:
    flapping = Flapping(paired(), 0.0, lost)
    gateways = [A, A_MOVED]
    flapping.tell(GatewayFound(A))

    def announced() -> Event:
        gateways.reverse()
        return GatewayFound(gateways[0])

    flapping.run(LASTS, event=announced)
    assert len(flapping.opened) <= LASTS / 4
    assert len(flapping.changes) <= 6, flapping.changes


def test_a_refusing_gateway_that_is_announced_at_a_high_rate_is_tried_every_ten_seconds_at_most() -> None:
    flapping = Flapping(paired(), 0.0, TokenRefused, opens=False)
    flapping.tell(GatewayFound(A))
    flapping.run(1)
    assert isinstance(flapping.box.state, AwaitingPairing)
    events: list[Event] = [GatewayFound(A), GatewayLost("A")]

    def announced() -> Event:
        events.reverse()
        return events[0]

    flapping.run(LASTS, event=announced)
    assert len(flapping.opened) <= 2 * (LASTS / 4)
    assert flapping.box.sounds == [Sound.ERROR]


def test_a_network_that_comes_and_goes_does_not_cut_every_back_off_short() -> None:
    flapping = Flapping(paired(), 0.0, lost)
    flapping.tell(GatewayFound(A))
    own = [("192.0.2.5",), ()]

    def changed() -> Event:
        own.reverse()
        return NetworkChanged(own[0])

    flapping.run(LASTS, event=changed)
    assert len(flapping.opened) <= LASTS / 4


def test_presses_retry_once_a_second_at_most() -> None:
    flapping = Flapping(paired(), 0.0, lost)
    flapping.tell(GatewayFound(A))
    presses: list[Event] = [ButtonUp(), ButtonDown()]

    def pressed() -> Event:
        presses.reverse()
        return presses[0]

    flapping.run(LASTS, event=pressed)
    assert LASTS / 4 <= len(flapping.opened) <= LASTS + 10
