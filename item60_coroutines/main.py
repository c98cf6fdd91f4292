"""Item 60: achieve highly concurrent I/O with coroutines.

Starting a coroutine costs a function call, and a waiting one takes under 1 KB
(a connection takes more). Tens of thousands can wait at once on one thread,
without locks as long as no `await` stands between a read and its write.
Exceptions travel as in serial code. More I/O needs more `async` and `await`.

    python3 item60_coroutines/main.py 3 6      (no numbers: every example)
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from inspect import getcoroutinestate
from threading import Thread, current_thread
from typing import Any

import item56 as life
from chapter import run
from item56 import ALIVE, EMPTY, Get, Grid, Set, count_neighbors, glider

MANY = 10_000  # coroutines that wait at once
MEASURED = 1_000  # of them, with their memory on record

AsyncLogic = Callable[[str, int], Awaitable[str]]
AsyncCount = Callable[[int, int, Get], Awaitable[int]]
AsyncStep = Callable[..., Coroutine[Any, Any, None]]


# Example 1
async def game_logic(state: str, neighbors: int) -> str:
    """Return a cell's next state by Conway's rules, B3/S23."""
    if neighbors == 3 or (neighbors == 2 and state == ALIVE):
        return ALIVE
    return EMPTY


# Example 2
async def step_cell(
    y: int, x: int, get: Get, set: Set, logic: AsyncLogic = game_logic
) -> None:
    """Read a cell and its neighbors with get, and set its next state."""
    state = get(y, x)
    neighbors = count_neighbors(y, x, get)
    set(y, x, await logic(state, neighbors))


def call_and_await() -> None:
    """Calling a coroutine function runs nothing until it is awaited."""
    coroutine = game_logic(EMPTY, 3)
    print("called:", type(coroutine).__name__, getcoroutinestate(coroutine))
    print("awaited:", asyncio.run(coroutine), getcoroutinestate(coroutine))


# Example 3
async def simulate(
    grid: Grid, logic: AsyncLogic = game_logic, step: AsyncStep = step_cell
) -> Grid:
    """Return the generation after grid, with a task for each cell.

    Raises what cells raised, in a group; cells that wait are cancelled.
    """
    next_grid = Grid(grid.height, grid.width)
    # gather(), the older way, lets the other cells run on. # questions.py A
    async with asyncio.TaskGroup() as group:  # Fan in, at its end
        for y in range(grid.height):
            for x in range(grid.width):
                cell = step(y, x, grid.get, next_grid.set, logic)
                group.create_task(cell)  # Fan out
    return next_grid


async def print_async_generations(
    step: Callable[[Grid], Awaitable[Grid]], grid: Grid
) -> None:
    """Print five generations side by side; step returns the next one."""
    columns = life.ColumnPrinter()
    for _ in range(life.GENERATIONS):
        columns.append(str(grid))
        grid = await step(grid)
    print(columns)


async def print_cost() -> None:
    """Print how many coroutines wait at once, and what a waiting one takes."""
    import tracemalloc  # which PyPy lacks

    gate = asyncio.Event()
    waiting: list[Thread] = []

    async def wait() -> None:
        waiting.append(current_thread())
        await gate.wait()
        waiting.pop()

    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    coroutines = [wait() for _ in range(MEASURED)]
    for coroutine in coroutines:
        coroutine.send(None)  # runs it as far as its await
    between, _ = tracemalloc.get_traced_memory()
    tasks = [asyncio.create_task(wait()) for _ in range(MEASURED)]
    await asyncio.sleep(0)  # the loop does the same with tasks
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for _ in range(MANY - 2 * MEASURED):
        tasks.append(asyncio.create_task(wait()))
    await asyncio.sleep(0)
    threads = len(set(waiting))
    print(f"{len(waiting)} coroutines wait at once on {threads} thread")
    alone, both = (between - before) / MEASURED, (after - between) / MEASURED
    print(f"here: {alone:.0f} bytes each, {both - alone:.0f} for its task")
    coroutines.clear()  # they leave the event's queue
    gate.set()
    await asyncio.wait(tasks)  # questions.py E


# Example 4
def coroutine_per_cell() -> None:
    """Five generations, with a coroutine for each cell.

    All the waits overlap on one thread, and each takes less than 1 KB.
    """
    asyncio.run(print_async_generations(simulate, glider()))
    asyncio.run(print_cost(), debug=False)  # -X dev makes tasks larger
    with life.peer() as address:
        logic = partial(game_logic_with_io, address)
        after = partial(simulate, life.stripes(), logic)
        life.print_seconds(lambda: asyncio.run(after()), life.DELAY)


async def ask(address: life.Address) -> None:
    """Send the peer a byte and await its answer; OSError if none comes."""
    async with asyncio.timeout(life.PATIENCE):
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(b"?")
            if not await reader.read(1):
                raise ConnectionError(f"no answer from the peer at {address}")
        finally:
            writer.close()
            await writer.wait_closed()


async def game_logic_with_io(
    address: life.Address, state: str, neighbors: int
) -> str:
    """Return the next state of a cell, once the peer has answered."""
    await ask(address)
    return await game_logic(state, neighbors)


# Example 5
def exception_in_a_coroutine() -> None:
    """What the cells raise comes out of asyncio.run, in a group."""

    async def failing_game_logic(state: str, neighbors: int) -> str:
        raise OSError("problem with I/O")

    try:
        asyncio.run(simulate(glider(), failing_game_logic))
    except* OSError as group:  # needs Python 3.11 or newer
        kinds = {repr(error) for error in group.exceptions}
        print(f"{len(group.exceptions)} cells raised", *kinds)


# Example 6
async def async_count_neighbors(y: int, x: int, get: Get) -> int:
    """Return how many neighbors are ALIVE; I/O may be awaited here, too."""
    return count_neighbors(y, x, get)


async def async_step_cell(
    y: int,
    x: int,
    get: Get,
    set: Set,
    logic: AsyncLogic = game_logic,
    count: AsyncCount = async_count_neighbors,
) -> None:
    """Read a cell and its neighbors with get, and set its next state."""
    state = get(y, x)
    neighbors = await count(y, x, get)
    set(y, x, await logic(state, neighbors))


async def count_neighbors_with_io(
    address: life.Address, y: int, x: int, get: Get
) -> int:
    """Return how many neighbors are ALIVE, once the peer has answered."""
    await ask(address)
    return await async_count_neighbors(y, x, get)


def io_in_one_more_function() -> None:
    """To add I/O to one more function, make it async, and await it."""
    step = partial(simulate, step=async_step_cell)
    asyncio.run(print_async_generations(step, glider()))
    with life.peer() as address:
        logic = partial(game_logic_with_io, address)
        count = partial(count_neighbors_with_io, address)
        cell = partial(async_step_cell, count=count)
        after = partial(simulate, life.stripes(), logic, cell)
        life.print_seconds(lambda: asyncio.run(after()), 2 * life.DELAY)


EXAMPLES = {
    (1, 2): call_and_await,
    (3, 4): coroutine_per_cell,
    (5,): exception_in_a_coroutine,
    (6,): io_in_one_more_function,
}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
