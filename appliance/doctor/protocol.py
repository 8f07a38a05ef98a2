"""`tt-appliance doctor --protocol`: what a real gateway shows of the facts that its documents leave open.

It only reads. Asking for a token and clearing an order need a person's consent on the terminal.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from functools import partial

from appliance import logs
from appliance.config import Config
from appliance.core.formatting import legible
from appliance.core.values import Address, Credential, Gateway, name_key
from appliance.doctor.console import Console
from appliance.doctor.context import CheckContext
from appliance.doctor.examination import examine_until_signal, say_wrapped, write
from appliance.doctor.protocol_facts import FACTS, Observation, Verdict, identity, not_seen, observed
from appliance.doctor.protocol_questions import Questions, Timeouts
from appliance.gateway.http import NoAnswerError, exchange
from appliance.history.locate import OTHERS, SIGHT, GatewaySearch, search_gateways
from appliance.history.pair import pair
from appliance.history.paths import NotPairedError, find_state_directory
from appliance.recording.entries import Mdns
from appliance.recording.mdns_listener import MdnsListener
from appliance.recording.redaction import Redaction

MARK = 10
"""Width of the column for the mark."""
MOST_NAMED = 5
"""New gateways to name beside one that is gone."""
ASK_FOR_TOKEN = (
    "This computer has no token. Ask the gateway for one? You press its button, and the token is saved for you."
)


class NoGatewayError(Exception):
    """There is no gateway to ask; the message says why."""


def main(config: Config, *, chosen: bool, questions: bool) -> int:
    """Ask a gateway; the exit code: 0 if nothing differs, 1 if something does, 128 + a signal's number."""
    logs.set_up(logging.CRITICAL)
    asks = questions and sys.stdin.isatty()
    console = Console(write, sys.stdin.fileno() if asks else None)
    examine = partial(examine_protocol, chosen=chosen)
    return asyncio.run(examine_until_signal(CheckContext(config, console), examine))


async def examine_protocol(context: CheckContext, *, chosen: bool, timeouts: Timeouts | None = None) -> int:
    """Ask the gateway, and print what it showed of each fact; the exit code as in `main`. chosen: as for history."""
    console, timeouts = context.console, timeouts or Timeouts()
    records: list[Mdns] = []
    try:
        credential = await _credential(context, timeouts, chosen=chosen)
        listener = MdnsListener(records.append, asyncio.get_running_loop().time)
        wanted = None if credential is None else credential.gateway
        async with search_gateways(context.config, wanted, listener) as search:
            gateway = await _find(search, wanted)
            known = set(search.found)
            address = await _answering_address(gateway, timeouts)
            console.say(f"Asking {legible(gateway.name)} at {address} for the facts that its documents leave open.")
            questions = Questions(address, credential, console, timeouts)
            await questions.ask()
            seen = {**questions.seen, **_announced(search, gateway, known, records)}
    except NoGatewayError as error:
        console.say(f"{error}.")
        return 1
    _print(console, seen, credential)
    return 1 if any(one.verdict is Verdict.DIFFERS for one in seen.values()) else 0


async def _credential(context: CheckContext, timeouts: Timeouts, *, chosen: bool) -> Credential | None:
    """The saved token; if there is none, a new one, if a person agrees. Raises NoGatewayError."""
    try:
        state = await context.blocking(lambda: find_state_directory(context.config, chosen=chosen), "look for a token")
        if state.credential is not None:
            return state.credential
    except NotPairedError as error:
        if "run as root" in str(error):
            raise NoGatewayError(str(error)) from None
    if not await context.console.agrees(ASK_FOR_TOKEN, timeouts.answer):
        return None
    try:
        paired = await pair(context.config)
    except OSError as error:
        raise NoGatewayError(f"can't save the token: {error}") from None
    if isinstance(paired, str):
        raise NoGatewayError(paired)
    return paired.credential


async def _find(search: GatewaySearch, wanted: str | None) -> Gateway:
    """The gateway of the token, or the only one there is. Raises NoGatewayError."""
    if wanted is not None:
        gateway = await search.resolve(wanted)
        if gateway is None:
            raise NoGatewayError(f"can't find {legible(wanted)} on the network")
        return gateway
    await search.wait_until(lambda: bool(search.found), SIGHT)
    if search.announced and search.found:
        await asyncio.sleep(OTHERS)
    if not search.found:
        raise NoGatewayError("found no gateway; check that it is on and in the same network as this computer")
    if len(search.found) > 1:
        names = ", ".join(map(legible, search.found))
        raise NoGatewayError(f"found several gateways ({names}); pair with one, or set gateway.name")
    (gateway,) = search.found.values()
    return gateway


async def _answering_address(gateway: Gateway, timeouts: Timeouts) -> Address:
    """The first address at which the gateway answers. Raises NoGatewayError."""
    for address in gateway.addresses:
        try:
            await exchange(address, "GET", "/api/v2", timeouts.reply)
        except NoAnswerError:
            continue
        return address
    raise NoGatewayError(f"{legible(gateway.name)} at {gateway.addresses[0]} does not answer")


def _announced(search: GatewaySearch, gateway: Gateway, known: set[str], records: list[Mdns]) -> dict[str, Observation]:
    """What its announcements showed. known: the names of gateways that were in sight before."""
    if not search.announced:
        why = not_seen("the settings have its address, so its announcements were ignored")
        return {"identity": why, "move": why}
    key = name_key(gateway.name)
    own = [one for one in records if one.type == "TXT" and name_key(one.name).startswith(f"{key}.")]
    texts = [str(text) for text in own[-1].value] if own else None
    now = next((one for name, one in search.found.items() if name_key(name) == key), None)
    others = [name for name in search.found if name not in known]
    if now is None and others:
        here = ", ".join(legible(name) for name in others[:MOST_NAMED])
        move = observed(False, f"{legible(gateway.name)} is gone, and here instead: {here}")
    elif now is not None and set(now.addresses) != set(gateway.addresses):
        move = observed(True, f"it moved from {gateway.addresses[0]} to {now.addresses[0]}")
    else:
        move = not_seen("its address did not change; restart it on a network with DHCP to see")
    return {"identity": identity(texts), "move": move}


def _print(console: Console, seen: dict[str, Observation], credential: Credential | None) -> None:
    console.say("")
    redaction = None if credential is None else Redaction(credential.token)
    for name, claim in FACTS.items():
        one = seen[name]
        say_wrapped(console, f"{one.verdict.value:<{MARK}}", f"{name}: {claim}")
        say_wrapped(console, f"{'':<{MARK}}- ", one.words if redaction is None else redaction.text(one.words))
    counts = Counter(seen[name].verdict for name in FACTS)
    console.say("")
    console.say(", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict) + ".")
