"""The pairing window: requests to each gateway, their pace and addresses, and the ends of the window."""

from __future__ import annotations

import pytest

from appliance.core.effects import AskForToken, Effect, MakeSound, StorePendingToken
from appliance.core.events import (
    ButtonDown,
    ButtonUp,
    Denial,
    GatewayFound,
    GatewayLost,
    TimerFired,
    TokenDenied,
    TokenIssued,
    TokensLoaded,
)
from appliance.core.machine import begin
from appliance.core.present import present
from appliance.core.states import AwaitingPairing, Connecting, Discovering, Pairing, Phase
from appliance.core.timers import Timer
from appliance.core.values import Address, Benchmarks, Gateway, Mistake, PanelSettings, Token
from appliance.core.view import Listing, Sound
from tests.core.cases import A, B
from tests.core.simulated_effects import Surroundings

TOKEN = Token("fresh")


def box(*gateways: Gateway) -> Surroundings:
    """A box without a token, with these gateways in sight."""
    made = Surroundings(begin(Benchmarks()), now=100.0)
    made.tell(TokensLoaded(None, None))
    for gateway in gateways:
        made.tell(GatewayFound(gateway))
    return made


def tap(box: Surroundings) -> list[Effect]:
    return [*box.tell(ButtonDown()), *box.tell(ButtonUp())]


def pairing(box: Surroundings) -> Pairing:
    assert isinstance(box.state, Pairing)
    return box.state


def asked(effects: list[Effect]) -> list[tuple[str, str]]:
    return [(effect.gateway.name, effect.address.host) for effect in effects if isinstance(effect, AskForToken)]


def deny(box: Surroundings, name: str, why: Denial = Denial.NOT_PRESSED) -> None:
    box.tell(TokenDenied(pairing(box).attempt, name, why))


def ask(box: Surroundings) -> list[tuple[str, str]]:
    """The requests after a second."""
    assert box.timers[Timer.ASK] <= box.now + 1.0
    box.now = box.timers[Timer.ASK]
    return asked(box.tell(TimerFired(Timer.ASK)))


def words(box: Surroundings) -> tuple[str, ...]:
    return present(box.state, box.now).view.screen.words


def test_a_press_without_a_gateway_in_sight_is_an_error_and_the_next_ones_turn_the_screens() -> None:
    alone = box()
    tap(alone)
    assert isinstance(alone.state, Discovering)
    assert alone.sounds == [Sound.ERROR]
    assert isinstance(present(alone.state, alone.now).view.screen, Listing), "and it turns to the first screen"
    alone.advance(1)
    tap(alone)
    assert alone.sounds == [Sound.ERROR], "the second press asks for the next screen and for no pairing"
    alone.advance(20)
    tap(alone)
    assert alone.sounds == [Sound.ERROR] * 2, "back at the first screen, a press asks for a pairing again"


def test_a_hold_without_a_gateway_in_sight_is_an_error() -> None:
    alone = box()
    alone.tell(ButtonDown())
    alone.advance(6)
    assert MakeSound(Sound.ERROR) in alone.tell(ButtonUp())
    assert isinstance(alone.state, Discovering)


def test_the_gateway_is_asked_every_second_and_one_request_at_a_time() -> None:
    one = box(A)
    assert asked(tap(one)) == [("A", "192.0.2.10")]
    assert ask(one) == [], "the last request is still pending"
    deny(one, "A")
    assert ask(one) == [("A", "192.0.2.10")]


def test_an_unreachable_gateway_is_asked_at_its_next_address() -> None:
    home = Gateway("A", (Address("192.0.2.10"), Address("192.0.2.11")))
    one = box(home)
    tried = [host for _, host in asked(tap(one))]
    for why in (Denial.UNREACHABLE, Denial.NOT_PRESSED, Denial.UNREACHABLE, Denial.REFUSED):
        deny(one, "A", why)
        tried += [host for _, host in ask(one)]
    assert tried == ["192.0.2.10", "192.0.2.11", "192.0.2.11", "192.0.2.10", "192.0.2.10"]


def test_a_gateway_found_during_the_window_is_asked() -> None:
    one = box(A)
    tap(one)
    one.tell(GatewayFound(B))
    assert ask(one) == [("B", "192.0.2.20")]
    assert pairing(one).asked == {"A", "B"}


def test_a_token_of_the_only_gateway_needs_no_confirmation() -> None:
    one = box(A)
    tap(one)
    effects = one.tell(TokenIssued(pairing(one).attempt, A, TOKEN))
    assert isinstance(one.state, Connecting)
    assert one.state.link.phase is Phase.STORING
    assert [effect.credential.gateway for effect in effects if isinstance(effect, StorePendingToken)] == ["A"]
    assert not one.timers, "the window is over"


def test_a_token_of_one_of_two_gateways_is_confirmed_by_a_press() -> None:
    both = box(A, B)
    tap(both)
    both.tell(TokenIssued(pairing(both).attempt, B, TOKEN))
    assert [offer.gateway.name for offer in pairing(both).offers] == ["B"]
    deny(both, "A")
    assert ask(both) == [("A", "192.0.2.10")], "the offered gateway gets no more requests"
    tap(both)
    assert isinstance(both.state, Connecting)
    assert both.state.world.pending is not None
    assert both.state.world.pending.gateway == "B"


def test_a_declined_gateway_is_neither_offered_nor_asked_again() -> None:
    both = box(A, B)
    tap(both)
    both.tell(TokenIssued(pairing(both).attempt, B, TOKEN))
    both.tell(ButtonDown())
    both.advance(5.1)
    both.tell(ButtonUp())
    assert pairing(both).declined == {"B"}
    assert not pairing(both).offers
    deny(both, "A")
    assert ask(both) == [("A", "192.0.2.10")]
    deny(both, "A")
    assert ask(both) == [("A", "192.0.2.10")]


def test_after_a_decline_the_others_are_asked_at_once() -> None:
    both = box(A, B)
    tap(both)
    both.tell(TokenIssued(pairing(both).attempt, B, TOKEN))
    both.tell(ButtonDown())
    both.now += 5.1
    deny(both, "A")
    assert asked(both.tell(ButtonUp())) == [("A", "192.0.2.10")]
    assert pairing(both).since == {"A": both.now}
    assert words(both)[:2] == ("Now press the", "gateway's button")


def test_a_newer_token_of_an_offered_gateway_replaces_the_older_one() -> None:
    both = box(A, B)
    tap(both)
    attempt = pairing(both).attempt
    both.tell(TokenIssued(attempt, B, Token("older")))
    both.tell(TokenIssued(attempt, A, TOKEN))
    both.tell(TokenIssued(attempt, B, Token("newer")))
    offers = [(offer.gateway.name, offer.token) for offer in pairing(both).offers]
    assert offers == [("A", TOKEN), ("B", Token("newer"))]


@pytest.mark.parametrize(("after", "left"), [(10.0, 110.0), (59.0, 61.0), (100.0, 60.0)])
def test_a_person_has_a_minute_at_least_to_confirm(after: float, left: float) -> None:
    both = box(A, B)
    tap(both)
    both.advance(after)
    both.tell(TokenIssued(pairing(both).attempt, B, TOKEN))
    assert pairing(both).ends == pytest.approx(both.now + left)
    assert both.timers[Timer.WINDOW] == pytest.approx(both.now + left)
    both.advance(left - 0.1)
    pairing(both)
    both.advance(0.2)
    assert isinstance(both.state, AwaitingPairing)


def test_the_window_ends_after_two_minutes_with_an_error_and_a_reason() -> None:
    one = box(A)
    tap(one)
    one.advance(119.9)
    pairing(one)
    assert not one.sounds
    one.advance(0.2)
    assert present(one.state, one.now).view.reason == "window over"
    assert isinstance(one.state, AwaitingPairing)
    assert one.sounds == [Sound.ERROR]
    assert not one.timers


def test_a_press_in_the_window_cancels_it_silently() -> None:
    one = box(A)
    tap(one)
    one.advance(2)
    tap(one)
    assert isinstance(one.state, AwaitingPairing)
    assert one.state.reason is None
    assert not one.sounds


def test_a_late_token_is_used_although_its_window_is_over() -> None:
    one = box(A)
    tap(one)
    attempt = pairing(one).attempt
    one.advance(121)
    one.tell(TokenIssued(attempt, A, TOKEN))
    assert isinstance(one.state, Connecting)


def test_a_late_token_of_a_second_gateway_is_confirmed_first() -> None:
    both = box(A, B)
    tap(both)
    attempt = pairing(both).attempt
    both.advance(121)
    both.tell(TokenIssued(attempt, B, TOKEN))
    assert [offer.gateway.name for offer in pairing(both).offers] == ["B"]
    assert both.timers[Timer.WINDOW] == pytest.approx(both.now + 60)
    both.advance(61)
    assert isinstance(both.state, AwaitingPairing)


def test_the_time_until_a_gateway_counts_as_silent_runs_from_its_request() -> None:
    one = box(A)
    tap(one)
    one.advance(4.9)
    assert words(one)[:2] == ("Now press the", "gateway's button")
    one.advance(0.2)
    assert words(one)[:2] == ("Gateway does", "not answer")
    deny(one, "A")
    assert words(one)[:2] == ("Now press the", "gateway's button")
    one.advance(4.9)
    assert words(one)[:2] == ("Now press the", "gateway's button"), "asked again within a second"
    one.advance(2)
    assert words(one)[:2] == ("Gateway does", "not answer")


def test_answers_of_a_lost_gateway_are_ignored() -> None:
    both = box(A, B)
    tap(both)
    deny(both, "A", Denial.REFUSED)
    deny(both, "B", Denial.NOT_PRESSED)
    assert words(both)[:2] == ("Now press the", "gateway's button")
    both.tell(GatewayLost("B"))
    assert words(both)[:2] == ("Gateway", "refused pairing")
    both.tell(GatewayLost("A"))
    assert words(both)[:2] == ("Gateway does", "not answer")
    assert present(both.state, both.now).view.reason == "gateway unreachable"


def test_the_reason_stays_while_a_gateway_comes_and_goes() -> None:
    one = box(A)
    tap(one)
    one.advance(121)
    one.tell(GatewayLost("A"))
    assert isinstance(one.state, Discovering)
    assert one.state.reason == "window over"
    one.tell(GatewayFound(A))
    assert words(one)[2] == "Pairing timed out"


def test_an_address_from_the_settings_is_asked_for_only_where_they_name_one() -> None:
    assert not begin(Benchmarks()).world.fixed_address
    assert begin(Benchmarks(), fixed_address=True).world.fixed_address
    mistakes = (Mistake(1, None, "wrong"),)
    world = begin(Benchmarks(1, 2, 3), settings=PanelSettings(5, 6), version="1.2", mistakes=mistakes).world
    assert (world.benchmarks, world.settings) == (Benchmarks(1, 2, 3), PanelSettings(5, 6))
    assert (world.version, world.mistakes) == ("1.2", mistakes)
    assert begin(Benchmarks()).world.settings == PanelSettings()
