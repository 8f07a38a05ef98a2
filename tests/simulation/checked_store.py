"""The token store, checked: each load must find what earlier calls and power cuts may have left on the disk.

Owns the invariant that a stored token is never lost while the disk works.
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
    from tests.simulation.site import SimulatedSite

TokenPair = tuple[Credential | None, Credential | None]
"""The proven token on the disk, and the pending one."""


class ExpectedTokens:
    """The token pairs that the disk may hold: more than one only after an interrupted or failed call."""

    def __init__(self) -> None:
        self.possible: set[TokenPair] = {(None, None)}

    def succeeded(self, change: Callable[[TokenPair], TokenPair]) -> None:
        self.possible = {change(pair) for pair in self.possible}

    def may_have_happened(self, change: Callable[[TokenPair], TokenPair]) -> None:
        """Either file may hold its old or its new content."""
        for current, pending in list(self.possible):
            after = change((current, pending))
            self.possible |= {after, (after[0], pending), (current, after[1])}


class CheckedStore(TokenStore):
    """The product's store; each call updates the expected tokens."""

    def __init__(self, site: SimulatedSite) -> None:
        super().__init__(Path("/state"))
        self._site = site
        self._expected = site.expected_tokens

    def load(self, *, tidy: bool = True) -> TokensLoaded:
        disk, expected = self._site.disk, self._expected
        failed = disk.failed
        loaded = super().load(tidy=tidy)
        found = (loaded.current, loaded.pending)
        if disk.failed != failed:
            # The store may have put an unreadable file aside.
            expected.possible |= {
                (c, p) for current, pending in expected.possible for c in (current, None) for p in (pending, None)
            }
        elif found not in expected.possible or loaded.damaged:
            words = (
                f"found {_describe(found)}, damaged: {loaded.damaged}; expected {[*map(_describe, expected.possible)]}"
            )
            self._site.checker.report_violation("token is never lost", words)
        else:
            expected.possible = {found}
        return loaded

    def store_pending(self, credential: Credential, earlier: tuple[Credential, ...] = ()) -> None:
        self._call_and_update(
            lambda: super(CheckedStore, self).store_pending(credential, earlier), lambda pair: (pair[0], credential)
        )

    def store(self, credential: Credential) -> None:
        def change(pair: TokenPair) -> TokenPair:
            # The pending one may not say yet in which way the gateway takes it.
            pending = pair[1]
            return credential, None if pending is not None and pending.token == credential.token else pending

        failed = self._site.disk.failed
        self._call_and_update(lambda: super(CheckedStore, self).store(credential), change)
        if self._site.disk.failed != failed:
            # The store leaves a temporarily unreadable pending file beside its copy.
            self._expected.possible |= {(credential, credential)}

    def drop_pending(self) -> None:
        self._call_and_update(super().drop_pending, lambda pair: (pair[0], None))

    def forget(self) -> None:
        self._call_and_update(super().forget, lambda pair: (None, None))

    def _call_and_update(self, call: Callable[[], None], change: Callable[[TokenPair], TokenPair]) -> None:
        try:
            call()
        except (OSError, PowerCutError):
            self._expected.may_have_happened(change)
            raise
        self._expected.succeeded(change)


def _describe(pair: TokenPair) -> tuple[str | None, ...]:
    return tuple(None if one is None else f"{one.gateway} …{one.token.reveal()[-4:]}" for one in pair)
