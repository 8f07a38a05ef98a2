"""The history command with a simulated gateway that has orders of 14 days."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from datetime import datetime, timedelta
from pathlib import Path

import pyte
import pytest
from PIL import Image

from appliance.history.schema import FILE, update_lock
from tests.child_process import ChildProcess
from tests.commands import run_command
from tests.history.conftest import Site

ROOT = Path(__file__).parents[2]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "appliance", *map(str, arguments)]


def run(site: Site, *arguments: object) -> subprocess.CompletedProcess[str]:
    return run_command("history", "--config", site.config, *arguments)


def run_process(site: Site, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    called = command("history", "--config", site.config, *arguments)
    return subprocess.run(
        called, capture_output=True, text=True, cwd=ROOT, timeout=60, env={**os.environ, **environment}, check=False
    )


def orders(output: str) -> dict[str, dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(output)))
    by_uuid = {row["uuid"]: row for row in rows}
    assert len(by_uuid) == len(rows), "an order twice"
    return by_uuid


@pytest.mark.parametrize("oldest_first", [False, True])
def test_file_table_and_json_have_every_order(site: Site, oldest_first: bool) -> None:
    site.gateway.restaurant.lists_oldest_first = oldest_first
    site.do(lambda: site.gateway.restaurant.create_many(40))
    result = run_process(site, "--since", "30d", "--format", "csv")
    assert (result.returncode, result.stderr) == (0, "")
    kept, known = orders(result.stdout), site.finished()
    assert kept.keys() == known.keys()
    assert len(kept) > 1200
    for uuid, order in known.items():
        row = kept[uuid]
        assert (row["tracker"], row["table"], row["type"]) == (order.name, order.location, order.order_type)
        assert row["created"] == order.created.isoformat(timespec="seconds")
        assert row["cleared"] == order.changed.isoformat(timespec="seconds")
    # Table and JSON have the same totals as the file.
    table = run(site, "--offline").stdout
    every = re.search(r"^all +([0-9,]+)", table, re.MULTILINE)
    assert every is not None
    assert int(every[1].replace(",", "")) == len(known)
    lines = run(site, "--offline", "--format", "json").stdout.splitlines()
    assert {json.loads(line)["uuid"] for line in lines} == known.keys()


@pytest.mark.parametrize("waits", [(1.1,), pytest.param((0.9, 1.1, 1.3), marks=pytest.mark.release)])
def test_a_killed_reading_resumes_in_the_next_run(busy_site: Site, waits: tuple[float, ...]) -> None:
    for wait in waits:
        with ChildProcess(
            command("history", "--config", busy_site.config),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
    result = run(busy_site, "--format", "csv")
    assert result.returncode == 0
    kept = orders(result.stdout)
    assert kept.keys() == busy_site.finished().keys()
    assert len(kept) > 12_000


def test_the_command_waits_while_another_program_updates_the_archive(site: Site) -> None:
    with update_lock(site.state):
        began = time.monotonic()
        called = command("history", "--config", site.config, "--format", "csv")
        process = subprocess.Popen(called, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        # Long enough to reach the archive on a slow machine.
        time.sleep(3)
        assert process.poll() is None, f"it waited {time.monotonic() - began:.1f} s"
    result, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert orders(result).keys() == site.finished().keys()


def test_a_damaged_archive_is_replaced(site: Site) -> None:
    (site.state / FILE).write_bytes(b"damage" * 5000)
    result = run(site, "--format", "csv")
    assert result.returncode == 0
    assert "is damaged: renamed it to" in result.stderr
    assert orders(result.stdout).keys() == site.finished().keys()
    assert (site.state / f"{FILE}.damaged").read_bytes().startswith(b"damage")
    (site.state / FILE).write_bytes(b"damage" * 5000)
    result = run(site, "--offline")
    assert (result.returncode, result.stderr.splitlines()[-1]) == (1, "tt-appliance history: the archive is damaged")


def test_filters_select_orders(site: Site) -> None:
    known = site.finished().values()
    result = orders(run(site, "--table", "12", "--table", "13", "--type", "on_premise", "--format", "csv").stdout)
    wanted = {o.uuid for o in known if o.location in ("12", "13") and o.order_type == "ON_PREMISE"}
    assert result.keys() == wanted
    to_go = orders(run(site, "--offline", "--type", "to go", "--format", "csv").stdout)
    assert to_go.keys() == {o.uuid for o in known if o.order_type == "TO_GO"}
    day = sorted(o.created for o in known)[len(known) // 2].date().isoformat()
    result = orders(run(site, "--offline", "--from", day, "--to", day, "--format", "csv").stdout)
    assert result.keys() == {o.uuid for o in known if o.created.date().isoformat() == day}
    listed = run(site, "--offline", "--from", day, "--to", day, "--orders").stdout.splitlines()
    assert len(listed) == len(result) + 1
    assert max(map(len, listed)) <= 80


def test_a_type_or_table_that_never_was_is_told_with_the_nearest(site: Site) -> None:
    """Instead of an empty result, which reads as if nobody had ordered."""
    assert run(site).returncode == 0
    for arguments, words in (
        (["--table", "121"], "no order ever had the table 121; did you mean 21?"),
        (["--table", "12", "--table", "Terrace"], "no order ever had the table Terrace; tables: 1, 2, 3, 4, 5"),
        (["--type", "to_do"], "no order ever had the type TO_DO; did you mean TO_GO?"),
        (["--type", "delivery"], "types: TO_GO, ON_PREMISE"),
    ):
        result = run(site, "--offline", "--format", "csv", *arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert words in result.stderr


def test_an_empty_period_says_so(site: Site, tmp_path: Path) -> None:
    assert run(site).returncode == 0
    period = ("--from", "2016-11-01", "--to", "2016-11-02")
    words = "tt-appliance history: no matching orders from Tue 2016-11-01 to Wed 2016-11-02\n"
    csv_result = run(site, "--offline", "--format", "csv", *period)
    assert (csv_result.returncode, csv_result.stderr) == (0, words)
    assert csv_result.stdout.count("\n") == 1, "the header alone"
    table = run(site, "--offline", *period)
    assert (table.returncode, table.stdout, table.stderr) == (0, "", words)
    chart = tmp_path / "chart.svg"
    drawn = run(site, "--offline", "--chart", chart, *period)
    assert (drawn.returncode, drawn.stderr) == (1, words)
    assert not chart.exists()


def test_a_word_selects_its_days(site: Site) -> None:
    known = site.finished().values()
    yesterday = (datetime.now() - timedelta(days=1)).date()
    result = run(site, "yesterday", "--format", "csv")
    assert result.returncode == 0
    assert orders(result.stdout).keys() == {one.uuid for one in known if one.created.date() == yesterday}
    table = run(site, "--offline", "Yesterday").stdout.splitlines()
    assert table[1] == f"on {yesterday:%a %Y-%m-%d}"
    assert [line.split()[1] for line in table if re.match(r"[A-Z][a-z]{2} 2", line)] == [str(yesterday)]


def test_the_day_ends_when_the_restaurant_says(site: Site) -> None:
    with site.config.open("a") as config:
        config.write("orders: {day_ends: 18:00}\n")
    known = site.finished().values()
    three_days_ago = (datetime.now() - timedelta(days=3)).date()
    result = run(site, "--from", str(three_days_ago), "--to", str(three_days_ago), "--format", "csv")
    assert result.returncode == 0
    end = datetime.combine(three_days_ago, datetime.min.time()) + timedelta(hours=18)
    inside = {one.uuid for one in known if end - timedelta(days=1) <= one.created < end}
    assert orders(result.stdout).keys() == inside
    table = run(site, "--offline").stdout
    assert "each day ends at 18:00" in table
    line = next(line for line in table.splitlines() if str(three_days_ago) in line)
    assert int(line.split()[2].replace(",", "")) == len(inside)


def test_output_goes_to_a_file_or_a_pipe(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "orders.csv"
    result = run(site, "--format", "csv", "--output", out)
    assert (result.returncode, result.stdout) == (0, "")
    assert orders(out.read_text(encoding="utf-8")).keys() == site.finished().keys()
    assert run(site, "--offline", "--output", tmp_path / "no" / "x.csv").returncode == 1
    piped = subprocess.run(
        f"{' '.join(command('history', '--config', site.config, '--offline', '--format', 'csv'))} | head -1",
        shell=True, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert piped.stdout.startswith("uuid,")
    assert piped.stderr == ""


def test_a_refused_token_is_reported_beside_archived_orders(site: Site) -> None:
    assert run(site).returncode == 0
    site.gateway.delete_tokens()
    result = run(site, "--format", "csv")
    assert result.returncode == 75
    assert "the gateway refused the token (HTTP 401, returnCode -2); pair again" in result.stderr
    assert len(orders(result.stdout)) > 1_000, "archived orders are reported"
    (site.state / FILE).unlink()
    nothing = run(site)
    assert nothing.returncode == 1
    assert "pair again: tt-appliance pair; the archive is empty" in nothing.stderr
    assert nothing.stderr.count("\n") == 1
    token = json.loads((site.state / "token.json").read_text())["token"]
    assert token not in result.stderr + nothing.stderr + result.stdout


def test_wrong_options_are_reported_before_any_request(site: Site, tmp_path: Path) -> None:
    for arguments, words in (
        (["--since", "soon"], "--since must be like 14d"),
        (["--chart", tmp_path / "chart.gif"], "must end in .svg or .png"),
        (
            ["--chart", tmp_path / "chart.svg", "--format", "csv"],
            "can't be combined with --output, --format or --orders",
        ),
    ):
        result = run(site, *arguments)
        assert (result.returncode, words in result.stderr) == (2, True), result.stderr
    assert not (site.state / FILE).exists()


def test_charts_are_drawn(site: Site, tmp_path: Path) -> None:
    png, svg = tmp_path / "chart.png", tmp_path / "chart.SVG"
    assert run(site, "--chart", png).returncode == 0
    with Image.open(png) as picture:
        assert picture.size == (1320, 1020)
        assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 30
    assert run(site, "--offline", "--chart", svg).returncode == 0
    drawn = svg.read_text()
    assert drawn.startswith("<?xml")
    first = drawn
    assert run(site, "--offline", "--chart", svg).returncode == 0
    assert svg.read_text() == first, "the same orders make the same picture"
    assert [path.name for path in tmp_path.glob(".chart*")] == []


def test_without_matplotlib_a_chart_names_the_missing_extra(site: Site, tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    result = run_process(site, "--chart", tmp_path / "chart.png", PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert "extra `report`" in result.stderr
    assert "Traceback" not in result.stderr


def on_a_terminal(called: list[str], columns: int) -> tuple[str, set[str]]:
    """The final contents of a terminal of 24 lines, with its scrollback, and each progress bar that it showed."""
    process, master = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.chdir(ROOT)
        os.environ["TERM"] = "xterm"
        os.execv(called[0], called)
    screen = pyte.HistoryScreen(columns, 24, history=1000)
    stream, bars = pyte.ByteStream(screen), set[str]()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(master, 4096)
        except OSError:
            break
        if not chunk:
            break
        for piece in re.split(rb"(?=\r\x1b\[K)", chunk):
            stream.feed(piece)
            bars |= {line.rstrip() for line in screen.display if "[" in line and "orders" in line}
    os.waitpid(process, 0)
    os.close(master)
    before = ["".join(row[x].data for x in range(columns)).rstrip() for row in screen.history.top]
    return "\n".join([*before, *(line.rstrip() for line in screen.display)]), bars


def test_report_and_progress_fit_eighty_columns(busy_site: Site) -> None:
    shown, bars = on_a_terminal(command("history", "--config", busy_site.config), 80)
    lines = shown.strip().splitlines()
    assert lines[0].startswith(f"Orders of {busy_site.gateway.address}")
    assert any(re.match(r"all +[0-9,]+ +[0-9]+:[0-9]{2}", line) for line in lines)
    assert not any("reading" in line for line in lines), "the bar disappears at the end"
    parts = [bar.count("#") for bar in bars]
    assert len(parts) > 5
    assert max(parts) > 20 > min(parts)
    # A line that is too long would wrap.
    days = [line for line in lines if re.match(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) 2", line)]
    assert len(days) >= 13, "13 full days, and today after its first order"
    assert all(re.search(r"[0-9]+:[0-9]{2} +[0-9]+%( +[0-9]+)?$", day) for day in days)
