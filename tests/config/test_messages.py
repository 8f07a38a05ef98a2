"""Messages about mistakes: plain words, short enough for the display, and with line and key."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config.keys import KEYS
from appliance.config.lenient import parse_leniently
from appliance.core.screens.settings import LONGEST_MISTAKE, settings_screen
from appliance.core.values import Mistake
from appliance.panel.drawing.message import choose_layout
from tests.config.test_refused import WRONG
from tests.config.test_wifi_safety import BAR, LOST_PASSWORDS

JARGON = re.compile(
    r"\b(mapping|scalar|token|anchor|alias|tag|node|yaml|stream|document|block|flow|indicator|escape|surrogate|byte 0x|"
    r"UTF-16|parse|invalid|expected|NUL|BOM|null|None|boolean|integer|string)\b",
    re.IGNORECASE,
)
"""Words of parsers and programmers."""
VALUES = ("", "x", "300", "''", "[a, b]", "{a: b}", "999999", "-1", "a b", "ü", "x" * 300, '"\\u202e\\0"', "1:2:3")
TEXTS = [
    *WRONG,
    *(BAR + written for written in LOST_PASSWORDS.values() if isinstance(written, str)),
    *(
        "".join(f"{part}:\n  " for part in dotted.split(".")[:-1]) + f"{dotted.split('.')[-1]}: {value}\n"
        for dotted in KEYS
        for value in VALUES
    ),
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:40]))
def test_each_message_fits_the_display_and_is_in_plain_words(text: str) -> None:
    _, mistakes = parse_leniently(text, "tt.yaml")
    for mistake in mistakes:
        assert not JARGON.search(mistake.text), mistake
        assert mistake.line
        assert len(f"{mistake.key}: {mistake.text}" if mistake.key else mistake.text) <= LONGEST_MISTAKE, mistake
        assert mistake.text.isprintable()
        assert _is_whole(mistake), mistake


def _is_whole(mistake: Mistake) -> bool:
    """Whether a display of 128x64 shows all of the message, beside the number of others."""
    lines = settings_screen((mistake, mistake)).lines
    layout = choose_layout(lines, 126, 64, False)
    shown = "".join(row.text for row in (*layout.beside, *layout.below))
    return all(line.text.replace(" ", "") in shown.replace(" ", "") for line in lines)


@given(st.text(st.sampled_from("abwifi:namepassword \n\"'#-&*!|>%@`{}[],\t=“”\u00a0\0\x85\u2028ü")))
def test_no_text_draws_words_of_a_parser(text: str) -> None:
    for mistake in parse_leniently(text, "tt.yaml")[1]:
        assert not JARGON.search(re.sub('".*?"', "", mistake.text)), mistake


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        (b"{\\rtf1\\ansi\\deff0 wifi:}", None, None),
        (b"<!DOCTYPE html><html>", None, None),
        (b"PK\x03\x04...", None, None),
        (b"%PDF-1.7", None, None),
    ],
)
def test_a_word_processors_document_is_told(text: bytes, line: int | None, key: str | None) -> None:
    from appliance.config.lenient import parse_data_leniently

    _, mistakes = parse_data_leniently(text, "tt.yaml")
    assert mistakes == (Mistake(line, key, "is a word processor's document; save it as plain text"),)
