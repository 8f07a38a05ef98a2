"""Valid settings, and the defaults."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.config import (
    BuzzerConfig,
    Config,
    ConfigError,
    DisplayConfig,
    GatewayConfig,
    HistoryConfig,
    NetworkConfig,
    Pins,
    UpdateConfig,
    parse,
)
from appliance.config.keys import KEYS, SECTIONS
from appliance.config.values import PARTS
from appliance.core.values import Address, Benchmarks, PanelSettings, ToGoBenchmarks

FULL = """\
gateway: {address: "192.168.1.20:8001", name: Kitchen}
orders:
  warn_after: 60
  late_after: 120.5
  forget_after: 2 h
  to_go: {warn_after: 5 min, late_after: 600}
display:
  {driver: sh1106, i2c_port: 3, i2c_address: 0x3D, rotate: 180, contrast: 0,
  height: 32, dim_after: 0, sleep_after: 60.5}
pins: {button: 5, green: 6, amber: 12, red: 13, buzzer: 19}
buzzer:
  enabled: no
  kind: passive
  volume: 40
  repeat_pages: yes
  page: no
  late: no
  error: no
  new_order: yes
  late_every: 5 min
network: {interfaces: [eth0, wlan0]}
update: {url: "https://updates.example.org/index", at: "03:30"}
history: {months: 3, size: 64}
state_dir: /tmp/state
"""


def test_every_key_is_read() -> None:
    assert parse(FULL, "tt.yaml") == Config(
        gateway=GatewayConfig(Address("192.168.1.20", 8001), "Kitchen"),
        orders=Benchmarks(60.0, 120.5, 7200.0, to_go=ToGoBenchmarks(300.0, 600.0)),
        display=DisplayConfig("sh1106", 3, 0x3D, 2, 0, 32, 0.0, 60.5),
        pins=Pins(5, 6, 12, 13, 19),
        buzzer=BuzzerConfig(False, "passive", 40, True, False, False, False, True, 300.0),
        network=NetworkConfig(("eth0", "wlan0")),
        update=UpdateConfig("https://updates.example.org/index", 3.5 * 3600),
        history=HistoryConfig(3, 64),
        state_dir=Path("/tmp/state"),
    )


def test_the_table_of_keys_matches_the_fields() -> None:
    def leaves(part: Any, prefix: str = "") -> list[str]:
        found: list[str] = []
        for item in fields(part):
            value = getattr(part, item.name)
            found += leaves(value, f"{prefix}{item.name}.") if is_dataclass(value) else [prefix + item.name]
        return found

    assert list(KEYS) == leaves(Config())
    assert list(SECTIONS) == list(dict.fromkeys(key.rsplit(".", 1)[0] for key in KEYS if "." in key))


def test_the_core_gets_the_panels_settings() -> None:
    assert Config().panel == PanelSettings(), "both have the same defaults"
    text = "display: {dim_after: 5, sleep_after: 0}\nbuzzer: {repeat_pages: true}"
    assert parse(text, "tt.yaml").panel == PanelSettings(5.0, math.inf, True)
    assert parse("display: {dim_after: 0, sleep_after: 5}", "tt.yaml").panel == PanelSettings(math.inf, 5.0, False)


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "~", "display:\n", "display: {}\npins: ~\n"])
def test_an_empty_file_means_the_defaults(text: str) -> None:
    assert parse(text, "tt.yaml") == Config()


@pytest.mark.parametrize("dotted", [key for key in KEYS if key.removeprefix("pins.") not in PARTS])
def test_a_null_means_the_default(dotted: str) -> None:
    *path, name = dotted.split(".")
    assert parse("".join(f"{part}:\n  " for part in path) + f"{name}: null\n", "tt.yaml") == Config()


def test_no_file_means_the_defaults_and_imports_no_yaml() -> None:
    code = (
        "import sys; from appliance import config; assert config.load(None) == config.Config();"
        "print('yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_known_display_is_checked_without_importing_its_driver() -> None:
    code = (
        "import sys; from appliance import config; config.parse('display: {driver: ssd1327}', 'x');"
        "print('PIL' in sys.modules, 'luma.core' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.7", Address("10.0.0.7", 8000)),
        ("10.0.0.7:80", Address("10.0.0.7", 80)),
        ("gateway.local", Address("gateway.local", 8000)),
        ("tt_gateway:9000", Address("tt_gateway", 9000)),
        ("'[fe80::1%eth0]:81'", Address("fe80::1%eth0", 81)),
        ("'[::1]'", Address("::1", 8000)),
        ("'2001:db8::2'", Address("2001:db8::2", 8000)),
    ],
)
def test_addresses(text: str, expected: Address) -> None:
    assert parse(f"gateway: {{address: {text}}}", "tt.yaml").gateway.address == expected


@pytest.mark.parametrize("name", ["G" * 63, "é" * 31 + "G", "食" * 21, "Bar\u00a0", " ~"], ids=ascii)
def test_a_gateways_name_has_63_bytes_at_most(name: str) -> None:
    assert parse(f'gateway: {{name: "{name}"}}', "tt.yaml").gateway.name == name


@pytest.mark.parametrize("name", ["G" * 64, "é" * 32, "食" * 21 + "G"], ids=ascii)
def test_a_gateways_name_of_64_bytes_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="at most 63 bytes"):
        parse(f'gateway: {{name: "{name}"}}', "tt.yaml")


@pytest.mark.parametrize("escaped", [r"a\x1fb", r"a\x7fb", r"a\x9fb"])
def test_a_gateways_name_with_a_control_character_is_refused(escaped: str) -> None:
    with pytest.raises(ConfigError, match="without control characters"):
        parse(f'gateway: {{name: "{escaped}"}}', "tt.yaml")


@pytest.mark.parametrize("host", ["h" * 63, ".".join(["h" * 63] * 3 + ["h" * 61])], ids=len)
def test_a_host_name_of_the_maximum_length(host: str) -> None:
    assert parse(f"gateway: {{address: '{host}:65535'}}", "tt.yaml").gateway.address == Address(host, 65535)
    assert parse(f"gateway: {{address: '{host}:1'}}", "tt.yaml").gateway.address == Address(host, 1)


@pytest.mark.parametrize(
    "address", ["h" * 64, ".".join(["h" * 63] * 3 + ["h" * 62]), "host:65536", "host:0", "host:065535"], ids=len
)
def test_a_host_name_or_port_beyond_the_maximum_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"gateway\.address"):
        parse(f"gateway: {{address: '{address}'}}", "tt.yaml")


@pytest.mark.parametrize("text", ["60", "0x3C"])
def test_an_i2c_address_is_decimal_or_hexadecimal(text: str) -> None:
    assert parse(f"display: {{i2c_address: {text}}}", "tt.yaml").display.i2c_address == 60


def test_a_display_and_its_address_may_be_left_to_the_detection() -> None:
    display = parse("display: {driver: auto, i2c_address: auto}", "tt.yaml").display
    assert (display.driver, display.i2c_address) == ("auto", None)
    assert display == DisplayConfig()


def test_every_display_of_luma_is_accepted() -> None:
    import luma.oled.device

    for name in luma.oled.device.__all__:
        assert parse(f"display: {{driver: {name}}}", "tt.yaml").display.driver == name
