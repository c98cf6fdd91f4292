"""What is measured, what it is compared with, and how it reads as a table.

Results are a dictionary that JSON can hold:

    machine   what they were measured on: str to str, int or bool
    budget    seconds that all measurements together were given
    entries   a list of dictionaries, each with the kind, way, cells and wait
              of a Job, and with one of
              seconds, processor   lists of seconds, one for each round
              threads, bytes       most threads alive, bytes for each cell
              seconds, waits       one generation, and its cells' waits:
                                   a list of [begin, end]
              start, slow, alone,  lists of seconds, one for each round: see
              chunked; loss        executors.py; and what a loss means
              computed             the ideal seconds: measuring takes too long
              left_out             why there is no figure
"""

import math
import platform
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from item56 import DELAY

from benchmarks import CORES, price
from benchmarks.ways import AT_ONCE

Results = dict[str, Any]
Entry = dict[str, Any]

LARGE = 4_500  # cells: above, only what shows where a way gives up
LONGEST = {"timer": 9.5, "socket": 2.0}  # seconds of a generation
TIMELINE = "serial", "threads", "queue", "pool", "coroutines"
NAMES = {
    "serial": "serial (item 56)",
    "threads": "a thread a cell (57)",
    "queue": "queue, 5 workers (58)",
    "phased": "two queues, 5 + 5 workers (58)",
    "pool": "pool of 10 threads (59)",
    "coroutines": "a coroutine a cell (60)",
}


def machine() -> dict[str, Any]:
    """Return what the figures depend on: the processor, Python, the system."""
    processor = platform.processor() or platform.machine()
    with suppress(OSError, ValueError):  # not Linux, or not on this processor
        text = Path("/proc/cpuinfo").read_text()
        processor, *_ = re.findall(r"model name\s*: (.+)", text)
    # Before 3.13 there was no Python without a GIL, nor a way to ask.
    gil = getattr(sys, "_is_gil_enabled", lambda: True)
    return {
        "processor": processor,
        "cores": CORES,
        "python": f"{platform.python_implementation()} "
        f"{platform.python_version()}",
        "GIL": gil(),
        "system": platform.platform(),
        "date": date.today().isoformat(),
    }


@dataclass(frozen=True)
class Job:
    """A measurement: its kind and way, how many cells, what they wait for."""

    kind: str
    way: str
    cells: int
    wait: str


def ideal(way: str, cells: int, wait: str = "timer") -> float:
    """Return the seconds of a generation whose cells only wait, in waves.

    A wave is as many cells as the way lets wait at once.
    """
    if wait not in ("timer", "socket"):
        return 0.0
    return math.ceil(cells / (AT_ONCE[way] or cells)) * DELAY


def plan(sizes: Iterable[int]) -> tuple[list[Job], list[Entry]]:
    """Return the jobs of one round, and entries for what is computed instead.

    Computed is what would take more seconds than LONGEST. Each floor follows
    its way, so that both meet the machine in the same state.
    """
    jobs = [Job("timeline", way, 45, "timer") for way in TIMELINE]
    computed = []
    for cells in sizes:
        waits = ("none",) * (cells <= LARGE) + ("timer", "socket")
        for wait in waits:
            for way in AT_ONCE:
                job = Job("generation", way, cells, wait)
                seconds = ideal(way, cells, wait)
                if wait != "none" and seconds > LONGEST[wait]:
                    computed.append(asdict(job) | {"computed": seconds})
                    continue
                jobs.append(job)
                # The second phase of item 58 adds no wait: one floor for both
                if wait != "none" and way != "phased" and cells <= LARGE:
                    jobs.append(Job("floor", way, cells, wait))
        jobs += [Job("cost", way, cells, "gate") for way in AT_ONCE]
    return jobs, computed


def find(
    results: Results, kind: str, way: str, cells: int, wait: str
) -> Entry:
    """Return the entry of a job, or an empty one if there is none."""
    job = asdict(Job(kind, way, cells, wait)).items()
    return next((e for e in results["entries"] if job <= e.items()), {})


def floor(results: Results, way: str, cells: int, wait: str) -> float | None:
    """Return the seconds of the bare waits; None if they were not measured."""
    bare_way = "queue" if way == "phased" else way
    bare = find(results, "floor", bare_way, cells, wait).get("seconds")
    return median(bare) if bare else None


def seconds_text(seconds: float) -> str:
    """Return seconds with three significant digits, in s, ms or us."""
    seconds = float(f"{seconds:.3g}")  # 0.9996 s are 1.00 s
    unit = "s"
    for unit in "s", "ms", "us":
        if seconds >= 1 or unit == "us":
            break
        seconds *= 1000
    return f"{seconds:#.3g} {unit}".replace(". ", " ")


COLUMNS = (
    "way",
    "time",
    "spread",
    "to ideal",
    "to floor",
    "CPU/cell",
    "threads",
    "memory/cell",
)


def spread_text(rounds: list[float]) -> str:
    """Return how far apart the rounds are, and how many they are.

    Relative to their median. Under three rounds say nothing of that.
    """
    if len(rounds) < 3:
        return f"({len(rounds)})"
    spread = (max(rounds) - min(rounds)) / median(rounds)
    return f"{spread:.0%} ({len(rounds)})"


def row(results: Results, way: str, cells: int, wait: str) -> list[str]:
    """Return the figures of a way as text, a string for each of COLUMNS.

    The time is that of the median round. Both ratios are of the time.
    """
    entry = find(results, "generation", way, cells, wait)
    cost = find(results, "cost", way, cells, "gate")
    time, spread, to_ideal, to_floor, processor = "left out", "", "", "", ""
    threads, memory = "", ""
    if "computed" in entry:
        time = f"{seconds_text(entry['computed'])} *"
    elif rounds := entry.get("seconds"):
        seconds = median(rounds)
        time, spread = seconds_text(seconds), spread_text(rounds)
        if ideal_seconds := ideal(way, cells, wait):
            to_ideal = f"{seconds / ideal_seconds:.2f}"
        if floor_seconds := floor(results, way, cells, wait):
            to_floor = f"{seconds / floor_seconds:.2f}"
        processor = seconds_text(median(entry["processor"]) / cells)
    if "threads" in cost:
        threads = f"{cost['threads']:,}"
        memory = f"{cost['bytes'] / 1024:.1f} KiB"
    return [way, time, spread, to_ideal, to_floor, processor, threads, memory]


def rows(results: Results, cells: int, wait: str) -> list[list[str]]:
    """Return a row for each way that the results have at this size."""
    return [
        row(results, way, cells, wait)
        for way in AT_ONCE
        if find(results, "generation", way, cells, wait)
    ]


def sizes_of(results: Results) -> list[int]:
    """Return the numbers of cells that the results are for, ascending."""
    return sorted({entry["cells"] for entry in results["entries"]})


def notes(results: Results) -> list[str]:
    """Return a line for each figure that is missing or computed: why."""
    lines = [
        f"{entry['way']}, {entry['cells']:,} cells, {entry['kind']}"
        f" ({entry['wait']}): {entry['left_out']}"
        for entry in results["entries"]
        if "left_out" in entry
    ]
    if any("computed" in entry for entry in results["entries"]):
        lines.append("* computed from the ideal: measuring takes too long")
    return lines


def markdown(results: Results) -> str:
    """Return the README's table: 45 and 4,500 cells that wait by the timer."""
    lines = [
        "| way | 45 cells | ideal | 4,500 cells | ideal |"
        " threads | memory a cell | code | more I/O |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for way, name in NAMES.items():
        _, small, *_ = row(results, way, 45, "timer")
        _, large, *_, threads, memory = row(results, way, 4_500, "timer")
        at_45, at_4500 = (seconds_text(ideal(way, n)) for n in (45, 4_500))
        texts = [name, small, at_45, large, at_4500, threads, memory]
        texts += map(str, price.of(way))
        lines.append(f"| {' | '.join(texts)} |")
    return "\n".join(lines) + "\n"


EXECUTOR_COLUMNS = (
    "executor",
    "start",
    "to serial",
    "a call",
    "in chunks",
    "if a worker dies",
)


def executor_rows(results: Results) -> list[list[str]]:
    """Return a row for each executor: strings for EXECUTOR_COLUMNS.

    By the medians of the rounds; "to serial" is the time of a generation with
    slow rules, relative to a serial one.
    """
    found = []
    for entry in results["entries"]:
        if "start" in entry:
            start, slow, alone, chunked = (
                median(entry[key])
                for key in ("start", "slow", "alone", "chunked")
            )
            cells = entry["cells"]
            serial = find(results, "executor", "serial", cells, "none")["slow"]
            texts = [
                seconds_text(start),
                f"{slow / median(serial):.2f}",
                seconds_text(alone / cells),
                seconds_text(chunked / cells),
                entry["loss"],
            ]
            found.append([entry["way"], *texts])
    return found


def executor_markdown(results: Results) -> str:
    """Return the table of benchmarks/README.md."""
    lines = [EXECUTOR_COLUMNS, ["---"] * 6, *executor_rows(results)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
