"""The packed form of an order's uuid."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.history.schema import pack, unpack


@given(st.text() | st.uuids().map(str))
def test_any_uuid_survives_packing(uuid: str) -> None:
    assert unpack(pack(uuid)) == uuid
