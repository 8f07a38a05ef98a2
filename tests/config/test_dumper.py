"""The printed settings: they have comments, and read back the same."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from appliance.config import (
    BoxConfig,
    BuzzerConfig,
    Config,
    DisplayConfig,
    GatewayConfig,
    NetworkConfig,
    Pins,
    WifiConfig,
    parse,
)
from appliance.config.checks import MAX_SECONDS
from appliance.config.dumper import dump
from appliance.config.keys import KEYS
from appliance.config.presets import PRESETS
from appliance.config.values import PARTS
from appliance.core.values import Address, Benchmarks, ToGoBenchmarks
from tests.config.ssh_keys import ssh_key

_hosts = st.sampled_from(["10.0.0.7", "gateway.local", "::1", "fe80::1%eth0", "tt-1"]) | st.ip_addresses().map(str)
_texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=15)
_names = st.text(string.ascii_letters + string.digits + "-_.@'\"{", min_size=1, max_size=15).filter(
    lambda name: name not in (".", "..")
)
_ssids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=32).filter(
    lambda name: len(name.encode()) <= 32
)
_passwords = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=63).filter(
    lambda password: len(password.encode()) <= 63
) | st.text("0123456789abcdef", min_size=64, max_size=64)
_seconds = st.lists(
    st.floats(0, MAX_SECONDS, exclude_min=True) | st.integers(1, int(MAX_SECONDS)).map(float),
    min_size=5,
    max_size=5,
    unique=True,
)
_never = st.just(0.0)


def _benchmarks(times: list[float], *, own_warn: bool, own_late: bool) -> Benchmarks:
    """Five ascending times: to go, an order may be later at each step."""
    warn, to_go_warn, late, to_go_late, forget = sorted(times)
    to_go = ToGoBenchmarks(to_go_warn if own_warn else None, to_go_late if own_late else None)
    return Benchmarks(warn, late, forget, to_go=to_go)


_some_seconds = st.floats(0, MAX_SECONDS, exclude_min=True)
_rests = st.one_of(
    st.tuples(_never, _never | _some_seconds),
    st.tuples(_some_seconds, _never),
    st.lists(_some_seconds, min_size=2, max_size=2, unique=True).map(sorted).map(tuple),
)
_displays = st.builds(
    DisplayConfig,
    driver=st.sampled_from(["auto", "ssd1306", "sh1106", "ssd1327"]),
    i2c_port=st.integers(0, 99),
    i2c_address=st.none() | st.integers(0x03, 0x77),
    rotate=st.sampled_from([0, 2]),
    contrast=st.integers(0, 255),
    height=st.sampled_from([64, 32]),
)
_configs = st.builds(
    Config,
    hardware=st.sampled_from(list(PRESETS)),
    gateway=st.builds(
        GatewayConfig,
        address=st.none() | st.builds(Address, _hosts, st.integers(1, 65535)),
        name=st.none() | _texts,
    ),
    orders=st.builds(_benchmarks, _seconds, own_warn=st.booleans(), own_late=st.booleans()),
    display=st.builds(
        lambda display, rests: replace(display, dim_after=rests[0], sleep_after=rests[1]), _displays, _rests
    ),
    pins=st.builds(
        lambda numbers, absent, active_high: Pins(
            **{part: None if part in absent else number for part, number in zip(PARTS, numbers, strict=False)},
            button_active_high=active_high,
        ),
        # Where a board uses a pin for something else, no output may be set to it.
        st.permutations(sorted(set(range(7, 28)) - {17, 22, 23, 27})),
        st.sets(st.sampled_from(PARTS)),
        st.booleans(),
    ),
    buzzer=st.builds(
        BuzzerConfig,
        enabled=st.booleans(),
        kind=st.sampled_from(["active", "passive"]),
        volume=st.integers(1, 100),
        repeat_pages=st.booleans(),
        page=st.booleans(),
        late=st.booleans(),
        error=st.booleans(),
        new_order=st.booleans(),
        late_every=_some_seconds,
    ),
    network=st.builds(
        NetworkConfig,
        interfaces=st.lists(_names, max_size=4, unique=True).map(tuple),
        address=st.sampled_from([None, "192.168.1.50/24", "2001:db8::50/64"]),
        dns=st.lists(st.sampled_from(["192.168.1.1", "2001:db8::1", "fe80::1%eth0"]), max_size=2).map(tuple),
    ),
    wifi=st.just(WifiConfig())
    | st.builds(WifiConfig, st.sampled_from([None, "DE"]), _ssids, _passwords)
    | st.builds(WifiConfig, st.just("GB"), _ssids, open=st.just(True)),
    box=st.builds(
        BoxConfig,
        host_name=st.sampled_from([None, "kitchen-1"]),
        time_server=st.sampled_from([None, "ntp.example.org", "2001:db8::5"]),
        ssh_key=st.lists(st.integers(0, 255).map(ssh_key), max_size=2).map(tuple),
    ),
    state_dir=_texts.filter(lambda text: not text.startswith("~")).map(Path),
)


@given(_configs, st.booleans())
def test_printed_settings_are_parsed_unchanged(config: Config, own_pins: bool) -> None:
    config = replace(config, pins=PRESETS[config.hardware].pins) if own_pins else config
    assert parse(dump(config), "tt.yaml") == config


def test_printed_settings_explain_every_key() -> None:
    lines = dump(Config()).splitlines()
    for dotted in KEYS:
        at = next(
            i
            for i, line in enumerate(lines)
            if re.match("  " * dotted.count(".") + "#?" + dotted.split(".")[-1] + ":", line)
        )
        assert lines[at - 1].strip().startswith("# ")
    assert max(map(len, lines)) <= 100
