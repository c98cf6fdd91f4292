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
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from tests.helpers import (
    ITEMS,
    SCRIPTS,
    each_script,
    linux,
    load,
    run,
    run_copy,
    together,
)

TRIES = 20


class F(NamedTuple):
    """The figure at # on a line of an item; * stands for anything else."""

    item: int
    line: str
    least: float
    most: float
    why: str

    def __str__(self) -> str:
        return f"{self.item}: {self.line}"


GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
CORES = 1.05 if GIL else (os.cpu_count() or 1) + 0.05
STATUS = -15 if os.name == "posix" else 1  # Windows knows no signals
NAPS = "a nap is never shorter; ten in a row take 1 s"
FACTORS = "1.4 million divisions"
SHARE = "a busy machine may leave little of a core"
WAIT = "a wait is never shorter; it is some 10 % longer"
STARTS = "five threads are started before the first wait ends"
POLLS = "three workers poll 1,000 times in vain, and for 1,000 items"
ONE_EACH = "20 items of 5 ms, and the first one's way through two phases"
SEVERAL = "7 rounds of 5 ms, and the first one's way"
STACK = "two pages of its stack at least"
COST = "connections and threads cost several times the wait"
FRAME = "425 on 3.11, 390 on 3.14; 201 if it did not wait"
TASK = "470 to 560; 970 with its coroutine"

FIGURES = [
    F(52, "10 naps of 0.1 s took # s together", 0.1, 0.5, NAPS),
    F(52, "exit status # (-15 is signal 15, SIGTERM)", STATUS, STATUS, ""),
    F(53, "# s", 0.01, 1, FACTORS),
    F(53, "# s, * cores in use, with* the GIL", 0.01, 1, FACTORS),
    F(53, "* s, # cores in use, with* the GIL", 0.01, CORES, SHARE),
    F(53, "in a row # s, ideally 0.500 s", 0.5, 0.8, WAIT),
    F(53, "in threads # s, ideally 0.100 s", 0.1, 0.18, WAIT),
    F(53, "the main thread finished its work after # s", 0, 0.09, STARTS),
    F(55, "polled # times", 6000, 1e6, POLLS),
    F(55, "(1, 1, 1) workers took # s for slow items", 0.11, 0.2, ONE_EACH),
    F(55, "(3, 4, 5) workers took # s for slow items", 0.045, 0.085, SEVERAL),
    F(56, "45 cells took # s, ideally 0.450 s", 0.45, 0.85, WAIT),
    F(57, "# KiB of memory in use for each thread", 6, 200, STACK),
    F(57, "# s to start and join them", 0.0002, 0.5, COST),
    F(57, "45 cells took # s, ideally 0.010 s", 0.01, 0.2, COST),
    F(58, "45 cells took # s, ideally 0.090 s", 0.09, 0.17, WAIT),
    F(58, "45 cells took # s, ideally 0.100 s", 0.1, 0.19, WAIT),
    F(59, "45 cells took # s, ideally 0.050 s", 0.05, 0.095, WAIT),
    F(60, "# bytes each, * for its task", 300, 600, FRAME),
    F(60, "* bytes each, # for its task", 300, 900, TASK),
    F(60, "45 cells took # s, ideally 0.010 s", 0.01, 0.2, COST),
    F(60, "45 cells took # s, ideally 0.020 s", 0.02, 0.3, COST),
]


def regex(line: str) -> str:
    """Return a pattern for a here: line; its group is the figure."""
    pattern = re.escape("here: " + line).replace(r"\*", r".*")
    return pattern.replace(r"\#", "(?P<figure>[-\\d.]+)")


def here_lines(text: str) -> list[str]:
    """Return the here: lines of a transcript."""
    return [line for line in text.splitlines() if line.startswith("here: ")]


@pytest.mark.parametrize(
    "figure",
    [
        pytest.param(f, marks=together(ITEMS[f.item - 52]), id=str(f))
        for f in FIGURES
    ],
)
def test_a_figure_is_within_its_bounds(figure: F) -> None:
    """If it is too large, there are more tries."""
    if "KiB" in figure.line and sys.platform != "linux":
        pytest.skip("other systems do not tell")
    name = ITEMS[figure.item - 52]
    texts = itertools.chain(
        [run_copy(name)[0].stdout],
        (run(SCRIPTS[name]).stdout for _ in range(TRIES)),
    )
    values = []
    for text in texts:
        for line in here_lines(text):
            if match := re.fullmatch(regex(figure.line), line):
                values.append(float(match["figure"]))
        assert values, f"no line {figure.line!r} in {text}"
        assert min(values) >= figure.least, figure.why
        if values[-1] <= figure.most:
            return
    raise AssertionError(f"{values} > {figure.most}: {figure.why}")


@each_script
def test_every_figure_has_its_row(name: str) -> None:
    """Numbers that no row bounds stand in the text of a row."""
    for line in here_lines(run_copy(name)[0].stdout):
        rest, known = line, ""
        for figure in FIGURES:
            match = re.fullmatch(regex(figure.line), line)
            if match and str(figure.item) in name:
                rest = rest.replace(match["figure"], "#", 1)
                known += figure.line
        numbers = re.findall(r"\d+(?:\.\d+)?", rest)
        assert all(number in known for number in numbers), line


@pytest.mark.parametrize(
    ("item", "demo", "lines"),
    [
        (52, "sleep_in_parallel", ["10 naps of 0.1 s took 1.000 s together"]),
        (53, "factorize_in_a_row", ["1.000 s"]),
        (53, "factorize_in_threads", ["1.000 s, 0.25 cores in use, * GIL"]),
        (53, "block_in_a_row", ["in a row 1.000 s, ideally 0.500 s"]),
        (
            53,
            "block_in_threads",
            [
                "the main thread finished its work after 1.000 s",
                "in threads 2.000 s, ideally 0.100 s",
            ],
        ),
        (
            55,
            "several_workers",
            [
                "(1, 1, 1) workers took 1.000 s for slow items",
                "(3, 4, 5) workers took 1.000 s for slow items",
            ],
        ),
        # Of item 56, for items 57 to 60, too
        (56, "blocking_io", ["45 cells took 1.000 s, ideally 0.450 s"]),
        (
            57,
            "print_cost",
            [
                "100 KiB of memory in use for each thread",
                "1.0000 s to start and join them",
            ],
        ),
    ],
)
def test_figures_are_those_from_start_to_end(
    item: int,
    demo: str,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By a clock that moves on by a second at each look.

    So does the processor's by 0.25 s, and the memory in use by 4,500 KiB.
    """
    module = load(ITEMS[item - 52])
    for name, look in (
        ("perf_counter", itertools.count(100.0)),
        ("process_time", itertools.count(step=0.25)),
        ("memory_in_use", itertools.count(1_000, 4_500)),
    ):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, partial(next, look))
    getattr(module, demo)()
    printed = here_lines(capsys.readouterr().out)
    for line, pattern in zip(printed, lines, strict=True):
        assert re.fullmatch(regex(pattern), line)


@linux
def test_memory_in_use_is_that_of_this_process() -> None:
    """In KiB: 64 MiB that have been written to are in use."""
    memory_in_use = load("item57_threads").memory_in_use
    before = memory_in_use()
    data = bytearray(b"x") * (64 * 2**20)
    assert memory_in_use() - before == pytest.approx(2**16, rel=0.1)
    assert len(data) == 64 * 2**20


@pytest.mark.parametrize("tracing", [False, True])
def test_bytes_are_those_added_by_each_coroutine_and_by_its_task(
    tracing: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """400 for each of 1,000, and 500 more with tasks: 100 for a task.

    Tracing goes on if it was on.
    """
    coroutines = load("item60_coroutines")
    memory = iter([(7_000, 0), (407_000, 0), (907_000, 0)])
    calls: list[str] = []
    trace = SimpleNamespace(
        is_tracing=lambda: tracing,
        start=lambda: calls.append("start"),
        stop=lambda: calls.append("stop"),
        get_traced_memory=partial(next, memory),
    )
    monkeypatch.setattr(coroutines, "tracemalloc", trace)
    monkeypatch.setattr(coroutines, "MANY", 1_000)
    asyncio.run(coroutines.print_cost(), debug=False)
    assert here_lines(capsys.readouterr().out) == [
        "here: 400 bytes each, 100 for its task"
    ]
    assert calls == ["start"] + ["stop"] * (not tracing)
