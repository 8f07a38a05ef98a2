"""Invalid settings: a message for every mistake, with its line."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
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
    "\n\ndisplay:\n  contrats: 3": "tt.yaml:4: display.contrats: unknown setting; did you mean display.contrast?",
    "driver: sh1106": "tt.yaml:1: driver: unknown setting; did you mean display.driver?",
    "display.contrast: 3": "tt.yaml:1: display.contrast: unknown setting; write contrast indented below display:",
    "Display: {}": "tt.yaml:1: Display: unknown setting; did you mean display?",
    "orders: {red: 3}": "tt.yaml:1: orders.red: unknown setting; did you mean pins.red?",
    "buzzer: {xyzzy: 3}": "tt.yaml:1: buzzer.xyzzy: unknown setting; delete it, or correct its name",
    "buzzer: {enabled: yes}\nbuzzer: {}": "tt.yaml:2: buzzer: is already on line 1; delete one of both",
    "pins:\n  red: 4\n  red: 5": "tt.yaml:3: pins.red: is already on line 2; delete one of both",
    "[a]: 3": "tt.yaml:1: is not a setting: write a name, a colon, a space and a value",
    "pins: 3": "tt.yaml:1: pins: write its settings on lines below it, indented by 2 spaces",
    "- a\n- b": "tt.yaml:1: is not a section of the settings, such as network:",
    "tt": "tt.yaml:1: is not a section of the settings, such as network:",
    # Numbers.
    "display: {contrast: yes}": 'tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not "yes"',
    "display: {contrast: 1.0}": 'tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not "1.0"',
    "display: {contrast: '9'}": (
        'tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not "9"; write it without quotes'
    ),
    "display: {contrast: 017}": (
        'tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not "017"; write 17'
    ),
    "display:\n  contrast:\n    300": (
        "tt.yaml:3: display.contrast: must be a whole number from 0 to 255; the nearest is 255"
    ),
    "display: {contrast: [1]}": "tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not a list",
    "display: {contrast: {a: 1}}": "tt.yaml:1: display.contrast: must be a whole number from 0 to 255, not settings",
    "display: {rotate: 90}": 'tt.yaml:1: display.rotate: must be 0, or 2 or 180 for upside down, not "90"',
    "display: {i2c_address: 3E}": 'tt.yaml:1: display.i2c_address: must be from 0x03 to 0x77, such as 0x3C, not "3E"',
    "orders: {warn_after: 3:00}": 'tt.yaml:1: orders.warn_after: must be a time like 5 min, not "3:00"; write 180',
    "orders: {warn_after: 3 minutes}": (
        'tt.yaml:1: orders.warn_after: must be a time like 5 min, not "3 minutes"; write 3 min'
    ),
    "orders: {warn_after: 0}": 'tt.yaml:1: orders.warn_after: must be more than 0 seconds, not "0"',
    "orders: {warn_after: .inf}": 'tt.yaml:1: orders.warn_after: must be a time like 5 min, not ".inf"',
    "update: {url: 'http://a.org/index'}": "tt.yaml:1: update.url: must begin with https://; http:// is not safe",
    "update: {url: a.org}": 'tt.yaml:1: update.url: must be a web address like https://a.org/index, not "a.org"',
    "update: {url: 'https://me:x@a.org/index'}": (
        'tt.yaml:1: update.url: must be a web address like https://a.org/index, not "https://me:x@a.…"'
    ),
    "update: {url: 'https://a.org:99999/index'}": "tt.yaml:1: update.url: must have a port from 1 to 65535, not 99999",
    "update: {at: 4 am}": 'tt.yaml:1: update.at: must be a time such as "04:00", not "4 am"; write "04:00"',
    "display: {height: 128}": 'tt.yaml:1: display.height: must be 64 or 32 pixels, not "128"',
    "display: {height: '32'}": 'tt.yaml:1: display.height: must be 64 or 32 pixels, not "32"; write it without quotes',
    "display: {dim_after: never}": (
        'tt.yaml:1: display.dim_after: must be a time like 5 min, or 0 (never), not "never"; write 0'
    ),
    "display: {dim_after: 10 m}": (
        'tt.yaml:1: display.dim_after: must be a time like 5 min, or 0 (never), not "10 m"; write 10 min'
    ),
    "display: {sleep_after: -1}": 'tt.yaml:1: display.sleep_after: must be more than 0 seconds, not "-1"',
    "display: {sleep_after: 4:00:00}": (
        'tt.yaml:1: display.sleep_after: must be a time like 5 min, or 0 (never), not "4:00:00"; write 14400'
    ),
    "buzzer: {volume: 0}": "tt.yaml:1: buzzer.volume: must be a whole number from 1 to 100; the nearest is 1",
    "buzzer: {volume: 50%}": "tt.yaml:1: buzzer.volume: must be a number without the sign; write 50",
    "orders: {warn_after: true}": 'tt.yaml:1: orders.warn_after: must be a time like 5 min, not "true"',
    # Contradictions.
    "orders:\n  late_after: 100": (
        "tt.yaml:2: orders.late_after: must be more than orders.warn_after (180, the default)"
    ),
    "orders:\n  warn_after: 400": (
        "tt.yaml:2: orders.warn_after: must be less than orders.late_after (300, the default)"
    ),
    "orders:\n  late_after: 500\n  forget_after: 500": (
        "tt.yaml:3: orders.forget_after: must be more than orders.late_after (500, line 2)"
    ),
    "display:\n  dim_after: 20000": (
        "tt.yaml:2: display.dim_after: must be less than display.sleep_after (14400, the default)"
    ),
    "display:\n  dim_after: 60\n  sleep_after: 60": (
        "tt.yaml:3: display.sleep_after: must be more than display.dim_after (60, line 2)"
    ),
    "pins: {red: 22}": "tt.yaml:1: pins.red: GPIO 22 is already used for pins.green (the default); free is 21",
    "pins:\n  red: 5\n  green: 5": "tt.yaml:3: pins.green: GPIO 5 is already used for pins.red (line 2); free is 4",
    "pins: {red: 2}": "tt.yaml:1: pins.red: GPIO 2 is used for the display on I2C bus 1; free is 4",
    "pins: {red: 0}\ndisplay: {i2c_port: 0}": (
        "tt.yaml:1: pins.red: GPIO 0 is used for the display on I2C bus 0; free is 4"
    ),
    "pins: {red: 28}": "tt.yaml:1: pins.red: must be a whole number from 0 to 27 (BCM); the nearest is 27",
    # Texts.
    "buzzer: {enabled: 1}": 'tt.yaml:1: buzzer.enabled: must be true or false, not "1"; write true',
    "buzzer: {enabled: 'true'}": (
        'tt.yaml:1: buzzer.enabled: must be true or false, not "true"; write it without the quotes: true'
    ),
    "buzzer: {kind: Passive}": (
        'tt.yaml:1: buzzer.kind: must be active or passive, not "Passive"; did you mean passive?'
    ),
    "buzzer: {kind: piezo}": 'tt.yaml:1: buzzer.kind: must be active or passive, not "piezo"',
    "buzzer: {kind: true}": 'tt.yaml:1: buzzer.kind: must be active or passive, not "true"',
    "buzzer: {repeat_pages: 3}": 'tt.yaml:1: buzzer.repeat_pages: must be true or false, not "3"',
    "display: {driver: SSD1306}": 'tt.yaml:1: display.driver: unknown display "SSD1306"; did you mean ssd1306?',
    "display: {driver: sh1206}": 'tt.yaml:1: display.driver: unknown display "sh1206"; did you mean sh1106?',
    "display: {driver: 1306}": 'tt.yaml:1: display.driver: unknown display "1306"; did you mean ssd1306?',
    "gateway: {name: ''}": "tt.yaml:1: gateway.name: must not be empty; write a value, or delete the line",
    "gateway: {address: 'http://10.0.0.7:8000/api'}": (
        "tt.yaml:1: gateway.address: must be an address and not a web link; write 10.0.0.7:8000"
    ),
    "gateway: {address: 10.0.0.300}": (
        'tt.yaml:1: gateway.address: must be a host or an IP address, or HOST:PORT, not "10.0.0.300"'
    ),
    "gateway: {address: 'a:70000'}": "tt.yaml:1: gateway.address: must have a port from 1 to 65535, not 70000",
    "network: {interfaces: eth0}": (
        "tt.yaml:1: network.interfaces: must be a list of names, such as [eth0, wlan0]; write [eth0]"
    ),
    "network: {interfaces: [eth0, eth0]}": 'tt.yaml:1: network.interfaces: has "eth0" twice',
    "state_dir: ~/tt": "tt.yaml:1: state_dir: must be the full path, such as /var/lib/tt-appliance, without ~",
    "state_dir: !!python/object:os.system x": "tt.yaml:1: state_dir: a value that begins with ! needs quotes",
    # YAML.
    "pins: {red: 5}\nbuzzer: *x": "tt.yaml:2: a value that begins with * needs quotes",
    "a: &x 1": "tt.yaml:1: a value that begins with & needs quotes",
    "[" * 50_000: "tt.yaml:1: has too many brackets or levels: the settings need 3",
    "- " * 30_000: "tt.yaml:1: has too many brackets or levels: the settings need 3",
    "display:\n\tdriver: x": "tt.yaml:2: display.driver: has a tab; use spaces instead",
    "pins: {red: 5}\n---\nbuzzer: {}": "tt.yaml:2: a line can't begin with --- here; delete it",
    "gateway:\n  name: \x01": "tt.yaml:2: gateway.name: has a character that can't be used (U+0001); delete it",
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
    assert problems(bomb) == [f"tt.yaml:{line}: a value that begins with & needs quotes" for line in range(1, 11)]
    assert time.perf_counter() - started < 1


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
