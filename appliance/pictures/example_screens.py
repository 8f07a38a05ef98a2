"""Every screen, in the order in which a new box shows them. To add one, add a line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from appliance import __version__
from appliance.core.backups import BackupPhase, BackupReason, BackupStatus
from appliance.core.day_stats import DayStats, DeliveryStats, GatewayStats
from appliance.core.delivery import DAY, Finished
from appliance.core.erasing import QUESTION as ERASE_QUESTION
from appliance.core.events import Denial
from appliance.core.gateway_clock import GatewayClock
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import failing, farewell, present
from appliance.core.reasons import (
    FEED_REFUSED,
    GATEWAY_UNREADABLE,
    TOKEN_REFUSED,
    TOKEN_UNREADABLE,
    TOO_MANY_ORDERS,
    WINDOW_OVER,
)
from appliance.core.screens.program import starting_screen
from appliance.core.states import (
    NEVER,
    Alert,
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Erase,
    Link,
    Offer,
    Offline,
    Pairing,
    Phase,
    ScreenId,
    State,
    World,
)
from appliance.core.updates import UpdatePhase, UpdateReason, UpdateStatus
from appliance.core.values import (
    SH1106,
    Address,
    Board,
    Card,
    Credential,
    DisplayIdentity,
    Gateway,
    Mistake,
    Order,
    Token,
    Unreadable,
)
from appliance.core.view import Leds, View

Example = tuple[str, View]
"""A caption and a view."""

NOW = 187_000.0
"""Monotonic seconds: the box has been running for two days."""
BAR = Gateway("Bar", (Address("192.168.1.20"),))
TERRACE = Gateway("Terrace", (Address("192.168.1.30"),))
DISPLAY = DisplayIdentity(0x3C, SH1106, SH1106, "48 48 48 A5 3C 5A")
ALONE = World(
    version=__version__,
    addresses=("192.168.1.42",),
    board=Board(48.0, False, False),
    last_activity=NOW,
    display=DISPLAY,
)
SEEN = replace(ALONE, gateways={"Bar": BAR})
KITCHEN = Gateway("寿司バー Küche", (Address("192.168.1.31"),))
FAR = replace(ALONE, gateways={KITCHEN.name: KITCHEN, "Bar": BAR})
TWO = replace(ALONE, gateways={"Bar": BAR, "Terrace": TERRACE})
PAIRED = replace(SEEN, current=Credential("Bar", Token("not shown")))


WRONG = replace(
    PAIRED,
    mistakes=(Mistake(12, "pins.green", "must be a whole number from 0 to 27, the BCM number of a pin, not 220"),),
)
UNREADABLE_SETTINGS = replace(PAIRED, mistakes=(Mistake(None, None, "the file is not text"),))


def _shown(state: State) -> View:
    return present(state, NOW).view


def _orders(*ages: float, paged: int = 0, to_go: int = 0) -> OrderBook:
    """Orders of these ages in seconds; the first `paged` are paged, and the last `to_go` are to go."""
    orders = [
        Order(
            uuid=str(number),
            name=str(31 + 7 * number % 60),
            order_type="TO_GO" if number >= len(ages) - to_go else "ON_PREMISE",
            location="" if number >= len(ages) - to_go else str(8 + 5 * number % 23),
            elapsed=age,
            paged=number < paged,
        )
        for number, age in enumerate(ages)
    ]
    return replaced(OrderBook(), orders, NOW)


def _connected(
    book: OrderBook,
    world: World = PAIRED,
    *,
    paged: tuple[str, ...] = (),
    welcome: float = NEVER,
    doubted: float | None = None,
) -> View:
    """paged: uuids of orders that were just paged. welcome: end of the message that the box is paired. doubted: seconds
    since a doubt of the count arose."""
    alert = Alert(paged, NOW + 5) if paged else None
    state = Connected(world, BAR, BAR.addresses[0], 1, book, math.inf, last_heard=NOW - 2, alert=alert)
    return _shown(replace(state, welcome_until=welcome, doubted_at=None if doubted is None else NOW - doubted))


def _turned_to(screen: ScreenId, book: OrderBook, world: World = PAIRED, *, left: float = 10.0) -> View:
    """The screen that a press turned to. left: seconds until the count returns."""
    return _connected(book, replace(world, turned_to=screen, turned_until=NOW + left))


def _pairing(world: World, left: float, answers: Mapping[str, Denial], *offers: Offer) -> View:
    """left: seconds left in the pairing window."""
    return _shown(Pairing(world, 1, NOW + left, answers=answers, offers=offers))


def _offline(world: World = PAIRED, why: str = "gateway unreachable") -> View:
    return _shown(Offline(world, Link(BAR), NOW - 190, why))


def _finished(first: int, counts: tuple[int, ...]) -> list[Finished]:
    """Finished orders: a count for each hour from `first` on."""
    times = (150.0, 185.0, 204.0, 238.0, 262.0, 295.0, 340.0)
    began = [NOW // DAY * DAY + (first + hour) * 3600.0 for hour, count in enumerate(counts) for _ in range(count)]
    return [
        Finished(str(number), order_type="TO_GO", created=at, cleared=at + times[number % len(times)])
        for number, at in enumerate(began)
    ]


def _update(phase: UpdatePhase, *, percent: int = 0, reason: str = "", requested: bool = False) -> World:
    """The box with an update to 1.2.0. requested: a press asked for the next step a moment ago."""
    update = UpdateStatus(phase, "1.2.0", percent, "usb", reason)
    return replace(PAIRED, update=update, update_since=NOW - 60, requested_until=NOW + 15 if requested else NEVER)


def _copy(phase: BackupPhase, *, percent: int = 0, reason: str = "") -> World:
    """The box with a copy that is being saved, or was saved a moment ago."""
    return replace(PAIRED, backup=BackupStatus(phase, percent, reason), backup_since=NOW - 5)


LUNCH = _orders(431, 325, 200, 170, 95, 60, 41, 30, 22, 15, 9, 4, paged=1, to_go=3)
CALM = _orders(*range(124, 4, -10), to_go=2)

KEPT = DeliveryStats().plus(_finished(11, (4, 12, 30, 18, 3, 0, 8, 25, 31, 11)), 3 * 3600.0)
TODAY = replace(
    CALM, clock=GatewayClock(0.0), today=DayStats(int(NOW // DAY), 0.0, KEPT, gateway=GatewayStats(142, 239.0))
)
DOUBTFUL = replace(TODAY, today=replace(TODAY.today, gateway=GatewayStats(171, 239.0), differs=True))


def _erase(**world: Any) -> View:
    """The screen of the factory reset."""
    return _turned_to(ScreenId.ERASE, CALM, replace(_copy(BackupPhase.NONE), **world))


EXAMPLES: tuple[Example, ...] = (
    ("Starting", View("discovering", None, None, None, None, None, None, Leds(), starting_screen(__version__))),
    ("Looking for the gateway", _shown(Discovering(ALONE))),
    ("No gateway for a while", _shown(Discovering(replace(ALONE, last_activity=NOW - 60)))),
    ("No network", _shown(Discovering(replace(ALONE, addresses=())))),
    ("Gateway found: press this box's button", _shown(AwaitingPairing(SEEN))),
    ("Several gateways found", _shown(AwaitingPairing(TWO))),
    ("A gateway from the settings", _shown(AwaitingPairing(replace(SEEN, fixed_address=True)))),
    ("Pairing: press the gateway's button", _pairing(SEEN, 103, {"Bar": Denial.NOT_PRESSED})),
    ("Pairing: confirm one of two gateways", _pairing(TWO, 95, {}, Offer(BAR, Token("not shown")))),
    ("Pairing: the gateway does not answer", _pairing(SEEN, 81, {"Bar": Denial.UNREACHABLE})),
    ("Pairing: the gateway refuses", _pairing(SEEN, 64, {"Bar": Denial.REFUSED})),
    ("Pairing: the answer is not a gateway's", _pairing(SEEN, 52, {"Bar": Denial.UNREADABLE})),
    ("Pairing: timed out", _shown(AwaitingPairing(SEEN, WINDOW_OVER))),
    ("Pairing: names in other scripts", _pairing(FAR, 88, {}, Offer(KITCHEN, Token("not shown")))),
    ("Connecting", _shown(Connecting(PAIRED, Link(BAR, Phase.OPENING)))),
    ("Paired", _connected(_orders(62, 35, 8), welcome=NOW + 3)),
    ("The count: no orders", _connected(OrderBook())),
    ("The count: every order in time", _connected(CALM)),
    ("The count: an order passes the first benchmark", _connected(_orders(225, 140, 95, 80, 55, 30, 12, to_go=1))),
    ("The count: two orders are late", _connected(LUNCH)),
    ("The count: a full house", _connected(_orders(700, *[400] * 37, *[90] * 310, paged=12, to_go=41))),
    ("The count: 10,000 orders", _connected(_orders(700, *[90] * 10_041, to_go=41))),
    ("The count: lost trackers", _connected(_orders(4 * 3600, 4 * 3600, 95, 40))),
    ("The count: two unreadable orders", _connected(replace(CALM, unreadable=Unreadable(nameless=2)))),
    ("The count: it may be wrong", _connected(CALM, doubted=20.0)),
    ("An order is paged", _connected(LUNCH, paged=("0",))),
    ("Several orders are paged", _connected(LUNCH, paged=("2", "1", "0"))),
    ("First press: the oldest orders", _turned_to(ScreenId.OLDEST, LUNCH)),
    ("Second press: today", _turned_to(ScreenId.TODAY, TODAY)),
    ("Today: the gateway counts differently", _turned_to(ScreenId.TODAY, DOUBTFUL)),
    ("Third press: this box", _turned_to(ScreenId.BOX, CALM)),
    ("Fourth press: its gateway", _turned_to(ScreenId.GATEWAY, CALM)),
    ("Fifth press: the LEDs", _turned_to(ScreenId.LED_LEGEND, CALM, left=15.0)),
    ("The LEDs, 5 s later", _turned_to(ScreenId.LED_LEGEND, CALM, left=10.0)),
    ("The LEDs, 10 s later", _turned_to(ScreenId.LED_LEGEND, CALM, left=5.0)),
    ("Sixth press: the display", _turned_to(ScreenId.DISPLAY, CALM)),
    ("Seventh press: a question about the display", _turned_to(ScreenId.SHIFTED, CALM)),
    ("Offline", _offline()),
    ("Offline: no network", _offline(replace(PAIRED, addresses=()))),
    ("Offline: no orders from the gateway", _offline(why=FEED_REFUSED)),
    ("Offline: the answer is not a gateway's", _offline(why=GATEWAY_UNREADABLE)),
    ("Offline: too many orders", _offline(why=TOO_MANY_ORDERS)),
    ("Offline: another gateway is here", _offline(replace(PAIRED, gateways={"Terrace": TERRACE}))),
    ("Offline: the gateway revoked the pairing", _offline(replace(PAIRED, gateways={}), TOKEN_REFUSED)),
    ("The gateway revoked the pairing", _shown(AwaitingPairing(SEEN, TOKEN_REFUSED))),
    ("The saved pairing is damaged", _shown(AwaitingPairing(SEEN, TOKEN_UNREADABLE))),
    (
        "The SD card was reset",
        _shown(AwaitingPairing(replace(SEEN, board=replace(SEEN.board, card=Card.RESET)))),
    ),
    ("The SD card is broken", _connected(CALM, replace(PAIRED, board=replace(SEEN.board, card=Card.BROKEN)))),
    ("The settings file is unreadable", _connected(CALM, UNREADABLE_SETTINGS)),
    ("A mistake in the settings", _connected(CALM, WRONG)),
    ("One press later: the mistake", _turned_to(ScreenId.SETTINGS, CALM, WRONG)),
    ("An update is found", _connected(CALM, _update(UpdatePhase.FOUND))),
    ("Three presses later: install it", _turned_to(ScreenId.UPDATE, CALM, _update(UpdatePhase.FOUND))),
    ("It is being installed", _connected(CALM, _update(UpdatePhase.INSTALLING, percent=45))),
    (
        "Its progress",
        _turned_to(ScreenId.UPDATE, CALM, _update(UpdatePhase.INSTALLING, percent=45)),
    ),
    ("The update is installed", _turned_to(ScreenId.UPDATE, CALM, _update(UpdatePhase.READY))),
    ("The box restarts", _turned_to(ScreenId.UPDATE, CALM, _update(UpdatePhase.READY, requested=True))),
    ("The new version is tried", _turned_to(ScreenId.UPDATE, CALM, _update(UpdatePhase.TRIAL))),
    ("The box is updated", _turned_to(ScreenId.UPDATE, CALM, _update(UpdatePhase.UPDATED))),
    ("An update failed", _connected(CALM, _update(UpdatePhase.FAILED, reason=UpdateReason.NOT_CONNECTED))),
    (
        "Three presses later: why it went back",
        _turned_to(ScreenId.UPDATE, CALM, _update(UpdatePhase.FAILED, reason=UpdateReason.NOT_CONNECTED)),
    ),
    (
        "An update of another maker",
        _turned_to(ScreenId.UPDATE, CALM, _update(UpdatePhase.FAILED, reason=UpdateReason.WRONG_KEY)),
    ),
    ("Save a copy", _turned_to(ScreenId.COPY, CALM, _copy(BackupPhase.NONE))),
    ("It is being saved", _turned_to(ScreenId.COPY, CALM, _copy(BackupPhase.SAVING, percent=40))),
    ("The copy is saved", _turned_to(ScreenId.COPY, CALM, _copy(BackupPhase.SAVED))),
    (
        "It is saved, without the pairing",
        _turned_to(ScreenId.COPY, CALM, _copy(BackupPhase.SAVED, reason=BackupReason.WITHOUT_PAIRING)),
    ),
    (
        "No stick is plugged in",
        _turned_to(ScreenId.COPY, CALM, _copy(BackupPhase.FAILED, reason=BackupReason.NO_STICK)),
    ),
    (
        "A new card: its copy is damaged",
        _shown(Discovering(replace(_copy(BackupPhase.FAILED, reason=BackupReason.DAMAGED), current=None, gateways={}))),
    ),
    ("Erase the box", _erase()),
    ("The button is held", _erase(asked=ERASE_QUESTION, down_since=NOW - 4.3, pressed_at=NOW - 4.3)),
    ("The button was held for 10 s", _erase(asked=ERASE_QUESTION, down_since=NOW - 11, pressed_at=NOW - 11)),
    ("Let go: wait", _erase(erase=Erase(0, NOW - 1))),
    ("And press", _erase(erase=Erase(0, NOW - 4))),
    ("Three times", _erase(erase=Erase(2, NOW - 4.5))),
    ("The box is erased", _erase(erase_requested_until=NOW + 20)),
    ("The disk is full: pairing not saved", _connected(CALM, replace(PAIRED, unsaved=True))),
    ("The power supply is weak", _connected(CALM, replace(PAIRED, board=Board(61.0, True, True)))),
    ("The button is stuck", _connected(CALM, replace(PAIRED, stuck=True))),
    (
        "The button is held: forget the pairing",
        _connected(CALM, replace(PAIRED, down_since=NOW - 2.3, pressed_at=NOW - 2.3)),
    ),
    ("The button was held for 5 s", _connected(CALM, replace(PAIRED, down_since=NOW - 6, pressed_at=NOW - 6))),
    ("No activity for minutes: dimmed", _connected(OrderBook(), replace(PAIRED, last_activity=NOW - 1200))),
    ("Asleep, and offline", _offline(replace(PAIRED, last_activity=NOW - 5 * 3600))),
    ("The program failed five times in a row", failing(restart=True)),
    ("It failed again after a restart", failing(restart=False)),
    ("Stopping", farewell(_connected(CALM))),
)
"""All screens. Captions must be unique, because they determine file names."""

STEPS: tuple[Example, ...] = (
    ("Plugged in", EXAMPLES[0][1]),
    ("A gateway is found: press here", _shown(AwaitingPairing(SEEN))),
    ("Now press there", _pairing(SEEN, 103, {"Bar": Denial.NOT_PRESSED})),
    ("Paired: the count", _connected(CALM)),
)
"""The steps of an installation."""
ERASE_STEPS: tuple[Example, ...] = (
    ("Press until this appears", _erase()),
    ("Hold the button", _erase(asked=ERASE_QUESTION, down_since=NOW - 4.3, pressed_at=NOW - 4.3)),
    ("Let go", _erase(asked=ERASE_QUESTION, down_since=NOW - 11, pressed_at=NOW - 11)),
    ("Wait for the next screen", _erase(erase=Erase(0, NOW - 1))),
    ("Press once; three times in all", _erase(erase=Erase(0, NOW - 4))),
    ("The box restarts as new", _erase(erase_requested_until=NOW + 20)),
)
"""The steps of a factory reset."""
