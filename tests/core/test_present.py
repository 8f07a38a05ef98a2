"""The view of each state, and the time of its next change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import machine
from appliance.core.events import ButtonDown, Denial
from appliance.core.formatting import age, legible
from appliance.core.limits import LONGEST_NAME
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import failing, present
from appliance.core.states import Alert, Connected, Discovering, Offline, Pairing, ScreenId, State, World
from appliance.core.values import Address, Board, Card, Gateway, Order, Unreadable
from appliance.core.view import LedMode, Leds
from tests.core.cases import NOW, STATES, A


def words(state: State, now: float = NOW) -> list[str]:
    return list(present(state, now).view.screen.words)


def connected(*orders: Order) -> Connected:
    state = STATES["connected"]
    assert isinstance(state, Connected)
    return replace(state, book=replaced(OrderBook(), orders, NOW))


def test_the_count_is_the_first_word() -> None:
    state = connected(Order("a", elapsed=431.0), Order("b", elapsed=10.0, paged=True))
    assert words(state) == ["2", "orders  1 paged  1 late", "oldest 7 min"]
    view = present(state, NOW).view
    assert (view.active, view.paged, view.oldest, view.state) == (2, 1, 431, "connected")


def test_the_welcome_is_shown_before_the_count() -> None:
    state = replace(connected(Order("a", elapsed=10.0)), welcome_until=NOW + 4)
    shown = present(state, NOW)
    assert shown.view.screen.words == ("Paired", f"with {A.name}", "1 order")
    assert (shown.view.active, shown.view.state) == (1, "connected")
    assert shown.until <= NOW + 4
    assert words(state, NOW + 4)[0] == "1"
    paged = replace(state, alert=Alert(("a",), NOW + 8))
    assert words(paged)[0].endswith("paged")


def test_the_words_for_no_order_and_for_one() -> None:
    assert words(connected()) == ["0", "orders"]
    assert words(connected(Order("a"))) == ["1", "order", "oldest ≥0 min"]


def test_unreadable_orders_are_counted_separately() -> None:
    state = connected(Order("a", elapsed=431.0))
    some = replace(state, book=replace(state.book, unreadable=Unreadable(frozenset("b"), 2)))
    assert words(some) == ["4", "orders  1 late  3 unreadable", "oldest ≥7 min"]
    assert present(some, NOW).view.active == 4
    none = replace(state, book=replaced(OrderBook(), [], NOW, Unreadable(nameless=1)))
    assert words(none) == ["1", "order  1 unreadable"], "its age is unknown"
    many = connected(*(Order(str(number), str(number), elapsed=99.0) for number in range(6)))
    for one, listed in (
        (some, 1),
        (none, 0),
        (replace(many, book=replace(many.book, unreadable=Unreadable(nameless=3))), 3),
    ):
        turned = replace(one, world=replace(one.world, turned_to=ScreenId.OLDEST, turned_until=NOW + 9))
        page = words(turned)
        assert len(page) == 1 + listed + 1
        assert page[-1] == f"{one.book.unreadable.count} unreadable"
    gateway = replace(some, world=replace(some.world, turned_to=ScreenId.GATEWAY, turned_until=NOW + 9))
    assert words(gateway)[-1] == "orders  4"


@pytest.mark.parametrize(
    ("elapsed", "leds"),
    [
        (0.5, Leds(green=LedMode.ON)),
        (179.0, Leds(green=LedMode.ON)),
        (180.0, Leds(amber=LedMode.ON)),
        (299.0, Leds(amber=LedMode.ON)),
        (300.0, Leds(red=LedMode.ON)),
        (3 * 3600.0, Leds(green=LedMode.ON)),
    ],
)
def test_the_leds_follow_the_oldest_order(elapsed: float, leds: Leds) -> None:
    assert present(connected(Order("a", elapsed=elapsed)), NOW).view.leds == leds


def test_a_stuck_button_blinks_red_in_every_state() -> None:
    for name in ("connected", "discovering"):
        state = STATES[name]
        stuck = replace(state, world=replace(state.world, stuck=True))
        assert present(stuck, NOW).view.leds == replace(present(state, NOW).view.leds, red=LedMode.FAST)


def test_an_unsaved_token_is_shown() -> None:
    state = connected()
    assert words(replace(state, world=replace(state.world, unsaved=True)))[-1] == "Pairing not saved"


def test_a_reset_card_is_shown_until_the_box_is_paired_again() -> None:
    def on(state: State, card: Card) -> set[str]:
        return set(words(replace(state, world=replace(state.world, board=Board(card=card))))) - set(words(state))

    state = STATES["awaiting_pairing, no token"]
    assert state.world.credential is None
    assert on(state, Card.RESET) == {"SD card was reset"}
    assert on(state, Card.BROKEN) == on(connected(), Card.BROKEN) == {"SD card is broken"}
    assert not on(connected(), Card.RESET)


def test_the_screen_of_a_program_that_keeps_failing() -> None:
    for restart, what in ((True, "The box restarts"), (False, "Retrying in 1 min")):
        view = failing(restart=restart)
        assert list(view.screen.words) == ["Program crashes", what, "Every day? New SD card"]
        assert view.leds == Leds(red=LedMode.FAST)


@pytest.mark.parametrize("name", [name for name in STATES if not name.startswith("connected")])
def test_no_count_is_shown_without_a_live_feed(name: str) -> None:
    view = present(STATES[name], NOW).view
    assert (view.active, view.paged, view.oldest) == (None, None, None)


def test_the_offline_screen_names_the_cause() -> None:
    world = STATES["offline, waiting"].world
    offline = STATES["offline, waiting"]
    assert isinstance(offline, Offline)
    assert words(offline) == [
        "OFFLINE",
        "for 1 min",
        "Gateway does not answer",
        "Check its power and cable",
        "Gateway: A",
    ]
    cut = replace(offline, world=replace(world, addresses=()))
    assert (present(cut, NOW).view.reason, words(cut)[2]) == ("no network", "No network: check cable")
    other = STATES["offline, waiting, out of sight"]
    assert (present(other, NOW).view.reason, words(other)[3]) == (
        "another gateway is here",
        "To pair anew: hold 5 s",
    )


def test_the_network_is_not_mentioned_before_its_state_is_known() -> None:
    state = machine.begin(STATES["discovering"].world.benchmarks)
    assert isinstance(state, Discovering)
    assert words(state) == ["Looking for", "the gateway"]


def test_the_window_counts_down_by_the_second() -> None:
    state = STATES["pairing, one gateway"]
    assert isinstance(state, Pairing)
    assert words(state)[-1] == "1:00 left"
    shown = present(state, NOW + 0.3)
    assert shown.view.screen.words[-1] == "1:00 left"
    assert shown.until == pytest.approx(NOW + 1.0)
    assert words(state, shown.until + 0.01)[-1] == "0:59 left"
    assert present(state, state.ends + 1).view.screen.words[-1] == "0:00 left"


def test_a_silent_gateway_differs_from_one_waiting_for_its_button() -> None:
    state = STATES["pairing, one gateway"]
    assert isinstance(state, Pairing)
    waiting = replace(state, answers={"A": Denial.NOT_PRESSED})
    assert words(waiting)[:2] == ["Now press the", "gateway's button"]
    assert words(waiting, NOW + 4)[:2] == ["Gateway does", "not answer"], "asked 5 s ago, and no answer yet"
    assert words(replace(state, answers={"A": Denial.REFUSED}))[:2] == ["Gateway", "refused pairing"]
    both = STATES["pairing, two gateways"]
    assert isinstance(both, Pairing)
    waiting = replace(both, since={"B": NOW - 9, "A": NOW}, answers={"A": Denial.NOT_PRESSED})
    assert words(waiting)[:2] == ["Now press the", "gateway's button"], "a stranger's silence does not matter"


def test_a_hold_counts_down_after_one_second() -> None:
    state, _ = machine.step(connected(), ButtonDown(), NOW)
    assert words(state, NOW + 0.5) == ["0", "orders"]
    assert present(state, NOW + 0.2).until == NOW + 1.0
    assert words(state, NOW + 1.0) == ["Forget the pairing", "in 4", "Let go to keep it"]
    assert words(state, NOW + 4.5) == ["Forget the pairing", "in 1", "Let go to keep it"]


def test_a_hold_without_a_pairing_shows_no_countdown() -> None:
    state, _ = machine.step(STATES["awaiting_pairing, no token"], ButtonDown(), NOW)
    assert words(state, NOW + 3)[0] == "Press button"


def test_ages_are_read_at_a_glance() -> None:
    assert [age(seconds) for seconds in (0, 59.9, 60, 3599, 3600, 3900)] == [
        "<1 min",
        "<1 min",
        "1 min",
        "59 min",
        "1 h 00",
        "1 h 05",
    ]


@given(st.text())
def test_any_name_is_one_short_line_without_control_characters(name: str) -> None:
    shown = legible(name)
    assert 1 <= len(shown) <= LONGEST_NAME
    assert shown.isprintable()


def test_bidirectional_controls_are_removed_from_a_name() -> None:
    assert legible("Bar\u202e\n gnihtyna\x00") == "Bar gnihtyna"


@pytest.mark.parametrize("blank", ["\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u3164", "\uffa0"], ids=ascii)
def test_a_blank_letter_is_shown_as_a_replacement_character(blank: str) -> None:
    assert legible(f"Bar{blank}") == "Bar\ufffd"
    assert legible(f"{blank} {blank}") == "\ufffd \ufffd"


@pytest.mark.parametrize("unseen", ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u202e"], ids=ascii)
def test_similar_names_are_shown_with_their_addresses(unseen: str) -> None:
    """SECURITY.md promises that the confirmation screen also shows the address."""
    state = STATES["pairing, to be confirmed"]
    assert isinstance(state, Pairing)
    alike = Gateway(f"{A.name}{unseen}", (Address("192.0.2.66"),))
    assert legible(alike.name) == A.name
    asked = replace(state, offers=(replace(state.offers[0], gateway=alike),))
    assert {A.name, "at 192.0.2.66:8000"} <= set(words(asked))


@given(st.sampled_from(sorted(STATES)), st.floats(0, 1e5))
def test_a_view_is_unchanged_before_its_until(name: str, later: float) -> None:
    state, now = STATES[name], NOW + later
    shown = present(state, now)
    assert shown.until > now
    just_before = min(shown.until, now + 1e6) - 1e-3
    if just_before > now:
        again = present(state, just_before).view
        assert replace(again, oldest=shown.view.oldest) == shown.view


def test_a_gateway_alone_in_sight_is_named_and_two_are_counted() -> None:
    assert words(STATES["awaiting_pairing, no token"])[-1] == f"Found: {A.name}"
    assert words(STATES["awaiting_pairing, two gateways"])[-1] == "2 gateways found"
    state = STATES["awaiting_pairing, no token"]
    long = Gateway("G" * 63, A.addresses)
    named = replace(state, world=replace(state.world, gateways={long.name: long}))
    assert len(words(named)[-1]) == len("Found: ") + LONGEST_NAME
    assert present(named, NOW).view.gateway == long.name, "programs get the whole name"


@pytest.mark.parametrize(
    ("state", "fault_at"),
    [
        (Discovering(World(addresses=(), stuck=True, last_activity=NOW)), 1),
        (Discovering(World(addresses=("192.0.2.5",), stuck=True, last_activity=NOW)), 2),
        (replace(STATES["offline, waiting"], world=replace(STATES["offline, waiting"].world, stuck=True)), 2),
    ],
)
def test_a_fault_comes_right_after_the_lines_that_belong_together(state: State, fault_at: int) -> None:
    words = present(state, NOW).view.screen.words
    assert words.index("Button stuck: free it") == fault_at


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (
            Discovering(
                World(addresses=("192.0.2.5",), last_activity=NOW, turned_to=ScreenId.BOX, turned_until=NOW + 9)
            ),
            "This box",
        ),
        (
            Discovering(World(addresses=(), last_activity=NOW, turned_to=ScreenId.BOX, turned_until=NOW + 9)),
            "No network",
        ),
    ],
)
def test_an_installer_screen_has_its_title_or_the_outage_on_top(state: State, title: str) -> None:
    assert present(state, NOW).view.screen.words[0] == title
