"""Every figure on a here: line is bounded, from both sides.

The bounds hold on any machine, as busy as it may be: a figure that is too
large gets more tries, which a wrong one fails as well. How a figure comes
about is tested exactly, with clocks and counters that tests make up.
"""

import asyncio
import itertools
import os
import re
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from math import nan
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from tests.helpers import (
    ITEMS,
    LIMIT,
    SCRIPTS,
    each_script,
    linux,
    load,
    printed,
    run,
    run_copy,
    transcript,
)

TRIES = 20
SLACK = 1 if os.name == "posix" else 2  # sockets cost more on Windows


class F(NamedTuple):
    """The figure at # on a line of an item; * stands for anything else."""

    item: int
    line: str
    least: float
    most: float
    exact: float  # by clocks that are made up; nan: they do not tell
    why: str

    def figure(self, name: str, line: str) -> str:
        """Return the figure on a line of a script; "" if it is another's."""
        pattern = re.escape(f"here: {self.line}").replace(r"\*", ".*")
        match = re.fullmatch(pattern.replace(r"\#", r"([-\d.]+)"), line)
        return match[1] if match and str(self.item) in name else ""


GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
CORES = 1.05 if GIL else (os.cpu_count() or 1) + 0.05
END = -15 if os.name == "posix" else 1
KILLED = "C52.7: terminated, and reaped; Windows knows no signals"
NAPS = "a nap is never shorter; ten in a row take 1 s and ten starts"
FACTORS = "1.4 million divisions"
SHARE = "a busy machine may leave little of a core"
WAIT = "a wait is never shorter; it is some 10 % longer"
STARTS = "five threads are started before the first wait ends"
LOST = "a thread that writes late may undo what all others did"
POLLS = "three workers poll 1,000 times in vain, and for 1,000 items"
ONE_EACH = "20 items of 5 ms, and the first one's way through two phases"
SEVEN = "seven rounds of 5 ms, and the first one's way"
STACK = "two pages of its stack at least"
COST = "connections and threads cost several times the wait"
FRAME = "650 on 3.11, 610 on 3.15; 225 if it did not wait"
TASK = "470 to 560; 970 with its coroutine"

FIGURES = [
    F(52, "10 naps of 0.1 s took # s together", 0.1, 0.9, 2, NAPS),
    F(52, "exit status # (-15 is signal 15, SIGTERM)", END, END, nan, KILLED),
    F(53, "# s", 0.01, 1, 2, FACTORS),
    F(53, "# s, * cores in use, with* the GIL", 0.01, 1, 2, FACTORS),
    F(53, "* s, # cores in use, with* the GIL", 0.01, CORES, 0.25, SHARE),
    F(53, "in a row # s, ideally 0.500 s", 0.5, 0.8, 2, WAIT),
    F(53, "in threads # s, ideally 0.100 s", 0.1, 0.18, 4, WAIT),
    F(53, "the main thread finished its work after # s", 0, 0.09, 2, STARTS),
    F(54, "the same readings without the lock, got #", 5, 499, nan, LOST),
    F(55, "polled # times", 6000, 1e6, nan, POLLS),
    F(55, "(1, 1, 1) workers took # s for slow items", 0.11, 0.2, 2, ONE_EACH),
    F(55, "(3, 4, 5) workers took # s for slow items", 0.045, 0.085, 2, SEVEN),
    F(56, "45 cells took # s, ideally 0.450 s", 0.45, 0.85, 2, WAIT),
    F(57, "# KiB of resident memory for each thread", 6, 200, 100, STACK),
    F(57, "# s to start, run and join them", 0.0002, 0.5, 2, COST),
    F(57, "45 cells took # s, ideally 0.010 s", 0.01, 0.2, nan, COST),
    F(58, "45 cells took # s, ideally 0.090 s", 0.09, 0.17, nan, WAIT),
    F(58, "45 cells took # s, ideally 0.100 s", 0.1, 0.19, nan, WAIT),
    F(59, "45 cells took # s, ideally 0.050 s", 0.05, 0.095, nan, WAIT),
    F(60, "# bytes each, * for its task", 450, 1000, nan, FRAME),
    F(60, "* bytes each, # for its task", 300, 900, nan, TASK),
    F(60, "45 cells took # s, ideally 0.010 s", 0.01, 0.2, nan, COST),
    F(60, "45 cells took # s, ideally 0.020 s", 0.02, 0.3, nan, COST),
]


def figures(name: str, text: str) -> Iterator[tuple[F, float]]:
    """Yield each figure of an item's transcript with its row."""
    for line in re.findall("(?m)^here: .*$", text):
        for row in FIGURES:
            if figure := row.figure(name, line):
                yield row, float(figure)


@each_script(run_copy, ITEMS)
@pytest.mark.timeout(TRIES * LIMIT)
def test_figures_are_within_their_bounds(name: str) -> None:
    """If one is too large, there are more tries."""
    rows = [row for row in FIGURES if str(row.item) in name]
    if sys.platform != "linux":
        rows = [row for row in rows if "KiB" not in row.line]
    text = transcript(name)
    for _ in range(TRIES):
        found = [(row, x) for row, x in figures(name, text) if row in rows]
        assert {row for row, _ in found} == set(rows), text
        assert not [(row, x) for row, x in found if x < row.least]
        rows = [row for row, x in found if x > SLACK * row.most]
        if not rows:
            return
        text = run(SCRIPTS[name]).stdout
    pytest.fail(f"too large in {TRIES} runs: {rows}")


@each_script(run_copy)
def test_every_figure_has_its_row(name: str) -> None:
    """Numbers that no row bounds stand in the text of a row."""
    for line in re.findall("(?m)^here: .*$", transcript(name)):
        rest, known = line, ""
        for row in FIGURES:
            if figure := row.figure(name, line):
                rest = rest.replace(figure, "#", 1)
                known += row.line
        numbers = re.findall(r"\d+(?:\.\d+)?", rest)
        assert all(number in known for number in numbers), line


@pytest.mark.parametrize(
    ("name", "demo"),
    [
        ("item52_subprocess", "sleep_in_parallel"),
        ("item53_gil", "factorize_in_a_row"),
        ("item53_gil", "factorize_in_threads"),
        ("item53_gil", "block_in_a_row"),
        ("item53_gil", "block_in_threads"),
        ("item55_queue", "several_workers"),
        ("item56_life", "blocking_io"),  # as in items 57 to 60
        ("item57_threads", "print_cost"),
    ],
)
def test_figures_are_those_from_start_to_end(name: str, demo: str) -> None:
    """Of no part and of no more, and no ratio is upside down.

    Clocks and memory move on by as much at each look; all else takes no time.
    """
    made_up: dict[str, Any] = {
        "ask": nullcontext,
        "factorize": lambda number: [number],
        "resident_memory": partial(next, itertools.count(1_000, 4_500)),  # KiB
        "peer": nullcontext,
        "perf_counter": partial(next, itertools.count(100.0, 2)),
        "process_time": partial(next, itertools.count(step=0.5)),
        "sleep": nullcontext,
        "slow_systemcall": nullcontext,
    }
    script = load(name)
    there = {n: made for n, made in made_up.items() if hasattr(script, n)}
    found = list(figures(name, printed(getattr(script, demo), **there)))
    assert [value for _, value in found] == [row.exact for row, _ in found]
    assert found


@linux
def test_resident_memory_is_that_of_this_process() -> None:
    """In KiB: 64 MiB that have been written to are in use."""
    resident_memory = load("item57_threads").resident_memory
    before = resident_memory()
    data = bytearray(b"x") * (64 * 2**20)
    assert resident_memory() - before == pytest.approx(
        len(data) / 1024, rel=0.1
    )


def test_bytes_are_those_that_each_one_adds() -> None:
    """400,000 for 1,000 coroutines, 500,000 more for 1,000 that have tasks.

    So a coroutine takes 400, its task 100.
    """
    memory = iter([(7_000, 0), (407_000, 0), (907_000, 0)])

    def look() -> tuple[int, int]:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        coroutines: list[Any] = [task.get_coro() for task in tasks]
        assert all(coroutine.cr_await for coroutine in coroutines)
        return next(memory)

    with patch.object(tracemalloc, "get_traced_memory", look):
        output = printed(load("item60_coroutines").coroutine_per_cell)
    assert [value for _, value in figures("item60", output)][:2] == [400, 100]
