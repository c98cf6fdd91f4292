"""Beyond one machine: item 59's fan-out, on any executor.

A generation becomes pure calls: a cell's state and its number of living
neighbors go out, its next state comes back, and only the caller touches a
grid. Such calls run on threads, interpreters, processes and clusters alike;
what differs is what it costs to ship them there.

    python3 -m benchmarks.executors            the table, in some 20 seconds
    python3 -m benchmarks.executors --quick    the same on a small grid
"""

import logging
import os
import signal
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    Executor,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import chain, starmap
from math import ceil
from multiprocessing import get_context, resource_tracker
from tempfile import TemporaryDirectory
from threading import get_ident
from time import perf_counter, sleep
from typing import NamedTuple

from item56 import Grid, Logic, count_neighbors, game_logic, simulate

from benchmarks.figures import machine
from benchmarks.ways import random_grid
from item53_gil.main import factorize

# The packages are imported where they are used: every worker process imports
# this module, and needs none of them.


if hasattr(os, "sched_getaffinity"):
    WORKERS = len(os.sched_getaffinity(0))  # that this process may use
else:
    WORKERS = os.cpu_count() or 1
CHUNKS = 4 * WORKERS
SIDE, QUICK_SIDE = 20, 6  # cells
NUMBER = 50_000  # its factors take a few milliseconds to find
REPEATS = 3  # the fastest counts
COLUMNS = (
    "",
    "start",
    "slow\ngeneration",
    "times\nserial",
    "processor\ntime",
    "a call,\nunchunked",
    "a call,\nchunked",
)

Cell = tuple[str, int]  # state, number of living neighbors
Step = Callable[[Logic, int], Grid]  # rules, number of chunks
Open = Callable[[int], AbstractContextManager[Executor]]  # number of workers


def next_states(logic: Logic, cells: Sequence[Cell]) -> list[str]:
    """Return the next state of each cell. This is all that a worker does."""
    return list(starmap(logic, cells))


def simulate_executor(
    executor: Executor,
    grid: Grid,
    logic: Logic = game_logic,
    chunks: int = CHUNKS,
) -> Grid:
    """Return the generation after grid, with a task for each chunk of cells.

    A few chunks a worker are right: with fewer, workers idle while the last
    one is still busy; with more, the way there and back is paid more often.
    Except for threads, logic must be picklable: a function of a module that
    workers can import, or a partial of one.

    Raises what the first chunk in order raised, and cancels the chunks that
    have not started.
    """
    places = [(y, x) for y in range(grid.height) for x in range(grid.width)]
    cells = [
        (grid.get(y, x), count_neighbors(y, x, grid.get)) for y, x in places
    ]
    size = ceil(len(cells) / chunks)
    # Not map's chunksize, which only ProcessPoolExecutor heeds.
    parts = [cells[n : n + size] for n in range(0, len(cells), size)]
    # map submits all of them at once, and asks for their results in order.
    results = executor.map(partial(next_states, logic), parts)  # Fan out
    states = chain.from_iterable(results)  # Fan in
    next_grid = Grid(grid.height, grid.width)
    for (y, x), state in zip(places, states, strict=True):
        next_grid.set(y, x, state)
    return next_grid


def slow_game_logic(state: str, neighbors: int) -> str:
    """Return the next state of a cell, after some computation."""
    for _ in factorize(NUMBER):
        pass
    return game_logic(state, neighbors)


# By name: the default differs between versions, and fork, where it is the
# default, copies a process that may have threads, and their locks.
processes = partial(ProcessPoolExecutor, mp_context=get_context("spawn"))


@contextmanager
def dask_cluster(workers: int) -> Iterator[Executor]:
    """Yield an executor on a Dask cluster of processes on this machine."""
    from dask import config
    from dask.distributed import Client, LocalCluster

    with (
        TemporaryDirectory() as folder,
        config.set({"temporary-directory": folder}),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            # Any free port. None would still open one: 8787, with a warning
            # where that is taken.
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
        # pure=True, the default, would take calls with equal arguments for
        # one and the same call.
        client.get_executor(pure=False) as executor,
    ):
        yield executor


EXECUTORS: dict[str, Open | None] = {
    "threads": ThreadPoolExecutor,
    "interpreters": None,  # before 3.14
    "processes": processes,
    "Dask": dask_cluster,
}
if sys.version_info >= (3, 14):
    from concurrent.futures import InterpreterPoolExecutor

    EXECUTORS["interpreters"] = InterpreterPoolExecutor


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Let Ctrl-C wait until the block ends, or until heed_ctrl_c.

    An executor that is interrupted in its own code may never shut down. The
    processes that start in the block never hear it, though a terminal sends
    it to them as well.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # its start would let Ctrl-C through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def heed_ctrl_c() -> None:
    """Raise KeyboardInterrupt if Ctrl-C waits."""
    if hasattr(signal, "sigpending") and signal.SIGINT in signal.sigpending():
        raise KeyboardInterrupt


def worker(seconds: float) -> tuple[int, int]:
    """Be busy for that long; return the process and the thread."""
    sleep(seconds)
    return os.getpid(), get_ident()


@contextmanager
def opened(make: Open, workers: int) -> Iterator[Executor]:
    """Yield an executor whose workers have all started."""
    with make(workers) as executor:
        seen: set[tuple[int, int]] = set()
        while len(seen) < workers:
            seen.update(executor.map(worker, [0.01] * workers))
        yield executor


class Figures(NamedTuple):
    """What a generation takes, in seconds."""

    slow: float  # with the slow rules
    processor: float  # of all processes together, in that time
    one_each: float  # with the quick rules, a task for each cell
    chunked: float  # with the quick rules, in chunks as with the slow ones


def processor_time() -> float:
    """Return the processor time of this process and its descendants."""
    import psutil

    this = psutil.Process()
    family = [this, *this.children(recursive=True)]
    times = [process.cpu_times() for process in family]
    return sum(float(time.user + time.system) for time in times)


def measure(step: Step, cells: int, expected: str) -> Figures:
    """Time the step; RuntimeError if a grid is not as expected."""

    def once(logic: Logic, chunks: int) -> tuple[float, float]:
        used, start = processor_time(), perf_counter()
        after = step(logic, chunks)
        seconds, used = perf_counter() - start, processor_time() - used
        if str(after) != expected:
            raise RuntimeError("this is not the next generation")
        heed_ctrl_c()
        return seconds, used

    def best(logic: Logic, chunks: int) -> tuple[float, float]:
        return min(once(logic, chunks) for _ in range(REPEATS))

    return Figures(
        *best(slow_game_logic, CHUNKS),
        best(game_logic, cells)[0],
        best(game_logic, CHUNKS)[0],
    )


def columns(figures: Figures, serial: Figures, cells: int) -> list[str]:
    """Return the figures as text: seconds, and microseconds a call."""
    return [
        f"{figures.slow:.2f}",
        f"{figures.slow / serial.slow:.2f}",
        f"{figures.processor:.2f}",
        f"{figures.one_each / cells * 1e6:.0f}",
        f"{figures.chunked / cells * 1e6:.0f}",
    ]


def main(arguments: Sequence[str]) -> None:
    """Measure every executor that there is, and print the table."""
    from rich.console import Console
    from rich.table import Table

    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small grid")
    side = QUICK_SIDE if parser.parse_args(arguments).quick else SIDE

    grid = random_grid(side, side)
    cells = side * side
    expected = str(simulate(grid))

    console = Console(width=100, highlight=False)
    console.print(", ".join(f"{k} {v}" for k, v in machine().items()))
    table = Table(
        title=f"{cells} cells, {WORKERS} workers, {CHUNKS} chunks",
        caption="in seconds; a call of the quick rules in microseconds",
    )
    for heading in COLUMNS:
        justify = "right" if heading else "left"
        table.add_column(heading, justify=justify, no_wrap=True)

    serial = measure(
        lambda logic, chunks: simulate(grid, logic), cells, expected
    )
    table.add_row("serial", "", *columns(serial, serial, cells))
    for name, make in EXECUTORS.items():
        if make is None:
            table.add_row(name, "needs 3.14")
            continue
        start = perf_counter()
        with opened(make, WORKERS) as executor:
            seconds = perf_counter() - start
            step = partial(simulate_executor, executor, grid)
            figures = measure(step, cells, expected)
        row = columns(figures, serial, cells)
        table.add_row(name, f"{seconds:.2f}", *row)
    console.print(table)


if __name__ == "__main__":
    try:
        # Under its own name, by which workers find what they are to call.
        from benchmarks import executors

        with ctrl_c_held():
            executors.main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to end
