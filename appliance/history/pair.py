"""`tt-appliance pair`: gets a token for the user's computer when the gateway's button is pressed within two minutes."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from appliance.aio import in_daemon_thread
from appliance.config import Config, GatewayConfig
from appliance.core.events import Denial
from appliance.core.formatting import clock, legible
from appliance.core.refusals import RETRY_PENDING
from appliance.core.transitions import ASK_EVERY, PAIRING_WINDOW
from appliance.core.values import Address, Credential, Gateway, Token
from appliance.gateway.api import Denied, Verdict, ask_for_token, check_token
from appliance.history.locate import OTHERS, SIGHT, GatewaySearch, search_gateways
from appliance.history.paths import user_directory
from appliance.progress import ProgressBar
from appliance.standard_streams import OutputError
from appliance.store import TokenStore

LAST_ANSWERS = 5.0
"""Seconds to wait for pending responses after the two minutes: one of them may be a token."""

WHY = {
    Denial.NOT_PRESSED: "pairing timed out: the gateway's button was not pressed within two minutes",
    Denial.UNREACHABLE: "the gateway does not respond; check that it is on and in the same network",
    Denial.UNREADABLE: "the answer is not a gateway's; another device may have its address",
    Denial.REFUSED: "the gateway refused pairing",
}


Confirm = Callable[[Gateway], bool]
"""Asks the user whether they pressed the button of this gateway. Blocks."""


@dataclass(frozen=True, slots=True)
class Paired:
    """A saved token, and the address at which its gateway accepted it."""

    credential: Credential
    address: Address


def main(options: argparse.Namespace, config: Config) -> int:
    """Run the command; its exit code."""
    if options.gateway is not None:
        config = replace(config, gateway=GatewayConfig(name=options.gateway))
    interactive = sys.stdin.isatty() and sys.stderr.isatty()
    try:
        paired = asyncio.run(pair(config, _confirmed if interactive else None))
    except OutputError:
        raise
    except OSError as error:
        print(f"tt-appliance pair: can't save the token: {error}", file=sys.stderr)
        return 1
    if isinstance(paired, str):
        print(f"tt-appliance pair: {paired}", file=sys.stderr)
        return 1
    where = f"{legible(paired.credential.gateway)} at {paired.address}"
    print(f"Paired with {where}. Saved the token in {user_directory()}.")
    return 0


async def pair(config: Config, confirm: Confirm | None = None) -> Paired | str:
    """Pair with the gateway whose button is pressed: the saved token that it accepted, or why there is none.

    confirm: called if there are several gateways; without it, there may be only one.

    Raises:
        OSError: The token can't be saved.
    """
    async with search_gateways(config) as search:
        await search.wait_until(lambda: bool(search.found), SIGHT)
        if search.found and config.gateway.address is None:
            await asyncio.sleep(OTHERS)
        if not search.found:
            named = "" if config.gateway.name is None else f" named {legible(config.gateway.name)}"
            return f"found no gateway{named}; check that it is on and in the same network as this computer"
        known = list(search.found.values())
        if len(known) > 1 and confirm is None:
            names = ", ".join(legible(gateway.name) for gateway in known)
            return f"found several gateways; choose one with --gateway: {names}"
        print("Press the button of the gateway now:", *map(_described, known), sep="\n  ", flush=True)
        asked = {gateway.name for gateway in known}
        issued = await _ask_all(search, asked, others=confirm is not None)
        if isinstance(issued, Denial):
            return WHY[issued]
        gateway, token = issued
        if len(asked) > 1 and confirm is not None:
            confirmed = await in_daemon_thread(lambda: confirm(gateway), "ask the user")
            if not confirmed:
                return "not paired; discarded that gateway's token"
        return await _prove(gateway, token)


def _confirmed(gateway: Gateway) -> bool:
    print(f"{_described(gateway)} issued a token. Did you press its button? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _described(gateway: Gateway) -> str:
    return f"{legible(gateway.name)} at {gateway.addresses[0]}"


async def _prove(gateway: Gateway, token: Token) -> Paired | str:
    """Save a token, and check that its gateway accepts it, which may take it some seconds."""
    credential = Credential(gateway.name, token)
    store = TokenStore(user_directory())
    # Saved before the check: the gateway issues it only once.
    await in_daemon_thread(lambda: store.store_pending(credential), "save the token")
    (address,) = gateway.addresses
    loop = asyncio.get_running_loop()
    until = loop.time() + PAIRING_WINDOW
    while await check_token(address, token) is Verdict.REFUSED:
        if loop.time() > until:
            return "the gateway rejects the token that it issued; it is saved, in case the gateway accepts it later"
        await asyncio.sleep(RETRY_PENDING)
    await in_daemon_thread(lambda: store.store(credential), "save the token")
    return Paired(credential, address)


async def _ask_all(search: GatewaySearch, known: set[str], *, others: bool) -> tuple[Gateway, Token] | Denial:
    """Ask the known gateways once a second until one issues a token; otherwise the most useful denial.

    others: also ask gateways that are found meanwhile, and add them to `known`.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + PAIRING_WINDOW
    bar = ProgressBar(sys.stderr, "waiting")
    asked: dict[str, asyncio.Task[tuple[Gateway, Token] | Denial]] = {}
    last: dict[str, Denial] = {}
    try:
        while (left := ends - loop.time()) > -LAST_ANSWERS and (left > 0 or asked):
            bar.show(max(0.0, left) / PAIRING_WINDOW, f"{clock(max(0.0, left))} left")
            for name, gateway in search.found.items():
                if others:
                    known.add(name)
                if name in known and name not in asked and left > 0:
                    asked[name] = asyncio.create_task(_ask(gateway))
            await asyncio.sleep(ASK_EVERY)
            for name in [name for name, task in asked.items() if task.done()]:
                answer = asked.pop(name).result()
                if not isinstance(answer, Denial):
                    return answer
                last[name] = answer
        return _likeliest(last.values())
    finally:
        bar.close()
        for task in asked.values():
            task.cancel()


async def _ask(gateway: Gateway) -> tuple[Gateway, Token] | Denial:
    answer: Token | Denied = Denied(Denial.UNREACHABLE, "")
    for address in gateway.addresses:
        answer = await ask_for_token(address)
        if isinstance(answer, Token):
            return Gateway(gateway.name, (address,)), answer
        if answer.why is not Denial.UNREACHABLE:
            break
    return answer.why if isinstance(answer, Denied) else Denial.UNREACHABLE


def _likeliest(answers: Iterable[Denial]) -> Denial:
    """The denial that helps the user most, if several gateways issued no token."""
    said, best_first = set(answers), (Denial.NOT_PRESSED, Denial.REFUSED, Denial.UNREADABLE)
    return next((why for why in best_first if why in said), Denial.UNREACHABLE)
