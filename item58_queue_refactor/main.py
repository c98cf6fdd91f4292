"""Item 58: understand how using Queue for concurrency requires refactoring.

A fixed number of workers on queues bounds the cost of fan-out. But the
refactoring is large and grows with every phase, and the number of workers
limits for good how many waits overlap.

    python3 item58_queue_refactor/main.py 3 8      (no numbers: every example)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import ceil
from typing import Any

import item56 as life
from chapter import run

# Example 1
from item55 import ClosableQueue, StoppableWorker, start_threads, stop_threads
from item56 import Get, Grid, Logic, count_neighbors, game_logic, glider
from item57 import LockingGrid, failing_game_logic

WORKERS = 5

Func = Callable[[Any], Any]
Count = Callable[[int, int, Get], int]
Step = Callable[[Grid], Grid]


# Example 2
def game_logic_thread(
    item: tuple[int, int, str, Any], logic: Logic = game_logic
) -> tuple[int, int, Any]:
    """Return (y, x, next state) for a cell (y, x, state, neighbors).

    An exception takes the place of the next state: one that logic raised, or
    one that has already taken the place of neighbors.
    """
    y, x, state, neighbors = item
    if isinstance(neighbors, Exception):
        return y, x, neighbors
    try:
        return y, x, logic(state, neighbors)
    except Exception as error:
        return y, x, error


@contextmanager
def workers(
    func: Func, in_queue: ClosableQueue, out_queue: ClosableQueue
) -> Iterator[list[StoppableWorker]]:
    """Run WORKERS workers while the block runs; yield them."""
    threads = start_threads(WORKERS, func, in_queue, out_queue)
    try:
        yield threads
    finally:
        stop_threads(in_queue, threads)


# Example 3
class SimulationError(Exception):
    """A cell failed; its exception is the cause."""


def collect(grid: Grid, out_queue: ClosableQueue) -> Grid:
    """Return the next generation of grid, from the results for its cells.

    Raises SimulationError for the first cell that failed.
    """
    next_grid = Grid(grid.height, grid.width)
    out_queue.close()
    # sorted() takes every result: none is left for the next generation.
    for y, x, result in sorted(out_queue, key=lambda item: item[:2]):
        if isinstance(result, Exception):
            raise SimulationError(f"cell ({y}, {x}) failed") from result
        next_grid.set(y, x, result)
    return next_grid


def simulate_pipeline(
    grid: Grid, in_queue: ClosableQueue, out_queue: ClosableQueue
) -> Grid:
    """Return the generation after grid, by workers on game_logic_thread.

    The queues have to be unbounded. Raises SimulationError if a cell fails.
    """
    for y in range(grid.height):
        for x in range(grid.width):
            neighbors = count_neighbors(y, x, grid.get)
            in_queue.put((y, x, grid.get(y, x), neighbors))  # Fan out
    in_queue.join()  # Fan in
    return collect(grid, out_queue)


@contextmanager
def one_phase(logic: Logic) -> Iterator[Step]:
    """Yield a function that steps a grid, on WORKERS workers."""
    in_queue, out_queue = ClosableQueue(), ClosableQueue()
    with workers(partial(game_logic_thread, logic=logic), in_queue, out_queue):
        yield lambda grid: simulate_pipeline(grid, in_queue, out_queue)


def print_error(error: SimulationError) -> None:
    """Print what failed, and why."""
    cause = error.__cause__
    print(f"{type(error).__name__}: {error}")
    print(f"caused by {type(cause).__name__}: {cause}")


# Example 4
def five_workers() -> None:
    """Five workers step every cell, even after a failed generation."""
    logic: Logic = failing_game_logic
    with one_phase(lambda *cell: logic(*cell)) as step:
        try:
            step(glider())
        except SimulationError as error:
            print_error(error)

        # Example 5
        logic = game_logic  # for the same workers
        life.print_generations(step, glider())

    with (
        life.peer() as address,
        one_phase(partial(life.game_logic_with_io, address)) as step,
    ):
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
def count_neighbors_thread(
    item: tuple[int, int, str, Get], count: Count = count_neighbors
) -> tuple[int, int, str, Any]:
    """Return (y, x, state, neighbors) for a cell (y, x, state, get).

    An exception that count raised takes the place of neighbors.
    """
    y, x, state, get = item
    try:
        return y, x, state, count(y, x, get)
    except Exception as error:
        return y, x, state, error


# Example 8
@contextmanager
def two_phases(count: Count, logic: Logic) -> Iterator[Step]:
    """Yield a function that steps a grid, on WORKERS workers a phase."""
    in_queue, logic_queue, out_queue = (ClosableQueue() for _ in range(3))
    count_func = partial(count_neighbors_thread, count=count)
    logic_func = partial(game_logic_thread, logic=logic)
    with (
        workers(count_func, in_queue, logic_queue),
        workers(logic_func, logic_queue, out_queue),
    ):
        yield lambda grid: simulate_phased_pipeline(
            grid, in_queue, logic_queue, out_queue
        )


# Example 9
def simulate_phased_pipeline(
    grid: Grid,
    in_queue: ClosableQueue,
    logic_queue: ClosableQueue,
    out_queue: ClosableQueue,
) -> Grid:
    """Return the generation after grid, by workers of both phases.

    The queues have to be unbounded. Raises SimulationError if a cell fails.
    """
    for y in range(grid.height):
        for x in range(grid.width):
            in_queue.put((y, x, grid.get(y, x), grid.get))  # Fan out
    in_queue.join()
    logic_queue.join()  # Fan in
    return collect(grid, out_queue)


# Example 10
def two_phases_of_five() -> None:
    """I/O in another phase takes five more workers and a third queue."""
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
        raise OSError("problem with I/O in count_neighbors")

    with two_phases(failing_count, game_logic) as step:
        try:
            step(glider(LockingGrid))
        except SimulationError as error:
            print_error(error)


EXAMPLES = {
    (1, 2, 3, 4, 5): five_workers,
    (6, 7, 8, 9, 10): two_phases_of_five,
    (11,): failing_first_phase,
}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
