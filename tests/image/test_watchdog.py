"""A hang at each stage of the start: the watchdog resets the machine, and the loader starts the committed system."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from tests.image.card import copy_slot, write_file
from tests.image.conftest import Rig
from tests.image.loader import read

pytestmark = [pytest.mark.image, pytest.mark.release]

SLOT_A, SLOT_B = 2, 3
SECONDS = 20
"""Until the watchdog fires, instead of minutes."""
HANG = "#!/bin/sh\nwhile :; do sleep 1000; done\n"
DROPINS = {
    "tt-state.service": "[Service]\nExecStartPre=sleep infinity\n",
    # Its name comes after that of the image's own.
    "tt-appliance.service~zz": f"[Unit]\nJobTimeoutSec={SECONDS}\n",
}
"""A unit that the appliance waits for hangs; the limit on this wait is shorter."""


def test_a_hang_at_each_stage_of_the_start_comes_back(rig: Rig, tmp_path: Path) -> None:
    """Slot B hangs in the first program, before systemd, and before the appliance. Each time, slot A starts again."""
    box = rig.box
    for program in ("dmsetup", "switch_root"):
        copy_slot(box.card)
        write_file(box.card, SLOT_B, "initrd.img", with_program(box.card, program, tmp_path))
        hang(rig, f"tt.watchdog={SECONDS}")
    copy_slot(box.card)
    credential = "systemd.set_credential_binary=systemd.unit-dropin.{}:{}"
    hang(rig, *(credential.format(unit, base64.b64encode(text.encode()).decode()) for unit, text in DROPINS.items()))
    box.start_again()
    box.wait_ready(300)
    assert (box.loaded.partition, box.loaded.tryboot) == (SLOT_A, False)
    assert box.text("cat /run/tt-slot; ls /run/tt-trial").startswith("A\nls: ")
    box.reads("Press", timeout=240)


def hang(rig: Rig, *words: str) -> None:
    """Try slot B with these words in its command line, and wait until the machine is reset."""
    line = (read(rig.box.card, SLOT_A, "cmdline.txt") or b"").decode().strip()
    write_file(rig.box.card, SLOT_B, "cmdline.txt", " ".join([line, *words, ""]).encode())
    rig.box.pull_plug()
    rig.box.flag.set()
    rig.box.start()
    assert (rig.box.loaded.partition, rig.box.loaded.tryboot) == (SLOT_B, True)
    rig.box.wait_reset()


def with_program(card: Path, name: str, folder: Path) -> bytes:
    """Slot A's initramfs, in which a program hangs."""
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin" / name
    program.write_text(HANG)
    program.chmod(0o755)
    command = ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"]
    more = subprocess.run(command, cwd=folder, input=f"bin/{name}\n".encode(), capture_output=True, check=True).stdout
    packed = read(card, SLOT_A, "initrd.img")
    sound = subprocess.run(["zstd", "-dcq"], input=packed, capture_output=True, check=True).stdout
    # The kernel unpacks one archive after the other, and the last file of a name stays.
    return sound + more
