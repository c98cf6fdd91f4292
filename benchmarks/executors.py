"""Beyond one machine: item 59's fan-out, on any executor.

A generation becomes pure calls: a cell's state and its number of living
neighbors go out, its next state comes back, and nobody but the caller touches
a grid. Such calls run on threads, on interpreters, on processes and on a
cluster alike; what differs is what it costs to ship them there.

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
from random import Random
from tempfile import TemporaryDirectory
from threading import get_ident
from time import perf_counter, sleep
from typing import NamedTuple

from benchmarks.machine import machine
from item53_gil.main import factorize
from item56_life.main import (
    ALIVE,
    Grid,
    Logic,
    count_neighbors,
    game_logic,
    simulate,
)

# The packages are imported where they are used: every worker process imports
# this module, and needs none of them.


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


WORKERS = cores()
CHUNKS = 4 * WORKERS
SIDE, QUICK_SIDE = 20, 6  # cells
NUMBER = 50_000  # its factors take some 1.5 ms to find
REPEATS = 3  # the quickest counts

Cell = tuple[str, int]  # state, number of living neighbors
Step = Callable[[Logic, int], Grid]  # rule, number of chunks
Open = Callable[[int], AbstractContextManager[Executor]]  # number of workers


def next_states(logic: Logic, cells: Sequence[Cell]) -> list[str]:
    """What logic makes of each cell. This is all that a worker does."""
    return list(starmap(logic, cells))


def simulate_executor(
    executor: Executor,
    grid: Grid,
    logic: Logic = game_logic,
    chunks: int = CHUNKS,
) -> Grid:
    """The generation after grid, a task for each of at most chunks chunks.

    A few chunks a worker are right: with fewer, workers idle while the last
    is still busy; with more, the way there and back is paid more often. But
    for threads, logic must be picklable: a function of a module that workers
    can import, or a partial of one.

    Raises ValueError if chunks is below 1; otherwise what the first chunk to
    fail raised, in the order of the cells, once the chunks before it are
    done. Chunks that have not started by then are cancelled.
    """
    if chunks < 1:
        raise ValueError(f"chunks must be 1 or more, not {chunks}")
    places = [(y, x) for y in range(grid.height) for x in range(grid.width)]
    cells = [
        (grid.get(y, x), count_neighbors(y, x, grid.get)) for y, x in places
    ]
    size = ceil(len(cells) / chunks)
    # Not map's chunksize: no executor heeds it but ProcessPoolExecutor.
    parts = [cells[n : n + size] for n in range(0, len(cells), size)]
    # map submits all of them at once, and asks for their results in order.
    results = executor.map(partial(next_states, logic), parts)  # Fan out
    states = chain.from_iterable(results)  # Fan in
    next_grid = Grid(grid.height, grid.width)
    for (y, x), state in zip(places, states, strict=True):
        next_grid.set(y, x, state)
    return next_grid


def slow_game_logic(state: str, neighbors: int) -> str:
    """The next state of a cell, after some 1.5 ms of computation."""
    for _ in factorize(NUMBER):
        pass
    return game_logic(state, neighbors)


# By name: the default is not the same in all versions, and fork, where it is
# the default, copies a process that may have threads, and their locks.
processes = partial(ProcessPoolExecutor, mp_context=get_context("spawn"))


@contextmanager
def dask_cluster(workers: int) -> Iterator[Executor]:
    """An executor on a Dask cluster of so many processes on this machine."""
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

SHIPPING = """
threads       nothing is copied; with the GIL, they also share one core
interpreters  calls are pickled, but stay in the process; a GIL for each
processes     calls are pickled, and go through a pipe; a worker that dies
              fails them all, as BrokenProcessPool
Dask          calls go to a scheduler and on, over TCP, also to other
              machines; those of a worker that dies run again elsewhere,
              which is right for pure calls only
"""


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
    """Be busy for so long; the process and the thread that were."""
    sleep(seconds)
    return os.getpid(), get_ident()


@contextmanager
def opened(make: Open, workers: int) -> Iterator[Executor]:
    """An executor of so many workers, all of which have started."""
    with make(workers) as executor:
        seen: set[tuple[int, int]] = set()
        while len(seen) < workers:
            seen.update(executor.map(worker, [0.01] * workers))
        yield executor


class Figures(NamedTuple):
    """What a generation takes, in seconds."""

    slow: float  # with the slow rule
    processor: float  # of all processes together, in that time
    one_each: float  # with the quick rule, a task for each cell
    chunked: float  # with the quick rule, in chunks as with the slow one


def processor_time() -> float:
    """Seconds of processor time, of this process and its descendants."""
    import psutil

    this = psutil.Process()
    times = [
        process.cpu_times()
        for process in (this, *this.children(recursive=True))
    ]
    return sum(float(time.user + time.system) for time in times)


def measure(step: Step, cells: int, expected: str) -> Figures:
    """Take the times of step; RuntimeError if a grid is not as expected."""

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


def random_grid(side: int) -> Grid:
    """A square grid, a third of it alive, the same in every run."""
    chance = Random(59)
    grid = Grid(side, side)
    for y in range(side):
        for x in range(side):
            if chance.random() < 1 / 3:
                grid.set(y, x, ALIVE)
    return grid


def main(arguments: Sequence[str]) -> None:
    """Measure every executor that there is, and print the table."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small grid")
    side = QUICK_SIDE if parser.parse_args(arguments).quick else SIDE

    grid = random_grid(side)
    cells = side * side
    expected = str(simulate(grid))

    console = Console(highlight=False)
    console.width = min(console.width, 100)
    console.print(", ".join(f"{k} {v}" for k, v in machine().items()))
    table = Table(
        title=f"{cells} cells, {WORKERS} workers, {CHUNKS} chunks",
        caption="in seconds; a call of the quick rule in microseconds",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True)
    for heading in (
        "start",
        "slow\ngeneration",
        "times\nserial",
        "processor\ntime",
        "a call,\nunchunked",
        "a call,\nchunked",
    ):
        table.add_column(heading, justify="right", no_wrap=True)

    def add_row(name: str, start: str, figures: Figures) -> None:
        table.add_row(
            name,
            start,
            f"{figures.slow:.2f}",
            f"{figures.slow / serial.slow:.2f}",
            f"{figures.processor:.2f}",
            f"{figures.one_each / cells * 1e6:.0f}",
            f"{figures.chunked / cells * 1e6:.0f}",
        )

    serial = measure(
        lambda logic, chunks: simulate(grid, logic), cells, expected
    )
    add_row("serial", "", serial)
    for name, make in EXECUTORS.items():
        if make is None:
            table.add_row(name, "needs 3.14")
            continue
        start = perf_counter()
        with opened(make, WORKERS) as executor:
            seconds = perf_counter() - start
            figures = measure(
                partial(simulate_executor, executor, grid), cells, expected
            )
        add_row(name, f"{seconds:.2f}", figures)
    console.print(table)
    console.print(SHIPPING.strip())


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
