"""Five ways to do one job, measured: one generation of the Game of Life.

    make bench                                 all boards, under 4 minutes
    make bench QUICK=1                         the smallest, under 30 seconds
    make bench PEERS=1                         beside them, other packages
    make bench JSON=benchmarks/results.json    keep the figures there

Each measurement has a process of its own, and the ways take turns. What the
first round leaves of the time goes into further rounds.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress
from rich.table import Table

from benchmarks.conduct import FULL, QUICK, collect, measure
from benchmarks.figures import (
    COLUMNS,
    Job,
    Results,
    columns,
    notes,
    plan,
    rows,
    sizes_of,
)
from benchmarks.machine import machine

MINE = Path("benchmarks", "mine.json")
WAITS = {
    "timer": "10 ms by a timer",
    "socket": "a byte to a peer and, after 10 ms, back",
    "none": "no I/O: the overhead alone",
}


def table(results: Results, wait: str) -> Table:
    """The figures for one form of I/O, a section for each board."""
    table = Table(*COLUMNS, title=WAITS[wait], title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for cells in sizes_of(results):
        if found := rows(results, cells, wait):
            table.add_section()
            table.add_row(f"[bold]{cells:,} cells[/bold]")
            for row in found:
                table.add_row(*columns(row))
    return table


def report(results: Results, console: Console) -> None:
    """Print everything that was measured."""
    console.print(", ".join(f"{k} {v}" for k, v in results["machine"].items()))
    for wait in WAITS:
        console.print()
        console.print(table(results, wait))
    for line in notes(results):
        console.print(line)


def main(arguments: Sequence[str]) -> None:
    """Measure, print the table, keep the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "json", nargs="?", type=Path, default=MINE, help=f"default: {MINE}"
    )
    parser.add_argument("--quick", action="store_true", help="45 cells only")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="beside them, what a user might pick instead",
    )
    options = parser.parse_args(arguments)
    if not options.json.parent.is_dir():  # now, not when all is measured
        parser.error(f"there is no folder {options.json.parent}: make it")
    setting = QUICK if options.quick else FULL
    console = Console(width=100)
    jobs, computed = plan(
        setting.sizes, setting.longest, with_peers=options.peers
    )
    with Progress(
        "{task.description}",
        BarColumn(),
        "{task.fields[left]:.0f} s left",
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task("", total=setting.budget, left=setting.budget)

        def show(job: Job, turn: int, spent: float, left: float) -> None:
            progress.update(
                bar,
                description=f"round {turn}: {job.kind}, {job.way},"
                f" {job.cells:,} cells, {job.wait}",
                completed=spent,
                total=spent + left,
                left=left,
            )

        entries = collect(jobs, setting.budget, measure, show)
    results = {
        "machine": machine(),
        "budget": setting.budget,
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
