"""Checks across several settings: the order of times, a router in its network, unique pins, and a safe Wi-Fi."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from appliance.config.presets import PRESETS
from appliance.config.values import Config, NetworkConfig, WifiConfig

if TYPE_CHECKING:
    from appliance.config.problems import Report


BUS_PINS: Mapping[int, tuple[int, int]] = MappingProxyType({0: (0, 1), 1: (2, 3)})
"""BCM numbers of SDA and SCL of the I2C buses with fixed pins (Raspberry Pi documentation, GPIO)."""


def check_together(config: Config, lines: Mapping[str, int], wrong: Collection[str], report: Report) -> None:
    """Report valid values that conflict. lines: of the keys in the file. wrong: keys that are already reported."""
    _check_times(config, lines, wrong, report)
    _check_address(config.network, lines, report)
    _check_wifi(config.wifi, lines, wrong, report)
    _check_pins(config, lines, wrong, report)


def _check_times(config: Config, lines: Mapping[str, int], wrong: Collection[str], report: Report) -> None:
    orders, display = config.orders, config.display
    warn, late = ("orders.warn_after", orders.warn_after), ("orders.late_after", orders.late_after)
    forget = ("orders.forget_after", orders.forget_after)
    pairs: list[tuple[tuple[str, float], tuple[str, float]]] = [(warn, late), (late, forget)]
    own_warn, own_late = orders.to_go.warn_after, orders.to_go.late_after
    to_go_warn = warn if own_warn is None else ("orders.to_go.warn_after", own_warn)
    to_go_late = late if own_late is None else ("orders.to_go.late_after", own_late)
    pairs += [pair for pair in ((to_go_warn, to_go_late), (to_go_late, forget)) if pair not in pairs]
    if display.dim_after and display.sleep_after:
        pairs.append((("display.dim_after", display.dim_after), ("display.sleep_after", display.sleep_after)))
    for (less, low), (more, high) in pairs:
        if low < high or not {less, more}.isdisjoint(wrong):
            continue
        if lines.get(more, 0) >= lines.get(less, 0):
            report(lines.get(more), more, f"must be more than {less} ({low:g}, {_place(less, lines)})")
        else:
            report(lines[less], less, f"must be less than {more} ({high:g}, {_place(more, lines)})")


def _check_wifi(wifi: WifiConfig, lines: Mapping[str, int], wrong: Collection[str], report: Report) -> None:
    """An open network has to be asked for: anybody can set up one of the same name, and reads what the box sends."""
    has_password = wifi.password is not None or "wifi.password" in wrong
    if wifi.open and has_password:
        report(lines["wifi.open"], "wifi.open", "true, but there is a password: no Wi-Fi is joined; delete one")
    elif wifi.name is not None and not wifi.open and not has_password:
        what = "missing: the Wi-Fi is not joined. No password? Write open: true"
        report(lines.get("wifi.password", lines["wifi.name"]), "wifi.password", what)
    elif wifi.name is None and "wifi.name" not in wrong and (wifi.open or wifi.password is not None):
        report(
            lines["wifi.open" if wifi.open else "wifi.password"],
            "wifi.name",
            "missing: no Wi-Fi is joined; write the network's name",
        )


def _check_pins(config: Config, lines: Mapping[str, int], wrong: Collection[str], report: Report) -> None:
    uses: dict[int, list[str]] = {}
    for part, number in config.pins.present.items():
        if f"pins.{part}" not in wrong:
            uses.setdefault(number, []).append(f"pins.{part}")
    bus, taken = config.display.i2c_port, PRESETS[config.hardware].taken
    for number, keys in uses.items():
        # Report the later key in the file, and never a default.
        first, *others = sorted(keys, key=lambda key: lines.get(key, 0))
        user = f"already used for {first} ({_place(first, lines)})"
        if number in BUS_PINS.get(bus, ()):
            others, user = keys, f"used for the display on I2C bus {bus}"
        elif number in taken and (outputs := [key for key in keys if key != "pins.button"]):
            others, user = outputs, taken[number]
        for key in others:
            free = min(set(range(4, 28)) - set(uses) - set(taken), key=lambda pin: (abs(pin - number), pin))
            report(lines[key], key, f"GPIO {number} is {user}; free is {free}")


def _place(dotted: str, lines: Mapping[str, int]) -> str:
    return f"line {lines[dotted]}" if dotted in lines else "the default"


def _check_address(network: NetworkConfig, lines: Mapping[str, int], report: Report) -> None:
    from ipaddress import ip_address, ip_interface

    if network.router is None:
        return
    router = ip_address(network.router)
    if network.address is None:
        report(lines["network.router"], "network.router", "needs network.address too; without it, DHCP sets both")
        return
    own = ip_interface(network.address)
    # In IPv6, routers announce themselves with link-local addresses.
    if router not in own.network and not (router.version == own.version == 6 and router.is_link_local):
        what = f"must be in the network of network.address, {own.network}"
        report(lines["network.router"], "network.router", what)
