"""The invariants, each checked at every step of the simulation. A violation has a name and a reason.

The checker knows both sides of each connection: what each gateway sent, what was delivered, and what the box shows.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from appliance.core.states import AwaitingPairing, Connected, Pairing, State
from appliance.core.view import Power, Sound, View
from appliance.gateway.feed_connection import CLOSE_TIMEOUT, OPEN_TIMEOUT, PING_INTERVAL, PING_TIMEOUT
from appliance.history_syncs import UNEXPECTED_HISTORY_ERROR
from tests.simulation.client_connection import ClientConnection
from tests.simulation.gateway import Gateway
from tests.simulation.order_checks import OrderChecker
from tests.simulation.page_sounds import PageSoundChecker
from tests.simulation.pairing_checks import PairingChecker

if TYPE_CHECKING:
    from tests.simulation.site import SimulatedSite

OLD_NAME_WITHIN = OPEN_TIMEOUT + 0.5
"""Seconds after an announcement of another name in which the box may still send a token to that address: a feed that
was being opened at that time is open by then."""
SHOWN_WITHIN = 0.1
"""Seconds from a message's delivery until the panel shows it; the runner draws at most every 0.05."""
DELIVERY_TIME = 1.0
"""Seconds for which the count may differ from the gateway's on a network without faults."""
CHECK_COUNT_EVERY, CHECK_RESOURCES_EVERY = 10.0, 300.0
"""Seconds between checks of an unchanged panel, and of the process's resources."""
LOAD_FACTOR = 5
"""How many times the normal resources the process may use under load."""


class InvariantViolationError(AssertionError):
    """A violated invariant. invariant: its short name. site: where it happened."""

    site: SimulatedSite

    def __init__(self, invariant: str, words: str) -> None:
        super().__init__(f"{invariant}: {words}")
        self.invariant = invariant


class InvariantChecker(logging.Handler):
    """Checks one site. violation: the first one. checks: number of checks made."""

    def __init__(self, site: SimulatedSite) -> None:
        super().__init__(logging.DEBUG)
        self.site = site
        self.violation: InvariantViolationError | None = None
        self.checks = 0
        self.counts_checked = self.tolerated_sends = 0
        self.feeds: dict[int, ClientConnection] = {}
        self.owner: dict[str, str] = {}
        self.view: View | None = None
        self.orders = OrderChecker(self)
        self.sounds = PageSoundChecker(self)
        self.pairing = PairingChecker(self)
        self.slack = 0.0
        self.slack_until = 0.0

    # Notifications from the site.

    def on_boot(self) -> None:
        self.feeds.clear()
        self.orders.on_boot()
        self.site.multicast.heard_names.clear()
        self.sounds.on_boot()
        self.pairing.on_boot()
        self.view = None

    def on_stall(self, seconds: float) -> None:
        """The board did not run for so long, so the checker allows that much more time."""
        now = self.site.loop.time()
        if now >= self.slack_until:
            self.slack = 0.0
        self.slack, self.slack_until = self.slack + seconds, now + seconds + 1.0

    def on_feed(self, attempt: int, connection: ClientConnection) -> None:
        self.feeds[attempt] = connection
        self.pairing.on_feed()
        connection.heard_at = connection.full_set_at = self.site.loop.time()
        connection.on_page = self.sounds.on_page

    def on_token_issued(self, gateway: Gateway, token: str) -> None:
        self.owner[token] = gateway.name

    def on_token_received(self, gateway: Gateway, token: str, sent_at: float) -> None:
        owner = self.owner.get(token)
        if owner is not None and owner != gateway.name:
            if self._name_change_unheard(owner, gateway, sent_at):
                self.tolerated_sends += 1
                return
            self.report_violation(
                "token goes only to its gateway", f"the token of {owner!r} was sent to {gateway.name!r}"
            )

    def on_view(self, view: View, sound: Sound | None) -> None:
        last, self.view = self.view, view
        if last is None or (last.screen, last.reason, last.gateway) != (view.screen, view.reason, view.gateway):
            self._check_no_token(
                " ".join((*view.screen.words, view.reason or "", view.gateway or "", view.address or ""))
            )
        if last is None or (last.state, last.active, last.reason) != (view.state, view.active, view.reason) or sound:
            self.site.note("shows", view.state, view.active, view.reason or "", sound or "")
        self.orders.on_view(view)
        self.pairing.on_view(view)
        self.sounds.on_view(view, sound, last)
        self.check_count()

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage()
        if record.exc_info:
            words += logging.Formatter().formatException(record.exc_info)
        self._check_no_token(words)
        foreign = record.levelno >= logging.ERROR and not record.name.startswith("appliance")
        if UNEXPECTED_HISTORY_ERROR in words or foreign:
            self.report_violation("no unhandled exception", f"{record.name} logs an error: {words}")
        self.site.note("log", record.levelname, words)

    def on_unhandled_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler."""
        error = context.get("exception")
        if isinstance(error, InvariantViolationError):
            self.violation = self.violation or error
        else:
            self.report_violation("no unhandled exception", f"{context.get('message')}: {error!r}", error)

    def _name_change_unheard(self, owner: str, gateway: Gateway, sent_at: float) -> bool:
        """Whether the last name that the box heard at this address was the token owner's when it sent the token.

        If nothing resolves the gateway's name, the product tries its last address for another minute, by design. That
        does not excuse sending the token after the box heard another name there, or to an address that the owner never
        announced.
        """
        heard = self.site.multicast.heard_names.get(gateway.host.ip, [])
        own = [place for place, (_, name) in enumerate(heard) if name == owner]
        if not own:
            return False
        since = [at for at, _ in heard[own[-1] + 1 :]]
        return not since or sent_at < since[0] + OLD_NAME_WITHIN

    # The invariants.

    def check_count(self) -> None:
        """The count on the screen matches the feed, or the screen shows none."""
        self.checks += 1
        view, now = self.view, self.site.loop.time()
        if view is None or view.active is None or not self.site.box_running or self.site.stopping:
            # While the process stops, the screen says so and shows no count.
            return
        state = self.site.state
        connection = self.feeds.get(state.feed) if isinstance(state, Connected) else None
        slack = SHOWN_WITHIN + self.slack_at(now)
        if connection is not None and (
            connection.client_closing or now - connection.heard_at > PING_INTERVAL + PING_TIMEOUT - SHOWN_WITHIN
        ):
            # The box has given up this feed and reads nothing while closing it.
            slack += CLOSE_TIMEOUT
        if connection is None:
            # The state has changed; the panel is updated a moment later.
            self.site.loop.call_later(slack, self._check_count_removed, view)
            return
        self.counts_checked += 1
        self.orders.check(view, connection, slack)

    def check_recovery(self, still_calm: Callable[[], bool]) -> None:
        """The site has had no fault for a minute. still_calm: whether that is still so."""
        site, state = self.site, self.site.state
        if not site.box_running or site.person_active or not still_calm():
            return
        self.checks += 1
        if isinstance(state, Connected):
            gateway = self.feeds[state.feed].gateway
            orders = len(gateway.restaurant.orders)
            if gateway.restaurant.changed_at > site.loop.time() - DELIVERY_TIME:
                # The last change may not have reached the box yet.
                site.loop.call_later(0.5, self.check_recovery, still_calm)
                return
            if self.feeds[state.feed].token not in gateway.tokens:
                self.report_violation("count is correct", "the box is connected with a token that its gateway rejects")
            elif site.count_must_match and self.view is not None and self.view.active != orders:
                self.report_violation(
                    "count is correct", f"no fault for a minute; {self.view.active} is shown, the gateway has {orders}"
                )
        elif self._could_connect(state):
            self.report_violation("connected within 60 s", f"no fault for a minute, but the state is {_summary(state)}")
        elif self._needs_pairing(state) and not isinstance(state, AwaitingPairing | Pairing):
            self.report_dead_end("no fault for a minute, but the box has no valid token and does not ask for pairing")
        self._check_resources()
        self._check_display()

    def report_dead_end(self, words: str) -> None:
        """Report a state that the box can't leave."""
        self.report_violation("no dead end", f"{words}: {_summary(self.site.state)}")

    def check_shutdown_time(self, took: float) -> None:
        """Check how long the process took to stop. took: seconds in which the board ran."""
        if took > 2.0:
            self.report_violation("stops within 2 s", f"it took {took:.1f} s")

    def check_exit(self, tasks: list[str]) -> None:
        """Check that the stopped process left nothing behind."""
        site = self.site
        left = {
            "tasks": len(tasks),
            "connections": len(site.network.box.ends),
            "sockets": len(site.network.sockets),
            "listeners": len(site.multicast.listeners),
            "files": len(site.disk.open),
        }
        left = {what: number for what, number in left.items() if number}
        if left:
            self.report_violation("no resource leak", f"the box has stopped and left {left} {tasks}")

    def report_violation(self, invariant: str, words: str, cause: BaseException | None = None) -> None:
        if self.violation is None:
            self.violation = InvariantViolationError(invariant, words)
            self.violation.__cause__ = cause
            self.site.note("violation", invariant, words)
            self.site.stop()

    def _could_connect(self, state: State) -> bool:
        credential = state.world.credential
        gateway = self.site.gateway_named(credential.gateway) if credential else None
        return credential is not None and gateway is not None and gateway.accepts(credential.token.reveal())

    def _needs_pairing(self, state: State) -> bool:
        """Whether only a person can help: the box has no token, or its gateway is here and rejects it."""
        credential = state.world.credential
        return credential is None or self.site.gateway_named(credential.gateway) is not None

    def _check_count_removed(self, view: View) -> None:
        if slack := self.slack_at(self.site.loop.time()):
            self.site.loop.call_later(slack, self._check_count_removed, view)
            return
        if self.view is view and not isinstance(self.site.state, Connected) and self.site.box_running:
            self.report_violation("count has a live feed", f"{view.active} is still shown in state {self.site.state}")

    def slack_at(self, now: float) -> float:
        return self.slack if now < self.slack_until else 0.0

    def _check_no_token(self, words: str) -> None:
        for token in self.owner:
            if token in words:
                self.report_violation("token is never shown or logged", f"{words.replace(token, '(the token)')!r}")

    def _check_display(self, looks: int = 5) -> None:
        """The display shows the panel's view, after a moment. looks: remaining attempts."""
        view, shown, site = self.view, self.site.display.shown, self.site
        if view is None or view.power is Power.DARK or site.stopping or site.fault_free_since > site.loop.time():
            return
        if shown is None or shown.screen != view.screen:
            if looks:
                site.loop.call_later(0.3, self._check_display, looks - 1)
                return
            words = None if shown is None else shown.screen.words
            message = f"no fault for a minute; expected {view.screen.words}, the display shows {words}"
            self.report_violation("display matches view", message)

    def check_resources_under_load(self) -> None:
        """Even during faults, resources stay within a multiple of the normal limits."""
        self._check_resources(LOAD_FACTOR)

    def _check_resources(self, times: int = 1) -> None:
        site = self.site
        numbers = {
            "tasks": (len(site.box_tasks()), 20 * times),
            "connections": (len(site.network.box.ends), 3 * times),
            "sockets": (len(site.network.sockets), 1 * times),
            "calls": (site.threads.running, 3 * times),
            "files": (len(site.disk.open), 1 * times),
        }
        many = {what: number for what, (number, most) in numbers.items() if number > most}
        if many:
            self.report_violation("no resource leak", f"over the limit: {many}: {site.box_tasks()}")


def _summary(state: State) -> str:
    """A state without its orders."""
    return re.sub(r"Held\(.*\)", "…", str(state))
