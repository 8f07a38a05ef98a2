"""Checks of the connection to the gateway: network, mDNS, API and token."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from appliance.core.events import Event, GatewayFound, GatewayLost
from appliance.core.values import Address, Credential, Gateway, is_link_local, name_key
from appliance.doctor.context import CheckContext
from appliance.doctor.finding import Finding, not_tried, ok, wrong
from appliance.gateway.api import Verdict, check_token
from appliance.gateway.discovery import Discovery
from appliance.gateway.fixed_address import FixedGateway, is_mdns_host
from appliance.gateway.http import NoAnswerError, UnreadableAnswerError, get
from appliance.gateway.own_addresses import own_network
from appliance.gateway.source import gateway_source
from appliance.gateway.wire import read_envelope
from appliance.store import CURRENT, PENDING, TokenStore

NO_NETWORK = "not tried: there is no network"
SILENT = "does not respond"
TIMED_OUT = "timed out"
PAIR = "press the button of the box and then, within two minutes, the gateway's"


async def check_network(context: CheckContext) -> Finding:
    """Check that this box has an IP address."""
    names = context.config.network.interfaces
    own = await context.blocking(lambda: own_network(names), "look at the network")
    interfaces = own.interfaces
    if interfaces.missing and not own.addresses:
        return wrong(
            f"this box has no interface {', '.join(interfaces.missing)}, which the settings name (network.interfaces)",
            f"It has {', '.join(interfaces.present) or 'none'}: correct network.interfaces, or delete it to use all.",
        )
    if not own.addresses and interfaces.plugged:
        return wrong(
            "a cable is plugged in or a Wi-Fi joined, but this box has no IP address",
            "Does the router assign addresses (DHCP)? If nothing else helps, restart it.",
            "Without DHCP, give the box an address in the settings (network.address).",
        )
    if not own.addresses:
        only = f" on {', '.join(names)}, as the settings allow no other interface (network.interfaces)" if names else ""
        return wrong(
            f"this box has no IP address{only}",
            "Cable: is it plugged in at both ends, and do the small LEDs beside it blink?",
            "Wi-Fi: are its name and password right? They stand in tt-appliance.yaml on the SD card of our image;"
            " elsewhere sudo nmtui shows and changes them.",
            "Does the router assign addresses (DHCP)? If nothing else helps, restart it.",
        )
    addresses = ", ".join(own.texts)
    context.source = _source(context)
    if all(map(is_link_local, own.texts)):
        return ok(f"this box has {addresses}, self-assigned: this network has no DHCP server")
    return ok(f"this box has {addresses}")


async def check_sight(context: CheckContext) -> Finding:
    """Search for gateways; wait longest for the paired one."""
    if context.source is None:
        return not_tried(NO_NETWORK)
    paired = (await _credential(context))[0]
    if context.config.gateway.address is None:
        context.console.say(f"  searching for gateways (up to {context.limits.sight:.0f} seconds)")
    allowed = _allowed(context)
    await _search(context, allowed or (None if paired is None else paired.gateway))
    typed, only = context.config.gateway.address, context.config.gateway.name
    if context.found:
        what = "found" if typed is None else "at the address in the settings (gateway.address)"
        return ok(f"{what}: {', '.join(map(_with_address, context.found.values()))}")
    if isinstance(context.source, Discovery) and context.source.start_error:
        return wrong(
            f"can't search for gateways: mDNS can't start ({context.source.start_error})",
            "Restart the box. If that does not help, another program uses its port (UDP 5353) exclusively.",
        )
    if typed is not None and is_mdns_host(typed.host):
        return wrong(
            f"{typed.host} not found: nobody answers for this name (mDNS)",
            "Is the gateway switched on, and on the same network as the box?",
            "Check gateway.address in the settings. A numeric address needs no name resolution.",
            "Without gateway.address the box finds the gateway by itself.",
        )
    if typed is not None:
        return wrong(
            f"can't resolve {typed.host}",
            "Check gateway.address in the settings. A numeric address needs no name resolution.",
            "Without gateway.address the box finds the gateway by itself.",
        )
    wanted = f"the gateway {only}, the only one allowed in the settings (gateway.name)," if only else "no gateway"
    return wrong(
        f"{wanted} {'does not announce itself' if only else 'announces itself'} on this network",
        "Is the gateway switched on? It takes some minutes to start.",
        "Are the box and the gateway on the same network? A guest Wi-Fi isolates its clients.",
        "If it can't be on the same network, write the gateway's address into the settings (gateway.address).",
    )


async def check_gateway(context: CheckContext) -> Finding:
    """Send a request without a token to the paired gateway, or to all if none is paired."""
    if not context.found:
        return not_tried(NO_NETWORK if context.source is None else "not tried: no gateway found")
    credential = (await _credential(context))[0]
    paired = [one for one in context.found.values() if credential is not None and _same(one.name, credential.gateway)]
    asked = paired or list(context.found.values())
    typed = context.config.gateway.address is not None
    troubled = await asyncio.gather(*(_check_reply(context, one) for one in asked))
    said = dict(zip([one.name for one in asked], troubled, strict=True))
    context.answering = {name for name, trouble in said.items() if trouble is None}
    troubles = [f"{name} {trouble}" for name, trouble in said.items() if trouble is not None]
    if troubles:
        advice = ["Restart the gateway: unplug it for ten seconds, and wait some minutes."]
        if SILENT in said.values():
            advice.append("Does a firewall or a Wi-Fi with client isolation separate the box from the gateway?")
        if typed and set(said.values()) - {None, SILENT}:
            advice.insert(0, "Is gateway.address in the settings the gateway's address?")
        return wrong("; ".join(troubles), *advice)
    return ok(", ".join(f"{name} responds" for name in said))


async def check_pairing(context: CheckContext) -> Finding:
    """Check that there is a token, and that its gateway accepts it. The token is sent to no other gateway."""
    paired, trouble = await _credential(context)
    if trouble is not None:
        return trouble
    if paired is None:
        return not_tried(f"not paired yet: {PAIR}")
    name = paired.gateway
    again = f"To pair with another gateway, hold the button of the box for 5 s and let go; then {PAIR}."
    if context.source is None:
        return not_tried(f"paired with {name}; {NO_NETWORK}")
    allowed = _allowed(context)
    if allowed is not None and not _same(allowed, name):
        return wrong(f"paired with {name}, but the settings allow only {allowed}", again)
    if not context.found:
        return not_tried(f"paired with {name}; not tried: not found")
    async with asyncio.timeout(context.limits.call):
        gateway = await context.source.resolve(name)
    if gateway is None:
        return wrong(
            f"paired with {name}, which was not found",
            f"Is {name} switched on, and on the same network as the box?",
            again,
        )
    if not any(_same(name, other) for other in context.answering):
        return not_tried(f"paired with {name}; not tried: it does not respond")
    match await _try(gateway, paired):
        case Verdict.ACCEPTED:
            return ok(f"paired with {name}, which accepts the token")
        case Verdict.REFUSED:
            return wrong(
                f"{name} rejected this box's token: it was deleted there, or the gateway was reset",
                f"Pair again: {PAIR}.",
            )
        case _:
            return wrong(
                f"paired with {name}, which responds, but neither accepts nor rejects the token",
                "It may still be starting: wait some minutes, and try again.",
                "If that does not help, restart the gateway.",
            )


def _same(name: str, other: str) -> bool:
    """Whether two names are one gateway's."""
    return name_key(name) == name_key(other)


def _source(context: CheckContext) -> Discovery | FixedGateway:
    def note(event: Event) -> None:
        if isinstance(event, GatewayFound):
            context.found[event.gateway.name] = event.gateway
        elif isinstance(event, GatewayLost):
            context.found.pop(event.name, None)

    settings = context.config.gateway
    return gateway_source(note, settings.address, settings.name, context.config.network.interfaces)


def _allowed(context: CheckContext) -> str | None:
    """The only gateway that the settings allow, by name or address."""
    return context.source.name if isinstance(context.source, FixedGateway) else context.config.gateway.name


async def _search(context: CheckContext, wanted: str | None) -> None:
    """Search until the wanted gateway is found, or any and some time for others. The search continues until the end."""
    assert context.source is not None
    looking = asyncio.create_task(context.source.run(), name="look for gateways")
    context.closing.push_async_callback(_end, looking)
    loop = asyncio.get_running_loop()
    until = loop.time() + context.limits.sight
    while loop.time() < until and not looking.done():
        if wanted is not None and any(_same(wanted, name) for name in context.found):
            return
        if wanted is None and context.found:
            until, wanted = min(until, loop.time() + context.limits.others), ""
        await asyncio.sleep(min(0.05, max(0.0, until - loop.time())))
    if looking.done():
        looking.result()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    # Retrieve the exception, so that asyncio does not log it.
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


async def _check_reply(context: CheckContext, gateway: Gateway) -> str | None:
    """The problem with a gateway's addresses; None if it responds at one of them."""
    trouble = SILENT
    for address in gateway.addresses:
        try:
            answer = await get(address, "/api/v2", context.limits.reply)
        except UnreadableAnswerError:
            trouble = f"responds at {address}, but not like a gateway (no HTTP)"
            continue
        except NoAnswerError:
            continue
        # A gateway may want the token for this call too, and says so in its envelope.
        if (200 <= answer.status < 300 and answer.body is not None) or read_envelope(
            answer.body
        ).return_code is not None:
            return None
        trouble = f"responds at {address}, but not like a gateway (HTTP {answer.status})"
    return trouble


async def _try(gateway: Gateway, paired: Credential) -> Verdict:
    """The gateway's verdict on its token, from the first of its addresses that responds."""
    assert gateway.name == paired.gateway
    for address in gateway.addresses:
        verdict = await check_token(address, paired.token)
        if verdict is not Verdict.UNKNOWN:
            return verdict
    return Verdict.UNKNOWN


async def _credential(context: CheckContext) -> tuple[Credential | None, Finding | None]:
    """The saved token (the current one, else the pending one), or a finding if it can't be read."""
    folder = context.config.state_dir
    if context.tokens is None:
        try:
            # TokenStore treats an unreadable directory as empty, and an unreadable file as damaged.
            await context.blocking(lambda: _check_readable(folder), "look for the token")
            context.tokens = await context.blocking(lambda: TokenStore(folder).load(tidy=False), "read the token")
        except FileNotFoundError:
            return None, None
        except OSError as error:
            return None, wrong(
                f"can't read the saved pairing in {folder}: {error.strerror or TIMED_OUT}",
                "Run as root: sudo tt-appliance doctor"
                if isinstance(error, PermissionError)
                else "Check state_dir in the settings, and the SD card.",
            )
    paired = context.tokens.current or context.tokens.pending
    if paired is None and context.tokens.damaged:
        return None, wrong("the saved pairing is damaged", f"Pair again: {PAIR}.")
    return paired, None


def _check_readable(folder: Path) -> None:
    """Raise OSError if the directory or a token in it can't be read."""
    for name in {CURRENT, PENDING} & {file.name for file in folder.iterdir()}:
        try:
            os.close(os.open(folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC))
        except PermissionError:
            raise
        except OSError:
            # Not a regular file: TokenStore reports it as damaged.
            continue


def _with_address(gateway: Gateway) -> str:
    first: Address = gateway.addresses[0]
    return f"{gateway.name} ({first})" if gateway.name != str(first) else gateway.name
