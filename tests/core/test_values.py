"""The core's values: immutable, tokens hidden in logs, and stable names for other programs."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import FrozenInstanceError, is_dataclass
from pathlib import Path

import pytest

import appliance.core
from appliance.core import reasons
from appliance.core.delivery import LeftOut
from appliance.core.events import Denial, FeedFailure
from appliance.core.limits import LONGEST_TOKEN
from appliance.core.states import NAMES
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
from appliance.core.view import LedMode, Leds, Sound, View, sparkline

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


def test_a_value_can_not_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Address("a").host = "b"  # type: ignore[misc]


def test_addresses_in_words() -> None:
    assert str(Address("192.0.2.1")) == "192.0.2.1:8000"
    assert str(Address("gateway.local", 80)) == "gateway.local:80"
    assert str(Address("fe80::1%eth0", 81)) == "[fe80::1%eth0]:81"


def test_a_token_shows_nothing_of_itself() -> None:
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
def test_tokens_that_can_be_sent(text: str, valid: bool) -> None:
    assert Token.is_valid(text) is valid


def test_only_a_cleared_order_is_not_active() -> None:
    assert [Order("a", state=state).active for state in ("started", "located", "cleared", "new")] == [
        True,
        True,
        False,
        True,
    ]
    assert Order("a") == Order("a", "", "", "", "started", False, None, None, None)


def test_unreadable_orders_are_counted_with_and_without_a_name() -> None:
    assert Unreadable().count == 0
    assert Unreadable(frozenset("ab"), 3).count == 5


def test_defaults_of_the_settings() -> None:
    assert Benchmarks() == Benchmarks(180, 300, 10_800)
    assert PanelSettings() == PanelSettings(600, 14_400, False)
    assert Board() == Board(None, None, None, Card.SOUND)
    assert Leds() == Leds(LedMode.OFF, LedMode.OFF, LedMode.OFF)
    assert Gateway("A", ()) == Gateway(name="A", addresses=())


def test_words_that_other_programs_read() -> None:
    """A headless panel's lines, and the archive's exports: whoever reads them must not be told other words."""
    assert sorted(NAMES.values()) == [
        "awaiting_pairing",
        "connected",
        "connecting",
        "discovering",
        "offline",
        "pairing",
    ]
    assert [mode.value for mode in LedMode] == ["off", "on", "slow", "fast"]
    assert [sound.value for sound in Sound] == ["page", "paired", "error", "late"]
    assert sorted(value for name, value in vars(reasons).items() if name.isupper()) == [
        "another gateway is here",
        "confirm the gateway",
        "feed refused",
        "gateway unreachable",
        "no network",
        "token refused",
        "token unreadable",
        "too many orders",
        "window over",
    ]
    assert [denial.value for denial in Denial] == [
        "gateway button not pressed",
        "gateway unreachable",
        "gateway refused",
    ]
    assert [failure.value for failure in FeedFailure] == [
        "gateway unreachable",
        "feed closed",
        "feed closed before the orders came",
        "more than can be held",
    ]
    assert [why.value for why in LeftOut] == [
        "never located",
        "cleared after hours",
        "clock was changed",
        "no time known",
    ]


def test_small_bars() -> None:
    assert sparkline(()) == ""
    assert sparkline((0, 0)) == "  "
    assert sparkline((0, 1, 4, 8)) == " ▁▄█"
    assert sparkline((1, 100)) == "▁█", "what is not nothing is never drawn as nothing"


def test_a_view_is_bright_and_still_unless_it_is_said() -> None:
    view = View("offline", None, None, None, None, None, None, Leds(), screen=None)  # type: ignore[arg-type]
    assert (view.power.name, view.beat, view.pressed, view.walk) == ("BRIGHT", None, False, 0)
