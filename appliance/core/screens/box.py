"""This box: its address, version, uptime, temperature and power supply."""

from __future__ import annotations

from appliance.core import texts
from appliance.core.formatting import age
from appliance.core.states import State
from appliance.core.values import Board
from appliance.core.view import Listing, Row


def box_screen(state: State, headline: str, now: float) -> tuple[Listing, float]:
    """The screen at `now`, and until when it holds. headline: replaces the title unless it is empty."""
    world = state.world
    degrees = "" if world.board.temperature is None else texts.TEMPERATURE.format(degrees=world.board.temperature)
    power = _power(world.board)
    rows = (
        Row((world.addresses or (texts.NO_ADDRESS,))[0]),
        # The monotonic clock starts with the board.
        Row(texts.BOX_VERSION.format(version=world.version), texts.UPTIME.format(age=age(now))),
        Row(degrees, power) if degrees else Row(power),
    )
    listing = Listing(headline or texts.THIS_BOX, tuple(row for row in rows if row.left))
    return listing, (now // 60 + 1) * 60


def _power(board: Board) -> str:
    if board.weak_power is None:
        return ""
    if board.weak_power:
        return texts.POWER_WEAK
    return texts.POWER_WAS_WEAK if board.was_weak else texts.POWER_OK
