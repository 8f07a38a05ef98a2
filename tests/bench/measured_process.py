"""One measured program in its own process: `python -m tests.bench.measured_process appliance|plain ARGUMENTS...`.

Replaces the hardware by parts that record each event with its time. The program itself is the real one, started by its
own main(): gpiozero's pin factory replaces the pins, and a simulated I2C bus, which takes no time, the display.

Reads one request per line on stdin: `events` returns the events since the last request, `usage` the resources used,
`stop` the longest time for which the program could not react: between two beats of the appliance's watchdog, or from a
message's arrival until the plain client waits for the next one. Stops are recorded if WATCHDOG_USEC is set. All times
are CLOCK_MONOTONIC in seconds, which all processes share. The process ends at the end of stdin.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from typing import Any

import smbus2
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPin
from smbus2.smbus2 import I2C_M_RD

BUZZER_PIN = 18
DATA = 0x40
"""First byte of a transfer of pixels, as opposed to commands (data sheet of the SSD1306)."""
STATUS = 0x43
"""The answer of an SSD1306 that is off (data sheet)."""
HEARTBEAT = 8
"""Bytes of pixels that the appliance's heartbeat changes at most; a transfer of no more is not a new picture."""

longest_stop = 0.0
buzzer: list[float] = []
display: list[tuple[float, bool]] = []


class Pin(MockPin):  # type: ignore[misc]
    """A pin that records when the buzzer starts."""

    def _change_state(self, value: bool) -> bool:
        changed: bool = super()._change_state(value)
        if changed and value and self.info.name == f"GPIO{BUZZER_PIN}":
            buzzer.append(time.monotonic())
        return changed


class Bus:
    """An I2C bus with a display that records the time of each transfer's last byte, and whether any pixel was lit.

    Transfers of the heartbeat are ignored: it continues between pictures.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def write_i2c_block_data(self, address: int, register: int, block: list[int]) -> None:
        if register == DATA:
            self._pixels(bytes(block))

    def read_byte(self, address: int) -> int:
        return STATUS

    def read_byte_data(self, address: int, register: int) -> int:
        return STATUS

    def i2c_rdwr(self, *messages: smbus2.i2c_msg) -> None:
        for message in messages:
            if message.flags & I2C_M_RD:
                # The display's memory can't be read.
                message.buf[message.len - 1] = bytes((STATUS,))
                continue
            content = bytes(message)
            # Each command has a control byte of its own; pixels follow the last one.
            at = 0
            while at < len(content) and content[at] & 0x80:
                at += 2
            if content[at : at + 1] == bytes((DATA,)):
                self._pixels(content[at + 1 :])

    def close(self) -> None:
        pass

    def _pixels(self, pixels: bytes) -> None:
        if len(pixels) > HEARTBEAT:
            display.append((time.monotonic(), pixels.count(0) < len(pixels)))


class Stops:
    """Records the longest time between a mark and the next one."""

    def __init__(self) -> None:
        self._last: float | None = None

    def end(self, *, begins: bool = True) -> None:
        """A stop ends. begins: the next one begins here."""
        global longest_stop
        now = time.monotonic()
        if self._last is not None:
            longest_stop = max(longest_stop, now - self._last)
        self._last = now if begins else None


def record_stops(program: str) -> None:
    """Record how long the program can't react."""
    stops = Stops()
    if program == "appliance":
        from appliance import systemd

        systemd.watchdog = stops.end
        return
    from websockets.sync.client import ClientConnection

    receive = ClientConnection.recv

    def recv(*arguments: Any, **named: Any) -> Any:
        stops.end(begins=False)
        received = receive(*arguments, **named)
        stops.end()
        return received

    ClientConnection.recv = recv  # type: ignore[method-assign]


def answer() -> None:
    """Answer requests until stdin ends, then end the process, whatever the program is doing."""
    # Unbuffered: the interpreter can't shut down while a thread holds a buffer's lock.
    for line in os.fdopen(0, "rb", buffering=0):
        reply: dict[str, Any] = {}
        if line == b"events\n":
            reply = {"buzzer": buzzer[:], "display": display[:]}
            # Events added meanwhile are kept for the next request.
            del buzzer[: len(reply["buzzer"])], display[: len(reply["display"])]
        elif line == b"usage\n":
            used = resource.getrusage(resource.RUSAGE_SELF)
            reply = {"cpu": time.process_time(), "wakeups": used.ru_nvcsw}
        elif line == b"stop\n":
            reply = {"longest": longest_stop}
        sys.stdout.buffer.write(json.dumps(reply).encode() + b"\n")
        sys.stdout.buffer.flush()
    os._exit(0)


def main(program: str, arguments: list[str]) -> None:
    threading.Thread(target=answer, name="bench", daemon=True).start()
    Device.pin_factory = MockFactory(pin_class=Pin)
    smbus2.SMBus = Bus  # type: ignore[misc, assignment]
    if "WATCHDOG_USEC" in os.environ:
        record_stops(program)
    if program == "appliance":
        from appliance.__main__ import main as appliance

        sys.exit(appliance(arguments))
    from tests.plain_client import main as plain

    plain(arguments)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
