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

READY, BEGUN, ANSWERED = range(3)  # bytes that a call and a worker share
NAPS = 30_000  # of 1 ms
FEW, MANY = 10**6, 10**9  # looks, which take some 20 ms and 20 s


def answer(shared: Any) -> None:
    """Answer a call once it has begun, unless this process is an orphan."""
    parent = parent_process()
    shared[READY] = 1
    while not shared[BEGUN] and (parent is None or parent.is_alive()):
        sleep(0)
    shared[ANSWERED] = 1


def wait(shared: Any, naps: int) -> bool:
    """Return whether an answer comes within so many naps."""
    shared[BEGUN] = 1
    while naps and not shared[ANSWERED]:
        sleep(0.001)
        naps -= 1
    return bool(shared[ANSWERED])


def compute(shared: Any, looks: int) -> bool:
    """Return whether an answer comes during one call, which keeps the GIL."""
    begin = map(shared.__setitem__, [BEGUN], [1])
    look = map(shared.__getitem__, repeat(ANSWERED, looks))
    return any(chain(begin, look))


def overlaps(worker: Any, call: Any, count: int, target: Any = None) -> bool:
    """Return whether a worker answers a call before the call ends."""
    shared = RawArray("b", 3)
    answering = worker(target=target or answer, args=(shared,))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    answering.start()  # a process inherits that Ctrl-C is ignored
    signal.signal(signal.SIGINT, before)
    while not shared[READY]:
        if not answering.is_alive():
            raise ChildProcessError("the worker has failed")
    answered = call(shared, count)
    answering.join()
    return bool(answered)


def tasks_overlap(call: Any) -> bool:
    """Return whether one of two tasks begins before the other has ended."""
    log: list[str] = []

    async def log_call() -> None:
        log.append("begun")
        await call()
        log.append("ended")

    async def call_twice() -> None:
        await asyncio.gather(log_call(), log_call())

    asyncio.run(call_twice(), debug=False)
    return log[:2] == ["begun", "begun"]


def what_overlaps() -> None:
    """Threads, processes, or coroutines?

    To wait, any. Coroutines cost the least, threads take calls that block. To
    compute, processes, interpreters (since 3.14), or threads without the GIL.
    """

    async def compute_in_task() -> None:
        compute(bytearray(3), FEW)

    process = get_context("spawn").Process
    looks = FEW if getattr(sys, "_is_gil_enabled", lambda: True)() else MANY
    print("Waits overlap")
    print("    in threads:", overlaps(Thread, wait, NAPS))
    print("    in processes:", overlaps(process, wait, NAPS))
    print("    in coroutines:", tasks_overlap(partial(asyncio.sleep, 0)))
    print("Computations overlap")
    print("    in processes:", overlaps(process, compute, MANY))
    print("    in coroutines:", tasks_overlap(compute_in_task))
    print("here: in threads:", overlaps(Thread, compute, looks))
    if sys.version_info >= (3, 14):
        from concurrent.interpreters import create

        def own(shared: Any) -> None:
            create().call(answer, memoryview(shared).cast("B"))

        print("here: in interpreters:", overlaps(Thread, compute, MANY, own))
    else:
        print("here: this Python has no interpreters")


QUESTIONS = {"A": what_overlaps}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
