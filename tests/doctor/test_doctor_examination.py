"""The whole examination: its output, its exit code, and that all outputs are off at the end."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from appliance.config import Config
from appliance.core.values import Address
from appliance.doctor import examination as module
from appliance.doctor.context import CheckContext
from appliance.doctor.examination import Check, examine
from appliance.doctor.finding import Finding, ok
from appliance.simulator.gateway import SimulatedGateway
from tests.doctor.fakes import PINS, QUESTIONS, Box, all_is_off, everything_seen, examined
from tests.gateway.mdns_peers import responding

LOOPBACK = "127.0.0.1"
NAME = f"Patio {os.getpid()}"
"""The process id tells it from gateways that other tests announce on the loopback interface."""
SECRET = "77aa0c5be1d94c03b4f5a6b7c8d9e0f1"
CHECKS = [
    "service", "settings", "board", "supply", "pins", "display", "green light", "amber light", "red light", "buzzer",
    "button", "restart", "network", "mDNS", "gateway", "pairing",
]  # fmt: skip
Damage = Callable[[Box, SimulatedGateway], None]


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway(NAME, LOOPBACK) as gateway:
        yield gateway


def marks(said: str) -> dict[str, str]:
    """Each check's mark."""
    # A terminal would echo the answer's line end.
    lines = said.replace("[Y/n] ", "[Y/n]\n")
    return {name: mark for mark, name in re.findall(r"^(ok|WRONG|\?) +([a-zA-Z]+(?: light)?)  ", lines, re.MULTILINE)}


async def pair(box: Box, gateway: SimulatedGateway) -> str:
    token = gateway.issue_token()
    await asyncio.to_thread(box.pair, NAME, token)
    box.change(address=Address(gateway.host, gateway.port), name=NAME)
    return token


async def test_a_box_in_good_order(box: Box) -> None:
    box.limits = replace(box.limits, release=2.0)
    async with SimulatedGateway(NAME, LOOPBACK, advertise_on=(LOOPBACK,)) as gateway:
        token = await pair(box, gateway)
        box.change(name=NAME)
        code, person, _ = await examined(box, everything_seen(box))
    assert marks(person.said) == {name: "ok" for name in CHECKS if name not in ("service", "restart")}
    assert person.said.endswith("\n\nNothing is wrong.\n")
    assert code == 0
    assert all_is_off(box)
    assert token not in person.said


def hot(box: Box, _: SimulatedGateway) -> None:
    box.put("sys/class/thermal/thermal_zone0/temp", "85000\n")


def weak(box: Box, _: SimulatedGateway) -> None:
    box.put("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")


def no_display(box: Box, _: SimulatedGateway) -> None:
    box.display.present = False


def stuck_button(box: Box, _: SimulatedGateway) -> None:
    box.pins.pin(PINS.button)._change_state(False)
    box.pins.pin(PINS.button)._set_pull = lambda _: None


def no_network(box: Box, _: SimulatedGateway) -> None:
    box.change(interfaces=("tt-none0",))


def silent(_: Box, gateway: SimulatedGateway) -> None:
    gateway.silent = True


def refused(_: Box, gateway: SimulatedGateway) -> None:
    gateway.delete_tokens()


def unreadable(box: Box, _: SimulatedGateway) -> None:
    (box.state / "token.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "wrong"),
    [
        (hot, "board"),
        (weak, "supply"),
        (no_display, "display"),
        (stuck_button, "button"),
        (no_network, "network"),
        (silent, "gateway"),
        (refused, "pairing"),
        (unreadable, "pairing"),
    ],
)
async def test_one_fault_is_reported_with_advice(
    box: Box, gateway: SimulatedGateway, damage: Damage, wrong: str
) -> None:
    token = await pair(box, gateway)
    await asyncio.to_thread(damage, box, gateway)
    code, person, _ = await examined(box, None)
    assert code == 1
    assert f"\nWrong: {wrong}.\n" in person.said
    assert [name for name, mark in marks(person.said).items() if mark == "WRONG"] == [wrong]
    assert re.search(rf"^WRONG  {wrong} .*(\n {{20}}.*)*\n {{9}}- ", person.said, re.MULTILINE), "the report has advice"
    assert token not in person.said


@pytest.mark.parametrize(
    ("question", "wrong"),
    [("frame around", "display"), ("AMBER", "amber light"), ("Did you hear", "buzzer"), ("Press the button", "button")],
)
async def test_one_negative_answer_is_reported(box: Box, gateway: SimulatedGateway, question: str, wrong: str) -> None:
    box.limits = replace(box.limits, press=0.1 if wrong == "button" else 20.0, release=20.0)
    await pair(box, gateway)
    answers = everything_seen(box) | {question: None if wrong == "button" else "n\n"}
    code, person, _ = await examined(box, answers)
    assert code == 1
    assert f"\nWrong: {wrong}.\n" in person.said
    assert all_is_off(box)


async def test_the_leds_light_one_at_a_time_after_the_picture(box: Box, gateway: SimulatedGateway) -> None:
    await pair(box, gateway)
    seen: list[tuple[set[str], bool]] = []

    def look() -> str:
        seen.append((box.lit(), box.display.on))
        return "y\n"

    await examined(box, everything_seen(box) | dict.fromkeys(QUESTIONS, look))
    lit: list[set[str]] = [{"green"}, {"amber"}, {"red"}, set()]
    assert seen == [(set(), True), *((one, False) for one in lit)]


async def test_the_end_of_input_ends_the_questions(box: Box, gateway: SimulatedGateway) -> None:
    await pair(box, gateway)

    def leave() -> str:
        person.hang_up()
        return ""

    context, person = box.context({"frame around": "y\n", "GREEN": leave, "Did you hear": "n\n", "Press": "n\n"})
    context.sounds = ()
    assert await examine(context) == 0
    assert person.said.count("[Y/n]") == 2
    assert person.said.count("(no answer; skipping all further questions)\n") == 1
    assert "Press the button of the box now" not in person.said
    assert "ok     button       not stuck; not tested further without a user\n" in person.said


async def test_a_failing_and_a_hanging_check_do_not_stop_the_others(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(_: CheckContext) -> Finding:
        raise ExceptionGroup("unhandled errors in a TaskGroup", [LookupError("the moon is in the way")])

    async def never_ends(_: CheckContext) -> Finding:
        await asyncio.Event().wait()
        return ok("")

    async def well(_: CheckContext) -> Finding:
        return ok("works")

    checks = [Check("one", breaks), Check("two", never_ends), Check("three", well)]
    monkeypatch.setattr(module, "checks_for", lambda _: checks)
    box.limits = replace(box.limits, check=0.05)
    async with asyncio.timeout(5):
        code, person, _ = await examined(box, None)
    assert code == 1
    assert "WRONG  one          unexpected error: LookupError: the moon is in the way\n" in person.said
    assert "WRONG  two          timed out\n" in person.said
    assert "ok     three        works\n" in person.said
    assert "\nWrong: one, two.\n" in person.said


def test_the_checks_have_their_names() -> None:
    assert [check.name for check in module.checks_for(Config())] == CHECKS


@pytest.mark.parametrize("columns", [60, 80, 200])
async def test_no_line_is_longer_than_the_terminal(box: Box, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    async def long(_: CheckContext) -> Finding:
        return ok("tt-appliance " * 30)

    checks = [*module.checks_for(box.config), Check("long", long)]
    monkeypatch.setattr(module, "checks_for", lambda _: checks)
    monkeypatch.setenv("COLUMNS", str(columns))
    box.display.present = False
    box.bus.strangers = set(range(0x40, 0x60))
    box.change(interfaces=("tt-none0",))
    _, person, _ = await examined(box, None)
    lines = person.said.splitlines()
    assert max(map(len, lines)) <= min(columns, 110)
    assert max(map(len, lines)) > min(columns, 110) - 20, "lines are filled"
    assert " 0x5F," in " ".join(person.said.split()), "nothing is missing"
    assert not any(line.endswith("-") for line in lines), "commands are not hyphenated"


def harmless(said: str) -> bool:
    return all(one == "\n" or one.isprintable() for one in said)


async def test_a_hostile_name_in_mdns_is_escaped(box: Box, gateway: SimulatedGateway) -> None:
    # mDNS carries these: a C1 control character, and one that reverses the direction of the text.
    hostile = f"\x9b1m\u202e {os.getpid()}"
    async with responding() as responder:
        await responder.announce(hostile, LOOPBACK, port=gateway.port)
        box.change(name=hostile)
        _, person, context = await examined(box, None)
    assert hostile in context.found
    assert f"found: ?1m? {os.getpid()} (" in person.said
    assert harmless(person.said)


async def test_a_hostile_name_in_the_settings_forges_no_result(box: Box, gateway: SimulatedGateway) -> None:
    hostile = "\x1b[2J\x1b]0;x\x07\nok     pairing      paired\r\x7f"
    await asyncio.to_thread(box.pair, hostile, SECRET)
    box.change(name=hostile, address=Address(LOOPBACK, gateway.port))
    code, person, _ = await examined(box, None)
    assert code == 1
    assert "?[2J?]0;x?" in person.said
    assert harmless(person.said)
    assert marks(person.said)["pairing"] == "WRONG"
    assert re.findall(r"^ok +pairing", person.said, re.MULTILINE) == []
    assert SECRET not in person.said
