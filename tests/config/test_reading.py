"""The configuration: what is taken, what is refused and in which words, and that it prints what it reads."""

from __future__ import annotations

import math
import string
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config import (
    BuzzerConfig,
    Config,
    ConfigError,
    DisplayConfig,
    GatewayConfig,
    HistoryConfig,
    NetworkConfig,
    Pins,
    Problem,
    load,
    parse,
)
from appliance.config.checks import MAX_SECONDS
from appliance.config.keys import KEYS, SECTIONS
from appliance.config.printing import dump
from appliance.core.limits import LARGEST_SETTINGS
from appliance.core.values import Address, Benchmarks, PanelSettings


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "tt.yaml")
    assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


FULL = """\
gateway: {address: "192.168.1.20:8001", name: Kitchen}
orders:
  warn_after: 60
  late_after: 120.5
  forget_after: 7200
display:
  {driver: sh1106, i2c_port: 3, i2c_address: 0x3D, rotate: 180, contrast: 0,
  height: 32, dim_after: 0, sleep_after: 60.5}
pins: {button: 5, green: 6, amber: 12, red: 13, buzzer: 19}
buzzer:
  enabled: no
  kind: passive
  volume: 40
  repeat_pages: yes
network: {interfaces: [eth0, wlan0]}
history: {months: 3, size: 64}
state_dir: /tmp/state
"""


def test_every_key_is_read() -> None:
    assert parse(FULL, "tt.yaml") == Config(
        gateway=GatewayConfig(Address("192.168.1.20", 8001), "Kitchen"),
        orders=Benchmarks(60.0, 120.5, 7200.0),
        display=DisplayConfig("sh1106", 3, 0x3D, 2, 0, 32, 0.0, 60.5),
        pins=Pins(5, 6, 12, 13, 19),
        buzzer=BuzzerConfig(False, "passive", 40, True),
        network=NetworkConfig(("eth0", "wlan0")),
        history=HistoryConfig(3, 64),
        state_dir=Path("/tmp/state"),
    )


def test_the_table_has_every_field_and_no_other() -> None:
    def leaves(part: Any, prefix: str = "") -> list[str]:
        found: list[str] = []
        for item in fields(part):
            value = getattr(part, item.name)
            found += leaves(value, f"{prefix}{item.name}.") if is_dataclass(value) else [prefix + item.name]
        return found

    assert list(KEYS) == leaves(Config())
    assert list(SECTIONS) == list(dict.fromkeys(key.split(".")[0] for key in KEYS if "." in key))


def test_the_state_machine_is_told_of_the_panel() -> None:
    assert Config().panel == PanelSettings(), "both have the same defaults"
    text = "display: {dim_after: 5, sleep_after: 0}\nbuzzer: {repeat_pages: true}"
    assert parse(text, "tt.yaml").panel == PanelSettings(5.0, math.inf, True)
    assert parse("display: {dim_after: 0, sleep_after: 5}", "tt.yaml").panel == PanelSettings(math.inf, 5.0, False)


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "~", "display:\n", "display: {}\npins: ~\n"])
def test_nothing_means_the_defaults(text: str) -> None:
    assert parse(text, "tt.yaml") == Config()


@pytest.mark.parametrize("dotted", list(KEYS))
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


@pytest.mark.parametrize("text", ["60", "3E", "0x3C"])
def test_an_i2c_address_is_decimal_or_hexadecimal(text: str) -> None:
    document = f"display: {{i2c_address: {text}}}"
    if text == "3E":
        assert problems(document) == [
            'tt.yaml:1: display.i2c_address: must be a whole number from 3 to 119 (0x03 to 0x77), not "3E"'
        ]
    else:
        assert parse(document, "tt.yaml").display.i2c_address == 60


WRONG = {
    # Keys.
    "\n\ndisplay:\n  contrats: 3": "tt.yaml:4: display.contrats: unknown key; did you mean display.contrast?",
    "driver: sh1106": "tt.yaml:1: driver: unknown key; did you mean display.driver?",
    "display.contrast: 3": "tt.yaml:1: display.contrast: unknown key; write contrast indented below display:",
    "Display: {}": "tt.yaml:1: Display: unknown key; did you mean display?",
    "orders: {red: 3}": "tt.yaml:1: orders.red: unknown key; did you mean pins.red?",
    "buzzer: {xyzzy: 3}": "tt.yaml:1: buzzer.xyzzy: unknown key; known here are enabled, kind, volume, repeat_pages",
    "buzzer: {enabled: yes}\nbuzzer: {}": "tt.yaml:2: buzzer: given twice; it is on line 1 already",
    "pins:\n  red: 4\n  red: 5": "tt.yaml:3: pins.red: given twice; it is on line 2 already",
    "[a]: 3": "tt.yaml:1: a key must be a word, not a list or a mapping",
    "pins: 3": ("tt.yaml:1: pins: must hold keys of its own, indented below it: button, green, amber, red, buzzer"),
    "- a\n- b": "tt.yaml:1: must be keys and values, such as `state_dir: /var/lib/tt-appliance`",
    "tt": "tt.yaml:1: must be keys and values, such as `state_dir: /var/lib/tt-appliance`",
    # Numbers.
    "display: {contrast: yes}": 'tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not "yes"',
    "display: {contrast: 1.0}": 'tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not "1.0"',
    "display: {contrast: '9'}": (
        'tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not "9"; write it without the quotes: 9'
    ),
    "display: {contrast: 017}": (
        'tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not "017"; '
        "write it without the leading zero: 17"
    ),
    "display:\n  contrast:\n    300": (
        "tt.yaml:3: display.contrast: must be a whole number from 0 to 255; the nearest to 300 is 255"
    ),
    "display: {contrast: [1]}": "tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not a list",
    "display: {contrast: {a: 1}}": "tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not a mapping",
    "display: {rotate: 90}": 'tt.yaml:1: display.rotate: must be 0, or 2 or 180 for upside down, not "90"',
    "orders: {warn_after: 3:00}": (
        'tt.yaml:1: orders.warn_after: must be a number of seconds more than 0, not "3:00"; write 180'
    ),
    "orders: {warn_after: 3 min}": (
        'tt.yaml:1: orders.warn_after: must be a number of seconds more than 0, not "3 min"; write 180'
    ),
    "orders: {warn_after: 0}": (
        "tt.yaml:1: orders.warn_after: must be a number of seconds more than 0 and at most 31622400 (a year), not 0"
    ),
    "orders: {warn_after: .inf}": 'tt.yaml:1: orders.warn_after: must be a number of seconds more than 0, not ".inf"',
    "display: {height: 128}": 'tt.yaml:1: display.height: must be 64 or 32, the display\'s height in pixels, not "128"',
    "display: {height: '32'}": (
        'tt.yaml:1: display.height: must be 64 or 32, the display\'s height in pixels, not "32"; '
        "write it without the quotes: 32"
    ),
    "display: {dim_after: never}": (
        'tt.yaml:1: display.dim_after: must be 0 for never, or a number of seconds, not "never"; write 0'
    ),
    "display: {dim_after: 10 min}": (
        'tt.yaml:1: display.dim_after: must be 0 for never, or a number of seconds, not "10 min"; write 600'
    ),
    "display: {sleep_after: -1}": (
        "tt.yaml:1: display.sleep_after: must be 0 for never, or a number of seconds and at most 31622400 (a year), "
        "not -1"
    ),
    "display: {sleep_after: 4:00:00}": (
        'tt.yaml:1: display.sleep_after: must be 0 for never, or a number of seconds, not "4:00:00"; write 14400'
    ),
    "buzzer: {volume: 0}": (
        "tt.yaml:1: buzzer.volume: must be a whole number from 1 to 100 (percent); the nearest to 0 is 1"
    ),
    "buzzer: {volume: 50%}": "tt.yaml:1: buzzer.volume: must be a number without the sign; write 50",
    "orders: {warn_after: true}": 'tt.yaml:1: orders.warn_after: must be a number of seconds more than 0, not "true"',
    # Together.
    "orders:\n  late_after: 100": (
        "tt.yaml:2: orders.late_after: must be more than orders.warn_after, which is 180 (the default), not 100"
    ),
    "orders:\n  warn_after: 400": (
        "tt.yaml:2: orders.warn_after: must be less than orders.late_after, which is 300 (the default), not 400"
    ),
    "orders:\n  late_after: 500\n  forget_after: 500": (
        "tt.yaml:3: orders.forget_after: must be more than orders.late_after, which is 500 (line 2), not 500"
    ),
    "display:\n  dim_after: 20000": (
        "tt.yaml:2: display.dim_after: must be less than display.sleep_after, which is 14400 (the default), not 20000"
    ),
    "display:\n  dim_after: 60\n  sleep_after: 60": (
        "tt.yaml:3: display.sleep_after: must be more than display.dim_after, which is 60 (line 2), not 60"
    ),
    "pins: {red: 22}": (
        "tt.yaml:1: pins.red: GPIO 22 is already pins.green (the default); each pin has one use, and 21 is free"
    ),
    "pins:\n  red: 5\n  green: 5": (
        "tt.yaml:3: pins.green: GPIO 5 is already pins.red (line 2); each pin has one use, and 4 is free"
    ),
    "pins: {red: 2}": (
        "tt.yaml:1: pins.red: GPIO 2 is the display's, on I2C bus 1; each pin has one use, and 4 is free"
    ),
    "pins: {red: 0}\ndisplay: {i2c_port: 0}": (
        "tt.yaml:1: pins.red: GPIO 0 is the display's, on I2C bus 0; each pin has one use, and 4 is free"
    ),
    "pins: {red: 28}": (
        "tt.yaml:1: pins.red: must be a whole number from 0 to 27, the BCM number of a pin; the nearest to 28 is 27"
    ),
    # Words.
    "buzzer: {enabled: 1}": 'tt.yaml:1: buzzer.enabled: must be true or false, not "1"; write true',
    "buzzer: {enabled: 'true'}": (
        'tt.yaml:1: buzzer.enabled: must be true or false, not "true"; write it without the quotes: true'
    ),
    "buzzer: {kind: Passive}": (
        'tt.yaml:1: buzzer.kind: must be active or passive, not "Passive"; did you mean passive?'
    ),
    "buzzer: {kind: piezo}": 'tt.yaml:1: buzzer.kind: must be active or passive, not "piezo"',
    "buzzer: {kind: true}": 'tt.yaml:1: buzzer.kind: must be active or passive; put it in quotes: "true"',
    "buzzer: {repeat_pages: 3}": 'tt.yaml:1: buzzer.repeat_pages: must be true or false, not "3"',
    "display: {driver: SSD1306}": (
        'tt.yaml:1: display.driver: no display named "SSD1306" is known; did you mean ssd1306?'
    ),
    "display: {driver: sh1206}": 'tt.yaml:1: display.driver: no display named "sh1206" is known; did you mean sh1106?',
    "display: {driver: 1306}": (
        'tt.yaml:1: display.driver: must be the name of a display, such as ssd1306; put it in quotes: "1306"'
    ),
    "gateway: {name: 12}": (
        'tt.yaml:1: gateway.name: must be a gateway\'s name as it announces itself; put it in quotes: "12"'
    ),
    "gateway: {name: ''}": (
        "tt.yaml:1: gateway.name: must be a gateway's name as it announces itself, and is empty; "
        "take the line out for the default"
    ),
    "gateway: {address: 'http://10.0.0.7:8000/api'}": (
        "tt.yaml:1: gateway.address: must be a host name or an IP address, with :PORT where it is not 8000, not a URL; "
        "write 10.0.0.7:8000"
    ),
    "gateway: {address: 10.0.0.300}": (
        "tt.yaml:1: gateway.address: must be a host name or an IP address, with :PORT where it is not 8000, "
        'not "10.0.0.300"'
    ),
    "gateway: {address: 'a:70000'}": (
        "tt.yaml:1: gateway.address: must be a host name or an IP address, with :PORT where it is not 8000; "
        "a port is from 1 to 65535, not 70000"
    ),
    "gateway:\n  address: [fe80::1]": (
        "tt.yaml:2: gateway.address: must be a host name or an IP address, with :PORT where it is not 8000, "
        "not a list; put it in quotes"
    ),
    "network: {interfaces: eth0}": (
        "tt.yaml:1: network.interfaces: must be a list of network interfaces, such as [eth0, wlan0]; write [eth0]"
    ),
    "network: {interfaces: [eth0, eth0]}": (
        "tt.yaml:1: network.interfaces: must be a list of network interfaces, such as [eth0, wlan0]; "
        '"eth0" is in it twice'
    ),
    "state_dir: ~/tt": (
        "tt.yaml:1: state_dir: must be the path of a directory, and ~ is not expanded here; "
        "write it out, such as /var/lib/tt-appliance"
    ),
    "state_dir: !!python/object:os.system x": (
        "tt.yaml:1: state_dir: the tag !!python/object:os.system is not allowed; write the value alone"
    ),
    # YAML.
    "a: 1\nb: *x": "tt.yaml:2: aliases are not allowed; put a value that begins with * in quotes",
    "a: &x 1": "tt.yaml:1: anchors are not allowed; put a value that begins with & in quotes",
    "[" * 50_000: "tt.yaml:1: nested more than 8 deep; no key needs that",
    "- " * 30_000: "tt.yaml:1: nested more than 8 deep; no key needs that",
    "display:\n\tdriver: x": (
        "tt.yaml:2:1: broken YAML: while scanning for the next token, found character '\\t' that cannot start any token"
    ),
    "a: 1\n---\nb: 2": (
        "tt.yaml:2:1: broken YAML: expected a single document in the stream, but found another document"
    ),
    "gateway:\n  name: \x01": "tt.yaml:2: character U+0001 is not allowed in YAML",
}


@pytest.mark.parametrize(("text", "expected"), WRONG.items(), ids=[repr(text[:30]) for text in WRONG])
def test_what_is_wrong_is_told(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = "orders: {warn_after: x, late_after: 9, forget_after: 8}\npins: {red: 99, green: 5, amber: 5}\nbuzer: {}\n"
    assert [problem.split(": ")[:2] for problem in problems(text)] == [
        ["tt.yaml:1", "orders.warn_after"],
        ["tt.yaml:1", "orders.forget_after"],
        ["tt.yaml:2", "pins.red"],
        ["tt.yaml:2", "pins.amber"],
        ["tt.yaml:3", "buzer"],
    ]


def test_a_bomb_is_refused_at_once() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
    )
    started = time.perf_counter()
    assert problems(bomb) == ["tt.yaml:1: anchors are not allowed; put a value that begins with & in quotes"]
    assert time.perf_counter() - started < 1


def _missing(path: Path) -> None: ...


def _directory(path: Path) -> None:
    path.mkdir()


def _latin(path: Path) -> None:
    path.write_bytes(b"gateway:\n  name: K\xfcche\n")


def _utf16(path: Path) -> None:
    path.write_bytes("gateway: {}".encode("utf-16")[:-1])


def _large(path: Path) -> None:
    path.write_bytes(b"#\n" * (LARGEST_SETTINGS // 2 + 1))


def _binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (_missing, "{}: can't be read: No such file or directory"),
        (_directory, "{}: can't be read: Is a directory"),
        (_latin, "{}:2: byte 0xFC is not UTF-8; save the file as UTF-8"),
        (_utf16, "{}: is UTF-16 that is not whole; save the file as UTF-8"),
        (_large, "{}:32769: larger than 64 KiB; this is no configuration"),
        (_binary, "{}:2: byte 0x80 is not UTF-8; save the file as UTF-8"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, make: Callable[[Path], None], expected: str) -> None:
    path = tmp_path / "tt.yaml"
    make(path)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == expected.format(path)


def test_a_file_that_may_not_be_read_and_a_name_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ConfigError, match="can't be read: Too many levels of symbolic links"):
        load(tmp_path / "loop")
    with pytest.raises(ConfigError, match="is no file's name"):
        load(Path("a\0b"))


def test_a_byte_order_mark_and_dos_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "tt.yaml"
    path.write_bytes(b"\xef\xbb\xbfdisplay:\r\n  contrast: 7\r\n")
    assert load(path).display.contrast == 7


def test_every_display_that_luma_offers_may_be_chosen() -> None:
    import luma.oled.device

    for name in luma.oled.device.__all__:
        assert parse(f"display: {{driver: {name}}}", "tt.yaml").display.driver == name


_hosts = st.sampled_from(["10.0.0.7", "gateway.local", "::1", "fe80::1%eth0", "tt-1"]) | st.ip_addresses().map(str)
_texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=15)
_names = st.text(string.ascii_letters + string.digits + "-_.@'\"{", min_size=1, max_size=15).filter(
    lambda name: name not in (".", "..")
)
_seconds = st.lists(
    st.floats(0, MAX_SECONDS, exclude_min=True) | st.integers(1, int(MAX_SECONDS)).map(float),
    min_size=3,
    max_size=3,
    unique=True,
)
_never = st.just(0.0)
_some_seconds = st.floats(0, MAX_SECONDS, exclude_min=True)
_rests = st.one_of(
    st.tuples(_never, _never | _some_seconds),
    st.tuples(_some_seconds, _never),
    st.lists(_some_seconds, min_size=2, max_size=2, unique=True).map(sorted).map(tuple),
)
_displays = st.builds(
    DisplayConfig,
    driver=st.sampled_from(["ssd1306", "sh1106", "ssd1327"]),
    i2c_port=st.integers(0, 99),
    i2c_address=st.integers(0x03, 0x77),
    rotate=st.sampled_from([0, 2]),
    contrast=st.integers(0, 255),
    height=st.sampled_from([64, 32]),
)
_configs = st.builds(
    Config,
    gateway=st.builds(
        GatewayConfig,
        address=st.none() | st.builds(Address, _hosts, st.integers(1, 65535)),
        name=st.none() | _texts,
    ),
    orders=_seconds.map(lambda times: Benchmarks(*sorted(times))),
    display=st.builds(
        lambda display, rests: replace(display, dim_after=rests[0], sleep_after=rests[1]), _displays, _rests
    ),
    pins=st.permutations(range(4, 28)).map(lambda pins: Pins(*pins[:5])),
    buzzer=st.builds(
        BuzzerConfig,
        enabled=st.booleans(),
        kind=st.sampled_from(["active", "passive"]),
        volume=st.integers(1, 100),
        repeat_pages=st.booleans(),
    ),
    network=st.builds(NetworkConfig, interfaces=st.lists(_names, max_size=4, unique=True).map(tuple)),
    state_dir=_texts.filter(lambda text: not text.startswith("~")).map(Path),
)


@given(_configs)
def test_what_is_printed_reads_back_the_same(config: Config) -> None:
    assert parse(dump(config), "tt.yaml") == config


def test_what_is_printed_explains_every_key() -> None:
    lines = dump(Config()).splitlines()
    for dotted in KEYS:
        at = next(i for i, line in enumerate(lines) if line.strip().startswith(dotted.split(".")[-1] + ":") and i)
        assert lines[at - 1].strip().startswith("# ")
    assert max(map(len, lines)) <= 100


@settings(max_examples=300)
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from([*FULL.replace("{", "").split(), "{", "}", "[", "]", "- ", "\n", "\n  ", "'", "? "])
    ).map(" ".join)
)
def test_no_text_raises_anything_but_a_config_error(text: str) -> None:
    found: tuple[Problem, ...] = ()
    try:
        parse(text, "tt.yaml")
    except ConfigError as error:
        found = error.problems
        assert found, "an error without a problem"
    lines = len(text.splitlines()) + 1
    assert all(problem.line is not None and 1 <= problem.line <= lines for problem in found)
