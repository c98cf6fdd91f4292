"""Beyond one machine: item 59's fan-out, on any executor.

A generation becomes pure calls: a cell's state and its number of living
neighbors go out, its next state comes back, and only the caller touches a
grid. Such calls run on threads, interpreters, processes and clusters alike;
what differs is what it costs to ship them there, and who survives a loss.

    python -m benchmarks.executors '{"way": "processes", "cells": 400}'

prints as JSON what one round measured; `make executors` measures them all.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import chain, starmap
from math import ceil, isqrt
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import get_ident
from time import perf_counter, sleep
from typing import Any

from item56 import Grid, Logic, count_neighbors, game_logic, simulate

from benchmarks import CORES
from item53_gil.main import factorize

# Every worker imports this module: what only the caller needs is imported
# where it is used.

CHUNKS = 4 * CORES
NUMBER = 50_000  # its factors take a few milliseconds to find

Cell = tuple[str, int]  # state, number of living neighbors
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


def deadly_game_logic(alive: Path, state: str, neighbors: int) -> str:
    """End this process, once, and from then on be game_logic."""
    with suppress(FileNotFoundError):
        alive.unlink()
        os._exit(1)
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


EXECUTORS: dict[str, Open] = {
    "threads": ThreadPoolExecutor,
    "processes": processes,
    "Dask": dask_cluster,
}
if sys.version_info >= (3, 14):
    from concurrent.futures import InterpreterPoolExecutor

    EXECUTORS["interpreters"] = InterpreterPoolExecutor


def worker(seconds: float) -> tuple[int, int]:
    """Be busy for that long; return the process and the thread."""
    sleep(seconds)
    return os.getpid(), get_ident()


@contextmanager
def opened(way: str, workers: int) -> Iterator[Executor]:
    """Yield an executor whose workers have all started."""
    with EXECUTORS[way](workers) as executor:
        seen: set[tuple[int, int]] = set()
        while len(seen) < workers:
            seen.update(executor.map(worker, [0.01] * workers))
        yield executor


def loss(executor: Executor, grid: Grid) -> str:
    """Return what becomes of a generation in which a worker dies."""
    with TemporaryDirectory() as folder:
        alive = Path(folder, "alive")
        alive.touch()
        try:
            logic = partial(deadly_game_logic, alive)
            after = simulate_executor(executor, grid, logic)
        except BrokenExecutor as error:
            return f"`{type(error).__name__}`"
    right = str(after) == str(simulate(grid))
    return "its calls run again" if right else "a wrong grid"


def measure(way: str, cells: int) -> dict[str, Any]:
    """Return what a generation takes, and what is lost with a worker.

    In seconds: with slow rules, with quick ones in a task for each cell
    (alone), and with these in chunks. RuntimeError if a grid is wrong.
    """
    from benchmarks.ways import random_grid

    grid = random_grid(isqrt(cells), isqrt(cells))
    expected = str(simulate(grid))

    def seconds(step: Callable[[], Grid]) -> float:
        start = perf_counter()
        after = step()
        taken = perf_counter() - start
        if str(after) != expected:
            raise RuntimeError("this is not the next generation")
        return taken

    if way == "serial":
        return {"slow": seconds(partial(simulate, grid, slow_game_logic))}
    if way not in EXECUTORS:
        sys.exit("needs Python 3.14")
    start = perf_counter()
    with opened(way, CORES) as executor:
        figures: dict[str, Any] = {"start": perf_counter() - start}
        step = partial(simulate_executor, executor, grid)
        figures["slow"] = seconds(partial(step, slow_game_logic))
        figures["alone"] = seconds(partial(step, chunks=cells))
        figures["chunked"] = seconds(step)
        if way in ("threads", "interpreters"):
            figures["loss"] = "this process dies"
        else:
            figures["loss"] = loss(executor, grid)
    return figures


if __name__ == "__main__":
    # Under its own name, by which workers find what they are to call.
    from benchmarks import executors

    job = json.loads(sys.argv[1])
    print(json.dumps(executors.measure(job["way"], job["cells"])))
