"""The store, with a second opinion: what must be found on flash after each call, and after each power cut.

Owns the promise that a token once stored is never lost while the disk works.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.core.events import TokensLoaded
from appliance.core.values import Credential
from appliance.store import TokenStore
from tests.simulation.disk import PowerCutError

if TYPE_CHECKING:
    from tests.simulation.site import World

Pair = tuple[Credential | None, Credential | None]
"""The proven token on flash, and the pending one."""


class Flash:
    """What may be on the disk now: more than one pair only where a call was broken off or failed."""

    def __init__(self) -> None:
        self.may: set[Pair] = {(None, None)}

    def did(self, change: Callable[[Pair], Pair]) -> None:
        self.may = {change(pair) for pair in self.may}

    def tried(self, change: Callable[[Pair], Pair]) -> None:
        """Old or new, or the one file new and the other old."""
        for current, pending in list(self.may):
            after = change((current, pending))
            self.may |= {after, (after[0], pending), (current, after[1])}


class WatchedStore(TokenStore):
    """The product's store, each call of which is noted."""

    def __init__(self, world: World) -> None:
        super().__init__(Path("/state"))
        self._world = world
        self._flash = world.flash

    def load(self, *, tidy: bool = True) -> TokensLoaded:
        disk, flash = self._world.disk, self._flash
        failed = disk.failed
        loaded = super().load(tidy=tidy)
        found = (loaded.current, loaded.pending)
        if disk.failed != failed:
            # What could not be read may have been put aside.
            flash.may |= {(c, p) for current, pending in flash.may for c in (current, None) for p in (pending, None)}
        elif found not in flash.may or loaded.damaged:
            words = f"found {_names(found)}, damaged: {loaded.damaged}; there should be {[*map(_names, flash.may)]}"
            self._world.judge.blame("token is never lost", words)
        else:
            flash.may = {found}
        return loaded

    def store_pending(self, credential: Credential) -> None:
        self._noted(lambda: super(WatchedStore, self).store_pending(credential), lambda pair: (pair[0], credential))

    def store(self, credential: Credential) -> None:
        def change(pair: Pair) -> Pair:
            return credential, None if pair[1] == credential else pair[1]

        failed = self._world.disk.failed
        self._noted(lambda: super(WatchedStore, self).store(credential), change)
        if self._world.disk.failed != failed:
            # A pending file that could not be read for a moment was left beside its copy.
            self._flash.may |= {(credential, credential)}

    def drop_pending(self) -> None:
        self._noted(super().drop_pending, lambda pair: (pair[0], None))

    def forget(self) -> None:
        self._noted(super().forget, lambda pair: (None, None))

    def _noted(self, call: Callable[[], None], change: Callable[[Pair], Pair]) -> None:
        try:
            call()
        except (OSError, PowerCutError):
            self._flash.tried(change)
            raise
        self._flash.did(change)


def _names(pair: Pair) -> tuple[str | None, ...]:
    return tuple(None if one is None else f"{one.gateway} …{one.token.reveal()[-4:]}" for one in pair)
