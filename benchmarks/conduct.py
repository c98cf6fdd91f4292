"""Have everything measured, in turn, each in a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.figures import Entry, Job, ideal
from benchmarks.measure import AT_ONCE

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 20.0  # seconds for one measurement, before it is given up


class Setting(NamedTuple):
    """How much to measure."""

    sizes: Sequence[int]  # cells
    budget: float  # seconds for everything
    longest: Mapping[str, float]  # seconds; what takes more is computed


FULL = Setting(
    sizes=(45, 450, 4_500, 45_000),
    budget=225,
    longest={"timer": 9.5, "socket": 2},
)
QUICK = Setting(sizes=(45,), budget=20, longest={})


def measure(job: Job) -> dict[str, Any]:
    """The figures of a job; left_out says why where there are none."""
    command = [sys.executable, "-m", "benchmarks.measure"]
    try:
        result = subprocess.run(
            [*command, json.dumps(asdict(job))],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return {"left_out": f"took more than {LIMIT:.0f} s"}
    if result.returncode:
        last = result.stderr.strip().splitlines()[-1:] or ["no message"]
        return {"left_out": last[0]}
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def add(entries: dict[Job, Entry], job: Job, figures: dict[str, Any]) -> None:
    """Put the figures of another round into the entry of the job."""
    entry = entries.setdefault(job, asdict(job))
    if job.kind in ("generation", "floor", "peer") and "seconds" in figures:
        for key in "seconds", "processor":
            entry.setdefault(key, []).append(figures[key])
    else:
        entry.update(figures)


def expected(jobs: Iterable[Job]) -> float:
    """Seconds that a round of these jobs takes, roughly."""
    return sum(
        0.6 + (ideal(j.way, j.cells, j.wait) if j.way in AT_ONCE else 0)
        for j in jobs
    )


def collect(
    jobs: list[Job],
    budget: float,
    measure: Callable[[Job], dict[str, Any]],
    show: Callable[[Job, int, float, float], None],
    clock: Callable[[], float] = time.monotonic,
) -> list[Entry]:
    """An entry for each job: one round of all, and more within the budget.

    From the third round on only jobs of less than a second take part. What
    was left out once is not tried again. Show is told the next job, its
    round, and the seconds that are spent and left.
    """
    start = clock()
    entries: dict[Job, Entry] = {}
    took: dict[Job, float] = {}

    def again(job: Job, turn: int, spent: float) -> bool:
        return (
            job.kind not in ("cost", "timeline")
            and "left_out" not in entries[job]
            and spent + took[job] < budget
            and (turn == 2 or took[job] < 1)
        )

    turn, ran = 0, True
    while ran:
        turn, ran = turn + 1, False
        for number, job in enumerate(jobs):
            spent = clock() - start
            if turn > 1 and not again(job, turn, spent):
                continue
            rest = expected(jobs[number:]) if turn == 1 else 0
            show(job, turn, spent, max(rest, budget - spent))
            add(entries, job, measure(job))
            took[job] = clock() - start - spent
            ran = True
    return list(entries.values())
