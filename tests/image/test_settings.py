"""The settings file on the card: valid settings apply, mistakes are reported, and a key allows logins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blackbox.lab import run
from tests.image.conftest import Rig

pytestmark = pytest.mark.image

SSH = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes")
ADDRESS = "10.77.0.77"
LARGE = 64 << 30
"""Bytes of the larger card."""


def test_wrong_settings_a_fixed_address_and_a_key(shared_rig: Rig, tmp_path: Path) -> None:
    """After a power cut, the box has its orders, new settings, and a larger card.

    It reports the mistake, and applies the rest: the name, the address, and the SSH key.
    """
    for key in ("key", "other"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / key))
    public = (tmp_path / "key.pub").read_text().strip()
    box = shared_rig.box
    box.pull_plug()
    run("truncate", "-s", str(LARGE), str(box.card))
    lines = ["box:", "  host_name: tt-kitchen", "  time_zone: Nowhere", f'  ssh_key: "{public}"']
    lines += ["network:", f"  address: {ADDRESS}/24", "  router: 10.77.0.1"]
    shared_rig.write_settings("\n".join([*lines, ""]))
    box.start()
    box.wait_ready()
    box.save("8-back-with-wrong-settings", box.reads("5", "min", "line 3", timeout=240))
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""
    assert box.text("cat /proc/sys/kernel/hostname") == "tt-kitchen"
    assert box.text("cat /run/tt-box/problems").startswith("tt-appliance.yaml:3: box.time_zone: ")
    assert box.addresses() == {ADDRESS}
    default = [line.split() for line in box.text("cat /proc/net/route").splitlines() if "\t00000000\t" in line]
    assert (default[0][0], default[0][2]) == ("eth0", "01004D0A"), "10.77.0.1 in the kernel's notation"
    # Past the oldest orders and the day, to the screen with the mistake.
    for _ in range(3):
        box.press()
    box.save("9-settings-what", box.reads("Mistake in line 3", timeout=60))

    box.until(lambda: box.text("systemctl is-active ssh") == "active", "SSH is there", 240)

    def login(key: str) -> str:
        return shared_rig.site.host.run(
            "ssh", "-i", str(tmp_path / key), *SSH, f"root@{ADDRESS}", "cat /etc/machine-id"
        )

    assert box.text("cat /etc/machine-id") in login("key")
    with pytest.raises(AssertionError, match="Permission denied \\(publickey\\)"):
        login("other")


def test_the_state_has_grown_to_the_larger_card(shared_rig: Rig) -> None:
    box = shared_rig.box
    box.until(shared_rig.started, "the start is over", 240)
    size = int(box.text("cat /sys/class/block/vda4/size")) * 512
    assert size > LARGE - (1 << 30)
    assert int(box.text("stat -f -c %b /var/lib")) * 4096 > size * 0.9
