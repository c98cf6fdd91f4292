"""One measurement of one way to do a generation, in a process of its own.

    python -m benchmarks.measure '{"kind": "generation", "way": "pool",
                                   "cells": 45, "wait": "timer"}'

prints what was measured as JSON. Every cell waits DELAY for its I/O.
"""

import asyncio
import gc
import json
import sys
import threading
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from inspect import isawaitable
from socket import create_connection
from statistics import median
from threading import Thread
from time import perf_counter, process_time, sleep
from typing import Any

import psutil
from item56 import DELAY, PATIENCE, peer

from benchmarks.ways import AT_ONCE, Step, Wait, bare, board, rules, stepping

THREAD_MEMORY = 90 * 2**10  # bytes in use for a thread that waits, at most

Figures = dict[str, Any]


def allow_open_files(count: int) -> None:
    """Let this process open count files; SystemExit if it may not."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
        except (ValueError, OSError):
            sys.exit(f"needs {count:,} open files, the limit is {hard:,}")


@asynccontextmanager
async def socket_wait(way: str, cells: int) -> AsyncIterator[Wait]:
    """Yield what sends item 56's peer a byte and waits for its answer.

    As many connections are open as cells can wait at once.
    """
    count = min(cells, AT_ONCE[way] or cells)
    allow_open_files(count + 100)  # the interpreter has some of its own
    async with AsyncExitStack() as stack:
        address = stack.enter_context(peer())
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
                stack.enter_context(create_connection(address, PATIENCE))
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
    """Yield what a cell calls, or awaits, to wait for its I/O, or None."""
    match wait:
        case "none":
            yield None
        case "timer" if way == "coroutines":
            yield partial(asyncio.sleep, DELAY)
        case "timer":
            yield partial(sleep, DELAY)
        case "socket":
            async with socket_wait(way, cells) as ask:
                yield ask


async def once(step: Step, grid: Any) -> Any:
    """Return the grid that the step returns, awaited if need be."""
    outcome = step(grid)
    return await outcome if isawaitable(outcome) else outcome


async def timed(step: Step, grid: Any, enough: float = 0.1) -> Figures:
    """Return the seconds that a generation takes, wall and processor time.

    The median of as many generations as fit into enough seconds, at least 1
    and at most 25.
    """
    walls: list[float] = []
    processors: list[float] = []
    gc.collect()
    while not walls or (len(walls) < 25 and sum(walls) + walls[-1] < enough):
        processor, wall = process_time(), perf_counter()
        await once(step, grid)
        walls.append(perf_counter() - wall)
        processors.append(process_time() - processor)
    return {"seconds": median(walls), "processor": median(processors)}


async def generation(way: str, cells: int, wait: str) -> Figures:
    """Time the way's own function."""
    async with waiting(way, cells, wait) as call:
        with stepping(way, rules(way, call)) as step:
            if call is None:  # a pool starts its threads once
                await once(step, board(45))
            return await timed(step, board(cells))


async def floor(way: str, cells: int, wait: str) -> Figures:
    """Time as many bare waits, on the same primitive."""
    async with waiting(way, cells, wait) as call:
        with bare(way, cells, call) as step:
            return await timed(step, None)


def resident() -> int:
    """Return the bytes of memory that this process has in use."""
    return int(psutil.Process().memory_info().rss)


async def cost(way: str, cells: int, wait: str) -> Figures:
    """Return the threads alive, and bytes a cell, while all cells wait.

    The cells wait at a gate, which opens once all have come that can. Raises
    RuntimeError if the system refuses a thread, and OSError if that many
    threads might need more than half of the memory that is available.
    """
    available = psutil.virtual_memory().available
    if way == "threads" and cells * THREAD_MEMORY > available / 2:
        raise OSError(f"{cells:,} threads may need too much memory")
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
            processor = process_time()
            sleep(0.02)
            ran = process_time() - processor > 0.002
            still = 0 if ran else still + 1
        figures["threads"] = threading.active_count() - others
        figures["bytes"] = (resident() - before) / cells
        gate.set()
        loop.call_soon_threadsafe(async_gate.set)

    call: Wait = async_wait_at_gate if way == "coroutines" else wait_at_gate
    others = threading.active_count()  # this one stands in for the keeper
    with stepping(way, rules(way, call)) as step:
        grid = board(cells)
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
    """Return when each cell's wait began and ended, and when all was done.

    In seconds since the generation began.
    """
    marks: list[tuple[float, float]] = []
    async with waiting(way, cells, wait) as call:

        def noted() -> None:
            begin = perf_counter()
            call()
            marks.append((begin, perf_counter()))

        async def async_noted() -> None:
            begin = perf_counter()
            await call()
            marks.append((begin, perf_counter()))

        noted_wait: Wait = async_noted if way == "coroutines" else noted
        with stepping(way, rules(way, noted_wait)) as step:
            start = perf_counter()
            await once(step, board(cells))
            seconds = perf_counter() - start
    waits = sorted((a - start, b - start) for a, b in marks)
    return {"seconds": seconds, "waits": waits}


KINDS: dict[str, Callable[[str, int, str], Coroutine[Any, Any, Figures]]] = {
    "generation": generation,
    "floor": floor,
    "cost": cost,
    "timeline": timeline,
}


def main(specification: str) -> None:
    """Measure what the JSON object asks for; print the figures as JSON."""
    spec = json.loads(specification)
    way, cells, wait = spec["way"], spec["cells"], spec["wait"]
    # The generation that counts is to find warm code.
    asyncio.run(generation(way, 45, "none"), debug=False)
    figures = asyncio.run(KINDS[spec["kind"]](way, cells, wait), debug=False)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1])
