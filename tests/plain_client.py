"""A plain client, for the bench to compare the appliance with: what a decent integrator writes in an hour from the
vendor's quickstart, with the same libraries and the same parts on the same pins.

It counts the active orders, sounds each page and says when the gateway is gone; it draws the whole picture anew after
each message, in the one thread that also takes the messages. It leaves out: the button (one presses the gateway's and
starts the program), orders' ages, gaps in `seq`, a gateway that changes its address, a refused or damaged token, an
unusable message, a display that is pulled out, several gateways, and an end in good order.
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
    """The `host:port` of the first gateway that announces itself."""
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
    """The token that was kept, or a new one as soon as somebody presses the gateway's button."""
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

    def say(self, words: str) -> None:
        """Show words, and that there is no gateway."""
        self.green.off()
        self.amber.off()
        self.red.on()
        with canvas(self.device) as draw:
            draw.text((0, 24), words, fill="white", font=self.small)

    def show(self, orders: dict[str, Any]) -> None:
        """Show the count of the orders, and of those that are paged."""
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
    # The library's own limit of 1 MiB for a message would shut out a large site.
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
    """Run until it is killed."""
    parser = argparse.ArgumentParser(description="Counts a gateway's active orders and sounds the pages.")
    parser.add_argument("--address", help="the gateway's HOST:PORT; default: the first that announces itself")
    parser.add_argument("--token-file", type=Path, default=TOKEN_FILE)
    options = parser.parse_args(arguments)
    panel = Panel()
    panel.say("Looking for gateway ...")
    address = options.address or find_gateway()
    token = get_token(address, options.token_file)
    while True:
        # Gone, or not there yet: what follows is the same.
        with suppress(OSError, WebSocketException):
            follow(address, token, panel)
        panel.say("Gateway is offline")
        time.sleep(2)


if __name__ == "__main__":
    main()
