"""Item 58: understand how using Queue for concurrency requires refactoring.

A fixed number of workers on queues bounds the cost of fan-out. But the
refactoring is large and grows with every phase, and no more waits overlap
than there are workers.

    python3 item58_queue_refactor/main.py 3 8      (no numbers: every example)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import ceil
from threading import Event
from typing import Any

import item56 as life
from chapter import run

# Example 1
from item55 import ClosableQueue, Func, start_threads, stop_threads
from item56 import Get, Grid, Logic, count_neighbors, game_logic, glider
from item57 import LockingGrid

WORKERS = 5

Item = tuple[Any, ...]  # what stands in a queue for a cell
Count = Callable[[int, int, Get], int]
Step = Callable[[Grid], Grid]


# Example 2
def game_logic_thread(item: Item, logic: Logic = game_logic) -> Item:
    """Return (y, x, next state or exception) for (y, x, state, neighbors)."""
    y, x, state, neighbors = item
    try:
        return y, x, logic(state, neighbors)
    except Exception as error:
        return y, x, error


@contextmanager
def workers(
    func: Func, in_queue: ClosableQueue, out_queue: ClosableQueue
) -> Iterator[None]:
    """Run WORKERS workers while the block runs; raise what func raised."""
    threads = start_threads(WORKERS, func, in_queue, out_queue)
    try:
        yield
    finally:
        for _, error in stop_threads(in_queue, threads):
            raise error


# Example 3
class SimulationError(Exception):
    """A cell failed; its exception is the cause."""


def collect(grid: Grid, out_queue: ClosableQueue) -> Grid:
    """Return the next generation of grid, from the results for its cells.

    Raises SimulationError if a result is missing or is an exception.
    """
    next_grid = Grid(grid.height, grid.width)
    out_queue.close()
    results = list(out_queue)  # all, so that none is left for the next time
    if len(results) < grid.height * grid.width:
        raise SimulationError("a worker has lost a cell")
    for y, x, result in sorted(results, key=lambda item: item[:2]):
        if isinstance(result, Exception):
            raise SimulationError(f"cell ({y}, {x}) failed") from result
        next_grid.set(y, x, result)
    return next_grid


def simulate_pipeline(
    grid: Grid, in_queue: ClosableQueue, out_queue: ClosableQueue
) -> Grid:
    """Return the generation after grid; SimulationError if a cell fails."""
    for y in range(grid.height):
        for x in range(grid.width):
            neighbors = count_neighbors(y, x, grid.get)
            in_queue.put((y, x, grid.get(y, x), neighbors))  # Fan out
    in_queue.join()  # Fan in
    return collect(grid, out_queue)


@contextmanager
def one_phase(logic: Logic) -> Iterator[Step]:
    """Yield a function that steps a grid, on WORKERS workers."""
    in_queue, out_queue = ClosableQueue(), ClosableQueue()  # unbounded
    with workers(partial(game_logic_thread, logic=logic), in_queue, out_queue):
        yield lambda grid: simulate_pipeline(grid, in_queue, out_queue)


# Example 4
def five_workers() -> None:
    """Five workers step every cell, even after a failed generation."""
    repaired = Event()

    def logic(state: str, neighbors: int) -> str:
        if not repaired.is_set():
            raise OSError("problem with I/O")
        return game_logic(state, neighbors)

    with one_phase(logic) as step:
        try:
            step(glider())
        except SimulationError as error:
            print(f"{error!r} caused by {error.__cause__!r}")

        # Example 5
        repaired.set()
        life.print_generations(step, glider())

    with life.peer() as address:
        with_io = partial(life.game_logic_with_io, address)
        with one_phase(with_io) as step:
            ideal = ceil(life.CELLS / WORKERS) * life.DELAY
            life.print_seconds(partial(step, life.stripes()), ideal)


# Example 6
def count_neighbors_with_io(
    address: life.Address, y: int, x: int, get: Get
) -> int:
    """Return how many neighbors are ALIVE, once the peer has answered."""
    life.ask(address)
    return count_neighbors(y, x, get)


# Example 7
def count_neighbors_thread(item: Item, count: Count = count_neighbors) -> Item:
    """Return (y, x, state, neighbors or exception) for (y, x, state, get)."""
    y, x, state, get = item
    try:
        return y, x, state, count(y, x, get)
    except Exception as error:
        return y, x, state, error


def phased_game_logic_thread(item: Item, logic: Logic = game_logic) -> Item:
    """Return what game_logic_thread does, or the exception in its place."""
    y, x, _, neighbors = item
    if isinstance(neighbors, Exception):
        return y, x, neighbors
    return game_logic_thread(item, logic)


# Example 8
@contextmanager
def two_phases(count: Count, logic: Logic) -> Iterator[Step]:
    """Yield a function that steps a grid, on WORKERS workers a phase."""
    queues = [ClosableQueue() for _ in range(3)]
    in_queue, logic_queue, out_queue = queues
    count_func = partial(count_neighbors_thread, count=count)
    logic_func = partial(phased_game_logic_thread, logic=logic)
    with (
        workers(count_func, in_queue, logic_queue),
        workers(logic_func, logic_queue, out_queue),
    ):
        yield lambda grid: simulate_phased_pipeline(grid, *queues)


# Example 9
def simulate_phased_pipeline(
    grid: Grid,
    in_queue: ClosableQueue,
    logic_queue: ClosableQueue,
    out_queue: ClosableQueue,
) -> Grid:
    """Return the generation after grid; SimulationError if a cell fails."""
    for y in range(grid.height):
        for x in range(grid.width):
            in_queue.put((y, x, grid.get(y, x), grid.get))  # Fan out
    in_queue.join()
    logic_queue.join()  # Fan in
    return collect(grid, out_queue)


# Example 10
def two_phases_of_five() -> None:
    """I/O in one more function needs a third queue and five more workers.

    Examples 7 to 9 exist only because this function waits, too.
    """
    with two_phases(count_neighbors, game_logic) as step:
        life.print_generations(step, glider(LockingGrid))

    with life.peer() as address:
        count = partial(count_neighbors_with_io, address)
        logic = partial(life.game_logic_with_io, address)
        with two_phases(count, logic) as step:
            # The second phase is one wait behind the first.
            ideal = (ceil(life.CELLS / WORKERS) + 1) * life.DELAY
            life.print_seconds(partial(step, life.stripes()), ideal)


# Example 11
def failing_first_phase() -> None:
    """An exception in the first phase passes through the second."""

    def failing_count(y: int, x: int, get: Get) -> int:
        raise OSError("problem in phase one")

    with two_phases(failing_count, game_logic) as step:
        try:
            step(glider(LockingGrid))
        except SimulationError as error:
            print(f"{error!r} caused by {error.__cause__!r}")


EXAMPLES = {
    (1, 2, 3, 4, 5): five_workers,
    (6, 7, 8, 9, 10): two_phases_of_five,
    (11,): failing_first_phase,
}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
