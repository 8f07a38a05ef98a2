"""The running system: open ports, writes, failed units, and watchdogs."""

from __future__ import annotations

import json
import re

import pytest

from tests.image.board import AMBER, BUZZER, GREEN, RED
from tests.image.conftest import Rig
from tests.image.machine import Machine

pytestmark = pytest.mark.image

MEMORY_MB = 110
EXPOSURE = 1.5
HELPERS = ("tt-config", "tt-state", "tt-state-grow", "tt-box", "tt-swap", "tt-failing", "tt-update-card")
HELPERS_EXPOSURE = 4.0
REDIRECTS = {
    "ipv4/conf/*/accept_redirects": "0",
    "ipv4/conf/*/secure_redirects": "0",
    "ipv4/conf/*/send_redirects": "0",
    "ipv4/conf/*/accept_source_route": "0",
    "ipv6/conf/*/accept_redirects": "0",
    "ipv6/conf/*/accept_source_route": "-1",
}
"""Kernel settings of interfaces, and their values."""
IDLE_SECONDS = 90
SWITCHES = 25
"""Voluntary context switches per second of the appliance's threads. Each of its few wake-ups causes some, when loop and
display hand over to each other. A single thread that polls every 20 ms, such as lgpio's, causes twice as many."""


@pytest.fixture
def box(shared_rig: Rig) -> Machine:
    return shared_rig.box


def test_no_unit_failed_and_no_ordering_cycle(box: Machine) -> None:
    assert box.text("systemctl list-units --failed --no-legend --plain") == ""
    assert box.text("systemctl is-system-running") == "running"
    assert (
        box.text("journalctl -b --no-pager -o cat | grep -iE 'ordering cycle|deleted to break|timed out' || true") == ""
    )
    assert box.text("systemctl list-jobs --no-legend") == ""
    assert box.text("journalctl -b -p err --no-pager -o cat -t systemd || true") == ""


def test_the_root_is_read_only(box: Machine) -> None:
    mounts = dict(line.split()[1:3] for line in box.text("cat /proc/self/mounts").splitlines())
    assert mounts["/"] == "squashfs"
    assert "Read-only file system" in box.text("touch /usr/there; touch /etc/there; rm /usr/bin/tt-appliance")
    on_card = [line.split() for line in box.text("grep ^/dev/vda /proc/self/mounts").splitlines()]
    writable = {fields[1] for fields in on_card if fields[3].split(",")[0] == "rw"}
    # The partition appears a second time in the appliance's namespace.
    assert writable == {"/var/lib"}
    options = box.text("grep ' /var/lib ' /proc/self/mounts").split()[3].split(",")
    assert {"data=journal", "noexec", "nosuid", "nodev"} <= set(options)


def test_an_idle_box_writes_nothing_and_sleeps(box: Machine) -> None:
    """No sector is written to the card, and no thread of the appliance polls, not even the button's.

    90 seconds are several times the longest delay of a write by file system, journal or appliance; `make idle` takes an
    hour."""
    sectors = "cut -d ' ' -f 1- /sys/block/vda/stat | awk '{print $7}'"
    tasks = "/proc/$(systemctl show -P MainPID tt-appliance)/task"
    slept = f"cat {tasks}/*/status | awk '/^voluntary_ctxt_switches/ {{sum += $2}} END {{print sum}}'"
    box.run("sync")
    written, before = box.text(sectors), int(box.text(slept))
    box.run(f"sleep {IDLE_SECONDS}", timeout=IDLE_SECONDS + 60)
    switches = (int(box.text(slept)) - before) / IDLE_SECONDS
    box.run("sync")
    assert box.text(sectors) == written
    each = box.text(f"for task in {tasks}/*; do cat $task/comm; grep voluntary $task/status; done")
    assert switches < SWITCHES, each
    assert "lgpio" not in box.text(f"cat {tasks}/../maps"), "only a passive buzzer's tones need it"


def test_only_mdns_and_dhcp_ports_are_open(box: Machine) -> None:
    """Only mDNS and the DHCP client have sockets that others can reach."""
    found = set()
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        for line in box.text(f"cat /proc/net/{protocol}").splitlines()[1:]:
            address, port = line.split()[1].split(":")
            listens = line.split()[3] == "0A" if protocol.startswith("tcp") else True
            if listens and not address.endswith("7F"):
                found.add((protocol[:3], int(port, 16)))
    assert ("udp", 5353) in found
    assert found <= {("udp", 5353), ("udp", 68), ("udp", 546)}
    rules = box.text("nft list chain inet box input")
    assert "policy drop" in rules
    assert set(re.findall(r"dport (\S+)", rules)) == {"5353", "68", "546"}


def test_nobody_can_log_in(box: Machine) -> None:
    assert box.text("systemctl list-units --all --no-legend --plain '*getty*' 'ssh*' | grep -w active || true") == ""
    assert box.text("pgrep -l -x 'agetty|getty|sshd|login|sulogin' || true") == ""
    shadow = dict(line.split(":")[:2] for line in box.text("cat /etc/shadow").splitlines())
    assert set(shadow.values()) <= {"*", "!", "!*", "!!"}


def test_the_slot_that_runs_and_the_links_to_the_partitions(box: Machine) -> None:
    assert (
        box.text("cat /run/tt-slot; ls /run/tt-trial")
        == "A\nls: cannot access '/run/tt-trial': No such file or directory"
    )
    links = {"config": "vda1", "slot-a": "vda2", "slot-b": "vda3", "state": "vda4", "disk": "vda"}
    for name, device in links.items():
        assert box.text(f"readlink -f /dev/tt/{name}") == f"/dev/{device}"
    assert box.text("cat /sys/block/dm-1/dm/name; ls /sys/block/dm-0/slaves") == "tt-root\nvda2"


def test_the_watchdog_is_armed(box: Machine) -> None:
    """By the first program, which closes it without stopping it, then by systemd."""
    told = box.text("dmesg")
    assert "watchdog did not stop" in told.partition("systemd[1]: Using hardware watchdog")[0]
    assert box.text("cat /sys/class/watchdog/watchdog0/state") == "active"
    assert 0 < int(box.text("cat /sys/class/watchdog/watchdog0/timeout")) <= 60
    assert box.text("systemctl show -P WatchdogUSec tt-appliance") == "20s"


def test_the_service_is_sandboxed(box: Machine) -> None:
    score = box.text("systemd-analyze security tt-appliance.service --no-pager | tail -n 1")
    found = re.search(r"(\d+\.\d+)", score)
    assert found is not None, score
    assert float(found[1]) <= EXPOSURE, box.text("systemd-analyze security tt-appliance.service --no-pager")


def test_roots_helpers_are_shut_in(box: Machine) -> None:
    """And each has the rights that it needs."""
    for unit in HELPERS:
        score = box.text(f"systemd-analyze security {unit} --no-pager | tail -n 1")
        found = re.search(r"(\d+\.\d+)", score)
        assert found is not None, score
        assert float(found[1]) <= HELPERS_EXPOSURE, box.text(f"systemd-analyze security {unit} --no-pager")
        log = box.text(f"journalctl -b --no-pager -o cat -u {unit}")
        assert not re.search("not permitted|denied|Bad system call|SIGSYS", log), log


def test_the_parser_of_the_settings_has_a_user_of_its_own(box: Machine) -> None:
    program = "import os; from appliance.box.unprivileged import run_unprivileged as run; "
    program += "print(run(lambda: str(os.getresuid() + os.getresgid()).encode(), 100, 60).decode())"
    user, group = box.text("id -u tt-settings"), box.text("id -g tt-settings")
    assert int(user) > 0
    assert box.text(f"python3.13 -I -c '{program}'") == f"({user}, {user}, {user}, {group}, {group}, {group})"
    assert box.text("pgrep -u tt-settings || true") == ""


def test_no_neighbour_redirects_its_traffic(box: Machine) -> None:
    """On every interface: those from before the settings were read, as lo, and those that came later."""
    for name, value in REDIRECTS.items():
        found = dict(line.split(":") for line in box.text(f"cd /proc/sys/net && grep -H . {name}").splitlines())
        assert {"all", "default", "lo", "eth0"} <= {path.split("/")[2] for path in found}
        assert set(found.values()) == {value}, found
    assert box.text("journalctl -b --no-pager -o cat -u systemd-networkd | grep -i unknown || true") == ""


def test_memory(box: Machine) -> None:
    memory = dict(re.findall(r"(\w+): +(\d+) kB", box.text("cat /proc/meminfo")))
    used = (int(memory["MemTotal"]) - int(memory["MemAvailable"])) / 1024
    assert used <= MEMORY_MB, box.text("ps -eo rss,args --sort -rss | head -20")


def test_the_display_was_detected(box: Machine) -> None:
    told = box.text("journalctl -b --no-pager -o cat -u tt-appliance | grep 'display at' | head -n 1")
    assert told.endswith("display at 0x3C: ssd1306; it answered 43 43 43 43 43 43")
    doctor = box.text("tt-appliance doctor --no-questions", timeout=300)
    assert "responds at 0x3C with" in doctor, doctor
    assert "(detected as ssd1306)" in doctor
    assert re.search(r"^ok +restart +the service runs again$", doctor, re.MULTILINE), doctor
    box.reads("Press", timeout=120)


def test_the_status_is_for_its_group_and_starts_no_service(box: Machine) -> None:
    facts = json.loads(box.text("tt-appliance status --json"))
    assert (facts["state"], facts["state_dir"]) == ("awaiting_pairing", "/var/lib/tt-appliance")
    assert box.text("stat -c '%a %U %G' /run/tt-status/*.sock") == "600 root root\n660 root tt-status"
    ask = "tt-appliance status >/dev/null 2>&1; echo $?"
    assert box.text(f"setpriv --reuid nobody --regid nogroup --clear-groups sh -c '{ask}'") == "1"
    assert box.text(f"setpriv --reuid nobody --regid tt-status --clear-groups sh -c '{ask}'") == "0"
    box.run("systemctl stop tt-appliance")
    # The sockets stop with it, and perhaps a moment later.
    active = "systemctl is-active tt-status.socket tt-archive.socket || true"
    box.until(lambda: box.text(active) == "inactive\ninactive", "the sockets stop with the service")
    assert box.text(f"{ask}; systemctl is-active tt-appliance || true") == "69\ninactive"
    box.run("systemctl start tt-appliance", timeout=120)
    box.reads("Press", timeout=120)
    assert box.text(ask) == "0"


def test_the_host_name_and_machine_id_come_from_the_serial_number(box: Machine) -> None:
    """They are the same after every start."""
    assert box.text("cat /proc/sys/kernel/hostname") == "tt-appliance-c3d4"
    assert re.fullmatch("[0-9a-f]{32}", box.text("cat /etc/machine-id"))
    assert box.text("stat -c %s /var/lib/systemd/random-seed") == "32"


def test_swap_is_in_memory(box: Machine) -> None:
    assert "/dev/zram0" in box.text("cat /proc/swaps")
    assert len(box.text("cat /proc/swaps").splitlines()) == 2


def test_stopping_the_service_turns_all_leds_off(box: Machine) -> None:
    assert box.facts()["on"] == 1
    box.run("systemctl stop tt-appliance")
    assert [box.pin(number) for number in (GREEN, AMBER, RED, BUZZER)] == [0, 0, 0, 0]
    assert box.facts()["on"] == 0
    box.run("systemctl start tt-appliance", timeout=120)
    box.reads("Press", timeout=120)
