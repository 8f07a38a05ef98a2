"""A short flood of invalid messages, and every parser on corrupted input; `make fuzz` runs longer."""

from __future__ import annotations

from base64 import b64decode
from random import Random, SystemRandom

import pytest

from tests.hostile.flood import flood
from tests.hostile.mutation import mutated
from tests.hostile.parsers import PARSERS, samples

TIMES = {"settings": 100, "archive": 100, "token_file": 500}
"""Inputs of parsers that take long; `make fuzz`, a part of the release, has many more."""


def test_a_flood_of_messages_causes_no_error_and_no_leak() -> None:
    seed = SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    counts = flood(20_000, seed)
    assert counts["notifications"] > 6000
    assert counts["envelopes"] > 300


@pytest.mark.parametrize("name", PARSERS)
def test_corrupted_input_breaks_no_parser(name: str) -> None:
    seed = SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    random, right = Random(seed), list(samples(name))
    for sample in right:
        PARSERS[name](sample)
    for _ in range(TIMES.get(name, 2500)):
        PARSERS[name](mutated(random, right))


@pytest.mark.parametrize(
    "found",
    [
        "AAAwU1FMaXRlIGZvcm1hdCA5",
        "AAAwcoQAADByAAAwcgAAAAAAAGF0IDQ=",
        "tScQUycAAMz//9Q=",
        "HBwc9/+pqQEAAAAAAJHUqampqampqampqampqampqampqampqWBWVlZWVlZWqampqampqQAAHAAAHP8=",
        "EKYgADw8PDw8Ojw8tf///////////////////////////////////////////////////////////////////zw=",
        "89X/////////////AAAx//////////////////////////////////9pdGX/",
        "UMwngA==",
        "AA9x6u8=",
    ],
    ids=["no schema", "no encoding", "no text", "too long", "no memory", "no memory either", "no words", "no number"],
)
def test_archive_damage_from_earlier_fuzzing(found: str) -> None:
    PARSERS["archive"](b64decode(found))


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_reproduces_its_inputs(seed: int) -> None:
    right = list(samples("message"))
    first, second = Random(seed), Random(seed)
    assert [mutated(first, right) for _ in range(50)] == [mutated(second, right) for _ in range(50)]
