"""The values of the core: immutable, with tokens hidden, and with the words that other programs rely on."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import FrozenInstanceError, is_dataclass
from pathlib import Path

import pytest

import appliance.core
from appliance.core import limits, reasons
from appliance.core.day_stats import DayStats, DeliveryStats, GatewayStats
from appliance.core.delivery import Finished, LeftOut
from appliance.core.effects import StartTimer
from appliance.core.events import (
    Denial,
    FeedFailure,
    FeedOpened,
    HistorySynced,
    HistorySyncFailed,
    TokensLoaded,
)
from appliance.core.folding import Folded
from appliance.core.gateway_clock import GatewayClock
from appliance.core.limits import LONGEST_TOKEN
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.order_age import Held
from appliance.core.order_totals import Summary
from appliance.core.orders import OrderBook
from appliance.core.screens.state_view import StateView
from appliance.core.states import (
    NAMES,
    NEVER,
    AwaitingPairing,
    Connected,
    Discovering,
    Link,
    Pairing,
    Phase,
    ScreenId,
    World,
)
from appliance.core.timers import Timer
from appliance.core.values import (
    Address,
    Benchmarks,
    Board,
    Card,
    Gateway,
    Order,
    PanelSettings,
    Token,
    Unreadable,
)
from appliance.core.view import (
    Asleep,
    Count,
    LedMode,
    Leds,
    Line,
    Mark,
    Message,
    Row,
    Size,
    Sound,
    Today,
    View,
    sparkline,
)

CORE = Path(appliance.core.__file__).parent


def dataclasses() -> list[type]:
    every: list[type] = []
    for path in sorted(CORE.rglob("*.py")):
        module = importlib.import_module(".".join(("appliance.core", *path.relative_to(CORE).with_suffix("").parts)))
        for _, found in inspect.getmembers(module, inspect.isclass):
            if is_dataclass(found) and found.__module__ == module.__name__:
                every.append(found)
    return every


def test_every_value_is_frozen_and_slotted() -> None:
    for kind in dataclasses():
        assert kind.__dataclass_params__.frozen, kind  # type: ignore[attr-defined]
        assert "__slots__" in vars(kind), kind


def test_values_are_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        Address("a").host = "b"  # type: ignore[misc]


def test_addresses_in_words() -> None:
    assert str(Address("192.0.2.1")) == "192.0.2.1:8000"
    assert str(Address("gateway.local", 80)) == "gateway.local:80"
    assert str(Address("fe80::1%eth0", 81)) == "[fe80::1%eth0]:81"


def test_a_token_hides_its_text() -> None:
    token = Token("5ecret")
    for words in (repr(token), str(token), f"{token}", f"{token!r}", repr([token]), "%s" % token):  # noqa: UP031
        assert words.strip("[]") == "Token(…)"
    with pytest.raises(TypeError, match=r"use reveal\(\)"):
        list(token)
    assert token.reveal() == "5ecret"
    assert token.hidden("no 5ecret, 5ecret") == "no (token), (token)"


def test_tokens_are_compared_by_their_text() -> None:
    assert Token("a") == Token("a")
    assert Token("a") != Token("b")
    assert Token("a") != "a"
    assert len({Token("a"), Token("a"), Token("b")}) == 2
    assert not hasattr(Token("a"), "__dict__")


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("a", True),
        ("!", True),
        ("~", True),
        ("a" * LONGEST_TOKEN, True),
        ("a" * (LONGEST_TOKEN + 1), False),
        ("", False),
        ("a b", False),
        (" ", False),
        ("\x7f", False),
        ("é", False),
    ],
    ids=ascii,
)
def test_token_validity(text: str, valid: bool) -> None:
    assert Token.is_valid(text) is valid


def test_only_a_cleared_order_is_not_active() -> None:
    assert [Order("a", state=state).active for state in ("started", "located", "cleared", "new")] == [
        True,
        True,
        False,
        True,
    ]
    assert Order("a") == Order("a", "", "", "", "started", False, None, None, None)


def test_defaults_of_events() -> None:
    assert OrderChanged(Order("a")) == OrderChanged(Order("a"), False, None)
    assert OrderPaged(Order("a")).seq is None
    assert (MessageUnusable().seq, MessageIgnored()) == (None, MessageIgnored(None, "", (), False))
    assert TokensLoaded(None, None).damaged is False
    assert OrdersReplaced(()).unreadable == FeedOpened(1, ()).unreadable == Unreadable()
    assert HistorySynced(1, None, DeliveryStats(), frozenset(), frozenset()).gateway is None
    assert HistorySynced(1, None, DeliveryStats(), frozenset(), frozenset()).unreadable == 0
    assert HistorySyncFailed(1).why == ""
    assert StartTimer(Timer.ASK, 1.0).jitter is False
    assert DeliveryStats() == DeliveryStats(0, 0, 0.0, (), (0,) * 25)
    assert GatewayStats() == GatewayStats(None, None)
    assert Finished("a") == Finished("a", "", "", "", False, None, None, None, None, None)


def test_defaults_of_screens() -> None:
    assert Count("1", "order") == Count("1", "order", "", Mark.FINE, (), "")
    assert Row("a") == Row("a", "", None)
    assert Line("a") == Line("a", Size.SMALL, 0)
    assert Message(()) == Message((), None, None)
    assert Asleep() == Asleep("")
    assert Asleep().words == ()
    assert Asleep("Offline").words == ("Offline",)
    assert Today("Today", "0 done", "9 open").words == ("Today", "0 done, 9 open")
    assert Today("Today", "0 done", "9 open") == Today("Today", "0 done", "9 open", "", "", "", "", 0, (), "", False)
    assert StateView(Message(()), Leds()) == StateView(
        Message(()), Leds(), float("inf"), None, None, None, None, None, False, "", 0
    )


def test_defaults_of_states() -> None:
    assert Link(None) == Link(
        None, Phase.WAITING, 0, NEVER, 0, False, 0, False, (), OrderBook(), NEVER, False, False, 0
    )
    world = World()
    assert (world.addresses, dict(world.gateways), dict(world.names_heard), world.asking) == (None, {}, {}, frozenset())
    assert world.proven is None
    assert (world.current, world.pending, world.unsaved, world.saving, world.serial) == (None, None, False, 0, 0)
    assert (world.earlier, world.trying, world.pending_until, world.refusal_told) == ((), 0, NEVER, False)
    assert (world.hurried_at, world.held, world.credential) == (NEVER, (), None)
    assert (world.last_page, world.pressed_at, world.turned_until) == (NEVER, NEVER, NEVER)
    assert (world.down_since, world.asked, world.stuck, world.woke_display, world.history_syncs) == (
        None,
        None,
        False,
        False,
        (),
    )
    assert (world.turned_to, world.last_activity, world.version, world.mistakes) == (ScreenId.MAIN, -NEVER, "", ())
    assert AwaitingPairing(world) == AwaitingPairing(world, None, None)
    assert Discovering(world) == Discovering(world, None)
    assert Pairing(world, 1, 2.0) == Pairing(world, 1, 2.0, frozenset(), {}, {}, {}, (), frozenset())
    state = Connected(world, Gateway("A", ()), Address("a"), 1, OrderBook(), 9.0)
    assert (state.since, state.failures) == (NEVER, 0)
    assert (state.seq, state.looking, state.last_look) == (None, 0, NEVER)
    assert (state.doubted_at, state.suspects, dict(state.vain_looks)) == (None, frozenset(), {})
    assert (state.lost, state.late_at) == (False, None)
    assert (state.last_heard, state.alert, state.repeats, state.welcome_until, state.history_sync) == (
        NEVER,
        None,
        0,
        NEVER,
        0,
    )
    assert OrderBook() == OrderBook({}, GatewayClock(), DayStats(), Unreadable(), {}, NEVER)
    assert GatewayClock() == GatewayClock(None, False, 600.0, 0, None)
    assert DayStats() == DayStats(None, None, None, {}, {}, None, False, 0.0)
    assert Folded(OrderBook()) == Folded(OrderBook(), (), False, False, frozenset(), False)
    held = Held(Order("a"), 0.0, True)
    assert (held.sat, held.era, held.heard) == (None, 0, float("inf"))
    assert Summary(0, 0, 0, 0, 0, None, False).unreadable == 0


def test_unreadable_orders_are_counted_with_and_without_a_name() -> None:
    assert Unreadable().count == 0
    assert Unreadable(frozenset("ab"), 3).count == 5


def test_defaults_of_the_settings() -> None:
    assert Benchmarks() == Benchmarks(180, 300, 10_800)
    assert PanelSettings() == PanelSettings(600, 14_400, False)
    assert Board() == Board(None, None, None, Card.SOUND)
    assert Leds() == Leds(LedMode.OFF, LedMode.OFF, LedMode.OFF)
    assert Gateway("A", ()) == Gateway(name="A", addresses=())


def test_the_words_of_interfaces_to_programs() -> None:
    """Other programs depend on these words in the headless panel's lines and in exports."""
    assert sorted(NAMES.values()) == [
        "awaiting_pairing",
        "connected",
        "connecting",
        "discovering",
        "offline",
        "pairing",
    ]
    assert [mode.value for mode in LedMode] == ["off", "on", "slow", "fast"]
    assert [sound.value for sound in Sound] == ["page", "paired", "error", "late", "new_order"]
    assert sorted(value for name, value in vars(reasons).items() if name.isupper()) == [
        "another gateway is here",
        "confirm the gateway",
        "feed refused",
        "gateway unreachable",
        "host not found",
        "no network",
        "token refused",
        "token unreadable",
        "too many orders",
        "unreadable answer",
        "window over",
    ]
    assert [denial.value for denial in Denial] == [
        "gateway button not pressed",
        "gateway unreachable",
        "gateway refused",
        "unreadable answer",
    ]
    assert [failure.value for failure in FeedFailure] == [
        "gateway unreachable",
        "feed closed",
        "feed closed before the orders came",
        "handshake without a token refused",
        "unreadable answer",
        "no orders",
        "more than can be held",
    ]
    assert [why.value for why in LeftOut] == [
        "never located",
        "cleared after hours",
        "clock was changed",
        "no time known",
    ]


def test_the_limits_fit_the_memory_limit() -> None:
    """Together they must stay within the unit's 300 MB; recalculate after a change."""
    kib, mib = 1024, 1024 * 1024
    assert (limits.MOST_ORDERS, limits.MOST_VALUES) == (100_000, 1_100_000)
    assert (32 * mib, 26 * mib) == (limits.LARGEST_MESSAGE, limits.LARGEST_WIDE_MESSAGE)
    assert (8 * mib, mib) == (limits.LARGEST_WIDEST_MESSAGE, limits.LARGEST_CHUNK)
    assert (64 * kib,) * 3 == (limits.LARGEST_ANSWER, limits.LARGEST_TOKEN_FILE, limits.LARGEST_SETTINGS)
    assert (limits.LONGEST_UUID, limits.LONGEST_TEXT, limits.LONGEST_TOKEN) == (128, 64, 4096)
    assert (limits.MOST_GATEWAYS, limits.MOST_ANNOUNCED, limits.MOST_HEARD) == (64, 5000, 256)
    assert (limits.LONGEST_LABEL, limits.LONGEST_NAME) == (63, 40)


def test_small_bars() -> None:
    assert sparkline(()) == ""
    assert sparkline((0, 0)) == "  "
    assert sparkline((0, 1, 4, 8)) == " ▁▄█"
    assert sparkline((1, 100)) == "▁█", "a small value must be visible"


def test_defaults_of_a_view() -> None:
    view = View("offline", None, None, None, None, None, None, Leds(), screen=None)  # type: ignore[arg-type]
    assert (view.power.name, view.beat, view.pressed, view.walk) == ("BRIGHT", None, False, 0)
