"""Tokens and the pairing window, without a network."""

from __future__ import annotations

import re

import pytest

from appliance.simulator.envelope import Refusal, ReturnCode
from appliance.simulator.tokens import Tokens

from .conftest import Clock


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(clock)


def test_the_window_lasts_two_minutes(tokens: Tokens, clock: Clock) -> None:
    tokens.open_window()
    assert tokens.window_left == 120
    clock.advance(seconds=119.9)
    assert re.fullmatch("[0-9a-f]{48}", tokens.make_in_window("kitchen").text)
    tokens.open_window()
    clock.advance(seconds=120)
    with pytest.raises(Refusal) as refused:
        tokens.make_in_window("kitchen")
    assert (refused.value.status, refused.value.code) == (403, ReturnCode.WINDOW_EXPIRED)


def test_one_token_ends_the_window(tokens: Tokens) -> None:
    tokens.open_window()
    tokens.make_in_window("default")
    assert tokens.window_left == 0
    with pytest.raises(Refusal):
        tokens.make_in_window("default")
    assert len(tokens) == 1


def test_a_bad_name_leaves_the_window_open(tokens: Tokens) -> None:
    tokens.open_window()
    with pytest.raises(Refusal) as refused:
        tokens.make_in_window("bad\nname")
    assert refused.value.code == ReturnCode.TOKEN_NAME
    assert tokens.window_left == 120


def test_the_use_of_a_token_is_recorded(tokens: Tokens, clock: Clock) -> None:
    text = tokens.make("default").text
    clock.advance(hours=1)
    tokens.admit(text, "192.0.2.7")
    fields = tokens.admit(text, "192.0.2.7").fields()
    assert (fields["creation_date"], fields["last_used"], fields["ip_address"]) == (
        "2016-09-22T19:08:52",
        "2016-09-22T20:08:52",
        "192.0.2.7",
    )


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "abc"])
def test_a_malformed_header_differs_from_a_wrong_token(tokens: Tokens, header: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        tokens.admit_header(header, None)
    assert (refused.value.status, refused.value.code) == (400, ReturnCode.MALFORMED_AUTHORIZATION)
    with pytest.raises(Refusal) as refused:
        tokens.admit_header("Bearer abc", None)
    assert (refused.value.status, refused.value.code) == (401, ReturnCode.INVALID_TOKEN)


@pytest.mark.parametrize("text", [None, 7, ["a"], {}, ""])
def test_a_value_that_is_no_token_is_refused(tokens: Tokens, text: object) -> None:
    with pytest.raises(Refusal):
        tokens.admit(text, None)


def test_a_record_does_not_show_its_token(tokens: Tokens) -> None:
    record = tokens.make("default")
    assert record.text not in repr(record)
