"""Each screen states until when it holds: the moment at which its words or marks change."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from appliance.core.day_stats import DayStats, DeliveryStats, GatewayStats
from appliance.core.events import Denial
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import failing, farewell, fault, present
from appliance.core.reasons import (
    FEED_REFUSED,
    GATEWAY_UNREACHABLE,
    TOKEN_REFUSED,
    TOKEN_UNREADABLE,
    TOO_MANY_ORDERS,
    WINDOW_OVER,
)
from appliance.core.screens.box import box_screen
from appliance.core.screens.count import age_mark, connected_view, order_age
from appliance.core.screens.discovering import discovering_view
from appliance.core.screens.gateway import gateway_screen
from appliance.core.screens.hold import hold_screen
from appliance.core.screens.led_legend import led_legend, led_legend_screen
from appliance.core.screens.offline import offline_view
from appliance.core.screens.oldest import oldest_screen
from appliance.core.screens.pairing import awaiting_pairing_view, pairing_view
from appliance.core.screens.program import starting_screen
from appliance.core.screens.settings import settings_screen
from appliance.core.screens.today import today_screen
from appliance.core.states import (
    Alert,
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Link,
    Offline,
    Pairing,
    ScreenId,
    World,
)
from appliance.core.values import Benchmarks, Board, Card, Mistake, Order, Unreadable
from appliance.core.view import Count, Icon, LedMode, Leds, Line, Mark, Message, Power, Row, Size
from tests.core.cases import NOW, STATES, A, B

TIMES = Benchmarks(180, 300, 10_800)


def connected(*orders: Order, **world: object) -> Connected:
    state = STATES["connected"]
    assert isinstance(state, Connected)
    state = replace(state, last_heard=NOW, book=replaced(OrderBook(), orders, NOW))
    return replace(state, world=replace(state.world, last_activity=NOW, version="1.2.3", **world))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ages", "until"),
    [
        ((10.0,), 50.0),
        ((60.0,), 60.0),
        ((119.0,), 1.0),
        ((170.0,), 10.0),
        ((299.0,), 1.0),
        ((331.0,), 29.0),
        ((331.0, 290.0), 10.0),
        ((331.0, 250.0), 29.0),
        ((10_799.0,), 1.0),
        ((10_799.5, 3600.0), 0.5),
    ],
)
def test_the_count_holds_until_the_oldest_age_a_mark_or_the_late_ones_change(
    ages: tuple[float, ...], until: float
) -> None:
    state = connected(*(Order(str(age), elapsed=age) for age in ages))
    assert connected_view(state, NOW).until == pytest.approx(NOW + until)


def test_the_count_changes_at_a_benchmark_that_is_no_whole_minute() -> None:
    state = connected(Order("a", elapsed=61.0), benchmarks=Benchmarks(90, 100, 110))
    now = NOW
    for until in (29.0, 39.0, 49.0):
        now = connected_view(state, now).until
        assert now == pytest.approx(NOW + until)
    assert connected_view(state, now).until == math.inf, "nothing is left that is not forgotten"


def test_without_orders_the_count_holds_for_ever() -> None:
    assert connected_view(connected(), NOW).until == math.inf


def test_a_page_and_a_welcome_hold_as_long_as_they_are_shown() -> None:
    state = connected(Order("a", elapsed=10.0, paged=True))
    shown = connected_view(replace(state, alert=Alert(("a",), NOW + 8)), NOW)
    assert (shown.until, shown.urgent) == (NOW + 8, True)
    shown = connected_view(replace(state, welcome_until=NOW + 4), NOW)
    assert (shown.until, shown.urgent) == (NOW + 4, False)
    gone = replace(state, alert=Alert(("gone",), NOW + 8))
    assert connected_view(gone, NOW).screen.words[0] == "1"


def test_the_box_screen_holds_until_the_next_minute() -> None:
    for now, until in ((NOW, 1020.0), (1020.0, 1080.0), (1019.5, 1020.0)):
        assert box_screen(connected(), "", now)[1] == until


@pytest.mark.parametrize(
    ("board", "words"),
    [
        (Board(), ()),
        (Board(None, False, False), ("power ok",)),
        (Board(None, False, True), ("power was weak",)),
        (Board(None, True, True), ("weak power supply",)),
        (Board(51.6), ("52 °C",)),
        (Board(51.6, True), ("52 °C  weak power supply",)),
    ],
)
def test_what_the_board_tells(board: Board, words: tuple[str, ...]) -> None:
    listing, _ = box_screen(connected(board=board), "", NOW)
    assert listing.words == ("This box", "192.0.2.5", "v1.2.3  on for 16 min", *words)


def test_a_headline_takes_the_place_of_a_title() -> None:
    state = connected(addresses=(), turned_until=NOW + 15)
    assert box_screen(state, "OFFLINE", NOW)[0].words[:2] == ("OFFLINE", "no address")
    assert gateway_screen(state, "OFFLINE", NOW)[0].title == "OFFLINE"
    assert led_legend_screen(state, "OFFLINE", NOW)[0].title == "OFFLINE"


def test_the_gateway_screen_holds_until_the_next_second() -> None:
    listing, until = gateway_screen(connected(Order("a")), "", NOW + 4.4)
    assert until == NOW + 5
    assert listing.words == ("Gateway", "A", "192.0.2.10:8000", "last heard  4 s ago", "orders  1")
    assert gateway_screen(replace(connected(), last_heard=NOW + 9), "", NOW)[0].words[3] == "last heard  0 s ago"


def test_the_gateway_screen_without_a_feed() -> None:
    def rows(state: Discovering | AwaitingPairing | Offline | Connecting) -> tuple[str, ...]:
        return gateway_screen(state, "", NOW)[0].words[1:]

    assert rows(Discovering(World())) == ("no gateway in sight",)
    assert rows(AwaitingPairing(World(gateways={"A": A}))) == ("A", "192.0.2.10:8000", "not paired")
    offline = STATES["offline, waiting"]
    assert isinstance(offline, Offline)
    assert rows(offline) == ("A", "192.0.2.10:8000", "paired")
    assert rows(replace(offline, link=Link(None))) == ("A", "no address", "paired")


def test_the_legend_is_shown_in_three_parts_of_five_seconds() -> None:
    state = connected(turned_until=NOW + 15)
    titles = ["Steady light", "Blinks slowly", "Blinks fast"]
    for now, title, until in ((0.0, 0, 5.0), (4.9, 0, 5.0), (5.0, 1, 10.0), (9.9, 1, 10.0), (10.0, 2, 15.0)):
        listing, holds = led_legend_screen(state, "", NOW + now)
        assert listing.title == titles[title]
        assert holds == pytest.approx(NOW + until)
    assert led_legend_screen(state, "", NOW + 20)[0].title == titles[2]


def test_the_legend_tells_the_restaurants_own_times() -> None:
    rows = [row for _, group in led_legend(Benchmarks(45, 120)) for row in group]
    assert [row.short for row in rows[:3]] == ["green: in time", "amber: over 45 s", "red: over 2 min"]
    off, slow, fast = LedMode.OFF, LedMode.SLOW, LedMode.FAST
    assert [row.leds for row in rows] == [
        Leds(LedMode.ON, off, off),
        Leds(off, LedMode.ON, off),
        Leds(off, off, LedMode.ON),
        Leds(slow, off, off),
        Leds(off, slow, off),
        Leds(off, off, slow),
        Leds(off, fast, off),
        Leds(slow, fast, off),
        Leds(off, off, fast),
    ]


def test_the_legend_in_full_sentences() -> None:
    assert [row.words for _, group in led_legend(TIMES) for row in group] == [
        "connected; every order is in time: younger than `orders.warn_after` (3 min)",
        "connected; the oldest order is older than that",
        "connected; the oldest order is late: older than `orders.late_after` (5 min)",
        "connecting to the paired gateway",
        "looking for a gateway",
        "offline, or no network",
        "found a gateway: press this box's button",
        "now press the gateway's button",
        "display or button is broken, whatever else happens",
    ]
    assert [row.short for _, group in led_legend(TIMES) for row in group] == [
        "green: in time",
        "amber: over 3 min",
        "red: over 5 min",
        "green slow: connecting",
        "amber slow: looking",
        "red slow: offline",
        "amber fast: press here",
        "+ green: press gateway",
        "red fast: broken part",
    ]


def test_the_legend_means_what_the_states_light() -> None:
    lit = {present(state, NOW).view.leds for state in STATES.values()}
    meant = {row.leds for _, group in led_legend(TIMES) for row in group}
    assert lit <= meant


def test_the_oldest_orders_hold_until_one_of_them_is_a_minute_older() -> None:
    state = connected(*(Order(str(age), elapsed=age) for age in (130.0, 95.0, 61.0, 5.0, 4.0)))
    listing, until = oldest_screen(state, NOW)
    assert until == NOW + 25.0
    assert [row.right for row in listing.rows] == ["2 min", "1 min", "1 min", "<1 min"]
    assert oldest_screen(connected(), NOW)[1] == math.inf
    assert oldest_screen(connected(), NOW)[0].words == ("Oldest orders", "none")
    assert oldest_screen(connected(Order("a", elapsed=60.0)), NOW)[1] == NOW + 60


def test_today_holds_until_its_note_changes() -> None:
    state = connected()
    counting = replace(state, book=replace(state.book, today=DayStats(None, NOW - 70)))
    screen, until = today_screen(counting, NOW)
    assert (screen.note, until) == ("counted for 1 min", NOW + 50)
    assert (screen.title, screen.words) == ("Today", ("Today", "0 orders", "counted for 1 min"))
    for gateway, note in (
        (None, ""),
        (GatewayStats(), ""),
        (GatewayStats(3), "gateway: 3"),
        (GatewayStats(None, 61.0), "gateway: 1:01"),
        (GatewayStats(3, 61.0), "gateway: 3, 1:01"),
    ):
        kept = replace(state.book, today=DayStats(None, NOW, DeliveryStats(), gateway=gateway))
        screen, until = today_screen(replace(state, book=kept), NOW)
        assert (screen.note, until) == (note, math.inf)


def test_the_small_chart_has_six_hours_at_least() -> None:
    def hours(*busy: int) -> tuple[int, tuple[int, ...]]:
        state = connected()
        counts = tuple(int(hour in busy) for hour in range(24))
        kept = replace(state.book, today=DayStats(None, NOW, DeliveryStats(len(busy), hours=counts)))
        screen, _ = today_screen(replace(state, book=kept), NOW)
        return screen.first, screen.hours

    assert hours() == (0, ())
    assert hours(0) == (0, (1, 0, 0, 0, 0, 0))
    assert hours(11) == (11, (1, 0, 0, 0, 0, 0))
    assert hours(11, 18) == (11, (1, 0, 0, 0, 0, 0, 0, 1))
    assert hours(22) == (18, (0, 0, 0, 0, 1, 0))
    assert hours(23) == (18, (0, 0, 0, 0, 0, 1))


def test_the_window_holds_until_the_next_second() -> None:
    state = STATES["pairing, one gateway"]
    assert isinstance(state, Pairing)
    shown = pairing_view(state, NOW + 0.25)
    assert shown.until == pytest.approx(NOW + 1)
    assert isinstance(shown.screen, Message)
    assert shown.screen.bar == 0.5
    assert shown.leds == Leds(green=LedMode.SLOW, amber=LedMode.FAST)
    assert pairing_view(state, NOW + 61).until == math.inf
    assert pairing_view(replace(state, answers={"A": Denial.REFUSED}), NOW).reason == "gateway refused"


def test_a_gateway_to_confirm_is_told_with_what_a_press_and_a_hold_do() -> None:
    state = STATES["pairing, to be confirmed"]
    assert isinstance(state, Pairing)
    screen = pairing_view(state, NOW).screen
    assert isinstance(screen, Message)
    assert screen.lines == (
        Line("1:00 left to pair with", Size.SMALL, 2),
        Line("A", Size.MEDIUM),
        Line("at 192.0.2.10:8000", Size.SMALL, 1),
        Line("Yes: press here"),
        Line("No: hold 5 s"),
    )
    assert screen.bar == 0.5


def test_offline_holds_until_it_lasts_a_minute_more() -> None:
    offline = STATES["offline, waiting"]
    assert isinstance(offline, Offline)
    for now, until in ((0.0, 30.0), (29.9, 30.0), (30.0, 90.0), (-91.0, -30.0)):
        assert offline_view(offline, NOW + now).until == pytest.approx(NOW + until)
    shown = offline_view(offline, NOW)
    assert isinstance(shown.screen, Message)
    assert (shown.screen.icon, shown.leds, shown.head, shown.asleep) == (
        Icon.OFFLINE,
        Leds(red=LedMode.SLOW),
        2,
        "OFFLINE",
    )


def test_looking_holds_until_the_hint() -> None:
    state = Discovering(World(addresses=("192.0.2.5", "192.0.2.6"), last_activity=NOW))
    shown = discovering_view(state, NOW)
    assert (shown.until, shown.asleep) == (NOW + 20, "No gateway found")
    assert shown.screen.words == ("Looking for", "the gateway", "This box: 192.0.2.5")
    hinted = discovering_view(state, NOW + 20)
    assert hinted.until == math.inf
    assert isinstance(hinted.screen, Message)
    assert hinted.screen.lines[-1] == Line("the same network?", Size.SMALL, 1)
    refused = discovering_view(replace(state, reason=TOKEN_REFUSED), NOW + 20)
    assert refused.screen.words[-2:] == ("Gateway revoked pairing", "This box: 192.0.2.5")
    cut = discovering_view(Discovering(World(addresses=())), NOW)
    assert (cut.reason, cut.asleep) == ("no network", "No network")
    assert cut.screen.words == ("No network", "Check the cable", "or the Wi-Fi settings")
    fixed = discovering_view(Discovering(World(addresses=(), fixed_address=True)), NOW)
    assert fixed.reason is None, "the address in the settings may be this very box"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (None, ()),
        (WINDOW_OVER, ("Pairing timed out",)),
        (TOKEN_REFUSED, ("Gateway revoked pairing",)),
        (TOKEN_UNREADABLE, ("Saved pairing damaged",)),
        ("another reason", ()),
    ],
)
def test_why_the_box_is_not_paired(reason: str | None, words: tuple[str, ...]) -> None:
    shown = awaiting_pairing_view(AwaitingPairing(World(gateways={"A": A}), reason))
    assert shown.screen.words == ("Press button", "here to pair", *words, "Found: A")
    assert (shown.reason, shown.asleep, shown.leds) == (reason, "Not paired", Leds(amber=LedMode.FAST))
    two = awaiting_pairing_view(AwaitingPairing(World(gateways={"A": A, "B": B}), reason))
    assert two.screen.words[-1] == "2 gateways found"
    fixed = awaiting_pairing_view(AwaitingPairing(World(gateways={"A": A}, fixed_address=True)))
    assert fixed.screen.words[-1] == "Gateway: A"


def test_ages_of_which_only_a_lower_bound_is_known() -> None:
    assert [order_age(seconds, exact=False) for seconds in (0.0, 59.9, 60.0, 3900.0)] == [
        "≥0 min",
        "≥0 min",
        "≥1 min",
        "≥1 h 05",
    ]
    assert order_age(59.9, exact=True) == "<1 min"


def test_marks_at_the_benchmarks() -> None:
    marks = [age_mark(seconds, TIMES) for seconds in (179.9, 180.0, 299.9, 300.0)]
    assert marks == [Mark.FINE, Mark.WARN, Mark.WARN, Mark.LATE]


def test_orders_to_go_are_remarked_unless_all_are() -> None:
    to_go, here = Order("a", order_type="TO_GO", elapsed=5.0), Order("b", elapsed=5.0)
    assert connected_view(connected(to_go), NOW).screen.words[1] == "order"
    assert connected_view(connected(to_go, here), NOW).screen.words[1] == "orders  1 to go"


@pytest.mark.parametrize(
    ("world", "words"),
    [
        ({}, ""),
        ({"stuck": True, "board": Board(weak_power=True)}, "Button stuck"),
        ({"board": Board(weak_power=True, card=Card.BROKEN)}, "Weak power supply"),
        ({"board": Board(card=Card.BROKEN), "unsaved": True}, "SD card is broken"),
        ({"board": Board(card=Card.RESET), "unsaved": True, "current": None}, "SD card was reset"),
        ({"board": Board(card=Card.RESET), "unsaved": True}, "Pairing not saved"),
        ({"unsaved": True, "mistakes": (Mistake(12, None, ""),)}, "Pairing not saved"),
        ({"mistakes": (Mistake(12, None, ""),)}, "Settings wrong: line 12"),
        ({"mistakes": (Mistake(None, None, ""),)}, "Check the settings file"),
    ],
)
def test_the_worst_fault_is_told(world: dict[str, object], words: str) -> None:
    assert fault(connected(**world).world) == words


def test_a_mistake_in_the_settings_in_full() -> None:
    one = Mistake(12, "pins.green", "must be a number")
    assert settings_screen((one,)).words == ("Settings, line 12", "pins.green: must be a number")
    other = Mistake(None, None, "can't be read")
    assert settings_screen((other, one, one)).words == ("Settings", "can't be read", "and 2 more")
    assert settings_screen((other,)).lines[0].size is Size.MEDIUM
    long = settings_screen((Mistake(1, None, "x" * 91),)).lines[1].text
    assert (len(long), long[-1]) == (90, "…")


def test_the_programs_own_screens() -> None:
    assert starting_screen("1.2").lines == (Line("Table Tracker", Size.MEDIUM), Line("appliance 1.2"))
    view = present(connected(), NOW).view
    last = farewell(replace(view, power=Power.DIM, beat=True, pressed=True))
    assert last.screen.words == ("Stopping", "The display goes dark")
    assert (last.leds, last.power, last.beat, last.pressed) == (Leds(), Power.BRIGHT, None, False)
    assert last.state == view.state
    failed = failing(restart=True)
    assert (failed.state, failed.screen.words[0]) == ("offline", "Keeps failing")
    for screen, icon in (
        (starting_screen("1.2"), Icon.STARTING),
        (last.screen, Icon.STOPPING),
        (failed.screen, Icon.WARNING),
    ):
        assert isinstance(screen, Message)
        assert (screen.icon, screen.lines[0].size) == (icon, Size.MEDIUM)


@pytest.mark.parametrize(
    ("state", "icon"),
    [
        (Discovering(World(addresses=("192.0.2.5",))), Icon.SEARCH),
        (Discovering(World(addresses=())), Icon.NO_NETWORK),
        (STATES["awaiting_pairing, no token"], Icon.PRESS_HERE),
        (STATES["pairing, one gateway"], Icon.PRESS_GATEWAY),
        (STATES["pairing, A unreachable"], Icon.OFFLINE),
        (STATES["connecting, opening"], Icon.CONNECTING),
        (replace(connected(), welcome_until=NOW + 4), Icon.PAIRED),
        (STATES["offline, waiting"], Icon.OFFLINE),
        (
            replace(STATES["offline, waiting"], world=replace(STATES["offline, waiting"].world, addresses=())),
            Icon.NO_NETWORK,
        ),
    ],
)
def test_icons_and_large_words(state: object, icon: Icon) -> None:
    screen = present(state, NOW).view.screen  # type: ignore[arg-type]
    assert isinstance(screen, Message)
    assert screen.icon is icon
    assert screen.lines[0].size is Size.MEDIUM


def test_unreadable_orders_have_a_row_of_their_own() -> None:
    state = connected(*(Order(str(age), elapsed=age) for age in (130.0, 95.0, 61.0, 5.0)))
    state = replace(state, book=replace(state.book, unreadable=Unreadable(nameless=2)))
    listing, _ = oldest_screen(state, NOW)
    assert listing.rows[-1] == Row("2 unreadable")
    assert len(listing.rows) == 4


def test_a_screen_that_was_turned_to_holds_until_it_turns_back() -> None:
    state = connected(turned_to=ScreenId.GATEWAY, turned_until=NOW + 0.4)
    assert present(state, NOW).until == pytest.approx(NOW + 0.4)


def test_the_facts_for_programs() -> None:
    view = present(connected(Order("a", elapsed=61.5, paged=True)), NOW).view
    assert (view.state, view.reason, view.gateway, view.address) == ("connected", None, "A", "192.0.2.10:8000")
    assert (view.active, view.paged, view.oldest) == (1, 1, 61)
    view = present(STATES["offline, waiting, out of sight"], NOW).view
    assert (view.state, view.reason) == ("offline", "another gateway is here")
    assert (view.gateway, view.address) == ("A", "192.0.2.10:8000")
    view = present(STATES["pairing, to be confirmed"], NOW).view
    assert (view.reason, view.gateway, view.address) == ("confirm the gateway", "A", "192.0.2.10:8000")
    view = present(STATES["awaiting_pairing, two gateways"], NOW).view
    assert (view.gateway, view.address) == (None, None)
    view = present(STATES["awaiting_pairing, token refused, two gateways"], NOW).view
    assert (view.gateway, view.address) == ("A", "192.0.2.10:8000")
    view = present(STATES["connecting, resolving, address from the settings"], NOW).view
    assert (view.gateway, view.address) == ("A", None)
    assert view.screen.words == ("Connecting to", "A")


def test_today_without_times() -> None:
    state = connected()
    kept = replace(state.book, today=DayStats(None, NOW, DeliveryStats(2)))
    screen, _ = today_screen(replace(state, book=kept), NOW)
    assert (screen.title, screen.orders, screen.noun, screen.target) == ("Latest day", "2", "orders", "5:00")
    assert (screen.average, screen.median, screen.share, screen.doubt) == ("", "", "", False)


def test_the_countdown_of_a_hold() -> None:
    screen = hold_screen(2.3, declines=False)
    assert screen.lines == (
        Line("Forget the pairing"),
        Line("in 3", Size.HUGE),
        Line("Let go to keep it"),
    )
    assert (screen.bar, screen.icon) == (0.6, None)
    assert hold_screen(2.0, declines=True).words == ("Not this gateway", "in 2", "Let go to go back")
    over = hold_screen(0.0, declines=True)
    assert over.lines == (Line("Let go now", Size.MEDIUM), Line("Not this gateway"))
    assert (over.bar, over.icon) == (0.0, Icon.WARNING)


def test_a_hold_while_a_page_is_shown_counts_down() -> None:
    state = connected(Order("a", elapsed=10.0, paged=True), down_since=NOW)
    state = replace(state, alert=Alert(("a",), NOW + 8))
    assert present(state, NOW + 2).view.screen.words[0] == "Forget the pairing"
    assert present(state, NOW + 0.9).view.screen.words[0] == "paged ?"


def test_a_hold_that_declines_a_gateway_counts_down_in_its_words() -> None:
    state = STATES["pairing, to be confirmed"]
    held = replace(state, world=replace(state.world, down_since=NOW, asked="offered A"))
    assert present(held, NOW + 2).view.screen.words[0] == "Not this gateway"


def test_long_names_are_cut_to_the_room_of_their_row() -> None:
    long = Order("a", "1234567890123", location="abcdefghijklm", elapsed=1.0, paged=True)
    listing, _ = oldest_screen(connected(long), NOW)
    assert listing.rows[0].left == "12345678901…  table abcdefghijk…"
    paged = connected_view(replace(connected(long), alert=Alert(("a",), NOW + 8)), NOW).screen
    assert paged.words == ("paged 1234567890123", "table abcdefghijklm", "1 order")


@pytest.mark.parametrize(("age", "mark"), [(5.0, Mark.FINE), (200.0, Mark.WARN), (400.0, Mark.LATE)])
def test_the_count_is_marked_by_the_oldest_order(age: float, mark: Mark) -> None:
    screen = connected_view(connected(Order("a", elapsed=age), Order("b", elapsed=1.0)), NOW).screen
    assert isinstance(screen, Count)
    assert screen.mark is mark


def test_the_remarks_of_the_count_the_most_urgent_first() -> None:
    ages = (400.0, 11_000.0, 11_000.0, 5.0)
    orders = [Order(str(number), elapsed=age, paged=number == 3) for number, age in enumerate(ages)]
    state = connected(*orders, Order("to go", order_type="TO_GO", elapsed=5.0))
    state = replace(state, book=replace(state.book, unreadable=Unreadable(nameless=4)))
    screen = connected_view(state, NOW).screen
    assert isinstance(screen, Count)
    assert [remark.text for remark in screen.remarks] == ["1 paged", "1 late", "4 unreadable", "1 to go", "2 old"]
    assert [remark.sign.name for remark in screen.remarks] == ["PAGED", "LATE", "UNREADABLE", "TO_GO", "OLD"]
    assert screen.noun == "orders"


def test_a_fault_takes_no_other_line_away() -> None:
    offline = STATES["offline, waiting"]
    before = present(offline, NOW).view.screen.words
    stuck = present(replace(offline, world=replace(offline.world, stuck=True)), NOW).view.screen.words
    assert stuck == (*before[:2], "Button stuck", *before[2:])
    count = present(connected(unsaved=True), NOW).view.screen
    assert isinstance(count, Count)
    assert count.note == "Pairing not saved"


def test_the_picture_walks_at_each_full_minute() -> None:
    walks = [present(connected(), now).view.walk for now in (0.0, 59.9, 60.0, 3599.9, 3600.0)]
    assert walks == [0, 0, 1, 59, 60]
    offline = replace(STATES["offline, waiting"], world=STATES["discovering"].world)
    assert present(offline, 3590.0).until <= 3600.0


def test_the_word_that_stays_while_the_display_sleeps() -> None:
    asleep = {"connecting, opening": "Connecting", "offline, waiting": "OFFLINE", "discovering": "No gateway found"}
    for name, word in asleep.items():
        state = replace(STATES[name], world=replace(STATES[name].world, last_activity=NOW - 5 * 3600))
        assert present(state, NOW).view.screen.words == (word,)


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (GATEWAY_UNREACHABLE, ("Gateway does not answer", "Check its power and cable")),
        (FEED_REFUSED, ("No orders from gateway", "It may be restarting: wait")),
        (TOKEN_REFUSED, ("Gateway revoked pairing", "It may be restarting: wait")),
        (TOO_MANY_ORDERS, ("Too many orders", "for this box")),
    ],
)
def test_each_cause_of_an_outage_has_its_words(why: str, words: tuple[str, ...]) -> None:
    offline = STATES["offline, waiting"]
    assert isinstance(offline, Offline)
    shown = offline_view(replace(offline, why=why), NOW)
    assert shown.screen.words == ("OFFLINE", "for 1 min", *words, "A")
    assert shown.reason == why
