"""The channel's index: its parser, the choice of a release, and the roll-out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.update.index import Release, choose, parse, share

URL = "https://updates.example.org/tt/index"
GOOD: dict[str, Any] = {
    "version": "1.2.0",
    "url": "1.2.0.raucb",
    "size": 70_000_000,
    "sha256": "a" * 64,
    "system": "b" * 64,
    "minimum": "0.1.0",
    "percent": 25,
}
BOXES = [f"{number:032x}" for number in range(4000)]


def text(*releases: object, **other: object) -> str:
    return json.dumps({"format": 1, "number": 7, "releases": releases} | other)


def chosen(box: str, version: str, *releases: dict[str, Any], given_up: str = "") -> str | None:
    index = parse(text(*releases), URL)
    release = choose(index, box, version, lambda release: release.version == given_up)
    return None if release is None else release.version


def test_an_index_is_read() -> None:
    index = parse(text(GOOD), URL)
    assert (index.number, len(index.digest)) == (7, 64)
    expected = GOOD | {"url": "https://updates.example.org/tt/1.2.0.raucb"}
    assert index.releases == (Release(**expected),)
    assert parse(text(), URL).digest != index.digest


WRONG: dict[str, str] = {
    "no JSON": "{",
    "no object": "[]",
    "nested": "[" * 100_000,
    "another format": text(format=2),
    "no number": text(number=None),
    "a negative number": text(number=-1),
    "a huge number": text(number=1 << 60),
    "a number as a flag": text(number=True),
    "no releases": text(releases=None),
    "too many": text(*[GOOD] * 21),
    "no release": text("1.2.0"),
    **{f"no {name}": text({key: value for key, value in GOOD.items() if key != name}) for name in GOOD},
    "without TLS": text(GOOD | {"url": "http://updates.example.org/1.2.0.raucb"}),
    "a file": text(GOOD | {"url": "file:///etc/passwd"}),
    "two lines": text(GOOD | {"url": "a\r\nHost: b"}),
    "no version": text(GOOD | {"version": "new"}),
    "no hash": text(GOOD | {"sha256": "../../x"}),
    "too large": text(GOOD | {"size": 1 << 40}),
    "more than all": text(GOOD | {"percent": 101}),
}


@pytest.mark.parametrize("written", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_index_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is for the log
        parse(written, URL)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner)).map(json.dumps))
def test_no_text_breaks_the_parser(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse(written, URL)


def test_the_newest_release_that_fits_is_chosen() -> None:
    every = GOOD | {"percent": 100}
    newer, newest = every | {"version": "1.3.0"}, every | {"version": "1.4.0", "minimum": "1.2.0"}
    assert chosen("box", "1.0.0", every, newest, newer) == "1.3.0"
    assert chosen("box", "1.2.0", every, newest, newer) == "1.4.0"
    assert chosen("box", "1.4.0", every, newest, newer) is None
    assert chosen("box", "1.5.0", every, newest, newer) is None, "it never goes back"
    assert chosen("box", "1.0.0", every, newer, given_up="1.3.0") == "1.2.0"
    assert chosen("box", "1.2.0-rc.1", every) == "1.2.0"


@given(st.text(max_size=40), st.integers(0, 100), st.integers(0, 100))
def test_a_box_that_is_in_stays_in(box: str, one: int, other: int) -> None:
    less, more = sorted((one, other))
    if chosen(box, "1.0.0", GOOD | {"percent": less}):
        assert chosen(box, "1.0.0", GOOD | {"percent": more})
    assert chosen(box, "1.0.0", GOOD | {"percent": 0}) is None
    assert chosen(box, "1.0.0", GOOD | {"percent": 100})


@given(st.integers(1, 99), st.integers(0, 99), st.integers(0, 99))
def test_about_the_right_share_of_boxes_is_in(percent: int, minor: int, patch: int) -> None:
    """Five standard deviations of a fair draw."""
    version = f"1.{minor}.{patch}"
    taking = sum(share(box, version) < percent for box in BOXES)
    deviation = (len(BOXES) * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(taking - len(BOXES) * percent / 100) <= 5 * deviation + 1


def test_no_box_is_always_first() -> None:
    first = [{box for box in BOXES if share(box, version) < 10} for version in ("1.1.0", "1.2.0")]
    assert 20 <= len(first[0] & first[1]) <= 65, "a tenth of a tenth"
