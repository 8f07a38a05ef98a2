"""A box without LEDs: its display tells everything that they would."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.navigation import available_screens
from appliance.core.present import present
from appliance.core.states import Connected, ScreenId
from appliance.core.values import Benchmarks, Order, PanelSettings, ToGoBenchmarks
from appliance.core.view import Asleep, Count, LedMode, Leds, Mark, Power, Screen
from tests.core.cases import NOW, STATES
from tests.core.screens.connected_state import connected

NO_LEDS = PanelSettings(leds=False)
HOURS = 3600.0


def test_no_two_meanings_of_the_leds_share_a_screen() -> None:
    """In each state, awake and asleep, the screen alone determines the LEDs."""
    seen: dict[Screen, Leds] = {}
    for name, state in STATES.items():
        world = replace(state.world, settings=NO_LEDS, turned_to=ScreenId.MAIN, down_since=None)
        for moment in (NOW, NOW + 1 * HOURS, NOW + 9 * HOURS):
            view = present(replace(state, world=world), moment).view
            assert view.power is not Power.DARK, f"{name}: it would look like a box without power"
            assert view.screen.words, name
            assert seen.setdefault(view.screen, view.leds) == view.leds, name
    assert len(set(seen.values())) >= 7


_ages = st.sampled_from((0.0, 100.0, 150.0, 299.0, 301.0, 700.0, 20_000.0))
_orders = st.lists(st.tuples(_ages, st.sampled_from(["ON_PREMISE", "TO_GO"])), max_size=6)
_to_go = st.builds(
    ToGoBenchmarks, st.none() | st.sampled_from((50.0, 170.0)), st.none() | st.sampled_from((200.0, 1000.0))
)


@given(_orders, _to_go)
def test_the_count_has_the_mark_that_the_leds_show(orders: list[tuple[float, str]], to_go: ToGoBenchmarks) -> None:
    """Also of an order to go that is late before an older one."""
    listed = [Order(str(at), order_type=kind, elapsed=age) for at, (age, kind) in enumerate(orders)]
    state = connected(*listed, benchmarks=Benchmarks(180.0, 300.0, 10_800.0, to_go=to_go), settings=NO_LEDS)
    view = present(state, NOW).view
    assert isinstance(view.screen, Count)
    leds = {Mark.FINE: Leds(LedMode.ON), Mark.WARN: Leds(amber=LedMode.ON), Mark.LATE: Leds(red=LedMode.ON)}
    assert view.leds == leds[view.screen.mark]


@pytest.mark.parametrize(("orders", "word"), [((), "0 orders"), ((Order("old", elapsed=4 * HOURS),), "1 order")])
def test_a_connected_box_at_rest_keeps_its_count(orders: tuple[Order, ...], word: str) -> None:
    """With LEDs, the green one says that it runs; the display is dark then."""
    state = connected(*orders, settings=NO_LEDS)
    asleep = present(state, NOW + 5 * HOURS).view
    assert (asleep.screen, asleep.power) == (Asleep(word), Power.DIM)
    dark = present(replace(state, world=replace(state.world, settings=PanelSettings())), NOW + 5 * HOURS).view
    assert (dark.screen, dark.power) == (Asleep(), Power.DARK)


def test_only_a_box_with_leds_explains_them() -> None:
    for leds in (True, False):
        state = connected(settings=PanelSettings(leds=leds))
        assert isinstance(state, Connected)
        assert (ScreenId.LED_LEGEND in available_screens(state)) is leds
