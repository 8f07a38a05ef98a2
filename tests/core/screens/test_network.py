"""What the display says of a network that is missing, gives no address, or does not know the gateway's host name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core import machine
from appliance.core.events import GatewayFound, GatewayResolved, HostUnresolved, NetworkChanged
from appliance.core.present import present
from appliance.core.states import Discovering, Offline, State, World
from appliance.core.values import Address, Gateway, Interfaces
from tests.core.cases import NOW, STATES

SELF4, SELF6 = "169.254.7.7", "fe80::7"
PLUGGED = Interfaces(plugged=True)
WRONG = Interfaces(("end0",), ("eth0", "wlan0"))
LOOKING = Discovering(World(last_activity=NOW - 30))
CUT_OFF = STATES["offline, waiting"]
UNPLUGGED_WORDS = ["No network", "Check the cable", "or the Wi-Fi settings"]
UNASSIGNED_WORDS = ["No address", "from the router", "Restart the router", "or set an address"]
WRONG_WORDS = ["No interface", "end0", "Here: eth0, wlan0", "Correct the settings"]


def shown(
    state: State, *events: NetworkChanged | HostUnresolved | GatewayFound | GatewayResolved
) -> tuple[str, list[str]]:
    """The reason and the words after some events."""
    for event in events:
        state, _ = machine.step(state, event, NOW)
    view = present(state, NOW).view
    return view.reason or "", list(view.screen.words)


@pytest.mark.parametrize(
    ("addresses", "interfaces", "words"),
    [
        ((), Interfaces(), UNPLUGGED_WORDS),
        ((), WRONG, WRONG_WORDS),
        ((), PLUGGED, UNASSIGNED_WORDS),
        ((SELF6,), PLUGGED, UNASSIGNED_WORDS),
        ((SELF6,), replace(WRONG, plugged=True), UNASSIGNED_WORDS),
    ],
)
def test_the_causes_of_no_network_are_told_apart(
    addresses: tuple[str, ...], interfaces: Interfaces, words: list[str]
) -> None:
    assert shown(LOOKING, NetworkChanged(addresses, interfaces)) == ("no network", words)


@pytest.mark.parametrize(
    ("addresses", "interfaces", "words"),
    [
        ((), Interfaces(), ["No network: check cable", "or the Wi-Fi settings"]),
        ((), WRONG, ["No interface end0", "Here: eth0, wlan0"]),
        ((), PLUGGED, ["No address from router", "Restart the router"]),
        ((SELF6,), PLUGGED, ["No address from router", "Restart the router"]),
    ],
)
def test_below_offline_too(addresses: tuple[str, ...], interfaces: Interfaces, words: list[str]) -> None:
    reason, said = shown(CUT_OFF, NetworkChanged(addresses, interfaces))
    assert (reason, said[2:4]) == ("no network", words)


@pytest.mark.parametrize("addresses", [("192.0.2.5",), ("2001:db8::5", SELF6), ("fd00::5",), ("192.0.2.5", SELF4)])
def test_an_assigned_address_is_a_network(addresses: tuple[str, ...]) -> None:
    reason, said = shown(LOOKING, NetworkChanged(addresses, WRONG))
    assert reason == ""
    assert said[2:] == [f"This box: {addresses[0]}", "Is the gateway on, and", "on the same network?"]


@pytest.mark.parametrize("addresses", [(SELF4,), (SELF4, SELF6)])
def test_a_self_assigned_address_may_do_but_is_told(addresses: tuple[str, ...]) -> None:
    reason, said = shown(LOOKING, NetworkChanged(addresses, PLUGGED))
    assert (reason, said[3:]) == ("", ["No address from router:", "restart the router"])
    reason, said = shown(CUT_OFF, NetworkChanged(addresses, PLUGGED))
    assert (reason, said[2:4]) == ("gateway unreachable", ["No address from router", "Restart the router"])


@pytest.mark.parametrize("host", [SELF4, "fe80::9%2"])
@pytest.mark.parametrize("own", [SELF4, SELF6])
def test_on_a_cable_without_a_router_the_gateway_is_to_be_checked(host: str, own: str) -> None:
    state = replace(CUT_OFF, world=replace(CUT_OFF.world, proven=Address(host)))
    reason, said = shown(state, NetworkChanged((own,), PLUGGED))
    assert (reason, said[2]) == ("gateway unreachable", "Gateway does not answer")
    reason, said = shown(state, NetworkChanged(()))
    assert (reason, said[2]) == ("no network", "No network: check cable")


def test_a_host_name_that_is_not_found_is_told_until_it_is() -> None:
    here, missing = NetworkChanged(("192.0.2.5",), PLUGGED), HostUnresolved("bar.local")
    reason, said = shown(LOOKING, here, missing)
    assert (reason, said[2:]) == (
        "host not found",
        ["bar.local not found", "This box: 192.0.2.5", "Check gateway.address"],
    )
    reason, said = shown(CUT_OFF, missing)
    assert (reason, said[2:4]) == ("host not found", ["bar.local not found", "Check gateway.address"])
    found = Gateway("A", (Address("192.0.2.10"),))
    for event in (GatewayFound(found), GatewayResolved(0, found)):
        assert shown(CUT_OFF, missing, event)[0] == "gateway unreachable"
    assert shown(LOOKING, missing, NetworkChanged(()))[0] == "no network", "the first cause comes first"


def test_many_interfaces_are_shortened() -> None:
    many = Interfaces(tuple(f"enx00e04c6802{n:02}" for n in range(9)), tuple(f"veth{n:08x}" for n in range(20)))
    for state in (LOOKING, CUT_OFF):
        _, said = shown(state, NetworkChanged((), many))
        assert all(len(line) <= 45 for line in said)
        assert any("…" in line for line in said)


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (("192.0.2.5",), ("192.0.2.5", "192.0.2.6"), False),
        (("192.0.2.5",), ("192.0.2.6",), True),
        (("192.0.2.5",), (), True),
        (("192.0.2.5",), (SELF6,), True),
        ((SELF6,), ("192.0.2.5",), False),
        ((SELF4, SELF6), ("192.0.2.5",), True),
        (("2001:db8::5", SELF6), (SELF6,), True),
        (("192.0.2.5", "2001:db8::5"), ("192.0.2.5",), False),
    ],
)
def test_an_address_that_mattered(before: tuple[str, ...], after: tuple[str, ...], moved: bool) -> None:
    state = STATES["connected"]
    state = replace(state, world=replace(state.world, addresses=before))
    state, _ = machine.step(state, NetworkChanged(after, PLUGGED), NOW)
    assert isinstance(state, Offline) == moved
