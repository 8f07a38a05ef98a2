"""The one table of configuration keys: for each, how its value is checked and shown, and the comment beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance.config import box_checks
from appliance.config import checks as check
from appliance.core.values import HTTP_PORT


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _bool(value: object) -> str:
    return "true" if value else "false"


def _quoted(value: object) -> str:
    return "null" if value is None else check.quoted(str(value))


def _names(value: tuple[str, ...]) -> str:
    return "[" + ", ".join(check.quoted(name) for name in value) + "]"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. comment: what stands above it in a printed configuration. show: its value as YAML."""

    check: check.Check
    comment: str
    show: Callable[[Any], str] = str


SECTIONS = {
    "gateway": "Which gateway. Without either, the one that is found and paired with the button.",
    "orders": "The restaurant's times, in seconds of an order's age; each is more than the one before.",
    "display": "The OLED, on the I2C bus.",
    "pins": "BCM numbers of the GPIO pins; each has one use. The display's bus 1 is on 2 and 3.",
    "buzzer": "The buzzer.",
    "network": "The network. With the image, a fixed address too; without one, DHCP tells it.",
    "wifi": "The wireless network; with the image alone. Without a name, the cable is used.",
    "box": "The machine itself; with the image alone.",
    "history": "How much is kept of orders that are over; the oldest go first.",
}
"""What stands above each group of keys."""

_pin = check.whole(0, 27, ", the BCM number of a pin")

KEYS = {
    "gateway.address": Key(
        check.address,
        f"Where it is, if it is not to be looked for: host, host:port, [IPv6]:port. Port {HTTP_PORT}.",
        _quoted,
    ),
    "gateway.name": Key(check.gateway_name, "The name it announces, if no other is to be paired.", _quoted),
    "orders.warn_after": Key(check.seconds, "An older order lights the amber LED.", _number),
    "orders.late_after": Key(check.seconds, "An older order is late: the red LED, and a sound.", _number),
    "orders.forget_after": Key(
        check.seconds, "An older order was never cleared (a lost tracker): it is counted, and alarms no more.", _number
    ),
    "display.driver": Key(check.display_driver, "ssd1306, sh1106 or another display of luma.oled.", _quoted),
    "display.i2c_port": Key(check.whole(0, 99, ", the number in /dev/i2c-N"), "The bus: N of /dev/i2c-N."),
    "display.i2c_address": Key(
        check.whole(0x03, 0x77, " (0x03 to 0x77)"),
        "The display's address on the bus (i2cdetect -y 1 shows it).",
        "0x{:02X}".format,
    ),
    "display.rotate": Key(check.rotation, "0, or 2 for upside down."),
    "display.contrast": Key(check.whole(0, 255), "Brightness, 0 to 255."),
    "display.height": Key(check.height, "Pixels from top to bottom, of an ssd1306 or sh1106: 64, or 32."),
    "display.dim_after": Key(
        check.seconds_or_never, "Seconds without an order or a press, after which it is dimmed; 0: never.", _number
    ),
    "display.sleep_after": Key(
        check.seconds_or_never, "The same, after which it is dark, so that it lasts for years; 0: never.", _number
    ),
    "pins.button": Key(_pin, "The button, to ground."),
    "pins.green": Key(_pin, "The green LED."),
    "pins.amber": Key(_pin, "The amber LED."),
    "pins.red": Key(_pin, "The red LED."),
    "pins.buzzer": Key(_pin, "The buzzer."),
    "buzzer.enabled": Key(check.flag, "false: no sound at all.", _bool),
    "buzzer.kind": Key(
        check.buzzer_kind, "active: it beeps when it gets a voltage. passive: it is told each tone.", _quoted
    ),
    "buzzer.volume": Key(check.percent, "Loudness in percent of a passive buzzer; an active one has only one."),
    "buzzer.repeat_pages": Key(
        check.flag,
        "An unanswered page sounds again every 40 s, at most three times, until the button is pressed.",
        _bool,
    ),
    "network.interfaces": Key(
        check.interfaces, "Network interfaces, such as [eth0, wlan0]; none means every one but loopback.", _names
    ),
    "network.address": Key(
        box_checks.own_address,
        "A fixed address with its network's length, such as 192.168.1.50/24; the Wi-Fi's if one is set.",
        _quoted,
    ),
    "network.router": Key(box_checks.an_address, "The router that goes with it, such as 192.168.1.1.", _quoted),
    "network.dns": Key(box_checks.addresses, "Name servers, such as [192.168.1.1].", _names),
    "wifi.country": Key(
        box_checks.country, "The country's two letters, such as DE: what may be sent differs by country.", _quoted
    ),
    "wifi.name": Key(box_checks.wifi_name, "The wireless network's name.", _quoted),
    "wifi.password": Key(box_checks.wifi_password, "Its password.", _quoted),
    "box.host_name": Key(box_checks.host_name, "The box's name; null: tt-appliance- and the board's number.", _quoted),
    "box.time_zone": Key(box_checks.time_zone, "The time zone, such as Europe/Berlin.", _quoted),
    "box.time_server": Key(box_checks.time_server, "A time server, where the usual ones can't be reached.", _quoted),
    "box.ssh_key": Key(
        box_checks.ssh_key, "A public key, the line of a file such as id_ed25519.pub; nobody else can log in.", _quoted
    ),
    "history.months": Key(check.whole(1, 120, " (months)"), "How long they are kept."),
    "history.size": Key(check.whole(4, 4096, " (MiB)"), "How large the archive may grow, in MiB."),
    "state_dir": Key(check.directory, "Where the gateway's token and the archive of orders are kept.", _quoted),
}
"""Every key there is, in the order in which they are printed."""
