"""A plain client, with which the benchmark compares the appliance: an experienced integrator could write it in an hour
from the vendor's quickstart, with the same libraries and hardware.

It counts the active orders, sounds each page and shows when the gateway is offline; it redraws the whole picture after
each message, in its only thread. It does not handle: the button (start the program, then press the gateway's), orders'
ages, gaps in `seq`, changes of the gateway's address, a refused or damaged token, unusable messages, an unplugged
display, several gateways, and a clean shutdown.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import requests
from gpiozero import LED, Buzzer
from luma.core.interface.serial import i2c
from luma.core.render import canvas
from luma.oled.device import ssd1306
from PIL import ImageFont
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from zeroconf import ServiceBrowser, ServiceStateChange, Zeroconf

TOKEN_FILE = Path.home() / ".table-tracker-token"


def find_gateway() -> str:
    """The `host:port` of the first announced gateway."""
    found: SimpleQueue[str] = SimpleQueue()

    def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        info = zeroconf.get_service_info(service_type, name) if state_change is ServiceStateChange.Added else None
        if info is not None:
            found.put(f"{info.parsed_addresses()[0]}:{info.port}")

    zeroconf = Zeroconf()
    ServiceBrowser(zeroconf, "_tracker-http._tcp.local.", handlers=[changed])
    try:
        return found.get()
    finally:
        zeroconf.close()


def get_token(address: str, file: Path) -> str:
    """The stored token, or a new one once somebody presses the gateway's button."""
    if file.exists():
        return file.read_text().strip()
    while True:
        answer = requests.get(f"http://{address}/api/v2/accesstoken/generate", timeout=10)
        if answer.status_code == 201:
            token: str = answer.json()["token"]["token"]
            file.write_text(token)
            return token
        time.sleep(1)


class Panel:
    """The display, the LEDs and the buzzer."""

    def __init__(self) -> None:
        self.device = ssd1306(i2c(port=1, address=0x3C))
        self.green, self.amber, self.red = LED(22), LED(27), LED(23)
        self.buzzer = Buzzer(18)
        self.huge = ImageFont.load_default(size=40)
        self.small = ImageFont.load_default(size=12)

    def show_message(self, words: str) -> None:
        """Show a message while no gateway is connected."""
        self.green.off()
        self.amber.off()
        self.red.on()
        with canvas(self.device) as draw:
            draw.text((0, 24), words, fill="white", font=self.small)

    def show(self, orders: dict[str, Any]) -> None:
        """Show the number of orders, and of paged ones."""
        paged = sum(order["paged"] for order in orders.values())
        self.red.off()
        self.green.on()
        self.amber.value = paged > 0
        with canvas(self.device) as draw:
            draw.text((64, 22), str(len(orders)), fill="white", font=self.huge, anchor="mm")
            draw.text((64, 56), f"orders, {paged} paged", fill="white", font=self.small, anchor="mm")

    def beep(self) -> None:
        """Sound a page."""
        self.buzzer.beep(on_time=0.3, off_time=0.1, n=3)


def follow(address: str, token: str, panel: Panel) -> None:
    """Show the orders until the feed ends."""
    orders: dict[str, Any] = {}
    # The library's default limit of 1 MiB per message is too small for a large site.
    with connect(f"ws://{address}/api/v2/websocket", max_size=None) as feed:
        feed.send(json.dumps({"accesstoken": token}))
        for text in feed:
            message = json.loads(text)
            kind = message.get("type")
            if kind == "ACTIVE_ORDERS":
                orders = {order["uuid"]: order for order in message["items"]}
            elif kind in ("ORDER_CREATED", "ORDER_MODIFIED", "ORDER_PAGED"):
                if message["state"] == "cleared":
                    orders.pop(message["uuid"], None)
                else:
                    orders[message["uuid"]] = message
                if kind == "ORDER_PAGED":
                    panel.beep()
            panel.show(orders)


def main(arguments: list[str] | None = None) -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description="Counts a gateway's active orders and sounds the pages.")
    parser.add_argument("--address", help="the gateway's HOST:PORT; default: the first that announces itself")
    parser.add_argument("--token-file", type=Path, default=TOKEN_FILE)
    options = parser.parse_args(arguments)
    panel = Panel()
    panel.show_message("Looking for gateway ...")
    address = options.address or find_gateway()
    token = get_token(address, options.token_file)
    while True:
        # An absent gateway and a lost one are treated alike.
        with suppress(OSError, WebSocketException):
            follow(address, token, panel)
        panel.show_message("Gateway is offline")
        time.sleep(2)


if __name__ == "__main__":
    main()
