"""The catalogue of what goes wrong, each kind a small story: it begins, lasts and is over.

Taken from the gateway's protocol and from what the field has paid for: every kind of loss on the network, power and
restarts of both sides, gateways that move, are renamed, replaced, or lie; disks, displays, buttons and clocks.
"""

from __future__ import annotations

from tests.simulation import faults_box as box
from tests.simulation import faults_gateway as gateway
from tests.simulation import faults_network as network
from tests.simulation.site import Fault

CATALOGUE: dict[str, Fault] = {
    "box crashes": box.box_crashes,
    "box loses power": box.box_loses_power,
    "power goes in a write": box.power_goes_in_a_write,
    "box is restarted": box.box_is_restarted,
    "gateway loses power": gateway.gateway_loses_power,
    "gateway moves": gateway.gateway_moves,
    "gateway swaps places with a stranger": gateway.gateway_swaps_places,
    "gateway is renamed": gateway.gateway_is_renamed,
    "gateway is replaced": gateway.gateway_is_replaced,
    "tokens are deleted": gateway.tokens_are_deleted,
    "tokens are deleted and restored": gateway.tokens_are_deleted_and_restored,
    "stranger comes": gateway.stranger_comes,
    "pairing window is taken": gateway.window_is_taken,
    "box's cable is pulled": network.box_cable_is_pulled,
    "box's address changes": network.box_address_changes,
    "gateway's cable is pulled": network.gateway_cable_is_pulled,
    "nothing goes out": network.weather(deaf=frozenset({"out"})),
    "nothing comes in": network.weather(deaf=frozenset({"in"})),
    "nothing goes through": network.weather(deaf=frozenset({"in", "out"})),
    "30 % loss": network.weather(loss=0.3),
    "delays of 2 s": network.weather(latency=(0.2, 2.0)),
    "everything comes in pieces": network.weather(torn=0.95),
    "multicast gets lost": network.weather(multicast=0.8),
    "lines are reset": network.lines_are_reset,
    "notifications get lost": gateway.notifications_get_lost,
    "notifications come twice": gateway.notifications_come_twice,
    "gateway talks rubbish": gateway.gateway_talks_rubbish,
    "gateway is mute": gateway.mood("mute"),
    "gateway is half booted": gateway.mood("half booted"),
    "gateway says nothing of orders": gateway.mood("lazy"),
    "gateway answers with pages": gateway.mood("html"),
    "gateway forbids": gateway.mood("forbids"),
    "gateway times out": gateway.mood("times out"),
    "gateway dislikes names": gateway.mood("names"),
    "tokens come late": gateway.tokens_come_late,
    "too many orders": gateway.too_many_orders,
    "orders can't be read": gateway.orders_cannot_be_read,
    "gateway allows one feed": gateway.mood("one feed"),
    "gateway numbers nothing": gateway.mood("no seq"),
    "gateway numbers something else": gateway.mood("useless seq"),
    "many pages": gateway.many_pages,
    "a rush": gateway.a_rush,
    "disk is full": box.disk(full=True),
    "disk is read-only": box.disk(read_only=True),
    "disk fails": box.disk(failing=0.3),
    "disk is slow": box.disk_is_slow,
    "display is pulled": box.display_is_pulled,
    "display hangs": box.display_hangs,
    "button is noisy": box.button_is_noisy,
    "button sticks": box.button_sticks,
    "wall clock jumps": box.wall_clock_jumps,
    "gateway's clock jumps": gateway.gateway_clock_jumps,
    "board is out of breath": box.board_is_out_of_breath,
    "power supply is weak": box.power_is_weak,
    "avahi is restarted": gateway.avahi_is_restarted,
}
