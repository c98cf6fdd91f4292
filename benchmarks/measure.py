"""One measurement of one way to do a generation, in a process of its own.

    python -m benchmarks.measure '{"kind": "generation", "way": "pool",
                                   "cells": 45, "wait": "timer"}'

prints what was measured as JSON. The ways are the items' own functions,
imported from the scripts as they stand; every cell waits DELAY for its I/O.
"""

import asyncio
import gc
import json
import os
import queue
import random
import statistics
import sys
import threading
import time
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from inspect import isawaitable
from pathlib import Path
from socket import create_connection
from threading import Thread
from typing import Any

from item56_life import main as item56
from item57_threads import main as item57
from item58_queue_refactor import main as item58
from item59_pool import main as item59
from item60_coroutines import main as item60

DELAY = item56.DELAY  # seconds
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
MODULES: dict[str, Any] = {
    "serial": item56,
    "threads": item57,
    "queue": item58,
    "phased": item58,
    "pool": item59,
    "coroutines": item60,
}

Wait = Callable[[], Any]  # gives an awaitable where the way is coroutines
Step = Callable[[Any], Any]  # from a grid to the next one, or its awaitable
Figures = dict[str, Any]


def board(way: str, cells: int) -> Any:
    """A grid of so many cells, of the way's own class Grid.

    About a third of the cells are alive, the same ones every time. It is a
    Grid for all ways, since a generation only reads it. (Where threads read
    from a LockingGrid, which the demos of items 57 to 59 hand in, a pool of
    ten takes 1.2 to 3 times as long over its overhead, on two cores.)
    """
    height, width = BOARDS[cells]
    grid = MODULES[way].Grid(height, width)
    chance = random.Random(cells)
    for y in range(height):
        for x in range(width):
            grid.set(y, x, chance.choice("*--"))
    return grid


def rules(way: str, wait: Wait | None) -> Any:
    """The rules that the way's item plays by, after a wait if there is one."""
    game_logic = MODULES[way].game_logic
    if wait is None:
        return game_logic

    def logic(state: str, neighbors: int) -> str:
        wait()
        next_state: str = game_logic(state, neighbors)
        return next_state

    async def async_logic(state: str, neighbors: int) -> str:
        await wait()
        next_state: str = await game_logic(state, neighbors)
        return next_state

    return async_logic if way == "coroutines" else logic


@asynccontextmanager
async def stepping(way: str, logic: Any) -> AsyncIterator[Step]:
    """What steps a grid in this way; its workers end with the block."""
    match way:
        case "serial":
            yield partial(item56.simulate, logic=logic)
        case "threads":
            yield partial(item57.simulate_threaded, logic=logic)
        case "queue":
            with item58.one_phase(logic) as step:
                yield step
        case "phased":
            with item58.two_phases(item58.count_neighbors, logic) as step:
                yield step
        case "pool":
            with ThreadPoolExecutor(item59.MAX_WORKERS) as pool:
                yield partial(item59.simulate_pool, pool, logic=logic)
        case "coroutines":
            yield partial(item60.simulate, logic=logic)


@asynccontextmanager
async def bare(way: str, cells: int, wait: Wait) -> AsyncIterator[Step]:
    """What only waits, as often and on the same primitive as the way."""

    def in_a_row(_: object) -> None:
        for _ in range(cells):
            wait()

    def in_threads(_: object) -> None:
        threads = []
        for _ in range(cells):
            thread = Thread(target=wait)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()

    async def in_tasks(_: object) -> None:
        async def task() -> None:
            await wait()

        async with asyncio.TaskGroup() as group:
            for _ in range(cells):
                group.create_task(task())

    match way:
        case "serial":
            yield in_a_row
        case "threads":
            yield in_threads
        case "queue" | "phased":
            in_queue: queue.Queue[bool] = queue.Queue()

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


def allow_open_files(count: int) -> None:
    """Raise the limit of open files to the highest that is allowed.

    OSError if that is less than count.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < count:
        raise OSError(f"needs {count:,} open files, the limit is {hard:,}")


@asynccontextmanager
async def socket_wait(way: str, cells: int) -> AsyncIterator[Wait]:
    """A byte to and from item 56's peer, on connections that are open.

    As many of them as cells can wait at once.
    """
    count = min(cells, AT_ONCE[way] or cells)
    allow_open_files(count + 100)  # the interpreter has some of its own
    async with AsyncExitStack() as stack:
        address = stack.enter_context(item56.peer())
        if way == "coroutines":
            streams: list[tuple[StreamReader, StreamWriter]] = []
            for _ in range(count):
                reader, writer = await asyncio.open_connection(*address)
                stack.callback(writer.close)
                streams.append((reader, writer))

            async def async_ask() -> None:
                reader, writer = streams.pop()
                writer.write(b"?")
                await reader.readexactly(1)
                streams.append((reader, writer))

            yield async_ask
        else:
            # Threads share a deque's pop() and append() without a lock.
            sockets = deque(
                stack.enter_context(create_connection(address, timeout=60))
                for _ in range(count)
            )

            def ask() -> None:
                connection = sockets.pop()
                connection.sendall(b"?")
                if not connection.recv(1):
                    raise ConnectionError("the peer did not answer")
                sockets.append(connection)

            yield ask


@asynccontextmanager
async def waiting(way: str, cells: int, wait: str) -> AsyncIterator[Any]:
    """What a cell calls, or awaits, to wait for its I/O; None: it has none."""
    match wait:
        case "none":
            yield None
        case "timer" if way == "coroutines":
            yield partial(asyncio.sleep, DELAY)
        case "timer":
            yield partial(time.sleep, DELAY)
        case "socket":
            async with socket_wait(way, cells) as ask:
                yield ask


async def once(step: Step, grid: Any) -> Any:
    """The grid that the step gives, awaited if need be."""
    outcome = step(grid)
    return await outcome if isawaitable(outcome) else outcome


async def timed(step: Step, grid: Any, enough: float = 0.1) -> Figures:
    """Seconds that a generation takes, of the clock and of processors.

    The median of as many generations as fit into enough seconds, 25 at most
    and 1 at least.
    """
    walls: list[float] = []
    processors: list[float] = []
    gc.collect()
    while not walls or (len(walls) < 25 and sum(walls) + walls[-1] < enough):
        processor, wall = time.process_time(), time.perf_counter()
        await once(step, grid)
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {
        "seconds": statistics.median(walls),
        "processor": statistics.median(processors),
    }


async def generation(way: str, cells: int, wait: str) -> Figures:
    """Time the way's own function."""
    async with (
        waiting(way, cells, wait) as call,
        stepping(way, rules(way, call)) as step,
    ):
        if call is None:  # a pool starts its threads once, not every time
            await once(step, board(way, 45))
        return await timed(step, board(way, cells))


async def floor(way: str, cells: int, wait: str) -> Figures:
    """Time as many bare waits, on the same primitive."""
    async with (
        waiting(way, cells, wait) as call,
        bare(way, cells, call) as step,
    ):
        return await timed(step, None)


def resident() -> int:
    """Bytes of memory that this process has in use."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not Linux: what it has had at most is near enough
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def expect_memory(count: int) -> None:
    """OSError if so many threads that wait could use up the memory.

    Each has some 90 KiB in use; half of what is available is left alone.
    """
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:  # not Linux
        return
    available = int(text.partition("MemAvailable:")[2].split()[0])
    if count * 90 > available / 2:
        raise OSError(
            f"{count:,} threads need some {count * 90 / 2**20:.0f} GiB,"
            f" {available / 2**20:.0f} GiB are available"
        )


async def cost(way: str, cells: int, wait: str) -> Figures:
    """Most threads alive, and bytes of memory a cell, while all cells wait.

    The cells wait at a gate, which opens when all have come that can.
    RuntimeError if the system refuses a thread.
    """
    if way == "threads":
        expect_memory(cells)
    loop = asyncio.get_running_loop()
    gate, async_gate = threading.Event(), asyncio.Event()
    arrived: list[None] = []
    all_here = min(cells, AT_ONCE[way] or cells)
    figures: Figures = {}

    def wait_at_gate() -> None:
        arrived.append(None)
        gate.wait()

    async def async_wait_at_gate() -> None:
        arrived.append(None)
        await async_gate.wait()

    def keep_gate() -> None:
        # Other cells may still be on their way into a queue: look when
        # nothing has run for a while, a long one if a thread was refused.
        still = 0
        while still < (5 if len(arrived) == all_here else 200):
            processor = time.process_time()
            time.sleep(0.02)
            ran = time.process_time() - processor > 0.002
            still = 0 if ran else still + 1
        figures["threads"] = threading.active_count() - others
        figures["bytes"] = (resident() - before) / cells
        gate.set()
        loop.call_soon_threadsafe(async_gate.set)

    call: Wait = async_wait_at_gate if way == "coroutines" else wait_at_gate
    others = threading.active_count()  # as many as this one and the keeper
    async with stepping(way, rules(way, call)) as step:
        grid = board(way, cells)
        gc.collect()
        before = resident()
        keeper = Thread(target=keep_gate)
        keeper.start()
        try:
            await once(step, grid)
        finally:
            keeper.join()
    return figures


async def timeline(way: str, cells: int, wait: str) -> Figures:
    """When each cell's wait began and ended, in seconds from the start."""
    marks: list[tuple[float, float]] = []

    async with waiting(way, cells, wait) as call:

        def noted() -> None:
            begin = time.perf_counter()
            call()
            marks.append((begin, time.perf_counter()))

        async def async_noted() -> None:
            begin = time.perf_counter()
            await call()
            marks.append((begin, time.perf_counter()))

        noted_wait: Wait = async_noted if way == "coroutines" else noted
        async with stepping(way, rules(way, noted_wait)) as step:
            start = time.perf_counter()
            await once(step, board(way, cells))
            seconds = time.perf_counter() - start
    waits = sorted((a - start, b - start) for a, b in marks)
    return {"seconds": seconds, "waits": waits}


async def peer(way: str, cells: int, wait: str) -> Figures:
    """Time what a user might pick instead, from benchmarks.peers."""
    from benchmarks import peers  # their packages are not always there

    with peers.stepping(way) as step:
        return await timed(step, board("serial", cells))


KINDS: dict[str, Callable[[str, int, str], Coroutine[Any, Any, Figures]]] = {
    "generation": generation,
    "floor": floor,
    "cost": cost,
    "timeline": timeline,
    "peer": peer,
}


def main(specification: str) -> None:
    """Measure what the JSON object asks for; print it with the figures."""
    spec = json.loads(specification)
    way, cells, wait = spec["way"], spec["cells"], spec["wait"]
    # The generation that counts is to find warm code.
    warm_up = generation if way in AT_ONCE else peer
    asyncio.run(warm_up(way, 45, "none"), debug=False)
    figures = asyncio.run(KINDS[spec["kind"]](way, cells, wait), debug=False)
    print(json.dumps({**spec, **figures}))


if __name__ == "__main__":
    main(sys.argv[1])
