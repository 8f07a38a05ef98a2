"""`tt-appliance pair`: a token for a person's own computer, with two minutes to press the gateway's button."""

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
from appliance.core.transitions import ASK_EVERY, PAIRING_WINDOW
from appliance.core.values import Address, Credential, Gateway, Token
from appliance.gateway.api import Denied, Verdict, ask_for_token, check_token
from appliance.history.locate import OTHERS, SIGHT, Sight, looking
from appliance.history.paths import user_directory
from appliance.history.progress import Bar
from appliance.standard_streams import OutputError
from appliance.store import TokenStore

LAST_ANSWERS = 5.0
"""Seconds for which an answer that is still open when the two minutes are over is waited for: it may be a token."""

WHY = {
    Denial.NOT_PRESSED: "two minutes are over, and no button was pressed",
    Denial.UNREACHABLE: "the gateway does not answer",
    Denial.REFUSED: "the gateway gives no pairing",
}


Confirm = Callable[[Gateway], bool]
"""Asks a person whether it was this gateway's button that was pressed. Blocks."""


@dataclass(frozen=True, slots=True)
class Paired:
    """What came of it: the token, which is on the disk, and where its gateway took it."""

    credential: Credential
    address: Address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--gateway", metavar="NAME", help="the gateway's name, where several are in sight")


def main(options: argparse.Namespace, config: Config) -> int:
    """Run the command; its exit code."""
    if options.gateway is not None:
        config = replace(config, gateway=GatewayConfig(name=options.gateway))
    people = sys.stdin.isatty() and sys.stderr.isatty()
    try:
        paired = asyncio.run(pair(config, _confirmed if people else None))
    except OutputError:
        raise
    except OSError as error:
        print(f"tt-appliance pair: can't save the token: {error}", file=sys.stderr)
        return 1
    if isinstance(paired, str):
        print(f"tt-appliance pair: {paired}", file=sys.stderr)
        return 1
    where = f"{legible(paired.credential.gateway)} at {paired.address}"
    print(f"Paired with {where}. The token is kept in {user_directory()}.")
    return 0


async def pair(config: Config, confirm: Confirm | None = None) -> Paired | str:
    """A new token, which is on the disk and was taken by its gateway; or why there is none.

    Whichever gateway's button is pressed gives one. confirm: is asked where several may have been; without it, only one
    may be in sight.

    Raises:
        OSError: It can't be kept.
    """
    async with looking(config) as sight:
        await sight.any_of(lambda: bool(sight.found), SIGHT)
        if sight.found and config.gateway.address is None:
            await asyncio.sleep(OTHERS)
        if not sight.found:
            named = "" if config.gateway.name is None else f" of the name {legible(config.gateway.name)}"
            return f"no gateway{named} is in sight; is this computer on the same network?"
        known = list(sight.found.values())
        if len(known) > 1 and confirm is None:
            names = ", ".join(legible(gateway.name) for gateway in known)
            return f"several gateways are in sight; name one of them with --gateway: {names}"
        print("Press the button of the gateway now:", *map(_described, known), sep="\n  ", flush=True)
        asked = {gateway.name for gateway in known}
        issued = await _ask_all(sight, asked, others=confirm is not None)
        if isinstance(issued, Denial):
            return WHY[issued]
        gateway, token = issued
        if len(asked) > 1 and confirm is not None:
            sure = await in_daemon_thread(lambda: confirm(gateway), "ask the person")
            if not sure:
                return "not paired; the token of that gateway is thrown away"
        return await _prove(gateway, token)


def _confirmed(gateway: Gateway) -> bool:
    print(f"{_described(gateway)} gave a token. Is it the one you pressed? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _described(gateway: Gateway) -> str:
    return f"{legible(gateway.name)} at {gateway.addresses[0]}"


async def _prove(gateway: Gateway, token: Token) -> Paired | str:
    """Keep a token, and see that its gateway takes it."""
    credential = Credential(gateway.name, token)
    store = TokenStore(user_directory())
    # On the disk first: it is never shown again.
    await in_daemon_thread(lambda: store.store_pending(credential), "keep the token")
    (address,) = gateway.addresses
    if await check_token(address, token) is Verdict.REFUSED:
        await in_daemon_thread(store.drop_pending, "drop the token")
        return "the gateway does not take the token that it gave"
    await in_daemon_thread(lambda: store.store(credential), "keep the token")
    return Paired(credential, address)


async def _ask_all(sight: Sight, known: set[str], *, others: bool) -> tuple[Gateway, Token] | Denial:
    """Ask the known gateways once a second until one gives a token; else what the last answers said.

    others: ask those too that come in sight meanwhile, and make them known.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + PAIRING_WINDOW
    bar = Bar(sys.stderr, "waiting")
    asked: dict[str, asyncio.Task[tuple[Gateway, Token] | Denial]] = {}
    last: dict[str, Denial] = {}
    try:
        while (left := ends - loop.time()) > -LAST_ANSWERS and (left > 0 or asked):
            bar.show(max(0.0, left) / PAIRING_WINDOW, f"{clock(max(0.0, left))} left")
            for name, gateway in sight.found.items():
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
    """What to tell a person where several gateways gave no token."""
    said = set(answers)
    return next((why for why in (Denial.NOT_PRESSED, Denial.REFUSED) if why in said), Denial.UNREACHABLE)
