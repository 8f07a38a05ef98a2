"""Applies the section `box:` of the settings file, or prints its defaults. Run once at each start, before the network.

A file that is missing or broken is no reason to have no network: what can't be used is told in PROBLEMS, a line each,
and the box goes on with the defaults.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from appliance.box.files import FOLDER, File, files, host_name
from appliance.box.settings import BoxSettings, read

SETTINGS = Path("/boot/firmware/tt-appliance.yaml")
PROBLEMS = Path(FOLDER, "problems")
ZONES = Path("/usr/share/zoneinfo")
SERIAL = Path("/proc/device-tree/serial-number")
MAX_BYTES = 64 * 1024

DEFAULT = """
# The box as a computer. Remove the # of a line to set it.
box:
  # Its name on the network. Without one: tt-appliance-, and the end of the board's serial number.
  # hostname: tt-kitchen
  # For times on the display.
  # timezone: Europe/Berlin
  # Where the time comes from, if not from the network or Debian's servers.
  # time_server: 192.168.1.1
  # The public key of whoever may log in as root by SSH. Without one, nobody can.
  # ssh_key: "ssh-ed25519 AAAA… name"
  # The Wi-Fi to join, and the country whose rules it obeys. No password: an open network.
  # wifi:
  #   country: DE
  #   name: "Restaurant"
  #   password: "…"
  # A fixed address with its network's length, of the Wi-Fi where one is set, else of the cable. Without one: DHCP.
  # address: 192.168.1.50/24
  # gateway: 192.168.1.1
  # dns: [192.168.1.1]
"""


def main() -> int:
    """`apply` or `default`."""
    if sys.argv[1:] == ["default"]:
        sys.stdout.write(DEFAULT)
        return 0
    if sys.argv[1:] != ["apply"]:
        print("usage: python -m appliance.box apply|default", file=sys.stderr)
        return 2
    problems: list[str] = []
    settings = _read(SETTINGS, problems)
    for path, file in files(settings).items():
        _write(Path(path), file)
    _write(PROBLEMS, File("".join(f"{problem}\n" for problem in problems)))
    zone = ZONES / (settings.timezone or "Etc/UTC")
    localtime = Path(FOLDER, "localtime")
    localtime.unlink(missing_ok=True)
    localtime.symlink_to(zone)
    socket.sethostname(host_name(settings, _serial()))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 0


def _read(path: Path, problems: list[str]) -> BoxSettings:
    def report(line: int | None, column: int | None, key: str | None, what: str) -> None:
        place = path.name if line is None else f"{path.name}:{line}"
        problems.append(f"{place}: {f'{key}: ' if key else ''}{what}")

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            report(None, None, None, f"larger than {MAX_BYTES // 1024} KiB; these are no settings")
            return BoxSettings()
        return read(data.decode("utf-8-sig"), report, _is_zone)
    except OSError as error:
        report(None, None, None, f"can't be read: {error.strerror}")
    except UnicodeDecodeError as error:
        report(data.count(b"\n", 0, error.start) + 1, None, None, "not UTF-8; save the file as UTF-8")
    return BoxSettings()


def _is_zone(name: str) -> bool:
    return (ZONES / name).is_file()


def _serial() -> str:
    try:
        return SERIAL.read_text(errors="replace").strip("\0\n ")
    except OSError:
        # A board without one is named without it.
        return ""


def _write(path: Path, file: File) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(file.mode)
    new.write_text(file.content)
    new.rename(path)


if __name__ == "__main__":
    sys.exit(main())
