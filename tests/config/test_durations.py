"""Times in the settings: seconds, or a number and its unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import Config, ConfigError, parse
from appliance.config.keys import KEYS
from appliance.config.lenient import parse_leniently
from appliance.core.values import ToGoBenchmarks

UNITS = {"": 1, "s": 1, "min": 60, "h": 3600}
TIMES = (
    "buzzer.late_every",
    "display.sleep_after",
    "orders.forget_after",
    "orders.late_after",
    "orders.to_go.late_after",
)


def setting(dotted: str, written: str) -> str:
    """The text of a file with one setting."""
    *sections, name = dotted.split(".")
    lines = [f"{'  ' * depth}{section}:" for depth, section in enumerate(sections)]
    return "\n".join([*lines, f"{'  ' * len(sections)}{name}: {written}\n"])


def value(dotted: str, config: Config) -> object:
    found: object = config
    for part in dotted.split("."):
        found = getattr(found, part)
    return found


@given(
    st.sampled_from(TIMES),
    st.integers(1, 9).map(str) | st.sampled_from(["1.5", "10", "600"]),
    st.sampled_from(sorted(UNITS)),
    st.sampled_from(["", " "]),
    st.sampled_from(["", "'", '"']),
)
def test_every_time_may_have_a_unit(dotted: str, number: str, unit: str, space: str, quote: str) -> None:
    if not unit:
        space = quote = ""
    config, mistakes = parse_leniently(setting(dotted, f"{quote}{number}{space}{unit}{quote}"), "tt.yaml")
    seconds = float(number) * UNITS[unit]
    others = [mistake for mistake in mistakes if "must be less than" in mistake.text or "more than" in mistake.text]
    assert value(dotted, config) == (value(dotted, Config()) if mistakes else seconds)
    assert tuple(others) == mistakes, "only the order of times can be wrong"


@pytest.mark.parametrize("dotted", TIMES)
@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("5 minutes", "write 5 min"),
        ("5 m", "write 5 min"),
        ("5m", "write 5 min"),
        ("5 MIN", "write 5 min"),
        ("5 min.", "write 5 min"),
        ("90 sec", "write 90 s"),
        ("2 hours", "write 2 h"),
        ("'1,5 h'", "write 1.5 h"),
        ("5:00", "write 300"),
        ("five min", None),
        ("5 days", None),
        ("1 h 30 min", None),
        ("min", None),
        ("5 min 5", None),
    ],
)
def test_another_spelling_is_told_with_the_right_one(dotted: str, written: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(setting(dotted, written), "tt.yaml")
    (problem,) = caught.value.problems
    assert problem.key == dotted
    assert problem.text.startswith("must be a time like 5 min")
    assert problem.text.endswith(f"; {hint}" if hint else '"')


@pytest.mark.parametrize("written", ["0 min", "-5 min", "0 h", "0s"])
def test_a_time_with_a_unit_is_more_than_nothing(written: str) -> None:
    with pytest.raises(ConfigError, match="must be more than 0 seconds"):
        parse(setting("orders.late_after", written), "tt.yaml")


def test_never_may_have_a_unit() -> None:
    assert parse(setting("display.sleep_after", "0 min"), "tt.yaml").display.sleep_after == 0


def test_a_time_to_go_that_is_absent_is_that_of_all_orders() -> None:
    orders = parse("orders: {warn_after: 1 min, to_go: {late_after: 20 min}}", "tt.yaml").orders
    assert orders.to_go == ToGoBenchmarks(None, 1200)
    assert (orders.warn_after_of("TO_GO"), orders.late_after_of("TO_GO")) == (60, 1200)
    assert (orders.warn_after_of("ON_PREMISE"), orders.late_after_of("ON_PREMISE")) == (60, 300)
    for empty in ("orders: {to_go: }", "orders: {to_go: {}}", "orders: {to_go: {warn_after: null}}"):
        assert parse(empty, "tt.yaml") == Config()


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("orders:\n  to_go:\n    warn_after: 10 min", 3, "orders.to_go.warn_after", "less than orders.late_after (300"),
        ("orders:\n  to_go:\n    late_after: 60", 3, "orders.to_go.late_after", "more than orders.warn_after (180"),
        (
            "orders:\n  late_after: 100\n  warn_after: 50\n  to_go: {warn_after: 2 min}",
            4,
            "orders.to_go.warn_after",
            "(100",
        ),
        ("orders: {to_go: {late_after: 4 h}}", 1, "orders.to_go.late_after", "less than orders.forget_after (10800"),
        ("orders: {to_go: {late_aftr: 4}}", 1, "orders.to_go.late_aftr", "did you mean orders.to_go.late_after?"),
        ("orders: {to-go: {late_after: 4}}", 1, "orders.to-go", "did you mean orders.to_go?"),
        ("orders: {takeaway: {late_after: 4}}", 1, "orders.takeaway", "did you mean orders.to_go?"),
        ("to_go: {late_after: 4}", 1, "to_go", "did you mean orders.to_go?"),
        ("late_after: 4", 1, "late_after", "did you mean orders.late_after?"),
        ("orders.to_go: {late_after: 4}", 1, "orders.to_go", "write to_go indented below orders:"),
        ("orders: {to_go.late_after: 4}", 1, "orders.to_go.late_after", "write late_after indented below to_go:"),
        ("orders: {to_go: 300}", 1, "orders.to_go", "write its settings on lines below it, indented by 2 spaces"),
        ("orders:\n  to_go:\n    late_after: *x", 3, "orders.to_go.late_after", "needs quotes"),
        ("orders:\n  to_go:\n  late_after: *x", 3, "orders.late_after", "needs quotes"),
    ],
)
def test_a_mistake_in_the_times_to_go_names_line_and_key(text: str, line: int, key: str, words: str) -> None:
    _, mistakes = parse_leniently(text, "tt.yaml")
    (mistake,) = mistakes
    assert (mistake.line, mistake.key) == (line, key)
    assert words in mistake.text
    assert set(TIMES) <= set(KEYS)
