"""What a user might pick instead: other packages' ways to fan out.

Each steps a grid with the items' own step_cell and rules, every cell waiting
DELAY by the package's own timer. Each needs its package, but for ThreadPool.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from multiprocessing.pool import ThreadPool
from typing import Any

from benchmarks.measure import DELAY, Step, Wait, rules
from item59_pool import main as item59
from item60_coroutines import main as item60

Cell = tuple[Any, ...]  # the arguments of its step


def cells(grid: Any, way: str, wait: Wait) -> tuple[Any, list[Cell]]:
    """The next grid, still empty, and the arguments of each cell's step.

    The way is that of the items whose rules wait in the same manner.
    """
    next_grid = item59.LockingGrid(grid.height, grid.width)
    logic = rules(way, wait)
    return next_grid, [
        (y, x, grid.get, next_grid.set, logic)
        for y, x in product(range(grid.height), range(grid.width))
    ]


def thread_pool_step(pool: ThreadPool, grid: Any) -> Any:
    """A generation on multiprocessing's pool of threads."""
    next_grid, steps = cells(grid, "pool", partial(time.sleep, DELAY))
    pool.starmap(item59.step_cell, steps, chunksize=1)
    return next_grid


def joblib_step(parallel: Any, grid: Any) -> Any:
    """A generation on joblib's threads."""
    from joblib import delayed

    next_grid, steps = cells(grid, "pool", partial(time.sleep, DELAY))
    parallel(delayed(item59.step_cell)(*step) for step in steps)
    return next_grid


def gevent_step(grid: Any) -> Any:
    """A generation with a greenlet for each cell."""
    import gevent

    next_grid, steps = cells(grid, "pool", partial(gevent.sleep, DELAY))
    greenlets = [gevent.spawn(item59.step_cell, *step) for step in steps]
    gevent.joinall(greenlets, raise_error=True)
    return next_grid


def trio_step(grid: Any) -> Any:
    """A generation with a trio task for each cell."""
    import trio

    next_grid, steps = cells(grid, "coroutines", partial(trio.sleep, DELAY))

    async def fan_out() -> None:
        async with trio.open_nursery() as nursery:
            for step in steps:
                nursery.start_soon(item60.step_cell, *step)

    trio.run(fan_out)
    return next_grid


async def anyio_step(grid: Any) -> Any:
    """A generation with an anyio task for each cell, on asyncio."""
    import anyio

    next_grid, steps = cells(grid, "coroutines", partial(anyio.sleep, DELAY))
    async with anyio.create_task_group() as group:
        for step in steps:
            group.start_soon(item60.step_cell, *step)
    return next_grid


@contextmanager
def stepping(way: str) -> Iterator[Step]:
    """What steps a grid in this way; its workers end with the block."""
    simple: dict[str, Callable[[Any], Any]] = {
        "gevent": gevent_step,
        "trio": trio_step,
        "anyio": anyio_step,
    }
    if way == "ThreadPool":
        with ThreadPool(item59.MAX_WORKERS) as pool:
            yield partial(thread_pool_step, pool)
    elif way == "joblib":
        from joblib import Parallel

        with Parallel(item59.MAX_WORKERS, backend="threading") as parallel:
            yield partial(joblib_step, parallel)
    else:
        yield simple[way]
