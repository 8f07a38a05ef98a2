"""The settings file on the card: what is right in it is in force, what is wrong is told, a key lets in its owner."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.blackbox.lab import run
from tests.image.card import write_settings
from tests.image.conftest import Rig
from tests.image.machine import Machine

pytestmark = pytest.mark.image

SSH = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes")
ADDRESS = "10.77.0.77"
PASSWORD = """it's a "secret" # 1"""
ACCESS_POINT = """\
network={
    mode=2
    frequency=2412
    ssid="Gäste & Küche"
    key_mgmt=WPA-PSK
    proto=RSN
    pairwise=CCMP
    psk="%s"
}
"""


def settings(rig: Rig, text: str, encoding: str = "utf-8") -> None:
    """Put a file with these settings on the card."""
    path = rig.box.card.with_name("settings.yaml")
    path.write_text(text, encoding=encoding)
    write_settings(rig.box.card, path)


def addresses(box: Machine) -> set[str]:
    """The machine's own IPv4 addresses but loopback's, from the kernel's table."""
    local = box.text("grep -B 1 '/32 host LOCAL' /proc/net/fib_trie")
    return {address for address in re.findall(r"-- ([\d.]+)", local) if not address.startswith("127.")}


def test_wrong_settings_a_fixed_address_and_a_key(rig: Rig, tmp_path: Path) -> None:
    """What is wrong is told; what is right in the rest is used: the name, the address, and the way in for a key."""
    for key in ("key", "other"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / key))
    public = (tmp_path / "key.pub").read_text().strip()
    box = rig.box
    lines = ["box:", "  host_name: tt-kitchen", "  time_zone: Nowhere", f'  ssh_key: "{public}"']
    lines += ["network:", f"  address: {ADDRESS}/24", "  router: 10.77.0.1"]
    settings(rig, "\n".join([*lines, ""]))
    box.start()
    box.wait_ready()
    box.save("9-settings-wrong", box.reads("Press", "line 3", timeout=240))
    assert box.text("cat /proc/sys/kernel/hostname") == "tt-kitchen"
    assert box.text("cat /run/tt-box/problems").startswith("tt-appliance.yaml:3: box.time_zone: ")
    assert addresses(box) == {ADDRESS}
    default = [line.split() for line in box.text("cat /proc/net/route").splitlines() if "\t00000000\t" in line]
    assert (default[0][0], default[0][2]) == ("eth0", "01004D0A"), "by 10.77.0.1, as the kernel writes it"
    box.press()
    box.reads("gateway", timeout=60)
    rig.site.do("button")
    box.reads("orders", "line 3", timeout=90)
    # Past the oldest orders and the day, to the page that says what is wrong.
    for _ in range(3):
        box.press()
    box.save("9-settings-what", box.reads("Settings, line 3", timeout=60))

    box.until(lambda: box.text("systemctl is-active ssh") == "active", "SSH is there", 240)

    def login(key: str) -> str:
        return rig.site.host.run("ssh", "-i", str(tmp_path / key), *SSH, f"root@{ADDRESS}", "cat /etc/machine-id")

    assert box.text("cat /etc/machine-id") in login("key")
    with pytest.raises(AssertionError, match="Permission denied \\(publickey\\)"):
        login("other")
    host_key = box.text("cat /var/lib/ssh/ssh_host_ed25519_key.pub")
    box.pull_plug()
    box.start()
    box.wait_ready()
    box.until(lambda: box.text("systemctl is-active ssh") == "active", "SSH is there", 240)
    assert box.text("cat /var/lib/ssh/ssh_host_ed25519_key.pub") == host_key


def test_a_gateway_at_the_other_end_of_a_bare_cable(bare_rig: Rig) -> None:
    """Nobody gives addresses. And whoever wrote the settings saved them as what Windows calls Unicode."""
    box = bare_rig.box
    settings(bare_rig, "box:\r\n  host_name: küche\r\n  time_zone: Europe/Berlin\r\n", "utf-16")
    box.start()
    box.wait_ready()
    box.reads("Press", "line 2", timeout=240)
    assert box.text("readlink /run/tt-box/localtime").endswith("/zoneinfo/Europe/Berlin")
    (own,) = addresses(box)
    assert own.startswith("169.254.")
    box.press()
    box.reads("gateway", timeout=60)
    bare_rig.site.do("button")
    box.reads("orders", timeout=90)


def test_a_wifi_and_its_access_point_gone_for_a_while(rig: Rig) -> None:
    """Two radios in one air: the box's own, and one that becomes an access point, where nobody gives addresses."""
    box = rig.box
    quoted = PASSWORD.replace("'", "''")
    settings(rig, f"wifi:\n  country: de\n  name: Gäste & Küche\n  password: '{quoted}'\n")
    box.start()
    box.wait_ready()
    box.until(lambda: "running" in box.text("systemctl is-system-running"), "the start is over", 240)
    assert box.text("cat /run/tt-box/problems") == ""
    box.write("/run/ap.conf", ACCESS_POINT % PASSWORD)
    box.write("/run/systemd/network/05-ap.network", "[Match]\nName=wlan1\n[Network]\nLinkLocalAddressing=no\n")
    box.run("systemctl mask --runtime wpa_supplicant@wlan1; systemctl reload systemd-networkd")
    access_point = "systemd-run --quiet --unit ap wpa_supplicant -i wlan1 -c /run/ap.conf"
    box.run("modprobe cfg80211; for m in libarc4 mac80211 mac80211_hwsim; do insmod /run/test/$m.ko; done")
    box.until(lambda: box.text("ls /sys/class/net/wlan1/address").startswith("/sys"), "there are radios", 60)
    box.run(access_point)

    def joined() -> bool:
        return box.text("cat /sys/class/net/wlan0/carrier") == "1"

    box.until(joined, "the box has joined", 180)
    box.until(lambda: any(each.startswith("169.254.") for each in addresses(box)), "an address of its own", 120)
    box.run("systemctl stop ap")
    box.until(lambda: not joined(), "the access point is gone", 120)
    box.run(access_point)
    box.until(joined, "the box has joined again", 240)
    assert box.text("iw dev wlan0 get power_save") == "Power save: off"
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""
