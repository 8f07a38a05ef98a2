"""The gateway's clock: ages stay true whatever it does, against a simple model, and by worked examples."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import example, given
from hypothesis import strategies as st

from appliance.core.folding import fold
from appliance.core.gateway_clock import (
    LONGEST_QUIET,
    MOST_COMPARED,
    SAME_TIME,
    SHORTEST_QUIET,
    Dissent,
    GatewayClock,
    latest_time,
)
from appliance.core.notifications import (
    OrderChanged,
    OrdersReplaced,
)
from appliance.core.orders import OrderBook
from appliance.core.values import Order

START = 10 * 86400.0 + 12 * 3600.0
jumps = st.sampled_from((-90 * 86400.0, -3600.0, -1200.0, 1500.0, 3600.0, 400 * 86400.0)) | st.integers(-4000, 4000)
"""Seconds: a lost battery, daylight saving, a wrong clock that was set, a time server."""
odds = st.sampled_from((-86400.0, -1500.0, 1500.0, 3600.0, 86400.0)) | st.integers(-4000, 4000)
"""Seconds by which the time of one order is wrong."""


@dataclass
class Kitchen:
    """A restaurant that knows the truth, and the book of a box that hears of it."""

    now: float = 1000.0
    offset: float = START
    born: dict[str, float] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    book: OrderBook = field(default_factory=OrderBook)
    live: bool = False
    says_elapsed: bool = False
    late: set[str] = field(default_factory=set)
    """Orders with a time that is too early, which nobody can tell from orders that are old."""
    odd_at: float = -1e9
    made: int = 0

    def stamp(self) -> float:
        return float(int(self.now + self.offset))

    def start(self, odd: float = 0.0) -> None:
        if odd and self.now - self.odd_at < 900.0:
            # One at a time: two that agree can't be told from a clock that jumped.
            return
        self.odd_at = self.now if odd else self.odd_at
        uuid = str(self.made)
        self.made += 1
        self.born[uuid] = self.now
        self.orders[uuid] = Order(uuid, created=self.stamp() + odd, changed=self.stamp() + odd, elapsed=0.0)
        if odd < 0 and not self.live:
            self.late.add(uuid)
        self.tell(self.orders[uuid], created=True)

    def locate(self, which: int) -> None:
        if self.orders:
            uuid = sorted(self.orders)[which % len(self.orders)]
            self.orders[uuid] = replace(self.orders[uuid], state="located", changed=self.stamp())
            self.tell(self.orders[uuid])

    def clear(self, which: int) -> None:
        if self.orders:
            uuid = sorted(self.orders)[which % len(self.orders)]
            del self.born[uuid]
            self.tell(replace(self.orders.pop(uuid), state="cleared", changed=self.stamp()))

    def said(self, order: Order) -> Order:
        """An order as the gateway sends it: `elapsedTime` is its age, or always 0."""
        return replace(order, elapsed=float(int(self.now - self.born.get(order.uuid, self.now)) * self.says_elapsed))

    def tell(self, order: Order, *, created: bool = False) -> None:
        if self.live:
            self.book = fold(self.book, [OrderChanged(self.said(order), created)], self.now).book

    def connect(self) -> None:
        self.live = True
        whole = OrdersReplaced(tuple(map(self.said, self.orders.values())))
        self.book = fold(self.book, [whole], self.now).book

    def check(self, tolerance: float) -> None:
        """No order is shown older than it is, and an exact age is exact."""
        if not self.live:
            return
        assert self.book.held.keys() == self.orders.keys()
        for uuid, held in self.book.held.items():
            age, truth = self.now - held.since, self.now - self.born[uuid]
            if uuid in self.late:
                continue
            assert age <= truth + tolerance, (uuid, age, truth, held, self.book.clock)
            assert not held.exact or age >= truth - tolerance, (uuid, age, truth, held, self.book.clock)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from((0.3, 2.0, 20.0, 60.0, 300.0))),
        st.tuples(st.just("start"), st.just(0.0)),
        st.tuples(st.just("start"), st.just(0.0)),
        st.tuples(st.just("odd"), odds),
        st.tuples(st.just("locate"), st.integers(0, 5)),
        st.tuples(st.just("clear"), st.integers(0, 5)),
        st.tuples(st.just("jump"), jumps),
        st.tuples(st.just("away"), st.just(0.0)),
        st.tuples(st.just("connect"), st.just(0.0)),
    ),
    max_size=40,
)


def play(kitchen: Kitchen, course: list[tuple[str, float]], tolerance: float) -> None:
    for what, how in course:
        match what:
            case "wait":
                kitchen.now += how
            case "start":
                kitchen.start()
            case "odd":
                kitchen.start(how)
            case "locate":
                kitchen.locate(int(how))
            case "clear":
                kitchen.clear(int(how))
            case "jump":
                kitchen.offset += how
            case "away":
                kitchen.live = False
            case "connect":
                kitchen.connect()
        kitchen.check(tolerance)


def opened(pauses: list[int], odd: float | None, tolerance: float, *, says_elapsed: bool = False) -> Kitchen:
    """A restaurant when its box is switched on. pauses: seconds before each of its orders."""
    kitchen = Kitchen(says_elapsed=says_elapsed)
    for pause in pauses:
        kitchen.now += pause
        kitchen.start()
    if odd is not None:
        kitchen.start(odd)
    kitchen.connect()
    kitchen.check(tolerance)
    return kitchen


@given(st.lists(st.integers(1, 50), min_size=4, max_size=12), st.none() | odds, st.booleans(), steps)
@example([1, 1, 1, 1], 131, False, [("wait", 300.0), ("start", 0.0)])
def test_in_a_busy_restaurant_no_fault_of_a_clock_makes_orders_old(
    pauses: list[int], odd: float | None, says_elapsed: bool, course: list[tuple[str, float]]
) -> None:
    tolerance = SHORTEST_QUIET + SAME_TIME
    play(opened(pauses, odd, tolerance, says_elapsed=says_elapsed), course, tolerance)


@given(st.lists(st.integers(1, 2000), max_size=5), st.none() | odds, st.booleans(), steps)
@example([1], 11, False, [("jump", 611.0), ("start", 0.0), ("start", 0.0)])
def test_in_a_quiet_restaurant_each_fault_makes_them_ten_minutes_older_at_most(
    pauses: list[int], odd: float | None, says_elapsed: bool, course: list[tuple[str, float]]
) -> None:
    tolerance = LONGEST_QUIET + SAME_TIME
    if odd is not None and 0 < odd <= LONGEST_QUIET:
        # The first set's odd order looks like its newest one, and a jump after that like quiet time.
        tolerance += odd
    play(opened(pauses, odd, tolerance, says_elapsed=says_elapsed), course, tolerance)


@given(st.lists(st.integers(1, 2000), max_size=5), st.booleans(), steps)
@example([1], False, [("odd", 540.0)])
@example([1, 1], False, [("odd", 540.0), ("away", 0.0), ("connect", 0.0), ("start", 0.0)])
def test_after_a_true_whole_set_no_odd_time_makes_orders_older(
    pauses: list[int], says_elapsed: bool, course: list[tuple[str, float]]
) -> None:
    """Without jumps: one of some minutes can't be told from a time without orders before the whole set."""
    tolerance = 2 * SAME_TIME
    course = [step for step in course if step[0] != "jump"]
    play(opened(pauses, None, tolerance, says_elapsed=says_elapsed), course, tolerance)


KNOWN = GatewayClock(1000.0, exact=True)
BOUND = GatewayClock(1000.0)


def heard(clock: GatewayClock, offset: float, uuid: str = "a", *, new: bool = True) -> GatewayClock:
    """The clock after an order whose latest time is ahead of the box's clock by `offset`."""
    return clock.after_order(50.0 + offset, 50.0, uuid, new=new)


def test_the_first_time_is_believed() -> None:
    assert heard(GatewayClock(), 7.0) == GatewayClock(7.0, exact=True)
    assert heard(GatewayClock(), 7.0, new=False) == GatewayClock(7.0)
    assert GatewayClock().local(5.0) is None
    assert GatewayClock(7.0).local(5.0) == 12.0
    assert not GatewayClock().shows(5.0, 5.0)


def test_one_order_moves_the_clock_by_seconds() -> None:
    for step in (1.5, 10.0, -10.0):
        assert heard(KNOWN, 1000.0 + step) == GatewayClock(1000.0 + step, exact=True)
    assert heard(KNOWN, 1001.0) is KNOWN, "not worth a note"
    for step in (10.5, -10.5, 1e9):
        assert heard(KNOWN, 1000.0 + step) == replace(KNOWN, dissent=Dissent(1000.0 + step, "a"))
    for step in (-1e9, 10.0):
        assert heard(KNOWN, 1000.0 + step, new=False) is KNOWN, "a lower bound that says nothing new"
    assert heard(KNOWN, 1010.5, new=False).dissent == Dissent(1010.5, "a")

    assert heard(BOUND, 1010.0) == heard(BOUND, 1010.0, new=False).after_order(1060.0, 50.0, "b", new=True)
    assert heard(BOUND, 1010.0) == GatewayClock(1010.0, exact=True)
    assert heard(BOUND, 1010.0, new=False) == GatewayClock(1010.0)
    assert heard(BOUND, 1000.0, new=False) is BOUND
    for step in (10.5, -10.5, 1e9):
        assert heard(BOUND, 1000.0 + step) == replace(BOUND, dissent=Dissent(1000.0 + step, "a"))


def test_two_orders_that_agree_show_a_jump() -> None:
    doubtful = heard(KNOWN, 2000.0)
    assert heard(doubtful, 2010.0, "b") == GatewayClock(2010.0, exact=True, era=1)
    assert heard(doubtful, 1990.0, "b", new=False) == GatewayClock(1990.0, era=1)
    assert heard(doubtful, 2000.0).era == 0, "the same order says nothing more"
    assert heard(doubtful, 2011.0, "b") == replace(KNOWN, dissent=Dissent(2011.0, "b"))
    assert heard(doubtful, 1000.5, "b") == GatewayClock(1000.5, exact=True), "that one was odd"


def test_two_orders_that_agree_show_a_time_without_orders_before_a_lower_bound() -> None:
    for step, reach, era in ((600.0, 600.0, 0), (-600.0, 600.0, 0), (600.5, 600.0, 1), (121.0, 120.0, 1)):
        bound = replace(BOUND, reach=reach)
        doubtful = heard(bound, 1000.0 + step)
        assert heard(doubtful, 1000.0 + step, "b") == GatewayClock(1000.0 + step, True, reach, era)


def test_a_whole_set_moves_the_clock_if_two_orders_are_ahead() -> None:
    for clock, era in ((KNOWN, 1), (BOUND, 0)):
        beyond = 50.0 + 1000.0 + SAME_TIME + 1.0
        assert clock.after_set([beyond], 50.0)[0] is clock
        assert clock.after_set([beyond, beyond - 1.0], 50.0)[0] is clock
        known, clock_of_set = clock.after_set([beyond, beyond + 30.0], 50.0)
        assert known == clock_of_set == GatewayClock(beyond - 50.0, reach=0.0 if era else 600.0, era=era)
    far = [50.0 + 1000.0 + LONGEST_QUIET + seconds for seconds in (1.0, 5.0)]
    assert BOUND.after_set(far, 50.0)[0] == GatewayClock(1601.0, reach=0.0, era=1)
    assert BOUND.after_set([50.0 + 1010.0], 50.0)[0] == GatewayClock(1010.0)
    assert BOUND.after_set([50.0 + 900.0], 50.0)[0] is BOUND
    assert GatewayClock().after_set([50.0 + 900.0, 50.0 + 800.0], 50.0)[0] == GatewayClock(900.0)
    assert KNOWN.after_set([], 50.0) == (KNOWN, KNOWN)


def test_a_clock_that_is_far_from_an_order_does_not_tell_its_age() -> None:
    for ahead in (-120.0, 0.0, 120.0):
        assert KNOWN.for_unknown(1050.0 + ahead, 50.0) is KNOWN
    for ahead in (-121.0, 121.0):
        assert KNOWN.for_unknown(1050.0 + ahead, 50.0) == GatewayClock(1000.0 + ahead, era=-1)


def test_the_latest_time_without_outliers() -> None:
    assert latest_time([5.0]) == (5.0, LONGEST_QUIET)
    assert latest_time([5.0, 605.0]) == (605.0, LONGEST_QUIET)
    assert latest_time([5.0, 606.0]) == (5.0, 0.0)
    assert latest_time([0.0, 10.0, 130.0]) == (130.0, SHORTEST_QUIET)
    assert latest_time([0.0, 10.0, 131.0]) == (10.0, 0.0)
    assert latest_time([0.0, 200.0, 600.0]) == (600.0, 400.0), "twice the usual distance"
    assert latest_time([0.0, 200.0, 601.0]) == (200.0, 0.0)
    assert latest_time([0.0, 500.0, 1100.0]) == (1100.0, LONGEST_QUIET)
    assert latest_time([0.0, 10.0, 20.0, 1000.0, 5000.0]) == (20.0, 0.0), "two outliers that do not agree"
    assert latest_time([0.0, 10.0, 20.0, 1000.0, 1060.0]) == (1060.0, SHORTEST_QUIET), "two that do"
    assert latest_time(float(number) for number in range(10 * MOST_COMPARED)) == (
        10 * MOST_COMPARED - 1,
        SHORTEST_QUIET,
    )
