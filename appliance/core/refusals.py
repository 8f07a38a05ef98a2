"""A refused token: the other way to send it, the other tokens that are held, and when each is sent again.

A gateway may issue a token and accept it seconds later. It may take a token only in the header of a feed's handshake,
or only in the first message. And its HTTP side may judge otherwise than its feed, which decides. So no token leaves the
flash before the feed accepted another.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core.effects import Effect, MakeSound, StartTimer
from appliance.core.heard_names import is_anothers_host
from appliance.core.reasons import FEED_REFUSED, TOKEN_REFUSED
from appliance.core.states import Connected, Connecting, Disconnected, Link, Offline, Phase, State
from appliance.core.timers import Timer
from appliance.core.transitions import (
    RECHECK_REFUSED,
    TRUST_ADDRESS,
    Step,
    await_pairing,
    back_off,
    open_feed,
    paired_gateway_in_sight,
    resolve_gateway,
)
from appliance.core.view import Sound

RETRY_PENDING = 3.0
"""Seconds between attempts with a new token that is refused: a gateway takes a moment to accept what it issued."""
REFUSALS_TO_BELIEVE = 3
"""Refusals by HTTP alone, with feeds that closed without a word, after which the token counts as refused. A gateway
that is starting closes feeds too, and its HTTP side may not know its tokens yet."""
OTHER_WAY_AFTER = 2
"""Failures after which a proven token is sent in the other way too: the gateway's software may have been updated."""


def refused_by_http(state: Disconnected, now: float) -> Step:
    """Handle a feed that closed without a word, after which HTTP refused its token: believe it the third time."""
    link = replace(state.link, refusals=state.link.refusals + 1)
    if link.refusals < REFUSALS_TO_BELIEVE and now >= state.world.pending_until:
        return back_off(replace(state, link=link), FEED_REFUSED, now)
    return token_refused(state, now)


def refused_by_feed(state: Disconnected, now: float) -> Step:
    """Handle a feed that refused a token: a gateway may say so of each token that comes in the other way."""
    if state.world.credential is state.world.pending and not state.link.other_way:
        return send_in_other_way(state, now)
    return token_refused(state, now)


def unauthorized(state: Disconnected, now: float) -> Step:
    """Handle a feed that saw no token: send it in the other way."""
    return back_off(state, FEED_REFUSED, now) if state.link.other_way else send_in_other_way(state, now)


def feed_failed(state: Disconnected, now: float) -> Step:
    """Handle a feed that ended without orders, though its token may be valid: retry, if necessary in the other way."""
    unproven = state.world.credential is state.world.pending
    if not state.link.other_way and (unproven or state.link.failures >= OTHER_WAY_AFTER):
        return send_in_other_way(state, now)
    return back_off(state, FEED_REFUSED, now)


def send_in_other_way(state: Disconnected, now: float) -> Step:
    """Open a feed at the same address, with the token in the header instead of the first message, or the reverse."""
    address, credential = state.link.address, state.world.credential
    assert address is not None, "a feed was opened somewhere"
    assert credential is not None, "a feed was opened with a token"
    if is_anothers_host(state.world, address.host, credential.gateway):
        return back_off(state, FEED_REFUSED, now)
    return _reopen(replace(state, link=replace(state.link, other_way=True)), now)


def _reopen(state: Disconnected, now: float) -> Step:
    """Open a feed at the same address; if the gateway was announced elsewhere meanwhile, resolve its name first."""
    return open_feed(state) if now <= state.link.trusted_until else resolve_gateway(state)


def token_refused(state: Connected | Disconnected, now: float) -> Step:
    """Try the next token; after the last one, wait for a person. A new one is retried soon, an old one every minute."""
    world = state.world
    # A live feed may have an older token, while a newer one was refused a while ago.
    following = 0 if isinstance(state, Connected) and world.trying else world.trying + 1
    if following < len(world.held):
        return _try_token(state, following, now)
    world = replace(world, trying=0)
    if now < world.pending_until:
        waiting = replace(_link(state, now), phase=Phase.WAITING, attempt=0, new_pairing=True, other_way=False)
        return Connecting(world, waiting), (StartTimer(Timer.RETRY, RETRY_PENDING),)
    heard, world = world.refusal_told, replace(world, refusal_told=True)
    effects: tuple[Effect, ...]
    entered: State
    if paired_gateway_in_sight(world):
        entered, effects = await_pairing(world, TOKEN_REFUSED)
    else:
        # No press can pair with a gateway out of sight: look for it as often as its token would be checked.
        since = state.since if isinstance(state, Offline) else now
        entered = Offline(world, Link(None), since, TOKEN_REFUSED)
        effects = (StartTimer(Timer.RETRY, RECHECK_REFUSED),)
    return entered, (*effects, *(() if heard else (MakeSound(Sound.ERROR),)))


def _try_token(state: Connected | Disconnected, following: int, now: float) -> Step:
    world, link = replace(state.world, trying=following), _link(state, now)
    link = replace(link, other_way=False, refusals=0, new_pairing=False)
    tried: Disconnected
    if isinstance(state, Connected):
        tried = Offline(world, link, now, TOKEN_REFUSED)
    else:
        tried = replace(state, world=world, link=link)
    if link.gateway is None or link.gateway.name != world.held[following].gateway:
        return resolve_gateway(replace(tried, link=Link(None)))
    return _reopen(tried, now)


def _link(state: Connected | Disconnected, now: float) -> Link:
    if isinstance(state, Connected):
        return Link(state.gateway, trusted_until=now + TRUST_ADDRESS, book=state.book)
    return state.link
