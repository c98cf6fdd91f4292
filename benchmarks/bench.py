"""Ways to do one job, measured: one generation of the Game of Life.

    make bench                                 all boards, in four minutes
    make bench QUICK=1                         the smallest, in half a minute
    make bench JSON=benchmarks/results.json    keep the figures there
    make executors                             executors, in half a minute

The ways take turns, for as many rounds as fit; a process measures each once.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from item56 import DELAY
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks import CORES, ROOT
from benchmarks.figures import (
    COLUMNS,
    EXECUTOR_COLUMNS,
    Entry,
    Job,
    Results,
    executor_rows,
    machine,
    notes,
    plan,
    rows,
    sizes_of,
)

MINE = "benchmarks/mine.json"  # executors: mine-executors.json
SIZES, QUICK_SIZES = (45, 450, 4_500, 45_000), (45,)  # cells
BUDGET, QUICK_BUDGET = 225, 20  # seconds for everything
EXECUTORS = "serial", "threads", "interpreters", "processes", "Dask"
EXECUTOR_SIZE, QUICK_EXECUTOR_SIZE = 400, 36  # cells
SEVERAL = "generation", "floor", "executor"  # kinds that take several rounds
LIMIT = 20.0  # seconds for one measurement, before it is given up
WAITS = {
    "timer": f"{DELAY * 1000:.0f} ms by a timer",
    "socket": f"a byte to a peer and, after {DELAY * 1000:.0f} ms, back",
    "none": "no I/O: the overhead alone",
}


def measure(job: Job) -> dict[str, Any]:
    """Return the figures of a job, or why there are none, as left_out.

    Nothing stays behind, neither a process nor a file, if it takes too long
    or is interrupted.
    """
    tool = "executors" if job.kind == "executor" else "measure"
    command = [sys.executable, "-m", f"benchmarks.{tool}"]
    with (
        TemporaryDirectory() as folder,
        subprocess.Popen(
            [*command, json.dumps(asdict(job))],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": folder},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is ours alone
        ) as process,
    ):
        try:
            out, err = process.communicate(timeout=LIMIT)
        except BaseException as error:
            process.kill()
            if os.name == "posix":
                with suppress(ProcessLookupError):  # it had no others
                    os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return {"left_out": f"took more than {LIMIT:.0f} s"}
    if process.returncode:
        last = err.strip().splitlines()[-1:] or ["no message"]
        return {"left_out": last[0]}
    figures: dict[str, Any] = json.loads(out)
    return figures


def add(entries: dict[Job, Entry], job: Job, figures: dict[str, Any]) -> None:
    """Add the figures of another round to the entry of the job."""
    entry = entries.setdefault(job, asdict(job))
    for key, value in figures.items():
        if job.kind in SEVERAL and isinstance(value, float):
            entry.setdefault(key, []).append(value)
        else:
            entry[key] = value


def collect(
    jobs: Sequence[Job],
    budget: float,
    measure: Callable[[Job], dict[str, Any]],
    show: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> list[Entry]:
    """Return an entry for each job: one round of all, and more in budget.

    From the third round on, only jobs of less than a second take part;
    executors have three rounds. What was left out once is not tried again.
    Show is called with a line about the next job. The budget and the clock
    are in seconds.
    """
    start = clock()
    entries: dict[Job, Entry] = {}
    took: dict[Job, float] = {}

    def again(job: Job, turn: int, spent: float) -> bool:
        quick = turn == 2 or took[job] < 1
        return (
            job.kind in SEVERAL
            and "left_out" not in entries[job]
            and spent + took[job] < budget
            and (turn <= 3 if job.kind == "executor" else quick)
        )

    turn, ran = 0, True
    while ran:
        turn, ran = turn + 1, False
        for job in jobs:
            spent = clock() - start
            if turn > 1 and not again(job, turn, spent):
                continue
            what = f"{job.kind}, {job.way}, {job.cells:,} cells, {job.wait}"
            show(f"{spent:.0f} of {budget:.0f} s, round {turn}: {what}")
            add(entries, job, measure(job))
            took[job] = clock() - start - spent
            ran = True
    return list(entries.values())


def table(columns: Sequence[str], title: str) -> Table:
    """Return a table that fits 80 columns: all but its first are figures."""
    headings = [re.sub("(?<=/)|(?<=to) ", "\n", column) for column in columns]
    table = Table(*headings, title=title, box=SIMPLE, padding=(0, 1, 0, 0))
    table.title_justify = "left"
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def report(results: Results, console: Console) -> None:
    """Print everything that was measured."""
    console.print(", ".join(f"{k} {v}" for k, v in results["machine"].items()))
    for wait, title in WAITS.items():
        ways = table(COLUMNS, title)
        for cells in sizes_of(results):
            if found := rows(results, cells, wait):
                ways.add_section()
                ways.add_row(f"[bold]{cells:,} cells[/bold]")
                for row in found:
                    ways.add_row(*row)
        if ways.rows:
            console.print(ways)
    if found := executor_rows(results):
        pools = table(EXECUTOR_COLUMNS, f"{CORES} workers")
        for row in found:
            pools.add_row(*row)
        console.print(pools)
    for line in notes(results):
        console.print(line)


def main(arguments: Sequence[str]) -> None:
    """Measure, print the table, keep the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("json", nargs="?", type=Path, help=f"default: {MINE}")
    parser.add_argument("--quick", action="store_true", help="few cells only")
    parser.add_argument("--executors", action="store_true", help="only them")
    options = parser.parse_args(arguments)
    mine = MINE.replace(".", "-executors.") if options.executors else MINE
    options.json = options.json or Path(mine)
    if not options.json.parent.is_dir():  # now, not when all is measured
        parser.error(f"there is no folder {options.json.parent}: make it")
    budget = QUICK_BUDGET if options.quick else BUDGET
    jobs, computed = plan(QUICK_SIZES if options.quick else SIZES)
    if options.executors:
        cells = QUICK_EXECUTOR_SIZE if options.quick else EXECUTOR_SIZE
        jobs = [Job("executor", way, cells, "none") for way in EXECUTORS]
        computed = []
    console = Console(highlight=False)
    with console.status("") as status:
        entries = collect(jobs, budget, measure, status.update)
    results = {
        "machine": machine(),
        "budget": budget,
        "entries": [*entries, *computed],
    }
    options.json.write_text(json.dumps(results, indent=1) + "\n")
    report(results, console)
    console.print(f"\nThe figures are in {options.json}.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
