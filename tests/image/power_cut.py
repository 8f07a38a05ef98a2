"""Cuts the power N times, losing unflushed writes, and checks each time that the box comes back.

A box starts, comes up, and loses power. The start that shows the recovery is also the run that the next cut ends, so
N cuts of a card take N + 1 starts. There are three kinds of cuts:
- `start`: at any write of a start, the first one of a new card or a later one;
- `change`: the same, after a change of the settings;
- `pairing`: some seconds after the press of the gateway's button, while the box stores its token; every other one at a
  random write.
After each cut, the card must hold the old or the new state, without a failed unit or a reset, and the box must connect
again; it may ask for pairing only if no pairing was proven. BOXES boxes (one per core by default) run side by side.
Prints a line for each cut. The exit code is 1 after the first failure.
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
from tests.image.write_log import Outcome, cut, entries

PAIRING_SECONDS = 4.0
NEW_CARD_EVERY = 6
KINDS = ("start", "pairing", "change")


class Trial:
    """A box that loses power repeatedly. folder: for its card and files. seed: for the times of the cuts."""

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
        """Insert a new card."""
        copy_card(self._built.image, self.box.card)
        self.site.do("delete-tokens")
        self.paired = False
        self.name = ""

    def start(self) -> None:
        """Save a copy of the card, and plug in."""
        copy_card(self.box.card, self._before)
        self._log.unlink(missing_ok=True)
        self._log.touch()
        self.box.start(log=self._log)

    def pull_plug(self, *, first: int | None = None) -> Outcome:
        """Pull the plug, and give the card one of its possible contents. first: cut at any write from this one on."""
        self.box.pull_plug()
        outcome = cut(self._log, self._before, self._random, first=first)
        self._before.replace(self.box.card)
        return outcome

    def comes_up(self) -> str:
        """Wait until the box is back: `connected`, or `paired` if it shows the pairing screen."""
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
        damaged = box.text("journalctl -b --no-pager -o cat | grep 'pair again to replace it' || true")
        assert not damaged
        assert seen == "connected" or not self.paired, "a proven pairing is gone"
        assert not self.name or box.text("cat /proc/sys/kernel/hostname") == self.name, "the settings are not in force"
        return seen

    def change_settings(self) -> None:
        """Change the settings, like a person on a PC."""
        self.name = f"tt-{self._random.randrange(10**6)}"
        settings = self._log.with_name("settings.yaml")
        settings.write_text(f"box:\n  host_name: {self.name}\n")
        write_settings(self.box.card, settings)

    def recover(self, *, pair: bool) -> str:
        """Start the box and wait for its recovery; return its result. pair: pair the box if it is not connected."""
        self.start()
        seen = self.comes_up()
        if seen == "connected":
            # The token was on the card before this start, so no cut of this run may lose it.
            self.paired = True
        elif pair:
            self._press_both()
            self.box.reads("orders", timeout=120)
        return seen

    def cut_start(self) -> Outcome:
        """After the start, pull the plug as if the power had failed at any of its writes."""
        grown = "systemctl show -P SubState tt-state-grow"
        self.box.until(lambda: "exited" in self.box.text(grown), "the state is grown", 120)
        return self.pull_plug(first=0)

    def cut_pairing(self, seen: str, *, by_clock: bool) -> Outcome:
        """Pair, and pull the plug seconds after the press of the gateway's button. seen: the result of the recovery."""
        if seen == "connected":
            self.box.press(6)
            self.box.reads("here to pair", timeout=120)
        self.paired = False
        with self._log.open("rb") as log:
            before = sum(1 for _ in entries(log))
        self._press_both()
        time.sleep(self._random.uniform(0, PAIRING_SECONDS) if by_clock else PAIRING_SECONDS)
        return self.pull_plug(first=None if by_clock else before)

    def _press_both(self) -> None:
        self.box.press()
        self.box.reads("gateway", timeout=90)
        self.site.do("button")

    def close(self) -> None:
        """End everything."""
        self.box.pull_plug()
        self.site.close()


class Run:
    """All the cuts of one call, shared by one or more boxes. count: of cuts. wrong: the failures."""

    def __init__(self, built: Built, folder: Path, count: int, seed: int) -> None:
        self._built, self._folder, self._count, self._seed = built, folder, count, seed
        self._numbers: Iterator[int] = iter(range(1, count + 1))
        self._taking = threading.Lock()
        self.done = self.lost = 0
        self.wrong: list[str] = []

    def box(self, which: int) -> None:
        """Run one box: cut after cut, until the count is reached or something fails."""
        folder = self._folder / f"box{which}"
        folder.mkdir()
        trial = Trial(self._built, folder, f"{self._seed}/{which}")
        last = ""
        try:
            for turn in itertools.count():
                with self._taking:
                    number = None if self.wrong else next(self._numbers, None)
                new_card = turn % NEW_CARD_EVERY == 0
                if last and (number is None or new_card):
                    trial.recover(pair=True)
                    trial.box.pull_plug()
                    self._report(last)
                    last = ""
                if number is None:
                    return
                if turn and new_card:
                    trial.new_card()
                last = self._one(trial, number, last)
        except Exception as error:  # noqa: BLE001 - any failure ends the other box as well
            self.wrong.append(f"box {which}: {last}: {type(error).__name__}: {error}")
        finally:
            trial.close()

    def _one(self, trial: Trial, number: int, last: str) -> str:
        """Recover from the last cut and make the next; return its description. last: that of the last one, or ""."""
        kind = KINDS[(number - 1) % len(KINDS)]
        if kind == "change":
            trial.change_settings()
        seen = trial.recover(pair=kind != "pairing" and last != "")
        if last:
            self._report(last)
        by_clock = number % 2 == 1
        outcome = trial.cut_pairing(seen, by_clock=by_clock) if kind == "pairing" else trial.cut_start()
        self.lost += outcome.lost
        return (
            f"{number:3d} of {self._count}: {kind}, {outcome.left} writes before the end: "
            f"{outcome.kept} kept ({outcome.lucky} unflushed), {outcome.lost} lost"
        )

    def _report(self, last: str) -> None:
        self.done += 1
        print(f"{last}; back and connected", flush=True)


def main() -> int:
    """N [SEED]."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"seed {seed}")
    folder = Path(tempfile.mkdtemp(prefix="power-cut-"))
    boxes = int(os.environ.get("BOXES", min(count, os.cpu_count() or 1)))
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
