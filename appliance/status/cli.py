"""`tt-appliance status`: says what the running appliance shows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from appliance.core import texts
from appliance.core.formatting import age, legible
from appliance.core.updates import UpdatePhase
from appliance.status.client import Facts, StatusError, find_appliance

NOT_RUNNING = 69
"""The exit code if no appliance is running (EX_UNAVAILABLE of sysexits.h)."""
LABEL = 12
"""Width of the labels' column."""
CLOCK = {True: "synchronised", False: "not synchronised", None: "unknown"}


def main(state_dir: Path, *, as_json: bool) -> int:
    """Run the command; its exit code."""
    try:
        found = find_appliance(state_dir)
    except StatusError as error:
        print(f"tt-appliance status: {error}", file=sys.stderr)
        return 1
    if found is None:
        print(f"tt-appliance status: no appliance is running with the state directory {state_dir}", file=sys.stderr)
        return NOT_RUNNING
    if as_json:
        print(json.dumps(found.facts))
        return 0
    for label, words in described(found.facts):
        print(f"{label:<{LABEL}}{legible(words, 300)}")
    return 0


def described(facts: Facts) -> Iterator[tuple[str, str]]:
    """Labels and words of a status."""
    seconds = {name: _seconds(facts, name) for name in ("since_s", "uptime_s", "oldest_s", "last_error_s")}
    state = str(facts.get("state")).replace("_", " ")
    yield "state", f"{state} ({facts['reason']})" if facts.get("reason") else state
    if (since := seconds["since_s"]) is not None:
        # Only a right clock can tell the time at which it began.
        began = f", since {datetime.now() - timedelta(seconds=since):%Y-%m-%d %H:%M}"
        yield "for", age(since) + (began if facts.get("clock_synchronised") else "")
    gateway = facts.get("gateway")
    if isinstance(gateway, dict):
        name, address = (str(gateway.get(key) or "") for key in ("name", "address"))
        yield "gateway", f"{name} at {address}" if address not in ("", name) else name
    else:
        yield "gateway", "none"
    if isinstance(facts.get("active"), int):
        count = facts["active"]
        oldest = [] if seconds["oldest_s"] is None else [f"the oldest {age(seconds['oldest_s'])}"]
        parts = [f"{facts.get('paged')} paged", f"{facts.get('late')} late", *oldest]
        yield "orders", f"{count} {texts.orders(count)}: {', '.join(parts)}" if count else "0 orders"
    else:
        yield "orders", "unknown without a connection"
    yield "display", " / ".join(map(str, facts.get("screen") or ())) or "dark"
    leds = facts.get("leds")
    lit = [f"{name} {mode}" for name, mode in leds.items() if mode != "off"] if isinstance(leds, dict) else []
    yield "LEDs", ", ".join(lit) or "off"
    yield "version", str(facts.get("version"))
    yield from _card(facts)
    if seconds["uptime_s"] is not None:
        yield "running for", age(seconds["uptime_s"])
    clock = facts.get("clock_synchronised")
    yield "clock", CLOCK[clock if isinstance(clock, bool) else None]
    ago = "" if seconds["last_error_s"] is None else f" ({age(seconds['last_error_s'])} ago)"
    yield "last error", f"{facts['last_error']}{ago}" if facts.get("last_error") else "none"


def _card(facts: Facts) -> Iterator[tuple[str, str]]:
    """The system on the card, and its update; nothing off the card."""
    if not facts.get("slot"):
        return
    yield "system", f"slot {facts['slot']}" + (", on trial" if facts.get("trial") else "")
    if isinstance(conditions := facts.get("trial_conditions"), dict):
        yield "trial", ", ".join(f"{name} {outcome}" for name, outcome in conditions.items())
    if isinstance(update := facts.get("update"), dict):
        done = f", {update.get('percent')} %" if update.get("phase") == UpdatePhase.INSTALLING else ""
        reason = f" ({update['reason']})" if update.get("reason") else ""
        yield "update", f"{update.get('phase')} {update.get('version')}{done}{reason}"


def _seconds(facts: Facts, name: str) -> float | None:
    value = facts.get(name)
    return float(value) if isinstance(value, int | float) else None
