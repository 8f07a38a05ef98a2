"""A small card and its commands in user-mode Linux, keys, and bundles that are good or have one fault."""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from appliance import __version__
from tests.image.uml import Uml
from tests.update.bundles import PROJECT, Keys, make_bundle, use_keys
from tests.update.cards import make_card, make_fat, make_slot, partition, run

NEW = "9.0.0"
REVISION = "00a02082"
"""A Raspberry Pi 3B."""
ROOT = "/opt/box"
COMMAND = """\
#!{python} -I
import sys
from pathlib import Path
from appliance.command_line import make_parser
from appliance.update.cli import main
from appliance.update.places import Places
sys.exit(main(make_parser(()).parse_args(["update", *sys.argv[1:]]), Places(Path("{root}"))))
"""


def written(digits: str) -> str:
    """The shell's command that prints these hexadecimal bytes."""
    return "printf '" + "".join(f"\\{byte:03o}" for byte in bytes.fromhex(digits)) + "'"


@dataclass(frozen=True)
class Lab:
    """Keys, a card with the old version in slot A, and a slot and a bundle of the new one, for all tests."""

    folder: Path
    rauc: Path
    keys: Keys
    keyring: Path
    card: Path
    slot: Path
    good: Path

    @classmethod
    def make(cls, folder: Path) -> Lab:
        rauc = Path(run("image/host-rauc", cwd=PROJECT).strip())
        keys = Keys.make(folder)
        keyring = folder / "keyring.pem"
        keyring.write_text(use_keys("keyring", keys.root))
        card = make_card(folder / "card.img", make_slot(folder / "old.img", __version__))
        slot = make_slot(folder / "new.img", NEW, blocks=1500)
        return cls(folder, rauc, keys, keyring, card, slot, make_bundle(rauc, keys, slot, NEW, folder / "good.raucb"))


class Box:
    """A machine with a card of its own; its commands are those of a box."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self.card = folder / "card.img"
        shutil.copy(lab.card, self.card)
        self.stick = folder / "stick.img"
        make_fat(self.stick, 64 * 1024, {})
        self._machine: Uml | None = None

    @property
    def machine(self) -> Uml:
        if self._machine is None:
            self._machine = Uml(self.folder, self.card, self.stick, python=Path(sys.executable))
            self._set_up(self._machine)
        return self._machine

    def _set_up(self, machine: Uml) -> None:
        """Lay the places of a card below ROOT: a kernel without a device tree has none of them elsewhere."""
        settings = (PROJECT / "image/root/etc/rauc/system.conf").read_text().replace("@VERSION@", __version__)
        (self.folder / "system.conf").write_text(settings.replace("=/", f"={ROOT}/"))
        (self.folder / "command").write_text(COMMAND.format(python=sys.executable, root=ROOT))
        choice = (PROJECT / "image/root/usr/lib/tt-appliance/boot-choice").read_text()
        choice = choice.replace("#!/usr/bin/python3.13", f"#!{sys.executable}")
        (self.folder / "boot-choice").write_text(
            choice.replace("Places()", f"Places(Path('{ROOT}'))").replace(
                "import sys", "import sys; from pathlib import Path"
            )
        )
        machine.check(f"""
            set -e
            mkdir -p {ROOT} /media/stick; mount -t tmpfs box {ROOT}; cd {ROOT}
            mkdir -p etc/rauc usr/lib/tt-appliance dev/tt run var/lib/tt-update
            mkdir -p sys/kernel/tt_tryboot proc/device-tree/system
            cp {self.folder}/system.conf etc/rauc/; cp {self.lab.keyring} etc/rauc/keyring.pem
            install -m 755 {self.folder}/boot-choice usr/lib/tt-appliance/boot-choice
            install -m 755 {self.folder}/command /usr/bin/update
            install -m 755 {self.lab.rauc} /usr/bin/rauc
            ln -s /dev/ubda1 dev/tt/config; ln -s /dev/ubda2 dev/tt/slot-a; ln -s /dev/ubda3 dev/tt/slot-b
            mount -t ext4 -o data=journal /dev/ubda4 var/lib/tt-update; chmod 700 var/lib/tt-update
            echo 0 >sys/kernel/tt_tryboot/flags; echo A >run/tt-slot
            {written(REVISION)} >proc/device-tree/system/linux,revision
        """)

    def update(self, words: str) -> tuple[int, str]:
        """Run `tt-appliance update`; its exit code, and its one line."""
        done = self.machine.run(f"update {words}")
        lines = (done.out + done.err).splitlines()
        assert len(lines) == 1, done
        return done.code, lines[0]

    def status(self) -> dict[str, object]:
        return dict(json.loads(self.machine.check("update status --json")))

    def shown(self) -> dict[str, object]:
        return dict(json.loads(self.machine.check(f"cat {ROOT}/run/tt-update/status.json")))

    def pull_plug(self) -> None:
        if self._machine is not None:
            self._machine.pull_plug()
            self._machine = None

    def reset(self) -> None:
        """Make the card a new one again, and the box one that has just started."""
        new = self.lab.card
        self.machine.check(f"""
            set -e
            umount -l {ROOT}/run/rauc/bundle /media/stick 2>/dev/null || :
            cd {ROOT}; rm -rf var/lib/tt-update/* run/*; rm -f usr/bin/systemctl
            for pair in {new.with_suffix(".config")}:1 {self.lab.folder}/old.img:2 {new.with_suffix(".spare")}:3; do
                dd if=${{pair%:*}} of=/dev/ubda${{pair#*:}} bs=1M conv=fsync status=none
            done
            cp {self.lab.keyring} etc/rauc/keyring.pem
            echo 0 >sys/kernel/tt_tryboot/flags; echo A >run/tt-slot
            date -s @{int(time.time())}
        """)

    def trust(self, *roots: Path) -> None:
        """Change the keyring of the running system."""
        keyring = self.folder / "other-keyring.pem"
        keyring.write_text(use_keys("keyring", *roots))
        self.machine.check(f"cp {keyring} {ROOT}/etc/rauc/keyring.pem")

    def partitions(self, *numbers: int) -> list[bytes]:
        """The content of partitions as it is on the card."""
        self.machine.check("sync")
        return [partition(self.card, number) for number in numbers]

    def mark_good(self) -> None:
        """Have RAUC commit the running slot, as a trial's gate does."""
        self.machine.check(f"rauc -c {ROOT}/etc/rauc/system.conf status mark-good")

    def flag(self) -> str:
        return self.machine.check(f"cat {ROOT}/sys/kernel/tt_tryboot/flags")

    def start_other_slot(self) -> None:
        """Do what loader and initramfs do when the flag is set."""
        assert self.flag() == "1"
        self.machine.check(f"cd {ROOT}; echo B >run/tt-slot; : >run/tt-trial; echo 0 >sys/kernel/tt_tryboot/flags")


def corrupt(lab: Lab, name: str, at: int | bytes) -> Path:
    """The good bundle with other bytes. at: from its start, if negative from its end, or a text in its manifest."""
    path = lab.folder / f"{name}.raucb"
    data = bytearray(lab.good.read_bytes())
    at = data.rindex(at) if isinstance(at, bytes) else at
    for place in range(at, at + 4):
        data[place] ^= 0xFF
    path.write_bytes(data)
    return path


def truncated(lab: Lab, size: int) -> Path:
    path = lab.folder / f"truncated{size}.raucb"
    path.write_bytes(lab.good.read_bytes()[:size])
    return path


def made(lab: Lab, version: str, **options: str) -> Path:
    return make_bundle(lab.rauc, lab.keys, lab.slot, version, lab.folder / f"made-{version}.raucb", **options)


def wrong_key(lab: Lab) -> Path:
    return make_bundle(lab.rauc, Keys.make(lab.folder / "stranger"), lab.slot, NEW, lab.folder / "wrong.raucb")


def oversized(lab: Lab) -> Path:
    slot = make_slot(lab.folder / "oversized.img", NEW, blocks=12000)
    return make_bundle(lab.rauc, lab.keys, slot, NEW, lab.folder / "oversized.raucb")


def no_bundle(lab: Lab) -> Path:
    path = lab.folder / "letter.raucb"
    path.write_text("Dear box\n")
    return path
