"""One measured program in its own process: `python -m tests.bench.measured_process appliance|plain ARGUMENTS...`.

Owns the parts that stand in for the hardware and note what is done to them and when. The program itself is the real
one, from its own main(): pins are swapped by gpiozero's pin factory, the display at the I2C bus. The bus takes no time.

On stdin, one a line: `marks` is answered on stdout by what happened since it was last asked for, `usage` by what the
process used. All times are those of CLOCK_MONOTONIC in seconds, which every process shares. At the end of stdin the
process ends.
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

BUZZER_PIN = 18
DATA = 0x40
"""The first byte of a transfer of pixels rather than commands (data sheet of the SSD1306)."""
HEARTBEAT = 8
"""Bytes of pixels that the appliance's heartbeat changes at most; a transfer with no more is no new picture."""

buzzer: list[float] = []
display: list[tuple[float, bool]] = []


class Pin(MockPin):  # type: ignore[misc]
    """A pin that notes when the buzzer goes on."""

    def _change_state(self, value: bool) -> bool:
        changed: bool = super()._change_state(value)
        if changed and value and self.info.name == f"GPIO{BUZZER_PIN}":
            buzzer.append(time.monotonic())
        return changed


class Bus:
    """An I2C bus with a display on it that notes when the last byte of each transfer came, and whether any was lit.

    The heartbeat's are left out: it goes on between one picture and the next.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def write_i2c_block_data(self, address: int, register: int, block: list[int]) -> None:
        if register == DATA:
            self._pixels(bytes(block))

    def i2c_rdwr(self, *messages: smbus2.i2c_msg) -> None:
        for message in messages:
            content = bytes(message)
            # Each command has a control byte of its own; pixels follow the last one.
            at = 0
            while content[at] & 0x80:
                at += 2
            if content[at] == DATA:
                self._pixels(content[at + 1 :])

    def close(self) -> None:
        pass

    def _pixels(self, pixels: bytes) -> None:
        if len(pixels) > HEARTBEAT:
            display.append((time.monotonic(), pixels.count(0) < len(pixels)))


def answer() -> None:
    """Answer until stdin ends, and then end the process, whatever the program does."""
    # Unbuffered, because a buffer's lock would be held while the interpreter ends.
    for line in os.fdopen(0, "rb", buffering=0):
        told: dict[str, Any] = {}
        if line == b"marks\n":
            told = {"buzzer": buzzer[:], "display": display[:]}
            # What is added while this runs is kept for the next time.
            del buzzer[: len(told["buzzer"])], display[: len(told["display"])]
        elif line == b"usage\n":
            used = resource.getrusage(resource.RUSAGE_SELF)
            told = {"cpu": time.process_time(), "wakeups": used.ru_nvcsw}
        sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
        sys.stdout.buffer.flush()
    os._exit(0)


def main(program: str, arguments: list[str]) -> None:
    threading.Thread(target=answer, name="bench", daemon=True).start()
    Device.pin_factory = MockFactory(pin_class=Pin)
    smbus2.SMBus = Bus  # type: ignore[misc, assignment]
    if program == "appliance":
        from appliance.__main__ import main as appliance

        sys.exit(appliance(arguments))
    from tests.plain_client import main as plain

    plain(arguments)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
