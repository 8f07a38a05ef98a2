"""Invalid settings: a message for every mistake, with its line."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config import ConfigError, Problem, parse
from tests.config.test_loader import FULL


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "tt.yaml")
    assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


WRONG = {
    # Keys.
    "\n\ndisplay:\n  contrats: 3": "tt.yaml:4: display.contrats: unknown key; did you mean display.contrast?",
    "driver: sh1106": "tt.yaml:1: driver: unknown key; did you mean display.driver?",
    "display.contrast: 3": "tt.yaml:1: display.contrast: unknown key; write contrast indented below display:",
    "Display: {}": "tt.yaml:1: Display: unknown key; did you mean display?",
    "orders: {red: 3}": "tt.yaml:1: orders.red: unknown key; did you mean pins.red?",
    "buzzer: {xyzzy: 3}": "tt.yaml:1: buzzer.xyzzy: unknown key; valid keys here: enabled, kind, volume, repeat_pages",
    "buzzer: {enabled: yes}\nbuzzer: {}": "tt.yaml:2: buzzer: duplicate key; it is already on line 1",
    "pins:\n  red: 4\n  red: 5": "tt.yaml:3: pins.red: duplicate key; it is already on line 2",
    "[a]: 3": "tt.yaml:1: a key must be a name, not a list or a mapping",
    "pins: 3": ("tt.yaml:1: pins: must contain these keys, indented below it: button, green, amber, red, buzzer"),
    "- a\n- b": "tt.yaml:1: must contain keys and values, such as `state_dir: /var/lib/tt-appliance`",
    "tt": "tt.yaml:1: must contain keys and values, such as `state_dir: /var/lib/tt-appliance`",
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
    "display: {i2c_address: 3E}": (
        'tt.yaml:1: display.i2c_address: must be a whole number from 3 to 119 (0x03 to 0x77), not "3E"'
    ),
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
    # Contradictions.
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
        "tt.yaml:1: pins.red: GPIO 22 is already used for pins.green (the default); use another pin, such as 21"
    ),
    "pins:\n  red: 5\n  green: 5": (
        "tt.yaml:3: pins.green: GPIO 5 is already used for pins.red (line 2); use another pin, such as 4"
    ),
    "pins: {red: 2}": ("tt.yaml:1: pins.red: GPIO 2 is used for the display on I2C bus 1; use another pin, such as 4"),
    "pins: {red: 0}\ndisplay: {i2c_port: 0}": (
        "tt.yaml:1: pins.red: GPIO 0 is used for the display on I2C bus 0; use another pin, such as 4"
    ),
    "pins: {red: 28}": (
        "tt.yaml:1: pins.red: must be a whole number from 0 to 27, the BCM number of a pin; the nearest to 28 is 27"
    ),
    # Texts.
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
    "display: {driver: SSD1306}": ('tt.yaml:1: display.driver: unknown display "SSD1306"; did you mean ssd1306?'),
    "display: {driver: sh1206}": 'tt.yaml:1: display.driver: unknown display "sh1206"; did you mean sh1106?',
    "display: {driver: 1306}": (
        'tt.yaml:1: display.driver: must be auto, or the name of a display, such as ssd1306; put it in quotes: "1306"'
    ),
    "gateway: {name: 12}": (
        'tt.yaml:1: gateway.name: must be a gateway\'s name as it announces itself; put it in quotes: "12"'
    ),
    "gateway: {name: ''}": (
        "tt.yaml:1: gateway.name: must be a gateway's name as it announces itself, not empty; "
        "delete the line for the default"
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
        '"eth0" is a duplicate'
    ),
    "state_dir: ~/tt": (
        "tt.yaml:1: state_dir: must be the path of a directory; ~ is not expanded, "
        "so write the full path, such as /var/lib/tt-appliance"
    ),
    "state_dir: !!python/object:os.system x": (
        "tt.yaml:1: state_dir: the tag !!python/object:os.system is not allowed; write the value alone"
    ),
    # YAML.
    "a: 1\nb: *x": "tt.yaml:2: aliases are not allowed; put a value that begins with * in quotes",
    "a: &x 1": "tt.yaml:1: anchors are not allowed; put a value that begins with & in quotes",
    "[" * 50_000: "tt.yaml:1: nested more than 8 levels; the settings need 3",
    "- " * 30_000: "tt.yaml:1: nested more than 8 levels; the settings need 3",
    "display:\n\tdriver: x": (
        "tt.yaml:2:1: invalid YAML: while scanning for the next token, "
        "found character '\\t' that cannot start any token"
    ),
    "a: 1\n---\nb: 2": (
        "tt.yaml:2:1: invalid YAML: expected a single document in the stream, but found another document"
    ),
    "gateway:\n  name: \x01": "tt.yaml:2: character U+0001 is not allowed in YAML",
}


@pytest.mark.parametrize(("text", "expected"), WRONG.items(), ids=[repr(text[:30]) for text in WRONG])
def test_each_mistake_is_reported(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_all_mistakes_are_reported_in_the_order_of_the_file() -> None:
    text = "orders: {warn_after: x, late_after: 9, forget_after: 8}\npins: {red: 99, green: 5, amber: 5}\nbuzer: {}\n"
    assert [problem.split(": ")[:2] for problem in problems(text)] == [
        ["tt.yaml:1", "orders.warn_after"],
        ["tt.yaml:1", "orders.forget_after"],
        ["tt.yaml:2", "pins.red"],
        ["tt.yaml:2", "pins.amber"],
        ["tt.yaml:3", "buzer"],
    ]


def test_an_alias_bomb_is_refused_at_once() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
    )
    started = time.perf_counter()
    assert problems(bomb) == ["tt.yaml:1: anchors are not allowed; put a value that begins with & in quotes"]
    assert time.perf_counter() - started < 1


@settings(max_examples=300)
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from([*FULL.replace("{", "").split(), "{", "}", "[", "]", "- ", "\n", "\n  ", "'", "? "])
    ).map(" ".join)
)
def test_any_text_raises_at_most_a_config_error(text: str) -> None:
    found: tuple[Problem, ...] = ()
    try:
        parse(text, "tt.yaml")
    except ConfigError as error:
        found = error.problems
        assert found, "an error without a problem"
    lines = len(text.splitlines()) + 1
    assert all(problem.line is not None and 1 <= problem.line <= lines for problem in found)
