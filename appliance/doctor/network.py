"""Checks of the way to the gateway: network, mDNS, the gateway itself, and the token."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from appliance.core.events import Event, GatewayFound, GatewayLost
from appliance.core.values import Address, Credential, Gateway
from appliance.doctor.context import Bench
from appliance.doctor.finding import Finding, not_tried, ok, wrong
from appliance.gateway.api import Verdict, check_token
from appliance.gateway.discovery import Discovery
from appliance.gateway.fixed_address import FixedGateway
from appliance.gateway.http import NoAnswerError, get
from appliance.gateway.own_addresses import own_addresses
from appliance.gateway.source import gateway_source
from appliance.store import CURRENT, PENDING, TokenStore

NO_NETWORK = "not tried: there is no network"
SILENT = "does not answer"
TOO_LONG = "it takes too long"
PAIR = "press the button of the box and then, within two minutes, the gateway's"


async def check_network(bench: Bench) -> Finding:
    """This box's own addresses."""
    names = bench.config.network.interfaces
    own = await bench.blocking(lambda: own_addresses(names), "look at the network")
    if not own:
        only = f" on {', '.join(names)}, the only ones that the settings allow (network.interfaces)" if names else ""
        return wrong(
            f"this box has no address{only}",
            "Cable: is it plugged in at both ends, and do the little lights beside it flicker?",
            "Wi-Fi: are its name and password right? They stand in tt-appliance.yaml on the SD card of our image;"
            " elsewhere sudo nmtui shows and changes them.",
            "Does the router give out addresses (DHCP)? Restart it if nothing else helps.",
        )
    addresses = ", ".join(one.address for one in own)
    bench.source = _source(bench)
    if all(one.address.startswith("169.254.") for one in own):
        return ok(f"this box is {addresses}, which it gave itself: nobody gives out addresses on this network")
    return ok(f"this box is {addresses}")


async def check_sight(bench: Bench) -> Finding:
    """Which gateways are in sight; the paired one is waited for longest."""
    if bench.source is None:
        return not_tried(NO_NETWORK)
    paired = (await _credential(bench))[0]
    if bench.config.gateway.address is None:
        bench.console.say(f"  looking for gateways (up to {bench.limits.sight:.0f} seconds)")
    allowed = _allowed(bench)
    await _look(bench, allowed or (None if paired is None else paired.gateway))
    typed, only = bench.config.gateway.address, bench.config.gateway.name
    if bench.found:
        what = "in sight" if typed is None else "where the settings say that it is (gateway.address)"
        return ok(f"{what}: {', '.join(map(_named, bench.found.values()))}")
    if isinstance(bench.source, Discovery) and bench.source.start_error:
        return wrong(
            f"gateways can't be looked for: mDNS can't start here ({bench.source.start_error})",
            "Restart the box. If that changes nothing, another program has the port (UDP 5353) for itself.",
        )
    if typed is not None:
        return wrong(
            f"nobody knows where {typed.host} is",
            "Is it written rightly in the settings (gateway.address)? An address in numbers needs no look-up.",
            "Without gateway.address the box finds the gateway by itself.",
        )
    wanted = f"the gateway {only}, the only one that the settings allow (gateway.name)," if only else "no gateway"
    return wrong(
        f"{wanted} {'does not announce itself' if only else 'announces itself'} on this network",
        "Is the gateway switched on? It takes some minutes to start.",
        "Are the box and the gateway on the same network? A guests' Wi-Fi keeps its devices apart.",
        "If it can't be on the same network, write the gateway's address into the settings (gateway.address).",
    )


async def check_gateway(bench: Bench) -> Finding:
    """Whether the paired gateway, or each in sight while none is paired, answers a call that needs no token."""
    if not bench.found:
        return not_tried(NO_NETWORK if bench.source is None else "not tried: no gateway is in sight")
    paired = (await _credential(bench))[0]
    mine = [one for one in bench.found.values() if paired is not None and one.name == paired.gateway]
    asked = mine or list(bench.found.values())
    typed = bench.config.gateway.address is not None
    troubled = await asyncio.gather(*(_hail(bench, one) for one in asked))
    said = dict(zip([one.name for one in asked], troubled, strict=True))
    bench.answering = {name for name, trouble in said.items() if trouble is None}
    troubles = [f"{name} {trouble}" for name, trouble in said.items() if trouble is not None]
    if troubles:
        advice = ["Restart the gateway: take it off its supply for ten seconds, and wait some minutes."]
        if SILENT in said.values():
            advice.append(
                "Does a firewall, or a Wi-Fi that keeps its devices apart, stand between the box and the gateway?"
            )
        if typed and set(said.values()) - {None, SILENT}:
            advice.insert(0, "Is it the gateway's address that is in the settings (gateway.address)?")
        return wrong("; ".join(troubles), *advice)
    return ok(", ".join(f"{name} answers" for name in said))


async def check_pairing(bench: Bench) -> Finding:
    """Whether there is a token, for which gateway, and whether that one takes it. It is sent to no other."""
    paired, trouble = await _credential(bench)
    if trouble is not None:
        return trouble
    if paired is None:
        return not_tried(f"not paired yet: {PAIR}")
    name = paired.gateway
    again = f"To pair with another gateway, hold the button of the box for 5 s and let go; then {PAIR}."
    if bench.source is None:
        return not_tried(f"paired with {name}; {NO_NETWORK}")
    allowed = _allowed(bench)
    if allowed not in (None, name):
        return wrong(f"paired with {name}, but the settings allow only {allowed}", again)
    if not bench.found:
        return not_tried(f"paired with {name}; not tried: it is not in sight")
    async with asyncio.timeout(bench.limits.call):
        gateway = await bench.source.resolve(name)
    if gateway is None:
        return wrong(
            f"paired with {name}, which is not in sight",
            f"Is {name} switched on, and on the same network as the box?",
            again,
        )
    if name not in bench.answering:
        return not_tried(f"paired with {name}; not tried: it does not answer")
    match await _try(gateway, paired):
        case Verdict.ACCEPTED:
            return ok(f"paired with {name}, which takes the token")
        case Verdict.REFUSED:
            return wrong(
                f"{name} does not take the token of this box any more; it was deleted there, or the gateway was reset",
                f"Pair again: {PAIR}.",
            )
        case _:
            return wrong(
                f"paired with {name}, which answers but does not say whether it takes the token",
                "Perhaps it is still starting: wait some minutes and try again.",
                "If it stays so, restart the gateway.",
            )


def _source(bench: Bench) -> Discovery | FixedGateway:
    def tell(event: Event) -> None:
        if isinstance(event, GatewayFound):
            bench.found[event.gateway.name] = event.gateway
        elif isinstance(event, GatewayLost):
            bench.found.pop(event.name, None)

    settings = bench.config.gateway
    return gateway_source(tell, settings.address, settings.name, bench.config.network.interfaces)


def _allowed(bench: Bench) -> str | None:
    """The name of the only gateway that the settings allow, if they name one or its address."""
    return bench.source.name if isinstance(bench.source, FixedGateway) else bench.config.gateway.name


async def _look(bench: Bench, wanted: str | None) -> None:
    """Look for gateways until the wanted one is there, or any and then some time for others; look on until the end."""
    assert bench.source is not None
    looking = asyncio.create_task(bench.source.run(), name="look for gateways")
    bench.closing.push_async_callback(_end, looking)
    loop = asyncio.get_running_loop()
    until = loop.time() + bench.limits.sight
    while loop.time() < until and not looking.done():
        if wanted in bench.found:
            return
        if wanted is None and bench.found:
            until, wanted = min(until, loop.time() + bench.limits.others), ""
        await asyncio.sleep(min(0.05, max(0.0, until - loop.time())))
    if looking.done():
        looking.result()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    # Whatever else it ended with was told when it did, or came too late to be of use.
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


async def _hail(bench: Bench, gateway: Gateway) -> str | None:
    """What is wrong with the first of its addresses that answers, or with all; None where a gateway answers."""
    trouble = SILENT
    for address in gateway.addresses:
        try:
            answer = await get(address, "/api/v2", bench.limits.reply)
        except NoAnswerError:
            continue
        if 200 <= answer.status < 300 and answer.body is not None:
            return None
        trouble = f"answers at {address}, but not as a gateway does (HTTP {answer.status})"
    return trouble


async def _try(gateway: Gateway, paired: Credential) -> Verdict:
    """What the gateway of the token's own name says of it, at the first of its present addresses that says anything."""
    assert gateway.name == paired.gateway
    for address in gateway.addresses:
        verdict = await check_token(address, paired.token)
        if verdict is not Verdict.UNKNOWN:
            return verdict
    return Verdict.UNKNOWN


async def _credential(bench: Bench) -> tuple[Credential | None, Finding | None]:
    """The token on flash, the proven one first; and what is wrong where there may be one that can't be had."""
    folder = bench.config.state_dir
    if bench.tokens is None:
        try:
            # The store takes a directory that can't be read for an empty one, as the appliance has to.
            # Nor does it tell a file that is damaged from one that may not be read.
            await bench.blocking(lambda: _touch(folder), "look for the token")
            bench.tokens = await bench.blocking(lambda: TokenStore(folder).load(tidy=False), "read the token")
        except FileNotFoundError:
            return None, None
        except OSError as error:
            return None, wrong(
                f"whether the box is paired can't be read in {folder}: {error.strerror or TOO_LONG}",
                "Run it with all rights: sudo tt-appliance doctor"
                if isinstance(error, PermissionError)
                else "Is it the right directory (state_dir in the settings), and is the SD card sound?",
            )
    paired = bench.tokens.current or bench.tokens.pending
    if paired is None and bench.tokens.damaged:
        return None, wrong("the saved pairing is damaged and can't be read", f"Pair again: {PAIR}.")
    return paired, None


def _touch(folder: Path) -> None:
    """Raises OSError where the directory, or a token in it, is there and can't be read."""
    for name in {CURRENT, PENDING} & {file.name for file in folder.iterdir()}:
        try:
            os.close(os.open(folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC))
        except PermissionError:
            raise
        except OSError:
            # It is no file that the box wrote, which the store will find too.
            continue


def _named(gateway: Gateway) -> str:
    first: Address = gateway.addresses[0]
    return f"{gateway.name} ({first})" if gateway.name != str(first) else gateway.name
