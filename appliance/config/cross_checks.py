"""Checks across several settings: the order of times, a router in its network, unique pins."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING

from appliance.config.values import Config, NetworkConfig, Pins

if TYPE_CHECKING:
    from appliance.config.yaml_lines import Report


BUS_PINS: Mapping[int, tuple[int, int]] = MappingProxyType({0: (0, 1), 1: (2, 3)})
"""BCM numbers of SDA and SCL of the I2C buses with fixed pins (Raspberry Pi documentation, GPIO)."""


def check_together(config: Config, lines: Mapping[str, int], wrong: Collection[str], report: Report) -> None:
    """Report valid values that conflict. lines: of the keys in the file. wrong: keys that are already reported."""
    orders, display = config.orders, config.display
    ascending: list[tuple[str, float]] = [
        ("orders.warn_after", orders.warn_after),
        ("orders.late_after", orders.late_after),
        ("orders.forget_after", orders.forget_after),
    ]
    pairs = list(itertools.pairwise(ascending))
    if display.dim_after and display.sleep_after:
        pairs.append((("display.dim_after", display.dim_after), ("display.sleep_after", display.sleep_after)))
    for (less, low), (more, high) in pairs:
        if low < high or not {less, more}.isdisjoint(wrong):
            continue
        if lines.get(more, 0) >= lines.get(less, 0):
            what = f"must be more than {less}, which is {low:g} ({_place(less, lines)}), not {high:g}"
            report(lines.get(more), None, more, what)
        else:
            what = f"must be less than {more}, which is {high:g} ({_place(more, lines)}), not {low:g}"
            report(lines[less], None, less, what)

    _check_address(config.network, lines, report)
    _check_pins(config, lines, wrong, report)


def _check_pins(config: Config, lines: Mapping[str, int], wrong: Collection[str], report: Report) -> None:
    uses: dict[int, list[str]] = {}
    for item in fields(Pins):
        if f"pins.{item.name}" not in wrong:
            uses.setdefault(getattr(config.pins, item.name), []).append(f"pins.{item.name}")
    bus = config.display.i2c_port
    for number, keys in uses.items():
        # Report the later key in the file, and never a default.
        first, *others = sorted(keys, key=lambda key: lines.get(key, 0))
        user = f"already used for {first} ({_place(first, lines)})"
        if number in BUS_PINS.get(bus, ()):
            others, user = keys, f"used for the display on I2C bus {bus}"
        for key in others:
            free = min(set(range(4, 28)) - set(uses), key=lambda pin: (abs(pin - number), pin))
            report(lines[key], None, key, f"GPIO {number} is {user}; use another pin, such as {free}")


def _place(dotted: str, lines: Mapping[str, int]) -> str:
    return f"line {lines[dotted]}" if dotted in lines else "the default"


def _check_address(network: NetworkConfig, lines: Mapping[str, int], report: Report) -> None:
    from ipaddress import ip_address, ip_interface

    if network.router is None:
        return
    if network.address is None:
        report(lines["network.router"], None, "network.router", "needs network.address too; without it, DHCP sets both")
    elif ip_address(network.router) not in ip_interface(network.address).network:
        what = f"must be in the network of network.address, {ip_interface(network.address).network}"
        report(lines["network.router"], None, "network.router", what)
