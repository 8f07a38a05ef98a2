"""An order's row holds what is needed to make the order again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.history.schema import pack, unpack


@given(st.text() | st.uuids().map(str))
def test_any_uuid_comes_back(uuid: str) -> None:
    assert unpack(pack(uuid)) == uuid
