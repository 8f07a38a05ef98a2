"""The token and nothing else is replaced in a recording."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.values import Token
from appliance.recording.entries import TOKEN, Http
from appliance.recording.redaction import OTHER, Redaction

SECRET = "2f1f4339c7b77fa3474bf8ba8852349273e928bb8ad9d186"
REDACTION = Redaction(Token(SECRET))
UUID = "ac3efe43-c9ac-4a4d-8ea5-38bd816ec52f"


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(one):04x}" for one in text)


def encoded(text: str) -> str:
    return "".join(f"%{ord(one):02X}" for one in text)


@pytest.mark.parametrize("form", [str, str.upper, escaped, encoded, lambda text: text[:20] + escaped(text[20:])])
@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_the_token_is_replaced_in_every_form(form: type[str], before: str, after: str) -> None:
    # A digit beside it may belong to the form of another token, or to an escape.
    before, after = f"{before} ", f" {after}"
    assert REDACTION.text(before + form(SECRET) + after) == REDACTION.text(before) + TOKEN + REDACTION.text(after)


@given(begin=st.integers(0, 36), size=st.integers(12, 48))
def test_a_part_of_the_token_is_replaced(begin: int, size: int) -> None:
    assert REDACTION.text(f"<{SECRET[begin : begin + size]}>") == f"<{TOKEN}>"


@given(st.text(max_size=200))
def test_nothing_else_is_replaced(text: str) -> None:
    assert REDACTION.text(text) == text


@pytest.mark.parametrize(
    "text",
    [UUID, UUID.replace("-", ""), SECRET[:8], "a" * 47, "a" * 49, "100%", "%41%zz", "\\u00e4\\", quote("Küche ½")],
)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert REDACTION.text(text) == text


def test_another_clients_token_is_replaced() -> None:
    other = SECRET[::-1]
    assert REDACTION.text(f'{{"token": "{other}"}}') == f'{{"token": "{OTHER}"}}'


def test_every_text_of_an_entry_is_searched() -> None:
    entry = Http(at=1.0, took=0.5, address="a:1", method="GET", path=f"/{SECRET}", token=True, status=200,
                 headers=((SECRET, SECRET),), body=f"<{SECRET}>", reason=SECRET)  # fmt: skip
    assert REDACTION.entry(entry) == Http(
        at=1.0, took=0.5, address="a:1", method="GET", path=f"/{TOKEN}", token=True, status=200,
        headers=((TOKEN, TOKEN),), body=f"<{TOKEN}>", reason=TOKEN,
    )  # fmt: skip


@given(st.text("0123456789abcdef", min_size=1, max_size=11))
def test_a_short_token_is_replaced_as_a_whole(secret: str) -> None:
    assert Redaction(Token(secret)).text(f"<{secret}>") == f"<{TOKEN}>"
