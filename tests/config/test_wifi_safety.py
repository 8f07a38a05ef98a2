"""The Wi-Fi: an open network is joined only if the settings ask for one, whatever else is in the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.box.system_files import files
from appliance.config import ConfigError, WifiConfig, parse
from appliance.config.lenient import parse_data_leniently, parse_leniently

WPA = "/run/tt-box/wpa_supplicant.conf"
BAR = "wifi:\n  country: DE\n  name: Bar\n"
SECRET = "kitchen-2024"
PASSWORD = f"  password: {SECRET}\n"

LOST_PASSWORDS: dict[str, str | bytes] = {
    "comment": "  password: #kitchen-2024\n",
    "cut by a comment": "  password: kitchen-2024 #1\n",
    "not indented": "password: kitchen-2024\n",
    "indented too much": "    password: kitchen-2024\n",
    "indented too little": " password: kitchen-2024\n",
    "other name": "  psk: kitchen-2024\n",
    "misspelled": "  pasword: kitchen-2024\n",
    "capital letter": "  Password: kitchen-2024\n",
    "other name at the top": "wifi_password: kitchen-2024\n",
    "other section": "network:\n  password: kitchen-2024\n",
    "section of another name": "WiFi:\n  password: kitchen-2024\n",
    "second section": "wifi:\n  password: kitchen-2024\n",
    "second document": "---\nwifi:\n  password: kitchen-2024\n",
    "empty": '  password: ""\n',
    "no value": "  password:\n",
    "null": "  password: null\n",
    "too short": "  password: kitchen\n",
    "too long": f"  password: {'kitchen-' * 8}\n",
    "control character": '  password: "kitchen\\t-2024"\n',
    "NUL": "  password: kitchen\0-2024\n",
    "tab": "\tpassword: kitchen-2024\n",
    "tab after the colon": "  password:\tkitchen-2024\n",
    "no space": "  password:kitchen-2024\n",
    "equals sign": "  password=kitchen-2024\n",
    "no colon": "  password kitchen-2024\n",
    "open quotes": '  password: "kitchen-2024\n',
    "quotes of two kinds": "  password: \"kitchen-2024'\n",
    "curly quote": "  password: “kitchen-2024\n",
    "quote inside": "  password: 'kitchen'2024'\n",
    "backslash": '  password: "kitchen\\-2024"\n',
    "colon inside": "  password: kitchen: 2024\n",
    "two lines": "  password: kitchen\n    2024\n",
    "list": "  password: [kitchen-2024]\n",
    "braces": "  password: {kitchen-2024}\n",
    "written twice": "  password: kitchen-2024\n  password: kitchen-2025\n",
    **{f"begins with {c}": f"  password: {c}kitchen-2024\n" for c in "@`%*&!|>{[\"',"},
    **{f"begins with {c} and a space": f"  password: {c} kitchen-2024\n" for c in "@`%*&!|>{[\"'?-,#"},
    "Latin-1": b"  password: k\xfcchen-2024\n",
}


CONTRADICTIONS = {kind: written for kind, written in LOST_PASSWORDS.items() if kind not in ("no value", "null")}


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        *(("", written) for written in LOST_PASSWORDS.values()),
        *(("  open: true\n", w) for w in CONTRADICTIONS.values()),
    ],
    ids=[*LOST_PASSWORDS, *(f"open, {kind}" for kind in CONTRADICTIONS)],
)
def test_a_lost_password_is_told_and_no_network_joined(asked: str, written: str | bytes) -> None:
    """With open: true as well, the file contradicts itself."""
    data = (BAR + asked).encode() + (written if isinstance(written, bytes) else written.encode())
    config, mistakes = parse_data_leniently(data, "tt.yaml")
    assert config.wifi == WifiConfig(config.wifi.country)
    assert WPA not in files(config)
    assert any(mistake.key and mistake.key.startswith("wifi") for mistake in mistakes), mistakes
    assert not any(secret in mistake.text + (mistake.key or "") for mistake in mistakes for secret in ("chen", "2024"))


@pytest.mark.parametrize(("written", "line", "key", "text"), [
    ("  psk: kitchen-2024\n", 4, "wifi.psk", "unknown setting; did you mean wifi.password?"),
    (PASSWORD + "  ssid: Bar\n", 5, "wifi.ssid", "unknown setting; did you mean wifi.name?"),
    ("wifi_password: x\n", 4, "wifi_password", "unknown setting; did you mean wifi.password?"),
    ("wlan:\n  password: x\n", 4, "wlan", "unknown setting; did you mean wifi?"),
    (PASSWORD + "network: {gateway: x}\n", 5, "network.gateway", "unknown setting; did you mean network.router?"),
    (PASSWORD + "box: {ntp: 10.0.0.1}\n", 5, "box.ntp", "unknown setting; did you mean box.time_server?"),
    ("wifi:\n  password: x\n", 4, "wifi", "is already on line 1; delete one of both"),
    ("  password=x\n", 4, "wifi.password", "write a colon and a space instead of ="),
    ("  password:x\n", 4, "wifi.password", "needs a space after the colon"),
    ("  password:\n", 4, "wifi.password", "missing: the Wi-Fi is not joined. No password? Write open: true"),
    ("", 3, "wifi.password", "missing: the Wi-Fi is not joined. No password? Write open: true"),
    ("  password: @kitchen\n", 4, "wifi.password", "a value that begins with @ needs quotes"),
    ("  password: #kitchen\n", 4, "wifi.password", "put the value in quotes: a # after a space begins a comment"),
])  # fmt: skip
def test_the_first_mistake_names_the_cause(written: str, line: int, key: str, text: str) -> None:
    _, (first, *_) = parse_leniently(BAR + written, "tt.yaml")
    assert (first.line, first.key, first.text) == (line, key, text)


def test_an_open_network_is_joined_if_the_settings_ask_for_it() -> None:
    for more in ("", "pins: {red: 99}\n", "box: {time_zone: Nowhere}\n"):
        config, _ = parse_leniently(BAR + "  open: true\n" + more, "tt.yaml")
        assert config.wifi == WifiConfig("DE", "Bar", None, open=True)
        assert "key_mgmt=NONE" in files(config)[WPA].content
    config, _ = parse_leniently("wifi: {name: Bar, open: yes, country: Germany}", "tt.yaml")
    assert config.wifi == WifiConfig(None, "Bar", None, open=True)


@pytest.mark.parametrize("more", ["secret: kitchen-2024\n", "kitchen-2024\n", "  kitchen: 2024\n", "wifi: {}\n"])
def test_an_open_network_is_not_joined_while_a_line_is_in_doubt(more: str) -> None:
    config, mistakes = parse_leniently(BAR + "  open: true\n" + more, "tt.yaml")
    assert config.wifi == WifiConfig(config.wifi.country)
    assert ("wifi.open", "this open Wi-Fi is not joined before that is corrected") in [
        (mistake.key, mistake.text) for mistake in mistakes
    ]


def test_a_password_without_a_name_is_told() -> None:
    for text in ("wifi: {password: kitchen-2024}", "wifi: {open: true}"):
        with pytest.raises(ConfigError, match=r"wifi\.name: missing: no Wi-Fi is joined"):
            parse(text, "tt.yaml")


def test_with_a_password_other_mistakes_cost_no_network() -> None:
    for more in ("  pasword: x\n", "secret: x\n", "nonsense\n", "wifi: {name: Other}\n"):
        config, mistakes = parse_leniently(BAR + f"  password: {SECRET}\n" + more, "tt.yaml")
        assert (config.wifi.name, config.wifi.password) == ("Bar", SECRET)
        assert mistakes


_lines = st.sampled_from([
    "wifi:", "  name: Bar", '  name: "Bar', "  name: Bar #1", "  country: DE", "  country: Germany", "  open: false",
    "network:", "box:", "---", "", "# words", "\tname: Bar", "{", "]", "  - x", "name: Bar", "  ssid: Bar", "x", "'",
    *(line for written in LOST_PASSWORDS.values() if isinstance(written, str) for line in written.split("\n")),
])  # fmt: skip


@given(st.lists(_lines, max_size=12))
def test_no_file_joins_an_open_network_without_open_true(lines: list[str]) -> None:
    config, _ = parse_leniently("\n".join(lines), "tt.yaml")
    assert "key_mgmt=NONE" not in getattr(files(config).get(WPA), "content", "")
    assert config.wifi == WifiConfig(config.wifi.country) or config.wifi.password


def test_a_wifi_with_neither_password_nor_open_has_no_file() -> None:
    from appliance.config import Config

    for wifi in (WifiConfig(name="Bar"), WifiConfig(name="Bar", password=SECRET, open=True)):
        assert not wifi.joinable
        assert files(Config(wifi=wifi)) == {}


def test_a_password_is_never_repeated() -> None:
    for wrong in ("s3cret", "x" * 65):
        with pytest.raises(ConfigError) as caught:
            parse(f"wifi: {{name: Bar, password: {wrong}}}", "tt.yaml")
        assert wrong not in str(caught.value)
    for text in (
        "  password: !s3cret-word",
        "  password: *s3cret-word",
        "  password: &s3cret-word",
        "  password:s3cret-word: x",
        "password:s3cret-word: x",
        "password=s3cret-word: x",
    ):
        with pytest.raises(ConfigError) as caught:
            parse(f"wifi:\n  name: Bar\n{text}\n", "tt.yaml")
        assert "s3cret" not in str(caught.value)
    assert "s3cret-word" not in repr(WifiConfig(password="s3cret-word"))
