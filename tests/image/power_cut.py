"""Pulls the plug N times at random moments, with what was not flushed lost, and sees each time that the box comes back.

The moments: of the first start on a new card, of later starts, of the seconds in which a token is written, and of the
start after somebody changed the settings. After each cut: the old state or the new one, nothing failed, nothing made
anew, and connected again (after pairing again only where no pairing was proven before). Prints a line a cut, and ends
with 1 at the first that went wrong.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.image import machine
from tests.image.conftest import Built, make_built
from tests.image.machine import Machine
from tests.image.picture import says
from tests.image.site import Site
from tests.image.write_log import Outcome, cut

SUPERBLOCK = 4096
"""Bytes of a log in which nothing is logged yet."""
FIRST_WRITE_SECONDS = 200.0
WRITING_SECONDS = 40.0
"""From the first write on: until the state is grown, and the appliance at work."""
PAIRING_SECONDS = 4.0
NEW_CARD_EVERY = 6


class Trial:
    """A box whose plug is pulled again and again."""

    def __init__(self, built: Built, folder: Path, seed: int) -> None:
        self._built = built
        self._random = Random(seed)
        self._before = folder / "before.img"
        self._log = folder / "writes.log"
        self.site = Site(folder)
        self.box = Machine(self.site.lab, folder / "card.img", built.test_disk, folder, boot=built.boot)
        self.paired = False
        self.name = ""
        self.new_card()

    def new_card(self) -> None:
        """Begin again with a card that was never in a box."""
        machine.copy_card(self._built.image, self.box.card)
        self.site.do("delete-tokens")
        self.paired = False
        self.name = ""

    def start(self) -> None:
        """Plug in, and remember the card as it is."""
        machine.copy_card(self.box.card, self._before)
        self._log.unlink(missing_ok=True)
        self._log.touch()
        self.box.start(log=self._log)

    def pull_plug(self) -> Outcome:
        """Pull it; the card is then what a card would be."""
        self.box.pull_plug()
        outcome = cut(self._log, self._before, self._random)
        self._before.replace(self.box.card)
        return outcome

    def comes_up(self) -> str:
        """Wait until the box is there again; whether it is `connected` or asks to be `paired`."""
        box = self.box
        box.wait_ready(300)
        seen = ""

        def there() -> bool:
            nonlocal seen
            picture = box.picture()
            seen = "connected" if says(picture, "orders") else "paired" if says(picture, "here to pair") else ""
            return seen != ""

        box.until(there, "the box is back", 400)
        assert not box.text("ls /run/tt-appliance/state-* 2>/dev/null || true"), "the state was lost"
        assert not box.text("systemctl list-units --failed --no-legend --plain"), "something failed"
        damaged = box.text("journalctl -b --no-pager -o cat | grep 'has to be made anew by pairing' || true")
        assert not damaged
        assert seen == "connected" or not self.paired, "a proven pairing is gone"
        assert not self.name or box.text("cat /proc/sys/kernel/hostname") == self.name, "the settings are not in force"
        return seen

    def during_start(self) -> tuple[str, float, Outcome]:
        """A cut while the box starts. What it was in the middle of, the moment, and what was lost."""
        self.start()
        began = time.monotonic()
        # Before the first write nothing can go wrong, and when that comes depends on how quick the host is.
        while self._log.stat().st_size <= SUPERBLOCK and time.monotonic() < began + FIRST_WRITE_SECONDS:
            time.sleep(0.05)
        time.sleep(self._random.uniform(0, WRITING_SECONDS))
        return "start", time.monotonic() - began, self.pull_plug()

    def during_change(self) -> tuple[str, float, Outcome]:
        """The same while the box starts with settings that somebody has changed."""
        self.name = f"tt-{self._random.randrange(10**6)}"
        settings = self._log.with_name("settings.yaml")
        settings.write_text(f"box:\n  host_name: {self.name}\n")
        machine.write_settings(self.box.card, settings)
        return "change", *self.during_start()[1:]

    def during_pairing(self) -> tuple[str, float, Outcome]:
        """A cut in the seconds after the gateway's button."""
        self.start()
        if self.comes_up() == "connected":
            self.box.press(6)
            self.box.reads("here to pair", timeout=120)
        self.paired = False
        self.box.press()
        self.box.reads("gateway", timeout=90)
        self.site.do("button")
        moment = self._random.uniform(0, PAIRING_SECONDS)
        time.sleep(moment)
        return "pairing", moment, self.pull_plug()

    def pair(self) -> None:
        """Pair where it is not, until it is proven; and leave the box running for a while."""
        self.start()
        if self.comes_up() == "paired":
            self.box.press()
            self.box.reads("gateway", timeout=90)
            self.site.do("button")
            self.box.reads("orders", timeout=120)
        self.paired = True

    def close(self) -> None:
        """End everything."""
        self.box.pull_plug()
        self.site.close()


def main() -> int:
    """N [SEED]."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="power-cut-") as name:
        folder = Path(name)
        trial = Trial(make_built(folder), folder, seed)
        try:
            for number in range(1, count + 1):
                if number > 1 and number % NEW_CARD_EVERY == 1:
                    trial.new_card()
                kinds = (trial.during_change, trial.during_start, trial.during_pairing)
                what, moment, outcome = kinds[number % len(kinds)]()
                trial.pair()
                # Pulled here too, and not shut down: every start of a box follows a plug that was pulled.
                trial.pull_plug()
                print(
                    f"{number:3d} of {count}: {what} at {moment:4.1f} s, {outcome.kept} writes kept"
                    f" ({outcome.lucky} unflushed), {outcome.lost} lost: back and connected",
                    flush=True,
                )
        except AssertionError as error:
            print(f"failed: {error}")
            return 1
        finally:
            trial.close()
    print(f"{count} of {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
