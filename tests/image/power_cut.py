"""Pulls the plug N times at random moments, with what was not flushed lost, and sees each time that the box comes back.

The moments: of the first start on a new card, of later starts, of the seconds in which a token is written, and of the
start after somebody changed the settings. After each cut: the old state or the new one, nothing failed, nothing made
anew, and connected again (after pairing again only where no pairing was proven before). Every other cut is moved to an
earlier write of the same run, as most of what is not flushed yet is so for too short a time to be met by the clock.
As many boxes as there are cores are at it. Prints a line a cut, and ends with 1 at the first that went wrong.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from tests.image.card import copy_card, write_settings
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
    """A box whose plug is pulled again and again. folder: for its card and files. seed: of its moments."""

    def __init__(self, built: Built, folder: Path, seed: str) -> None:
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
        copy_card(self._built.image, self.box.card)
        self.site.do("delete-tokens")
        self.paired = False
        self.name = ""

    def start(self) -> None:
        """Plug in, and remember the card as it is."""
        copy_card(self.box.card, self._before)
        self._log.unlink(missing_ok=True)
        self._log.touch()
        self.box.start(log=self._log)

    def pull_plug(self, *, earlier: bool = False) -> Outcome:
        """Pull it; the card is then what a card would be. earlier: had the power gone at any of the writes so far."""
        self.box.pull_plug()
        outcome = cut(self._log, self._before, self._random, earlier=earlier)
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

    def during_start(self) -> float:
        """Run a box until a moment of its start. Seconds from there on."""
        self.start()
        began = time.monotonic()
        # Before the first write nothing can go wrong, and when that comes depends on how quick the host is.
        while self._log.stat().st_size <= SUPERBLOCK and time.monotonic() < began + FIRST_WRITE_SECONDS:
            time.sleep(0.05)
        time.sleep(self._random.uniform(0, WRITING_SECONDS))
        return time.monotonic() - began

    def during_change(self) -> float:
        """The same with settings that somebody has changed."""
        self.name = f"tt-{self._random.randrange(10**6)}"
        settings = self._log.with_name("settings.yaml")
        settings.write_text(f"box:\n  host_name: {self.name}\n")
        write_settings(self.box.card, settings)
        return self.during_start()

    def during_pairing(self) -> float:
        """Run a box until some seconds after the gateway's button."""
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
        return moment

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


class Run:
    """All the cuts of one call, taken by one box or more at the same time. count: how many. wrong: what went wrong."""

    def __init__(self, built: Built, folder: Path, count: int, seed: int) -> None:
        self._built, self._folder, self._count, self._seed = built, folder, count, seed
        self._numbers: Iterator[int] = iter(range(1, count + 1))
        self._taking = threading.Lock()
        self.done = self.lost = 0
        self.wrong: list[str] = []

    def box(self, which: int) -> None:
        """One box: cut after cut, as long as there are more to make and nothing went wrong."""
        folder = self._folder / f"box{which}"
        folder.mkdir()
        trial = Trial(self._built, folder, f"{self._seed}/{which}")
        try:
            for turn in itertools.count():
                with self._taking:
                    number = None if self.wrong else next(self._numbers, None)
                if number is None:
                    return
                if turn and turn % NEW_CARD_EVERY == 0:
                    trial.new_card()
                self._one(trial, number)
        except Exception as error:  # noqa: BLE001 - whatever it was, the other box is to end as well
            self.wrong.append(f"box {which}: {type(error).__name__}: {error}")
        finally:
            trial.close()

    def _one(self, trial: Trial, number: int) -> None:
        kinds = {"start": trial.during_start, "pairing": trial.during_pairing, "change": trial.during_change}
        what = list(kinds)[number % len(kinds)]
        moment = kinds[what]()
        outcome = trial.pull_plug(earlier=number % 2 == 0)
        trial.pair()
        # Pulled here too, and not shut down: every start of a box follows a plug that was pulled.
        trial.pull_plug()
        self.done += 1
        self.lost += outcome.lost
        when = f"{moment:4.1f} s" + (f" and {outcome.left} writes before" if outcome.left else "")
        print(
            f"{number:3d} of {self._count}: {what} at {when}: {outcome.kept} kept ({outcome.lucky} unflushed),"
            f" {outcome.lost} lost; back and connected",
            flush=True,
        )


def main() -> int:
    """N [SEED]."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"seed {seed}")
    folder = Path(tempfile.mkdtemp(prefix="power-cut-"))
    boxes = min(count, os.cpu_count() or 1)
    run = Run(make_built(), folder, count, seed)
    with ThreadPoolExecutor(boxes) as pool:
        list(pool.map(run.box, range(boxes)))
    for words in run.wrong:
        print(f"failed: {words}")
    if run.wrong:
        print(f"the cards are kept in {folder}")
        return 1
    shutil.rmtree(folder)
    print(f"{run.done} of {count}; {run.lost} unflushed writes were lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
