"""A box with its gateway at the other end of a bare cable and a Wi-Fi, and the same box after a kernel panic."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blackbox.lab import run
from tests.image.conftest import Rig

pytestmark = pytest.mark.image

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


def test_a_bare_cable_and_a_wifi_that_reconnects(bare_rig: Rig, tmp_path: Path) -> None:
    """There is no DHCP server, and the settings file is in UTF-16, which Windows calls Unicode.

    Two simulated radios follow: the box's own, and an access point.
    """
    box = bare_rig.box
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key"))
    public = (tmp_path / "key.pub").read_text().strip()
    quoted = PASSWORD.replace("'", "''")
    lines = ["box:", "  host_name: küche", "  time_zone: Europe/Berlin", f'  ssh_key: "{public}"']
    lines += ["wifi:", "  country: de", "  name: Gäste & Küche", f"  password: '{quoted}'", ""]
    bare_rig.write_settings("\r\n".join(lines), "utf-16")
    box.start()
    box.wait_ready()
    box.reads("Press", "line 2", timeout=240)
    assert len(box.text("cat /run/tt-box/problems").splitlines()) == 1
    assert box.text("readlink /run/tt-box/localtime").endswith("/zoneinfo/Europe/Berlin")
    # The box may have found the gateway by IPv6 before it gave itself an IPv4 address.
    box.until(lambda: bool(box.addresses()), "an address of its own", 60)
    (own,) = box.addresses()
    assert own.startswith("169.254.")
    # With its new address, the box looks for the gateway again, and a press before it finds it would be in vain.
    box.until(lambda: "Awaiting pairing: Bar at 169.254." in box.log(), "the gateway is found by IPv4", 60)
    bare_rig.pair("line 2")

    box.until(bare_rig.started, "the start is over", 240)
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
    box.until(lambda: len(box.addresses()) == 2, "an address of its own on the Wi-Fi", 120)
    box.run("systemctl stop ap")
    box.until(lambda: not joined(), "the access point is gone", 120)
    box.run(access_point)
    box.until(joined, "the box has joined again", 240)
    assert box.text("iw dev wlan0 get power_save") == "Power save: off"
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""


def test_the_kernel_restarts_after_a_panic(bare_rig: Rig) -> None:
    """It needs no person, and the box keeps its pairing and its host key."""
    box = bare_rig.box
    host_key = "cat /var/lib/ssh/ssh_host_ed25519_key.pub"
    box.until(lambda: "ssh-ed25519" in box.text(host_key), "SSH has a key", 120)
    before = box.text(host_key)
    box.run("sync")
    box.send("echo c >/proc/sysrq-trigger")
    box.wait_ready(timeout=120)
    box.reads("orders", timeout=240)
    box.until(lambda: box.text("systemctl is-active ssh") == "active", "SSH is there", 240)
    assert box.text(host_key) == before
