"""The lines of a recording: nothing is lost, and a wrong or cut line is told."""

from __future__ import annotations

import json
import typing
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.recording.entries import (
    Control,
    Entry,
    Heading,
    Http,
    Mdns,
    Message,
    RecordingError,
    as_bytes,
    as_text,
    from_line,
    load,
    to_line,
)

times = st.floats(0, 1e6).map(lambda at: round(at, 4))
texts = st.binary(max_size=60).map(as_text) | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
KINDS = typing.get_args(Entry)
HEADING = Heading(gateway="Grill")


def entries() -> st.SearchStrategy[Entry]:
    """Entries of every kind with any values."""
    strategies = {float: times, str: texts, int: st.integers(0, 1000), bool: st.booleans()}
    pairs = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)
    made = []
    for kind in KINDS:
        hints = typing.get_type_hints(kind)
        values: dict[str, st.SearchStrategy[object]] = {}
        for name, hint in hints.items():
            if name == "kind":
                continue
            match name:
                case "headers":
                    values[name] = pairs
                case "value":
                    values[name] = texts | st.lists(texts, max_size=3).map(tuple)
                case _:
                    options = typing.get_args(hint) or (hint,)
                    values[name] = st.one_of(*(strategies.get(one, st.none()) for one in options))
        made.append(st.builds(kind, **values))
    return st.one_of(*made)


@given(entries())
def test_each_entry_is_read_as_it_was_written(entry: Entry) -> None:
    line = to_line(entry)
    assert "\n" not in line
    assert from_line(line.encode().decode()) == entry


@given(st.binary(max_size=200))
def test_no_byte_is_lost(data: bytes) -> None:
    entry = from_line(to_line(Message(at=1.0, feed=1, data=as_text(data))))
    assert isinstance(entry, Message)
    assert as_bytes(entry.data) == data


def test_a_person_can_read_it() -> None:
    assert to_line(Message(at=1.23456, feed=1, data="Küche")) == (
        '{"at": 1.2346, "kind": "message", "feed": 1, "data": "Küche"}'
    )


@given(st.text(max_size=40) | st.builds(json.dumps, st.dictionaries(st.text(max_size=5), st.integers() | st.none())))
def test_no_line_breaks_the_parser(line: str) -> None:
    with suppress(ValueError):
        from_line(line)


def written(path: Path, *lines: str, end: bytes = b"") -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode() + end)
    return path


GOOD = [to_line(HEADING), to_line(Control(at=2.0, feed=1, frame="ping")), to_line(Message(at=1.0, feed=1, data="{}"))]


@pytest.mark.parametrize("end", [b"", b'{"at": 3, "kind": "mess', b"\0\0\0\0", b'{"at": 3, "ki\n'])
def test_what_a_power_cut_left_is_read(end: bytes, tmp_path: Path) -> None:
    heading, read, cut = load(written(tmp_path / "r", *GOOD, end=end))
    assert heading == HEADING
    assert [entry.at for entry in read] == [1.0, 2.0], "in order of time"
    assert cut is bool(end)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], ": is no recording"),
        (["hello", *GOOD], ":1: the line is not JSON"),
        ([GOOD[1], *GOOD], ":1: the line must be the heading of a recording"),
        ([GOOD[0], *GOOD], ":2: the line must not be a heading"),
        ([GOOD[0], '{"kind": "dance"}', GOOD[1]], ":2: the line has no known kind: recording, mdns, http,"),
        ([GOOD[0], '{"kind": "message", "at": 1}', GOOD[1]], ":2: the line of the kind message lacks 'feed'"),
        ([GOOD[0], GOOD[1].replace("2.0", '"2"'), GOOD[1]], ":2: the line has a wrong value for 'at'"),
        ([GOOD[0], GOOD[1].replace("2.0", "Infinity"), GOOD[1]], ":2: the line has a wrong value for 'at'"),
        ([GOOD[0].replace('"format": 1', '"format": 2')], ": has format 2; this program knows 1"),
    ],
)
def test_a_wrong_line_is_told(lines: list[str], words: str, tmp_path: Path) -> None:
    path = written(tmp_path / "r", *lines)
    with pytest.raises(RecordingError) as wrong:
        load(path)
    assert str(wrong.value).startswith(f"{path}{words}")


def test_usual_values_are_left_out() -> None:
    entry = Http(at=1.0, took=0.5, address="a:1", method="GET", path="/", token=True, status=200)
    assert "failed" not in to_line(entry)
    assert to_line(Mdns(at=0.0, name="n", type="TXT", ttl=1.0, value=())).endswith('"ttl": 1.0, "value": []}')
