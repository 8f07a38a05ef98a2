"""Every call to the token store that changes the disk, with its possible results after an interruption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.core.events import TokensLoaded
from appliance.core.values import Credential, Token
from appliance.store import TokenStore

OLD = Credential("Kitchen", Token("0ld5ecret" * 5))
NEW = Credential("Küche “Nord”", Token("new5ecret" * 5))
OTHER = Credential("Bar", Token("other5ecret" * 4))

Step = Callable[[TokenStore], object]


def fresh(directory: Path, *steps: Step) -> TokenStore:
    """A store after these steps."""
    store = TokenStore(directory)
    for step in steps:
        step(store)
    return store


@dataclass(frozen=True)
class Change:
    """A call to the store. allowed: its results after an interruption at any moment. done: its result after success."""

    before: tuple[Step, ...]
    call: Step
    allowed: tuple[TokensLoaded, ...]
    done: TokensLoaded


CHANGES = {
    "first": Change((), lambda s: s.store(NEW), (TokensLoaded(None, None),), TokensLoaded(NEW, None)),
    "replace": Change(
        (lambda s: s.store(OLD),), lambda s: s.store(NEW), (TokensLoaded(OLD, None),), TokensLoaded(NEW, None)
    ),
    "pend": Change(
        (lambda s: s.store(OLD),), lambda s: s.store_pending(NEW), (TokensLoaded(OLD, None),), TokensLoaded(OLD, NEW)
    ),
    "pend again": Change(
        (lambda s: s.store(OLD), lambda s: s.store_pending(OTHER)),
        lambda s: s.store_pending(NEW),
        (TokensLoaded(OLD, OTHER),),
        TokensLoaded(OLD, NEW),
    ),
    "promote": Change(
        (lambda s: s.store(OLD), lambda s: s.store_pending(NEW)),
        lambda s: s.store(NEW),
        # A pending file that is temporarily unreadable stays beside its copy.
        (TokensLoaded(OLD, NEW), TokensLoaded(NEW, NEW)),
        TokensLoaded(NEW, None),
    ),
    "drop": Change(
        (lambda s: s.store(OLD), lambda s: s.store_pending(NEW)),
        lambda s: s.drop_pending(),
        (TokensLoaded(OLD, NEW),),
        TokensLoaded(OLD, None),
    ),
    "forget": Change(
        (lambda s: s.store(OLD), lambda s: s.store_pending(NEW)),
        lambda s: s.forget(),
        (TokensLoaded(OLD, NEW), TokensLoaded(OLD, None), TokensLoaded(None, NEW)),
        TokensLoaded(None, None),
    ),
}
