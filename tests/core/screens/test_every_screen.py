"""The parts that several screens share: headline, fault, icon, sleep, and the facts for programs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.present import fault, present
from appliance.core.screens.box import box_screen
from appliance.core.screens.gateway import gateway_screen
from appliance.core.screens.led_legend import led_legend_screen
from appliance.core.states import Discovering, ScreenId, World
from appliance.core.values import Board, Card, Mistake, Order
from appliance.core.view import Count, Icon, Message, Size
from tests.core.cases import NOW, STATES
from tests.core.screens.connected_state import connected


def test_a_headline_replaces_the_title() -> None:
    state = connected(addresses=(), turned_until=NOW + 15)
    assert box_screen(state, "OFFLINE", NOW)[0].words[:2] == ("OFFLINE", "no address")
    assert gateway_screen(state, "OFFLINE", NOW)[0].title == "OFFLINE"
    assert led_legend_screen(state, "OFFLINE", NOW)[0].title == "OFFLINE"


@pytest.mark.parametrize(
    ("world", "words"),
    [
        ({}, ""),
        ({"stuck": True, "board": Board(weak_power=True)}, "Button stuck: free it"),
        ({"board": Board(weak_power=True, card=Card.BROKEN)}, "Weak power supply"),
        ({"board": Board(card=Card.BROKEN), "unsaved": True}, "SD card is broken"),
        ({"board": Board(card=Card.RESET), "unsaved": True, "current": None}, "SD card was reset"),
        ({"board": Board(card=Card.RESET), "unsaved": True}, "Pairing not saved"),
        ({"unsaved": True, "mistakes": (Mistake(12, None, ""),)}, "Pairing not saved"),
        ({"mistakes": (Mistake(12, None, ""),)}, "Settings wrong: line 12"),
        ({"mistakes": (Mistake(None, None, ""),)}, "Check the settings file"),
    ],
)
def test_only_the_worst_fault_is_shown(world: dict[str, object], words: str) -> None:
    assert fault(connected(**world).world) == words


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
def test_each_message_has_its_icon_and_large_words(state: object, icon: Icon) -> None:
    screen = present(state, NOW).view.screen  # type: ignore[arg-type]
    assert isinstance(screen, Message)
    assert screen.icon is icon
    assert screen.lines[0].size is Size.MEDIUM


def test_a_screen_turns_back_at_its_time() -> None:
    state = connected(turned_to=ScreenId.GATEWAY, turned_until=NOW + 0.4)
    assert present(state, NOW).until == pytest.approx(NOW + 0.4)


def test_programs_get_the_state_as_facts() -> None:
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


def test_a_fault_is_added_to_the_other_lines() -> None:
    offline = STATES["offline, waiting"]
    before = present(offline, NOW).view.screen.words
    stuck = present(replace(offline, world=replace(offline.world, stuck=True)), NOW).view.screen.words
    assert stuck == (*before[:2], "Button stuck: free it", *before[2:])
    count = present(connected(unsaved=True), NOW).view.screen
    assert isinstance(count, Count)
    assert count.note == "Pairing not saved"


def test_the_picture_moves_by_a_step_every_minute() -> None:
    walks = [present(connected(), now).view.walk for now in (0.0, 59.9, 60.0, 3599.9, 3600.0)]
    assert walks == [0, 0, 1, 59, 60]
    offline = replace(STATES["offline, waiting"], world=STATES["discovering"].world)
    assert present(offline, 3590.0).until <= 3600.0


def test_a_sleeping_display_keeps_one_word() -> None:
    asleep = {"connecting, opening": "Connecting", "offline, waiting": "OFFLINE", "discovering": "No gateway found"}
    for name, word in asleep.items():
        state = replace(STATES[name], world=replace(STATES[name].world, last_activity=NOW - 5 * 3600))
        assert present(state, NOW).view.screen.words == (word,)
