"""The promises, each held against the world at every step. Owns what counts as broken, and says so with a reason.

It knows both sides of the wire: what each gateway had sent and what of it was delivered, and what the box shows.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from appliance.core.states import AwaitingPairing, Connected, Pairing, State
from appliance.core.view import Power, Sound, View
from appliance.effect_handlers import UNEXPECTED_HISTORY_ERROR
from appliance.gateway.feed import CLOSE_TIMEOUT, OPEN_TIMEOUT, PING_INTERVAL, PING_TIMEOUT
from tests.simulation.gateway import Gateway
from tests.simulation.page_sounds import Sounds
from tests.simulation.peer import Peer

if TYPE_CHECKING:
    from tests.simulation.site import World

ANSWERED_WITHIN, WHOLE_WITHIN = 30.0, 300.0
"""Seconds: how old the last answer to a ping, and the last whole set, of a feed that is believed may be."""
HEARD_WITHIN = OPEN_TIMEOUT + 0.5
"""Seconds from the moment at which a name was heard for which a token may still be sent: a feed that was being opened
then is open by the end of them."""
SHOWN_WITHIN = 0.1
"""Seconds from a message's delivery until the panel is told; the runner draws at most every 0.05."""
ON_ITS_WAY = 1.0
"""Seconds for which a count may differ from the gateway's own, on a network where all is well."""
LOOK_EVERY, COUNT_EVERY = 10.0, 300.0
"""Seconds between looks at a panel that is told nothing new, and at what the process holds."""
MOST_AT_ONCE = 5
"""Times as much as on a calm day is there in the worst of moments."""


class BrokenPromiseError(AssertionError):
    """A promise was broken. promise: its short name. world: in which it was."""

    world: World

    def __init__(self, promise: str, words: str) -> None:
        super().__init__(f"{promise}: {words}")
        self.promise = promise


class Judge(logging.Handler):
    """Watches one world. broken: the first promise that was broken. checks: how many looks there were."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.DEBUG)
        self.world = world
        self.broken: BrokenPromiseError | None = None
        self.checks = 0
        self.shown_counts = self.excused = 0
        self.feeds: dict[int, Peer] = {}
        self.owner: dict[str, str] = {}
        self.view: View | None = None
        self.sounds = Sounds(self)
        self.slack = 0.0
        self.slack_until = 0.0

    # What is told.

    def booted(self) -> None:
        self.feeds.clear()
        self.world.air.heard.clear()
        self.sounds.booted()
        self.view = None

    def stalled(self, seconds: float) -> None:
        """The board did not run for so long; what it does is late by as much."""
        now = self.world.loop.time()
        if now >= self.slack_until:
            self.slack = 0.0
        self.slack, self.slack_until = self.slack + seconds, now + seconds + 1.0

    def fed(self, attempt: int, peer: Peer) -> None:
        self.feeds[attempt] = peer
        peer.pong_at = peer.whole_at = self.world.loop.time()
        peer.on_page = self.sounds.paged

    def issued(self, gateway: Gateway, token: str) -> None:
        self.owner[token] = gateway.name

    def token_came(self, gateway: Gateway, token: str, sent_at: float) -> None:
        owner = self.owner.get(token)
        if owner is not None and owner != gateway.name:
            if self._was_not_told(owner, gateway, sent_at):
                self.excused += 1
                return
            self.blame("token goes nowhere else", f"the token of {owner!r} was sent to {gateway.name!r}")

    def shown(self, view: View, sound: Sound | None) -> None:
        last, self.view = self.view, view
        if last is None or (last.screen, last.reason, last.gateway) != (view.screen, view.reason, view.gateway):
            self._no_secret(" ".join((*view.screen.words, view.reason or "", view.gateway or "", view.address or "")))
        if last is None or (last.state, last.active, last.reason) != (view.state, view.active, view.reason) or sound:
            self.world.note("shows", view.state, view.active, view.reason or "", sound or "")
        self.sounds.shown(view, sound, last)
        self.look()

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage()
        if record.exc_info:
            words += logging.Formatter().formatException(record.exc_info)
        self._no_secret(words)
        if UNEXPECTED_HISTORY_ERROR in words or (
            record.levelno >= logging.ERROR and not record.name.startswith("appliance")
        ):
            self.blame("no unhandled exception", f"{record.name} logs an error: {words}")
        self.world.note("log", record.levelname, words)

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler."""
        error = context.get("exception")
        if isinstance(error, BrokenPromiseError):
            self.broken = self.broken or error
        else:
            self.blame("no unhandled exception", f"{context.get('message')}: {error!r}", error)

    def _was_not_told(self, owner: str, gateway: Gateway, sent_at: float) -> bool:
        """Whether the box had last heard the owner's own name, when it sent a token where another one is now.

        By design: where nobody answers for the name, the last address may be tried for a minute more. What the box was
        told of is no excuse, nor is an address that the owner never announced.
        """
        heard = self.world.air.heard.get(gateway.host.ip, [])
        own = [place for place, (_, name) in enumerate(heard) if name == owner]
        if not own:
            return False
        since = [at for at, _ in heard[own[-1] + 1 :]]
        return not since or sent_at < since[0] + HEARD_WITHIN

    # What must hold.

    def look(self) -> None:
        """A count on the screen is true, or there is none."""
        self.checks += 1
        view, now = self.view, self.world.loop.time()
        if view is None or view.active is None or not self.world.box_runs or self.world.ending:
            # While it ends, the screen says so and shows no count.
            return
        state = self.world.state
        peer = self.feeds.get(state.feed) if isinstance(state, Connected) else None
        slack = SHOWN_WITHIN + self.slack_at(now)
        if peer is not None and (peer.left or now - peer.pong_at > PING_INTERVAL + PING_TIMEOUT - SHOWN_WITHIN):
            # It is given up, and while it is closed what still comes is not read any more.
            slack += CLOSE_TIMEOUT
        if peer is None:
            # The state went on and the panel was not told yet, for a moment.
            self.world.loop.call_later(slack, self._still_counts, view)
            return
        self.shown_counts += 1
        if now - peer.pong_at > ANSWERED_WITHIN + slack:
            self.blame(
                "count is live", f"{view.active} is shown, and no ping was answered for {now - peer.pong_at:.1f} s"
            )
        if now - peer.whole_at > WHOLE_WITHIN + slack:
            self.blame(
                "count is fresh", f"{view.active} is shown, and no whole set came for {now - peer.whole_at:.1f} s"
            )
        before = [counts for at, counts in peer.shown if at < now - slack]
        allowed = before[-1:] + [counts for at, counts in peer.shown if at >= now - slack]
        if not before and (view.active, view.paged) not in allowed:
            # The feed took over just now, and the panel shows what the last one told, for a moment.
            self.world.loop.call_later(slack, self.look)
        elif (view.active, view.paged) not in allowed:
            self.blame("count is true", f"{view.active} active, {view.paged} paged are shown; it was told {allowed}")

    def settled(self, calm: Callable[[], bool]) -> None:
        """Every fault has been over for a minute. calm: whether it still is so."""
        world, state = self.world, self.world.state
        if not world.box_runs or world.hand_busy or not calm():
            return
        self.checks += 1
        if isinstance(state, Connected):
            gateway = self.feeds[state.feed].gateway
            orders = len(gateway.floor.orders)
            if gateway.floor.changed_at > world.loop.time() - ON_ITS_WAY:
                # What just happened is on its way.
                world.loop.call_later(0.5, self.settled, calm)
                return
            if self.feeds[state.feed].token not in gateway.tokens:
                self.blame("count is true", "it is connected with a token that no gateway takes")
            elif world.sure_of_count and self.view is not None and self.view.active != orders:
                self.blame(
                    "count is true", f"all is well for a minute, {self.view.active} is shown, there are {orders}"
                )
        elif self._could_connect(state):
            self.blame("connected within 60 s", f"all is well for a minute, and it is {_short(state)}")
        elif self._must_ask(state) and not isinstance(state, AwaitingPairing | Pairing):
            self.stuck("all is well for a minute, it has no good token, and does not ask to be paired")
        self._nothing_left_over()
        self._displayed()

    def stuck(self, words: str) -> None:
        """There is no way out of a state."""
        self.blame("a way out", f"{words}: {_short(self.world.state)}")

    def ended(self, took: float) -> None:
        """The box was told to end, and did. took: seconds in which the board ran."""
        if took > 2.0:
            self.blame("ends within 2 s", f"it took {took:.1f} s")

    def gone(self, tasks: list[str]) -> None:
        """The process has ended for a while: nothing of it is left."""
        world = self.world
        left = {
            "tasks": len(tasks),
            "connections": len(world.network.box.ends),
            "sockets": len(world.network.sockets),
            "listeners": len(world.air.listening),
            "files": len(world.disk.open),
        }
        left = {what: number for what, number in left.items() if number}
        if left:
            self.blame("nothing is left over", f"the box has ended, and there are left {left} {tasks}")

    def blame(self, promise: str, words: str, cause: BaseException | None = None) -> None:
        if self.broken is None:
            self.broken = BrokenPromiseError(promise, words)
            self.broken.__cause__ = cause
            self.world.note("broken", promise, words)
            self.world.stop()

    def _could_connect(self, state: State) -> bool:
        credential = state.world.credential
        gateway = self.world.gateway_of(credential.gateway) if credential else None
        return credential is not None and gateway is not None and credential.token.reveal() in gateway.tokens

    def _must_ask(self, state: State) -> bool:
        """Whether only a person can help, and could: no token is held, or one that its gateway does not take."""
        credential = state.world.credential
        return credential is None or self.world.gateway_of(credential.gateway) is not None

    def _still_counts(self, view: View) -> None:
        if slack := self.slack_at(self.world.loop.time()):
            self.world.loop.call_later(slack, self._still_counts, view)
            return
        if self.view is view and not isinstance(self.world.state, Connected) and self.world.box_runs:
            self.blame("count is live", f"{view.active} is still shown, and the state is {self.world.state}")

    def slack_at(self, now: float) -> float:
        return self.slack if now < self.slack_until else 0.0

    def _no_secret(self, words: str) -> None:
        for token in self.owner:
            if token in words:
                self.blame("token is never shown", f"{words.replace(token, '(the token)')!r}")

    def _displayed(self, looks: int = 5) -> None:
        """What the glass shows is what the panel was told, a moment later. looks: how many are left for that."""
        view, shown, world = self.view, self.world.glass.shown, self.world
        if view is None or view.power is Power.DARK or world.ending or world.calm_since > world.loop.time():
            return
        if shown is None or shown.screen != view.screen:
            if looks:
                world.loop.call_later(0.3, self._displayed, looks - 1)
                return
            words = None if shown is None else shown.screen.words
            self.blame("the display shows it", f"all is well for a minute; not {view.screen.words}, but {words}")

    def many(self) -> None:
        """Whatever goes on, there is never much of anything."""
        self._nothing_left_over(MOST_AT_ONCE)

    def _nothing_left_over(self, times: int = 1) -> None:
        world = self.world
        numbers = {
            "tasks": (len(world.box_tasks()), 20 * times),
            "connections": (len(world.network.box.ends), 3 * times),
            "sockets": (len(world.network.sockets), 1 * times),
            "calls": (world.threads.running, 3 * times),
            "files": (len(world.disk.open), 1 * times),
        }
        many = {what: number for what, (number, most) in numbers.items() if number > most}
        if many:
            self.blame("nothing is left over", f"there are {many}: {world.box_tasks()}")


def _short(state: State) -> str:
    """A state without the orders that it holds."""
    return re.sub(r"Held\(.*\)", "…", str(state))
