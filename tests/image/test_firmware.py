"""The kernel finds a driver's firmware in the folder `firmware` of the card's first partition."""

from __future__ import annotations

import re

import pytest

from tests.image.conftest import RADIO_FIRMWARE, Rig

pytestmark = pytest.mark.image

LACKED = "brcm/brcmfmac43430b0-sdio.bin"
"""A file that neither the card nor Debian has."""


def test_a_driver_gets_its_firmware_from_the_card(shared_rig: Rig) -> None:
    """The test's module requests it as a radio's driver does. Debian's own files are found as before."""
    box = shared_rig.box
    answers = []
    for name in (RADIO_FIRMWARE, LACKED, "brcm/brcmfmac43455-sdio.bin"):
        box.run(f"insmod /run/test/firmware_request.ko name={name}; rmmod firmware_request")
        answers.append(box.text(f"dmesg | grep 'firmware_request: {name}' | tail -n 1").partition(" has ")[2])
    assert answers[:2] == ["22 bytes: firmware from the card", ""]
    assert re.match(r"\d{6,} bytes: ", answers[2])


def test_the_folder_is_there_before_udev_loads_a_driver(shared_rig: Rig) -> None:
    """And the first program's own drivers, which come earlier, are none of a radio."""
    box = shared_rig.box

    def at(unit: str, moment: str) -> int:
        return int(box.text(f"systemctl show -P {moment} {unit}"))

    assert box.text("cat /sys/module/firmware_class/parameters/path") == "/boot/firmware/firmware"
    mounted = at("tt-config", "ExecMainExitTimestampMonotonic")
    assert 0 < mounted <= at("systemd-udevd", "ExecMainStartTimestampMonotonic")
