"""Item 57: avoid creating new Thread instances for on-demand fan-out.

A thread for each unit of work does fan out: all the waits overlap. But each
thread costs memory and time to start, shared data needs locks, and an
exception in a thread reaches neither whoever started it nor whoever joins it.

    python3 item57_threads/main.py 3 5      (no numbers: every example)
"""

import threading
from functools import partial
from pathlib import Path
from threading import Barrier, ExceptHookArgs, Lock, Thread
from time import perf_counter

import item56 as life
from chapter import run
from item56 import Grid, Logic, game_logic, glider, step_cell


# Example 1
class LockingGrid(Grid):
    """A grid that holds a lock for every access.

    This simulation would be right without it, with and without the GIL. Each
    thread writes a cell of its own, to a grid that nobody reads until all are
    joined. The lock matters once threads read and write the same cells, and
    it guards single accesses only, not "get, then set".
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__(height, width)
        self.lock = Lock()

    def get(self, y: int, x: int) -> str:
        with self.lock:
            return super().get(y, x)

    def set(self, y: int, x: int, state: str) -> None:
        with self.lock:
            super().set(y, x, state)

    def __str__(self) -> str:
        with self.lock:
            return super().__str__()


# Example 2
def simulate_threaded(grid: Grid, logic: Logic = game_logic) -> LockingGrid:
    """Return the generation after grid, with a thread for each cell.

    A cell that raises stays EMPTY. RuntimeError if a thread is refused.
    """
    next_grid = LockingGrid(grid.height, grid.width)
    threads: list[Thread] = []
    try:
        for y in range(grid.height):
            for x in range(grid.width):
                args = (y, x, grid.get, next_grid.set, logic)
                thread = Thread(target=step_cell, args=args)
                thread.start()  # Fan out
                threads.append(thread)
    finally:
        for thread in threads:
            thread.join()  # Fan in
    return next_grid


def resident_memory() -> float:
    """Return how many KiB of this process are in memory; nan if unknown."""
    path = Path("/proc/self/smaps_rollup")  # Linux has it
    report = path.read_bytes() if path.exists() else b"Rss: nan"
    return float(report.partition(b"Rss:")[2].split()[0])


def print_cost() -> None:
    """Print how many threads are alive at once, and what they cost."""
    alive, memory = [threading.active_count()], [resident_memory()]

    def measure() -> None:
        alive.append(threading.active_count())
        memory.append(resident_memory())

    # Nobody passes a Barrier(45) until 45 threads wait at it.
    barrier = Barrier(life.CELLS, measure, timeout=life.PATIENCE)

    def logic_at_barrier(state: str, neighbors: int) -> str:
        barrier.wait()
        return game_logic(state, neighbors)

    simulate_threaded(glider(), logic_at_barrier)
    print(f"{life.CELLS} cells, {alive[1] - alive[0]} threads alive at once")
    grown = (memory[1] - memory[0]) / life.CELLS
    amount = f"{grown:.0f} KiB" if grown > 0 else "an unknown amount"
    print(f"here: {amount} of resident memory for each thread")
    start = perf_counter()
    simulate_threaded(glider())
    print(f"here: {perf_counter() - start:.4f} s to start, run and join them")


# Example 3
def thread_per_cell() -> None:
    """Five generations, with a thread for each cell.

    All the waits overlap, but each of the threads costs memory and time.
    """
    print_cost()
    life.print_generations(simulate_threaded, glider(LockingGrid))
    with life.peer() as address:
        logic = partial(life.game_logic_with_io, address)
        step = partial(simulate_threaded, life.stripes(), logic)
        life.print_seconds(step, life.DELAY)


# Example 4
def failing_game_logic(state: str, neighbors: int) -> str:
    """Raise OSError, as rules do whose I/O fails."""
    raise OSError("problem with I/O")


# Example 5
def lost_exception() -> None:
    """An exception in a thread does not reach whoever joins it."""
    reports: list[ExceptHookArgs] = []
    hook = threading.excepthook  # prints a traceback on stderr
    threading.excepthook = reports.append
    grid = glider(LockingGrid)
    args = (2, 3, grid.get, grid.set, failing_game_logic)
    thread = Thread(target=step_cell, args=args, name="cell (2, 3)")
    thread.start()
    thread.join()
    print("join() returned and raised nothing")  # item 57's questions.py A
    threading.excepthook = hook
    for report in reports:
        assert report.thread is not None
        print(f"threading.excepthook got {report.exc_type.__name__}", end=": ")
        print(f"{report.exc_value}, in {report.thread.name}")


EXAMPLES = {(1, 2, 3): thread_per_cell, (4, 5): lost_exception}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
