"""`tt-appliance pair`: a token for a person's own computer, with two minutes to press the gateway's button."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable

from appliance.config import Config
from appliance.core.events import Denial
from appliance.core.moves import ASK_EVERY, PAIRING_WINDOW
from appliance.core.values import Credential, Gateway, Token
from appliance.core.words import clock, legible
from appliance.gateway.api import Denied, Verdict, ask_for_token, check_token
from appliance.history.place import OTHERS, SIGHT, Sight, looking, user_directory
from appliance.history.progress import Bar
from appliance.store import TokenStore
from appliance.threads import in_daemon_thread

LAST_ANSWERS = 5.0
"""Seconds for which an answer that is still open when the two minutes are over is waited for: it may be a token."""

WHY = {
    Denial.NOT_PRESSED: "two minutes are over, and no button was pressed",
    Denial.UNREACHABLE: "the gateway does not answer",
    Denial.REFUSED: "the gateway gives no pairing",
}


def main(config: Config) -> int:
    """Run the command; its exit code."""
    try:
        paired = asyncio.run(pair(config))
    except OSError as error:
        print(f"tt-appliance pair: the token can't be kept: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if isinstance(paired, str):
        print(f"tt-appliance pair: {paired}", file=sys.stderr)
        return 1
    print(f"Paired with {legible(paired.gateway)}. The token is kept in {user_directory()}.")
    return 0


async def pair(config: Config) -> Credential | str:
    """A new token, which is on the disk and was taken by its gateway; or why there is none.

    Raises:
        OSError: It can't be kept.
    """
    async with looking(config) as sight:
        await sight.any_of(lambda: bool(sight.found), SIGHT)
        if sight.found and config.gateway.address is None:
            await asyncio.sleep(OTHERS)
        if not sight.found:
            return "no gateway is in sight; is this computer on the same network?"
        names = ", ".join(legible(name) for name in sight.found)
        print(f"Press the button of the gateway now ({names}).", flush=True)
        issued = await _ask_all(sight)
        if isinstance(issued, Denial):
            return WHY[issued]
        gateway, token = issued
        return await _prove(gateway, token)


async def _prove(gateway: Gateway, token: Token) -> Credential | str:
    """Keep a token, and see that its gateway takes it."""
    credential = Credential(gateway.name, token)
    store = TokenStore(user_directory())
    # On the disk first: it is never shown again.
    await in_daemon_thread(lambda: store.store_pending(credential), "keep the token")
    for address in gateway.addresses:
        match await check_token(address, token):
            case Verdict.REFUSED:
                await in_daemon_thread(store.drop_pending, "drop the token")
                return "the gateway does not take the token that it gave"
            case Verdict.ACCEPTED:
                break
            case Verdict.UNKNOWN:
                continue
    await in_daemon_thread(lambda: store.store(credential), "keep the token")
    return credential


async def _ask_all(sight: Sight) -> tuple[Gateway, Token] | Denial:
    """Ask every gateway in sight once a second until one gives a token; else what the last answers said."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + PAIRING_WINDOW
    bar = Bar(sys.stderr, "waiting")
    asked: dict[str, asyncio.Task[tuple[Gateway, Token] | Denial]] = {}
    last: dict[str, Denial] = {}
    try:
        while (left := ends - loop.time()) > -LAST_ANSWERS and (left > 0 or asked):
            bar.show(max(0.0, left) / PAIRING_WINDOW, f"{clock(max(0.0, left))} left")
            for name, gateway in sight.found.items():
                if name not in asked and left > 0:
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
