"""Somebody else announces the paired gateway's name, or its host's: a live feed stays, and the token with it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import machine
from appliance.core.effects import CheckToken, Effect, OpenFeed, SyncHistory
from appliance.core.events import (
    ButtonDown,
    ButtonUp,
    Denial,
    FeedAnswered,
    FeedFailure,
    FeedLost,
    FeedOpened,
    GatewayFound,
    GatewayLost,
    GatewayResolved,
    GatewayUnresolved,
    TokenDenied,
    TokenIssued,
    TokensLoaded,
    TokenStored,
)
from appliance.core.machine import begin
from appliance.core.states import Connecting, Discovering, Pairing, Phase, State, World
from appliance.core.values import Address, Benchmarks, Credential, Gateway, Token, name_key
from tests.core.cases import CREDENTIAL, NOW, NUMBER, STATES, A
from tests.core.simulated_effects import Surroundings
from tests.core.test_connected import ORDER, connected, live, look
from tests.core.test_connecting import fail, link, loaded

REAL = A.addresses[0]
ELSEWHERE = Address("192.0.2.66")
OTHER_PORT = Address(REAL.host, 9999)
IMPOSTORS = {
    "alone": Gateway("A", (ELSEWHERE,)),
    "first": Gateway("A", (ELSEWHERE, REAL)),
    "last": Gateway("A", (REAL, ELSEWHERE)),
    "another port": Gateway("A", (OTHER_PORT,)),
    "other letters": Gateway("a", (ELSEWHERE,)),
}
impostors = pytest.mark.parametrize("impostor", IMPOSTORS.values(), ids=list(IMPOSTORS))


def sent_to(effects: Iterable[Effect]) -> set[Address]:
    """The addresses that the token goes to."""
    return {effect.address for effect in effects if isinstance(effect, OpenFeed | CheckToken | SyncHistory)}


@impostors
@pytest.mark.parametrize("goodbye", [False, True])
def test_a_live_feed_stays_and_is_looked_at_where_it_is(impostor: Gateway, goodbye: bool) -> None:
    box = live(ORDER)
    box.advance(11)
    if goodbye:
        box.tell(GatewayLost("A"))
    effects = box.tell(GatewayFound(impostor))
    for _ in range(400):
        box.advance(1)
        box.tell(FeedAnswered(connected(box).feed))
        if connected(box).looking:
            look(box, ORDER)
        assert connected(box).address == REAL
    assert sent_to(effects) <= {REAL}
    assert connected(box).doubted_at is None


@impostors
def test_a_failed_look_does_not_move_a_feed_that_answers(impostor: Gateway) -> None:
    box = live(ORDER)
    box.advance(11)
    box.tell(GatewayFound(impostor))
    box.advance(0.1)
    if not connected(box).looking:
        return
    box.tell(FeedAnswered(connected(box).feed))
    box.tell(FeedLost(connected(box).looking, FeedFailure.UNREACHABLE))
    box.advance(10)
    look(box, ORDER)
    assert connected(box).address == REAL


def test_a_gateway_that_really_moved_is_followed_as_soon_as_its_old_address_fails() -> None:
    box = live(ORDER)
    box.advance(11)
    moved = Gateway("A", (ELSEWHERE,))
    box.tell(GatewayFound(moved))
    box.advance(0.1)
    box.tell(FeedLost(connected(box).looking, FeedFailure.UNREACHABLE))
    assert link(box).phase is Phase.RESOLVING
    assert sent_to(box.tell(GatewayResolved(box.resolving, moved))) == {ELSEWHERE}


@impostors
@pytest.mark.parametrize("why", list(FeedFailure))
def test_after_a_lost_feed_the_address_that_worked_comes_first(impostor: Gateway, why: FeedFailure) -> None:
    box = live(ORDER)
    box.tell(GatewayFound(impostor))
    box.tell(FeedLost(connected(box).feed, why))
    box.tell(GatewayFound(impostor))
    assert not box.feeds
    box.advance(60)
    both = Gateway("A", (ELSEWHERE, OTHER_PORT, REAL))
    assert sent_to(box.tell(GatewayResolved(box.resolving, both))) == {REAL}


@impostors
def test_an_announcement_alone_opens_no_feed(impostor: Gateway) -> None:
    box = loaded()
    box.tell(FeedOpened(link(box).attempt, ()))
    box.tell(FeedLost(connected(box).feed, FeedFailure.UNREACHABLE))
    box.tell(GatewayUnresolved(box.resolving))
    fail(box)
    assert link(box).phase is Phase.WAITING
    assert not sent_to(box.tell(GatewayFound(impostor)))
    assert link(box).phase is Phase.RESOLVING
    box.tell(GatewayUnresolved(box.resolving))
    assert box.feeds == set() or link(box).address == REAL


def test_a_new_token_goes_first_where_it_was_issued() -> None:
    box = Surroundings(STATES["pairing, one gateway"], now=NOW)
    box.asked = {"A"}
    box.tell(TokenIssued(6, A, CREDENTIAL.token))
    box.tell(GatewayFound(IMPOSTORS["alone"]))
    assert sent_to(box.tell(TokenStored(link(box).attempt))) == {REAL}


@pytest.mark.parametrize("impostor", [IMPOSTORS["first"], IMPOSTORS["last"]])
def test_a_refused_token_is_checked_where_it_worked(impostor: Gateway) -> None:
    state = STATES["awaiting_pairing, token refused"]
    state = replace(state, world=replace(state.world, proven=REAL))
    _, effects = machine.step(state, GatewayResolved(NUMBER, impostor), NOW)
    assert sent_to(effects) == {REAL}


def spellings(name: str) -> set[str]:
    """The name in other cases and Unicode forms."""
    return {
        unicodedata.normalize(form, cased)
        for cased in (name, name.lower(), name.upper(), name.swapcase())
        for form in ("NFC", "NFD")
    }


@pytest.mark.parametrize("name", ["Bar", "Küche", "Ångström 2", "Terraço", "ВХОД", "Σ"])
def test_other_spellings_are_the_same_gateway(name: str) -> None:
    for stored in spellings(name):
        for announced in spellings(name):
            token = Token("t")
            box = Surroundings(begin(Benchmarks()), now=NOW)
            box.owner[token] = stored
            box.known[stored] = {REAL}
            box.tell(TokensLoaded(Credential(stored, token), None))
            box.tell(GatewayFound(Gateway(announced, (REAL,))))
            box.tell(GatewayResolved(box.resolving, Gateway(announced, (REAL,))))
            box.tell(FeedOpened(link(box).attempt, ()))
            assert connected(box).gateway.name == stored
            for other in spellings(name):
                box.tell(GatewayFound(Gateway(other, (REAL,))))
                box.advance(271)
                look(box)
            assert set(box.state.world.gateways) == {stored}
            box.tell(GatewayLost(announced))
            assert not box.state.world.gateways


def test_a_gateway_in_two_spellings_is_one_to_pair_with() -> None:
    state: State = Discovering(World())
    for name in ("Bar", "BAR"):
        state, _ = machine.step(state, GatewayFound(Gateway(name, (REAL,))), NOW)
    for event in (ButtonDown(), ButtonUp(), TokenDenied(1, "bar", Denial.NOT_PRESSED)):
        state, _ = machine.step(state, event, NOW)
    assert isinstance(state, Pairing)
    assert (list(state.world.gateways), dict(state.answers)) == (["Bar"], {"Bar": Denial.NOT_PRESSED})
    state, _ = machine.step(state, TokenIssued(1, Gateway("bAR", (REAL,)), Token("t")), NOW)
    assert isinstance(state, Connecting), "nobody has to confirm the only gateway"
    assert state.world.credential == Credential("Bar", Token("t"))


@given(st.text(max_size=12))
def test_the_key_of_a_name_is_the_same_for_each_spelling(name: str) -> None:
    key = name_key(name)
    assert name_key(key) == key
    for form in ("NFC", "NFD"):
        assert name_key(unicodedata.normalize(form, name)) == key
    assert name_key(name.swapcase().casefold()) == name_key(name.swapcase())
    ascii_upper = "".join(letter.upper() if letter.isascii() else letter for letter in name)
    assert name_key(ascii_upper) == key


@pytest.mark.parametrize("other", ["Bar 2", "B\u0430r", "B ar", "Bar\u200b", "Bár"])
def test_names_of_other_letters_are_others(other: str) -> None:
    assert name_key(other) != name_key("Bar")
