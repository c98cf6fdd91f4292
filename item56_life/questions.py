"""Item 56: what readers ask next about where concurrency is needed."""

import asyncio
import signal
import sys
from functools import partial
from itertools import chain, repeat
from multiprocessing import get_context, parent_process
from multiprocessing.sharedctypes import RawArray
from threading import Thread
from time import sleep
from typing import Any

from chapter import run

BEGUN, ANSWERED, OUTCOME = range(3)  # bytes that a call and its caller share
NAPS = 30_000  # of 1 ms
FEW, MANY = 10**6, 10**9  # looks, which take some 20 ms and 20 s


def wait(shared: Any, naps: int) -> None:
    """Wait for an answer, but for so many naps at most."""
    shared[BEGUN] = 1
    while naps and not shared[ANSWERED]:
        sleep(0.001)
        naps -= 1
    shared[OUTCOME] = 1 + shared[ANSWERED]


def compute(shared: Any, looks: int) -> None:
    """Look for an answer so many times, in one call, which keeps the GIL."""
    begin = map(shared.__setitem__, [BEGUN], [1])
    look = map(shared.__getitem__, repeat(ANSWERED, looks))
    shared[OUTCOME] = 1 + any(chain(begin, look))


def in_worker(call: Any, *arguments: Any) -> None:
    """Call a function, unless this is a process that has been orphaned."""
    parent = parent_process()
    if parent is None or parent.is_alive():
        call(*arguments)


def overlaps(worker: Any, memory: Any, target: Any, *call: Any) -> bool:
    """Return whether a call hears its caller's answer before it ends."""
    shared = memory(3)
    thread = worker(target=target, args=(call[0], shared, call[1]))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    thread.start()  # a process inherits that Ctrl-C is ignored
    signal.signal(signal.SIGINT, before)
    while thread.is_alive() and not shared[BEGUN]:
        pass
    shared[ANSWERED] = 1
    thread.join()
    return {1: False, 2: True}[shared[OUTCOME]]  # KeyError: it has failed


async def tasks_overlap(call: Any) -> bool:
    """Return whether one of two tasks begins before the other has ended."""
    log: list[str] = []

    async def log_call() -> None:
        log.append("begun")
        await call()
        log.append("ended")

    await asyncio.gather(log_call(), log_call())
    return log[:2] == ["begun", "begun"]


def what_overlaps() -> None:
    """Threads, processes, or coroutines?

    To wait, any of them. Coroutines cost the least, but all that waits must be
    awaited; threads take calls that block. To compute, processes, interpreters
    (since 3.14), or, without the GIL, threads.
    """

    async def compute_in_task() -> None:
        compute(bytearray(3), FEW)

    spawned = get_context("spawn").Process, partial(RawArray, "b"), in_worker
    threads = Thread, bytearray, in_worker
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    looks = FEW if gil else MANY
    print("Waits overlap")
    print("    in threads:", overlaps(*threads, wait, NAPS))
    print("    in processes:", overlaps(*spawned, wait, NAPS))
    waits = tasks_overlap(partial(asyncio.sleep, 0))
    print("    in coroutines:", asyncio.run(waits))
    print("Computations overlap")
    print("    in processes:", overlaps(*spawned, compute, MANY))
    print(
        "    in coroutines:",
        asyncio.run(tasks_overlap(compute_in_task), debug=False),
    )
    print("here: in threads:", overlaps(*threads, compute, looks))
    if sys.version_info >= (3, 14):
        from concurrent.interpreters import create

        own = Thread, lambda size: memoryview(bytearray(size)), create().call
        both = overlaps(*own, wait, NAPS), overlaps(*own, compute, MANY)
        print("here: waits, computations in interpreters:", *both)
    else:
        print("here: this Python has no interpreters")


QUESTIONS = {"A": what_overlaps}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
