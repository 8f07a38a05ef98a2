"""The table of all settings: for each key, its check, its comment, and its YAML form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance.config import box_checks, display_checks, hardware_checks, network_checks, wifi_checks
from appliance.config import checks as check
from appliance.config.presets import PRESETS
from appliance.config.quoting import quoted
from appliance.config.time_of_day import show_time_of_day, time_of_day
from appliance.core.values import HTTP_PORT


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _number_or_none(value: float | None) -> str:
    return "null" if value is None else _number(value)


def _whole_or_none(value: int | None) -> str:
    return "null" if value is None else str(value)


def _bool(value: object) -> str:
    return "true" if value else "false"


def _quoted(value: object) -> str:
    return "null" if value is None else quoted(str(value))


def _i2c_address(value: int | None) -> str:
    return "auto" if value is None else f"0x{value:02X}"


def _names(value: tuple[str, ...]) -> str:
    return "[" + ", ".join(quoted(name) for name in value) + "]"


def _keys(value: tuple[str, ...]) -> str:
    return _quoted(value[0] if value else None) if len(value) < 2 else _names(value)


@dataclass(frozen=True, slots=True)
class Key:
    """A key. comment: the line above it in printed settings. show: converts its value to YAML. secret: not to be shown.

    free_text: its value may have any character. A comment after such a value may be a part that lacks its quotes.
    by_hardware: `hardware` gives its default. null: the check reads null too, which means the default elsewhere.
    """

    check: check.Check
    comment: str
    show: Callable[[Any], str] = str
    free_text: bool = False
    by_hardware: bool = False
    null: bool = False
    secret: bool = False


SECTIONS = {
    "gateway": "The gateway. Without address and name: the one that is found and paired with the button.",
    "orders": "The restaurant's times: an order's age, such as 300 (seconds) or 5 min, and the end of its day.",
    "orders.to_go": "Ages of orders to go; null: the same as for all orders.",
    "display": "The OLED, on the I2C bus.",
    "pins": "GPIO pins (BCM) other than the hardware's; null: no such part. Delete the # to set one.",
    "buzzer": "The buzzer.",
    "network": "The network. The fixed address is for the SD card image only; without one: DHCP.",
    "wifi": "The wireless network, for the SD card image only. Put its name and password in quotes.",
    "box": "The machine, for the SD card image only.",
    "update": "Updates by themselves, from a channel, for the SD card image only; null: none.",
    "backup": "Copies of the box's state on a USB stick, for the SD card image only.",
    "history": "Bounds of the archive of finished orders; the oldest are deleted first.",
}
"""The comment above each section."""


def _pin(comment: str) -> Key:
    return Key(hardware_checks.pin, comment, _whole_or_none, by_hardware=True, null=True)


KEYS = {
    "hardware": Key(hardware_checks.hardware, f"What the box is built from: {', '.join(PRESETS)}.", _quoted, null=True),
    "gateway.address": Key(
        network_checks.gateway_address,
        f"Its address, instead of discovery: host, host:port or [IPv6]:port. Default port: {HTTP_PORT}.",
        _quoted,
    ),
    "gateway.name": Key(
        network_checks.gateway_name, "Its announced name, to ignore all other gateways.", _quoted, free_text=True
    ),
    "orders.warn_after": Key(check.seconds, "An older order lights the amber LED.", _number),
    "orders.late_after": Key(check.seconds, "An older order is late: the red LED, and a sound.", _number),
    "orders.forget_after": Key(
        check.seconds, "An older order is a lost tracker: still counted, but without an alarm.", _number
    ),
    "orders.day_ends": Key(
        time_of_day,
        "When the business day ends, by the gateway's clock: for today's screen and reports.",
        show_time_of_day,
    ),
    "orders.to_go.warn_after": Key(check.seconds, "An older order to go lights the amber LED.", _number_or_none),
    "orders.to_go.late_after": Key(check.seconds, "An older order to go is late.", _number_or_none),
    "display.driver": Key(
        display_checks.driver, "auto: detect it. Or ssd1306, sh1106 or another display of luma.oled.", _quoted
    ),
    "display.i2c_port": Key(check.whole(0, 99), "The bus: N of /dev/i2c-N."),
    "display.i2c_address": Key(
        check.auto_or(display_checks.i2c_address),
        "The display's address on the bus; auto: 0x3C or 0x3D. 0x78 on a module is 0x3C.",
        _i2c_address,
    ),
    "display.rotate": Key(display_checks.rotation, "0, or 2 for upside down."),
    "display.contrast": Key(check.whole(0, 255), "Brightness, 0 to 255."),
    "display.height": Key(display_checks.height, "Height of an ssd1306 or sh1106 in pixels: 64 or 32."),
    "display.dim_after": Key(
        check.seconds_or_never, "Dim the display after so long without an order or a press; 0: never.", _number
    ),
    "display.sleep_after": Key(
        check.seconds_or_never, "Switch the display off after so long, to preserve it; 0: never.", _number
    ),
    "pins.button": _pin("The button."),
    "pins.green": _pin("The green LED."),
    "pins.amber": _pin("The amber LED."),
    "pins.red": _pin("The red LED."),
    "pins.buzzer": _pin("The buzzer."),
    "pins.button_active_high": Key(
        check.flag, "false: a press connects the pin to ground. true: to 3.3 V.", _bool, by_hardware=True
    ),
    "buzzer.enabled": Key(check.flag, "false: no sounds.", _bool),
    "buzzer.kind": Key(check.choice("active", "passive"), "active: beeps at a voltage. passive: plays tones.", _quoted),
    "buzzer.volume": Key(check.percent, "Volume of a passive buzzer in percent; ignored for an active one."),
    "buzzer.repeat_pages": Key(
        check.flag,
        "Repeat the sound of a page every 40 s, at most three times, until the button is pressed.",
        _bool,
    ),
    "buzzer.page": Key(check.flag, "false: no sound when an order is paged.", _bool),
    "buzzer.late": Key(check.flag, "false: no sound when an order becomes late.", _bool),
    "buzzer.error": Key(check.flag, "false: no sound when a press or pairing fails.", _bool),
    "buzzer.new_order": Key(check.flag, "true: a short beep for each new order.", _bool),
    "buzzer.late_every": Key(
        check.seconds, "The least time between two sounds of late orders; one sound is for all since the last.", _number
    ),
    "network.interfaces": Key(
        network_checks.interfaces, "Network interfaces, such as [eth0, wlan0]; empty: all but loopback.", _names
    ),
    "network.address": Key(
        network_checks.own_address,
        "A fixed address with prefix length, such as 192.168.1.50/24; for the Wi-Fi if it is set up.",
        _quoted,
    ),
    "network.router": Key(network_checks.an_address, "The router for the fixed address, such as 192.168.1.1.", _quoted),
    "network.dns": Key(
        network_checks.addresses, "Name servers, such as [192.168.1.1], instead of those from DHCP.", _names
    ),
    "wifi.country": Key(wifi_checks.country, "The country code, such as DE, for the allowed radio channels.", _quoted),
    "wifi.name": Key(wifi_checks.name, "The wireless network's name; null: cable.", _quoted, free_text=True),
    "wifi.password": Key(wifi_checks.password, "Its password.", _quoted, free_text=True, secret=True),
    "wifi.open": Key(check.flag, "true: the network has no password.", _bool),
    "box.host_name": Key(
        network_checks.host_name, "The host name; null: tt-appliance- and the serial number.", _quoted, free_text=True
    ),
    "box.time_zone": Key(box_checks.time_zone, "The time zone, such as Europe/Berlin.", _quoted),
    "box.time_server": Key(network_checks.time_server, "A time server, if the default ones can't be reached.", _quoted),
    "box.ssh_key": Key(box_checks.ssh_keys, "A public key (the line in id_ed25519.pub) to allow logging in.", _keys),
    "update.url": Key(
        network_checks.web_address, "The channel's index: a web address with https://.", _quoted, free_text=True
    ),
    "update.at": Key(
        time_of_day,
        "When the hour begins in which the box may install them, by the gateway's clock.",
        show_time_of_day,
    ),
    "backup.secret": Key(
        box_checks.secret,
        "Words that encrypt the pairing in a copy, the same on both cards; null: leave it out.",
        _quoted,
        free_text=True,
        secret=True,
    ),
    "history.months": Key(check.whole(1, 120, " (months)"), "Maximum age in months."),
    "history.size": Key(check.whole(4, 4096, " (MiB)"), "Maximum size in MiB."),
    "state_dir": Key(check.directory, "The directory of the token and the archive.", _quoted, free_text=True),
}
"""All keys, in printing order."""
