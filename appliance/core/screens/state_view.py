"""What a state shows, before faults, the button and the display's rest are laid over it; and helpers of its screens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.states import Connected, Connecting, Offline, Pairing, State
from appliance.core.values import Address
from appliance.core.view import Icon, Leds, Line, Message, Screen, Size


@dataclass(frozen=True, slots=True)
class StateView:
    """What a state shows.

    until: monotonic seconds at which it changes by itself. The counts are None without a live feed. urgent: no other
    screen may replace it. asleep: the words that stay when the display rests. head: how many lines of the message
    belong together at its top.
    """

    screen: Screen
    leds: Leds
    until: float = math.inf
    reason: str | None = None
    active: int | None = None
    paged: int | None = None
    oldest: int | None = None
    late: int | None = None
    urgent: bool = False
    asleep: str = ""
    head: int = 0


def message(
    icon: Icon | None,
    large: Sequence[str],
    small: Sequence[str] = (),
    bar: float | None = None,
    hints: Sequence[str] = (),
) -> Message:
    """A message from texts. hints: lines that are dropped first where the display has no room."""
    headline = (Line(text, Size.MEDIUM) for text in large)
    return Message((*headline, *map(Line, small), *(Line(text, spare=1) for text in hints)), bar, icon)


def subject_gateway(state: State) -> tuple[str | None, Address | None]:
    """The gateway that a state is about: the paired one, the one to confirm, or the only one in sight."""
    world = state.world
    match state:
        case Connected():
            return state.gateway.name, state.address
        case Connecting() | Offline():
            return world.credential.gateway if world.credential else None, state.link.address
        case Pairing() if state.offers:
            return state.offers[0].gateway.name, state.offers[0].gateway.addresses[0]
        case _:
            pass
    name = world.credential.gateway if world.credential else None
    if name not in world.gateways and len(world.gateways) == 1:
        (name,) = world.gateways
    seen = None if name is None else world.gateways.get(name)
    return (None, None) if seen is None else (seen.name, seen.addresses[0])
