"""A value is kept as it is written, or the file is refused: nothing is cut, dropped or changed silently."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import Config, ConfigError, parse
from appliance.config.lenient import parse_data_leniently, parse_leniently
from appliance.config.quoting import INVISIBLE, SPACES


def name_of(written: str) -> str | None:
    """The gateway's name for a value as it is written, or None if the file is refused."""
    try:
        return parse(f"gateway:\n  name: {written}\n", "tt.yaml").gateway.name
    except ConfigError:
        return None


@pytest.mark.parametrize(
    "written",
    [
        "0123",
        "12345678",
        "1e5",
        "1_000",
        "0x1F",
        ".5",
        "on",
        "No",
        "true",
        "2024-01-01",
        "12:30",
        "12:30:45",
        "=",
        "<<",
    ],
)
def test_a_number_a_time_or_a_flag_is_a_text_for_a_name(written: str) -> None:
    assert name_of(written) == written
    password = (written * 8)[:20]
    config = parse(f"wifi:\n  name: {written}\n  password: {password}\n", "tt.yaml")
    assert (config.wifi.name, config.wifi.password) == (written, password)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        # A comment is one where nothing else can be meant.
        ('"Table #5"', "Table #5"),
        ('"Table" # the bar', "Table"),
        ("Table#5", "Table#5"),
        ("Table #5", None),
        ("Table # the bar", None),
        ("#5", None),
        ('"Table"#5', None),
        ("'Table'#5", None),
        ("“Table”#5", None),
        # Quotes of word processors and phones.
        ("“Bar”", "Bar"),
        ("„Bar“", "Bar"),
        ("»Bar«", "Bar"),
        ("«\u00a0Bar\u00a0»", "Bar"),
        ("\u2018Bar\u2019", "Bar"),
        ("\u00b4Bar\u00b4", "Bar"),
        ("\uff02Bar\uff02", "Bar"),
        ("“Table #5”", "Table #5"),
        ("“Bar” # our network", "Bar"),
        ('“Joe\u2019s "Bar": \\o/”', 'Joe\u2019s "Bar": \\o/'),
        ('“Bar"', "Bar"),
        ('"“Bar”"', "“Bar”"),
        ("Joe\u2019s", "Joe\u2019s"),
        ("“Bar", None),
        ('"Bar”', None),
        # Spaces.
        ("  Bar  ", "Bar"),
        ('" Bar "', " Bar "),
        ("\u00a0Bar", None),
        ("\u200fBar", None),
        ("Bar\tGrill", None),
        ("Bar  Grill", "Bar  Grill"),
        ("Bar\u00a0Grill", "Bar\u00a0Grill"),
        ("Bar\u00a0", None),
        ("Bar\u200b", None),
        ('"Bar\u00a0"', "Bar\u00a0"),
        ("Bar\t", "Bar"),
        # Lines.
        ("Bar\n    Grill", None),
        ("Bar\x85", None),
        ("Bar\u2028", None),
        ("Bar \u2029 Grill", None),
        ('"Bar\u2028Grill"', None),
        ('"Bar\n    Grill"', None),
        ("|\n    Bar", "Bar"),
        ("|\n    Bar\n    Grill", None),
        (">\n    Bar", "Bar"),
        # Marks of YAML.
        ("! Bar", None),
        ("!Bar", None),
        ("!!str Bar", None),
        ("&a Bar", None),
        ("{Bar}", None),
        ("[Bar]", None),
        ("Bar: Grill", None),
        ('"B\\x61r"', "Bar"),
        ('"B\\qar"', None),
    ],
)
def test_names(written: str, name: str | None) -> None:
    assert name_of(written) == name


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=32))
def test_a_name_in_any_writing_is_kept_or_refused(name: str) -> None:
    """In quotes, every name of up to 32 bytes is kept. Without, all but the spaces around it, and quotes."""
    if len(name.encode()) <= 32:
        config = parse(f"wifi: {{name: {json.dumps(name)}, open: true}}", "tt.yaml")
        assert config.wifi.name == name
    # As bytes, like a file: on its own, YAML takes a character such as U+0085 for a line end.
    config, mistakes = parse_data_leniently(f"wifi:\n  open: true\n  name: {name}\n".encode(), "tt.yaml")
    lines = len(name.replace("\r", "\n").split("\n")) > 1
    bare = re.sub(f"^[ \t{SPACES}{INVISIBLE}]+|[ \t]+$", "", name)
    assert mistakes or lines or config.wifi.name in (bare, bare[1:-1])


def test_special_spaces_and_line_ends_are_understood() -> None:
    """As a phone, Windows, an old Mac or a program writes them."""
    text = "wifi:\n  name: Bar\n  password: kitchen-2024\nbox:\n  host_name: kitchen\n"
    wanted = parse(text, "tt.yaml")
    assert wanted.wifi.password == "kitchen-2024"
    for changed in (
        text.replace(" ", "\u00a0"),
        text.replace(" ", "\u2003"),
        "\ufeff" + text,
        text.replace("wifi", "\ufeffwifi"),
        text.replace("\n", "\r\n"),
        text.replace("\n", "\r"),
        text.replace(":\n", ": \n").replace("Bar", "Bar   "),
        json.dumps({"wifi": {"name": "Bar", "password": "kitchen-2024"}, "box": {"host_name": "kitchen"}}),
    ):
        assert parse(changed, "tt.yaml") == wanted, changed


@pytest.mark.parametrize(
    "written", ["0x78", "0x79", "78", '"78"', "'0x78'", "0X78", "3C", "3c", "0x3C", "60", "“0x78”"]
)
def test_the_usual_i2c_address_in_each_form(written: str) -> None:
    """Modules have it printed on them with the bit for reading or writing."""
    assert parse(f"display:\n  i2c_address: {written}\n", "tt.yaml").display.i2c_address == 0x3C


@pytest.mark.parametrize("written", ["0x7A", "0x7b", "7A", "3D", "0x3d", "61"])
def test_the_other_i2c_address_in_each_form(written: str) -> None:
    assert parse(f"display:\n  i2c_address: {written}\n", "tt.yaml").display.i2c_address == 0x3D


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        ("[fe80::1%eth0]:8000", "fe80::1%eth0", 8000),
        ("[2001:DB8::5]:81 # the bar", "2001:db8::5", 81),
        ("[2001:db8::5]", "2001:db8::5", 8000),
        ("2001:db8::5", "2001:db8::5", 8000),
        ("fe80::1%eth0", "fe80::1%eth0", 8000),
        ("::1", "::1", 8000),
    ],
)
def test_an_ipv6_address_needs_no_quotes(written: str, host: str, port: int) -> None:
    address = parse(f"gateway:\n  address: {written}\n", "tt.yaml").gateway.address
    assert address is not None
    assert (address.host, address.port) == (host, port)


@pytest.mark.parametrize("scope", [r"a\nb", "a b", "a%b", "", "x" * 16, "a/b", r"\u00e4"])
def test_an_ipv6_address_has_no_other_scope_than_an_interface(scope: str) -> None:
    for text in (
        f'gateway: {{address: "fe80::1%{scope}"}}',
        f'gateway: {{address: "[fe80::1%{scope}]:80"}}',
        f'network: {{dns: ["fe80::1%{scope}"]}}',
        f'network: {{address: "fe80::5%{scope}/64"}}',
        f'network: {{address: "fe80::5/64", router: "fe80::1%{scope}"}}',
        f'box: {{time_server: "fe80::1%{scope}"}}',
    ):
        with pytest.raises(ConfigError):
            parse(text, "tt.yaml")


def test_the_password_in_each_form() -> None:
    key = "AB12" * 16
    for written, password in {
        "küchen24": "küchen24",
        "küchen2": "küchen2",
        key: key.lower(),
        "x" * 63: "x" * 63,
        '"kitchen \\"2024\\" #1"': 'kitchen "2024" #1',
        "'it''s # 1'": "it's # 1",
    }.items():
        assert parse(f"wifi:\n  name: Bar\n  password: {written}\n", "tt.yaml").wifi.password == password
    for written in ("küche2", "x" * 64, "ü" * 32, key + "0", "g" * 64, r'"kitchen\n2024"', r'"kitchen\x7f2024"'):
        config, mistakes = parse_leniently(f"wifi:\n  name: Bar\n  password: {written}\n", "tt.yaml")
        assert [mistake.key for mistake in mistakes] == ["wifi.password"]
        assert config.wifi == Config().wifi
