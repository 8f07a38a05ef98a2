"""Every parser under hypothesis: random bytes, corrupted samples, and JSON with valid keys."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile.parsers import PARSERS, samples

FEWER = {"settings": 2, "archive": 2}
"""Parsers that take long: the divisor of their examples."""
WORDS = [
    "type", "seq", "count", "items", "uuid", "state", "paged", "name", "orderType", "locationName", "created",
    "stateChanged", "elapsedTime", "cleared", "status", "returnCode", "message", "token", "gateway", "statistics",
    "orders", "warn_after", "pins", "red", "display", "network", "interfaces", "address", "ACTIVE_ORDERS",
    "ORDER_CREATED", "ORDER_PAGED", "located", "2016-12-09T09:00:23",
]  # fmt: skip
ANY_TEXT = st.text(st.characters(codec=None), max_size=80)
TEXTS = st.sampled_from(WORDS) | ANY_TEXT
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=8),
    max_leaves=25,
).map(lambda value: json.dumps(value).encode())
LABELS = st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=5)


def _name(labels: list[bytes]) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


RECORDS = st.builds(
    lambda owner, kind, data, ttl: owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data,
    LABELS.map(_name) | st.just(_name([b"_tracker-http", b"_tcp", b"local"])),
    st.sampled_from((1, 12, 16, 28, 33, 47)) | st.integers(0, 65535),
    LABELS.map(_name)
    | st.binary(min_size=4, max_size=4)
    | st.binary(min_size=16, max_size=16)
    | st.binary(max_size=99),
    st.integers(0, 2**32 - 1),
)
PACKETS = st.lists(RECORDS, max_size=6).map(
    lambda records: struct.pack("!6H", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)
)


def spoilt(name: str) -> st.SearchStrategy[bytes]:
    """A sample with a replaced part."""
    return st.builds(
        lambda sample, at, length, more: (
            sample[: at % (len(sample) + 1)] + more + sample[at % (len(sample) + 1) + length :]
        ),
        st.sampled_from(list(samples(name))),
        st.integers(0, 5000),
        st.integers(0, 40),
        st.binary(max_size=40) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    )


@pytest.mark.hypothesis
@pytest.mark.parametrize("name", PARSERS)
def test_random_input_breaks_no_parser(name: str) -> None:
    kinds = st.binary(max_size=300) | spoilt(name) | (PACKETS if name == "advert" else JSON)

    @settings(max_examples=settings().max_examples // FEWER.get(name, 1))
    @given(kinds)
    def unbroken(data: bytes) -> None:
        PARSERS[name](data)

    unbroken()
