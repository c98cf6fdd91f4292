"""The ways to do a generation, and what each takes for the waits alone.

The ways are the items' own functions, imported from the scripts as they
stand. A bare floor waits as often, on the same primitive, and does nothing
else.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from queue import Queue
from threading import Thread
from typing import Any

import item56
import item57
from item56 import Grid

from item58_queue_refactor import main as item58
from item59_pool import main as item59
from item60_coroutines import main as item60

BOARDS = {45: (5, 9), 450: (15, 30), 4_500: (50, 90), 45_000: (150, 300)}

# How many cells of a generation can wait at once; None: all of them.
AT_ONCE: dict[str, int | None] = {
    "serial": 1,
    "threads": None,
    "queue": item58.WORKERS,
    "phased": item58.WORKERS,
    "pool": item59.MAX_WORKERS,
    "coroutines": None,
}

Wait = Callable[[], Any]  # returns an awaitable for coroutines
Step = Callable[[Any], Any]  # from a grid to the next one, or an awaitable


def random_grid(height: int, width: int) -> Grid:
    """Return a grid a third of which is alive, the same in every run.

    It has no lock: a generation only reads it.
    """
    grid = Grid(height, width)
    chance = random.Random(height * width)
    for y in range(height):
        for x in range(width):
            grid.set(y, x, chance.choice("*--"))
    return grid


def board(cells: int) -> Grid:
    """Return a random grid of that many cells."""
    return random_grid(*BOARDS[cells])


def rules(way: str, wait: Wait | None) -> Any:
    """Return the rules of the way's item, after a wait if there is one."""
    if wait is None:
        return (item60 if way == "coroutines" else item56).game_logic

    def logic(state: str, neighbors: int) -> str:
        wait()
        return item56.game_logic(state, neighbors)

    async def async_logic(state: str, neighbors: int) -> str:
        await wait()
        return await item60.game_logic(state, neighbors)

    return async_logic if way == "coroutines" else logic


@contextmanager
def stepping(way: str, logic: Any) -> Iterator[Step]:
    """Yield what steps a grid; its workers end with the block."""
    match way:
        case "serial":
            yield partial(item56.simulate, logic=logic)
        case "threads":
            yield partial(item57.simulate_threaded, logic=logic)
        case "queue":
            with item58.one_phase(logic) as step:
                yield step
        case "phased":
            with item58.two_phases(item56.count_neighbors, logic) as step:
                yield step
        case "pool":
            with ThreadPoolExecutor(item59.MAX_WORKERS) as pool:
                yield partial(item59.simulate_pool, pool, logic=logic)
        case "coroutines":
            yield partial(item60.simulate, logic=logic)


@contextmanager
def bare(way: str, cells: int, wait: Wait) -> Iterator[Step]:
    """Yield what only waits, once for each cell, as the way does."""

    def in_a_row(_: object) -> None:
        for _ in range(cells):
            wait()

    def in_threads(_: object) -> None:
        threads = [Thread(target=wait) for _ in range(cells)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    async def in_tasks(_: object) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(cells):
                group.create_task(wait())

    match way:
        case "serial":
            yield in_a_row
        case "threads":
            yield in_threads
        case "queue" | "phased":
            in_queue: Queue[bool] = Queue()

            def work() -> None:
                while in_queue.get():
                    wait()
                    in_queue.task_done()

            def in_workers(_: object) -> None:
                for _ in range(cells):
                    in_queue.put(True)
                in_queue.join()

            workers = [Thread(target=work) for _ in range(item58.WORKERS)]
            for worker in workers:
                worker.start()
            yield in_workers
            for _ in workers:
                in_queue.put(False)
            for worker in workers:
                worker.join()
        case "pool":
            with ThreadPoolExecutor(item59.MAX_WORKERS) as pool:

                def in_pool(_: object) -> None:
                    for future in [pool.submit(wait) for _ in range(cells)]:
                        future.result()

                yield in_pool
        case "coroutines":
            yield in_tasks
