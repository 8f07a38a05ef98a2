"""The settings on their way from the unprivileged parser to root: complete if valid, refused if not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.box import __main__ as box
from appliance.box import unprivileged
from appliance.box.handover import LONGEST_MISTAKE, MOST_BYTES, MOST_MISTAKES, SECTIONS, decode, encode
from appliance.box.system_files import files
from appliance.config import Config, parse
from appliance.config.keys import KEYS
from appliance.config.lenient import parse_leniently
from appliance.core.limits import LARGEST_SETTINGS
from appliance.core.values import Mistake

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHLkBFYz2bHzAe0Ph1XbKZNnfSPBLcTcTUQnw5C2XxAs"
EVERYTHING = f"""
network: {{interfaces: [eth0], address: 192.168.1.50/24, router: 192.168.1.1, dns: [192.168.1.1, "fd00::1"]}}
wifi: {{country: de, name: "Café #1 \\"x\\" 食", password: 'Kitchen "2024" #1'}}
box: {{host_name: Kitchen-1, time_zone: Europe/Berlin, time_server: time.example.org, ssh_key: "{KEY} me"}}
backup: {{secret: "four quiet kitchen words"}}
update: {{url: "https://a.org:8443/tt/index", at: 3:30}}
"""


def test_every_setting_of_the_machine_arrives() -> None:
    config = parse(EVERYTHING, "tt.yaml")
    sent = json.loads(encode(config, ()))["settings"]
    # The password rules out the setting for an open network.
    assert {*sent, "wifi.open"} == {dotted for dotted in KEYS if dotted.split(".")[0] in SECTIONS}
    assert decode(encode(config, ())) == (config, ())
    channel = files(config)["/run/tt-box/channel.json"].content
    assert json.loads(channel) == {"url": "https://a.org:8443/tt/index", "at": 3.5 * 3600}
    assert "/run/tt-box/channel.json" not in files(Config()), "off by default"
    without_password = parse("wifi: {country: DE, name: Bar, open: true}", "tt.yaml")
    assert decode(encode(without_password, ())) == (without_password, ())
    assert decode(encode(Config(), ())) == (Config(), ())
    two_keys = parse(f"box:\n  ssh_key: |\n    {KEY} first\n    {KEY} second\n", "tt.yaml")
    assert decode(encode(two_keys, ())) == (two_keys, ())


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=70), st.text(max_size=70))
def test_all_valid_texts_arrive(name: str, password: str) -> None:
    text = f"wifi: {{name: {json.dumps(name)}, password: {json.dumps(password)}}}"
    config, mistakes = parse_leniently(text, "tt.yaml")
    assert decode(encode(config, mistakes))[0] == config


def test_mistakes_arrive_as_short_printable_lines() -> None:
    told = (
        Mistake(3, "wifi.name", "must be a name"),
        Mistake(None, None, "a\nb\x1b[31m"),
        Mistake(1, "x" * 999, "y" * 999),
    )
    _, arrived = decode(encode(Config(), told))
    assert arrived[:2] == (told[0], Mistake(None, None, "a?b?[31m"))
    assert arrived[2] == Mistake(1, "x" * LONGEST_MISTAKE, "y" * LONGEST_MISTAKE)
    assert len(decode(encode(Config(), [told[0]] * 1000))[1]) == MOST_MISTAKES


def test_no_settings_file_gives_too_long_an_answer() -> None:
    longest = Mistake(1 << 20, "\U0001f600" * 1000, "\U0001f600" * 1000)
    texts = parse(EVERYTHING, "tt.yaml")
    assert len(encode(texts, [longest] * 1000)) + LARGEST_SETTINGS <= MOST_BYTES


REFUSED: dict[str, Any] = {
    "unknown key": {"wifi.psk": "x"},
    "key that root does not apply": {"state_dir": "/etc"},
    "section": {"wifi": {"name": "Bar"}},
    "line end in a name": {"box.host_name": "a\nb"},
    "capital letters": {"box.host_name": "Kitchen"},
    "line end in a country": {"wifi.country": "DE\nx"},
    "line end in a password": {"wifi.name": "Bar", "wifi.password": "password\n"},
    "long name": {"wifi.name": "x" * 33},
    "half a character": {"wifi.name": "\ud800"},
    "path": {"box.time_zone": "../../etc/passwd"},
    "long path": {"box.time_zone": "x" * 5000},
    "zero byte": {"box.time_zone": "Europe/Berlin\0"},
    "command": {"box.time_server": "a b"},
    "options of a key": {"box.ssh_key": f'command="x" {KEY}'},
    "two keys": {"box.ssh_key": f"{KEY}\n{KEY}"},
    "no address": {"network.address": "192.168.1.50/24\nDNS=1.1.1.1"},
    "no list": {"network.dns": "1.1.1.1"},
    "list in a list": {"network.dns": [["1.1.1.1"]]},
    "list of numbers": {"network.dns": [1]},
    "number": {"wifi.name": 1},
    "null": {"wifi.name": None},
    "mapping": {"wifi.name": {"a": "b"}},
    "no password": {"wifi.name": "Bar"},
    "password and open": {"wifi.name": "Bar", "wifi.password": "kitchen-2024", "wifi.open": True},
    "scope with a line end": {"network.dns": ["fe80::1%a\nb"]},
    "conflict": {"network.router": "192.168.1.1"},
}


@pytest.mark.parametrize("settings", REFUSED.values(), ids=REFUSED)
def test_what_no_file_could_give_is_refused(settings: object) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        decode(json.dumps({"settings": settings, "mistakes": []}).encode())
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"settings": {}}',
        b'{"settings": [], "mistakes": []}',
        b'{"settings": {}, "mistakes": {}}',
        b'{"settings": {}, "mistakes": [], "more": 1}',
        b'{"settings": {}, "mistakes": [["3", null, "x"]]}',
        b'{"settings": {}, "mistakes": [[3, null]]}',
        b'{"settings": {}, "mistakes": [3]}',
    ],
)
def test_any_other_answer_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        decode(data)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["settings", "mistakes", *KEYS]), inner),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_answer_breaks_it(data: bytes) -> None:
    try:
        config, _ = decode(data)
    except ValueError:
        return
    files(config)


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"settings": {"wifi.name": "a\\nb"}, "mistakes": []}'])
def test_a_parser_that_was_taken_over_gives_the_default_settings(
    answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "tt-appliance.yaml"
    settings.write_text("wifi: {name: Bar, password: secret-word}\n")
    monkeypatch.setattr(unprivileged, "USER", "nobody")
    for name, path in (
        ("SETTINGS", settings),
        ("HOST_NAME", tmp_path / "hostname"),
        ("PROBLEMS", tmp_path / "problems"),
    ):
        monkeypatch.setattr(box, name, path)
    monkeypatch.setattr(box, "FOLDER", str(tmp_path))
    monkeypatch.setattr(box, "_parsed", lambda data: answer)
    assert box.main() == 0
    assert (tmp_path / "problems").read_text().startswith("tt-appliance.yaml:0: file: can't be used: reading it")
    assert (tmp_path / "hostname").read_text().startswith("tt-appliance")
