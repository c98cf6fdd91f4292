"""Item 59: consider ThreadPoolExecutor when threads are necessary.

The executor fans out without rebuilding the program: submit a call, get its
result or its exception. A pool reuses its threads. How many there may be has
to be chosen up front, and no more waits than that overlap.

    python3 item59_pool/main.py 3 4      (no numbers: every example)
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import ceil
from threading import current_thread

import item56 as life
from chapter import run

# Example 1
from item56 import Grid, Logic, game_logic, glider, step_cell
from item57 import LockingGrid, failing_game_logic

MAX_WORKERS = 10


# Example 2
def simulate_pool(
    pool: ThreadPoolExecutor, grid: Grid, logic: Logic = game_logic
) -> LockingGrid:
    """Return the generation after grid, with a task for each cell.

    Raises what the first cell in order raised, and cancels the cells that
    have not started.
    """
    next_grid = LockingGrid(grid.height, grid.width)
    futures = [
        pool.submit(step_cell, y, x, grid.get, next_grid.set, logic)  # Fan out
        for y in range(grid.height)
        for x in range(grid.width)
    ]
    try:
        for future in futures:
            future.result()  # Fan in
    finally:
        for future in futures:
            future.cancel()  # questions.py A
    return next_grid


# Example 3
def pool_of_ten() -> None:
    """Five generations, with a task for each cell.

    Ten threads take one task after another, so 45 waits take as long as five.
    """
    ran = []

    def logic(state: str, neighbors: int) -> str:
        ran.append(current_thread())
        return game_logic(state, neighbors)

    with ThreadPoolExecutor(MAX_WORKERS) as pool, life.peer() as address:
        step = partial(simulate_pool, pool, logic=logic)
        life.print_generations(step, glider(LockingGrid))
        few = len(set(ran)) <= MAX_WORKERS
        print(f"{len(ran)} cells ran on at most {MAX_WORKERS} threads: {few}")
        logic_with_io = partial(life.game_logic_with_io, address)
        step = partial(simulate_pool, pool, life.stripes(), logic_with_io)
        ideal = ceil(life.CELLS / MAX_WORKERS) * life.DELAY
        life.print_seconds(step, ideal)


# Example 4
def exception_in_a_task() -> None:
    """result() raises what the cell raised, and the pool stays usable."""
    with ThreadPoolExecutor(MAX_WORKERS) as pool:  # questions.py B
        try:
            simulate_pool(pool, glider(), failing_game_logic)
        except OSError as error:
            print(f"{type(error).__name__}: {error}")
        print("The next generation, on the same pool:")
        print(simulate_pool(pool, glider()))


EXAMPLES = {(1, 2, 3): pool_of_ten, (4,): exception_in_a_task}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
