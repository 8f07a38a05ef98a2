"""The words for a network that is missing or that gives this box no address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from appliance.core import texts
from appliance.core.formatting import legible
from appliance.core.states import World
from appliance.core.values import is_link_local

SHORT, LONG = 18, 32
"""Characters of interface names on a line of the headline, and on small lines."""


class NetworkFault(Enum):
    """What this box's network lacks, the first cause first."""

    NO_INTERFACE = auto()
    """The settings name only interfaces that are not there, or have no cable."""
    UNPLUGGED = auto()
    """No cable is plugged in, and no Wi-Fi joined."""
    UNASSIGNED = auto()
    """There is no address but the one of IPv6 that every interface gives itself."""


@dataclass(frozen=True, slots=True)
class NetworkWords:
    """The words for a fault: those of a screen of their own, and two lines below OFFLINE."""

    headline: Sequence[str]
    hints: Sequence[str]
    offline: Sequence[str]


def network_fault(world: World) -> NetworkFault | None:
    """What this box's network lacks; None if nothing, or if nothing is known yet."""
    if world.addresses is None or any("." in one or not is_link_local(one) for one in world.addresses):
        return None
    if world.addresses or world.interfaces.plugged:
        return NetworkFault.UNASSIGNED
    return NetworkFault.NO_INTERFACE if world.interfaces.missing else NetworkFault.UNPLUGGED


def is_self_assigned(world: World) -> bool:
    """Whether this box has addresses, but none from a router."""
    return bool(world.addresses) and all(map(is_link_local, world.addresses or ()))


def network_words(world: World, fault: NetworkFault) -> NetworkWords:
    """The words for a fault."""
    match fault:
        case NetworkFault.NO_INTERFACE:
            missing, present = map(", ".join, (world.interfaces.missing, world.interfaces.present))
            long = {"missing": legible(missing, LONG), "present": legible(present, LONG)}
            headline = [text.format(missing=legible(missing, SHORT)) for text in texts.NO_INTERFACE]
            hints = (texts.NO_INTERFACE_HERE.format(**long), *texts.NO_INTERFACE_HINT)
            return NetworkWords(headline, hints, [text.format(**long) for text in texts.OFFLINE_NO_INTERFACE])
        case NetworkFault.UNPLUGGED:
            return NetworkWords([texts.NO_NETWORK], texts.NO_NETWORK_HINT, texts.OFFLINE_NO_NETWORK)
        case NetworkFault.UNASSIGNED:
            return NetworkWords(texts.UNASSIGNED, texts.UNASSIGNED_HINT, texts.OFFLINE_UNASSIGNED)
