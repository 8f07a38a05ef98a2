"""The catalogue of faults; each begins, lasts for a while and ends.

Derived from the gateway's protocol and from field experience: packet loss of every kind, power cuts and restarts on
both sides, gateways that move, are renamed, are replaced or misbehave; disks, displays, buttons and clocks.
"""

from __future__ import annotations

from tests.simulation import faults_box as box
from tests.simulation import faults_gateway as gateway
from tests.simulation import faults_network as network
from tests.simulation.site import Fault

CATALOGUE: dict[str, Fault] = {
    "box crashes": box.box_crashes,
    "box loses power": box.box_loses_power,
    "power cut during a write": box.power_cut_during_write,
    "box restarts": box.box_is_restarted,
    "gateway loses power": gateway.gateway_loses_power,
    "orders end in other ways": gateway.orders_end_in_other_ways,
    "lists are capped": gateway.lists_are_capped,
    "gateway changes address": gateway.gateway_moves,
    "stranger takes the gateway's old address": gateway.stranger_takes_old_address,
    "gateway is renamed": gateway.gateway_is_renamed,
    "gateway is replaced": gateway.gateway_is_replaced,
    "tokens are deleted": gateway.tokens_are_deleted,
    "tokens are deleted and restored": gateway.tokens_are_deleted_and_restored,
    "stranger appears": gateway.stranger_appears,
    "another device uses the pairing window": gateway.pairing_window_is_taken,
    "box's cable is pulled": network.box_cable_is_pulled,
    "box's address changes": network.box_address_changes,
    "box's interface is reset": network.interface_is_reset,
    "gateway's cable is pulled": network.gateway_cable_is_pulled,
    "outgoing packets blocked": network.impaired(blocked=frozenset({"out"})),
    "incoming packets blocked": network.impaired(blocked=frozenset({"in"})),
    "all packets blocked": network.impaired(blocked=frozenset({"in", "out"})),
    "30 % packet loss": network.impaired(loss=0.3),
    "latency up to 2 s": network.impaired(latency=(0.2, 2.0)),
    "TCP data is fragmented": network.impaired(fragmented=0.95),
    "multicast packets are lost": network.impaired(multicast_loss=0.8),
    "connections are reset": network.connections_are_reset,
    "notifications are lost": gateway.notifications_are_lost,
    "notifications are repeated": gateway.notifications_are_repeated,
    "gateway sends malformed messages": gateway.malformed_messages,
    "gateway stops answering": gateway.in_fault_mode("silent"),
    "gateway is still starting": gateway.in_fault_mode("starting"),
    "gateway sends no orders": gateway.in_fault_mode("no orders"),
    "gateway answers with HTML": gateway.in_fault_mode("html errors"),
    "gateway answers 403 for 401": gateway.in_fault_mode("403 for 401"),
    "gateway's token request times out": gateway.in_fault_mode("token timeout"),
    "gateway rejects the token's name": gateway.in_fault_mode("rejects token name"),
    "token is delayed": gateway.token_is_delayed,
    "token is accepted late": gateway.token_is_accepted_late,
    "gateway takes the token in the header only": gateway.token_in_header_only,
    "feeds die young": gateway.feeds_die,
    "too many orders": gateway.too_many_orders,
    "unreadable orders": gateway.unreadable_orders,
    "gateway allows one feed per token": gateway.in_fault_mode("one feed per token"),
    "gateway sends no seq": gateway.in_fault_mode("no seq"),
    "gateway sends meaningless seq": gateway.in_fault_mode("meaningless seq"),
    "many pages": gateway.many_pages,
    "order rush": gateway.order_rush,
    "disk is full": box.disk(full=True),
    "disk is read-only": box.disk(read_only=True),
    "disk fails": box.disk(failing=0.3),
    "disk is slow": box.disk_is_slow,
    "display is pulled": box.display_is_pulled,
    "display's bus hangs": box.display_hangs,
    "button bounces": box.button_bounces,
    "button is stuck": box.button_is_stuck,
    "wall clock jumps": box.wall_clock_jumps,
    "gateway's clock jumps": gateway.gateway_clock_jumps,
    "board stalls": box.board_stalls,
    "supply voltage is low": box.supply_voltage_is_low,
    "avahi is restarted": gateway.avahi_is_restarted,
}
