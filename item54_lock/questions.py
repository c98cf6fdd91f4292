"""Item 54: what readers ask next about Lock."""

import dis
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Lock
from time import sleep
from types import SimpleNamespace
from typing import Any

from chapter import run

THREADS = 5
ROUNDS = 100
TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment


def in_threads(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """Call work(0), work(1), ... in a thread each, and return the results."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count), timeout=PATIENCE))


def one(barrier: Barrier) -> int:
    """Return 1 once all threads have come here from their reads."""
    barrier.wait()
    return 1


def counter_that_never_loses() -> None:
    """My counter never loses anything: is += safe?

    No. CPython with the GIL switches threads every 5 ms, but only at calls,
    even unseen ones (a property, an __add__), where a function begins, where a
    loop jumps back, and where C code gives the GIL up. count += 1 on a plain
    attribute has none of these between its read and its write. Nobody promises
    that. Without the GIL, or on PyPy, it may lose counts. Use a lock.
    """
    total = SimpleNamespace(count=0)
    barrier = Barrier(THREADS, timeout=PATIENCE)

    def steps(function: Callable[[int], None]) -> str:
        return ", ".join(
            f"{step.opname} {step.argrepr}".rstrip()
            for step in dis.get_instructions(function)
            if step.opname in ("CALL", "BINARY_OP") or step.argval == "count"
        )

    def add_call(_: int) -> None:
        total.count += one(barrier)

    def add_constant(_: int) -> None:
        total.count += 1

    print("count += 1      is", steps(add_constant))
    print("count += one()  is", steps(add_call))
    in_threads(add_call)
    print(f"count += one()  in {THREADS} threads makes {total.count}")


def lock_or_no_lock() -> None:
    """Do I need this lock?

    What one thread alone writes, and others read after join(), needs no lock.
    What several threads read and write back needs one.
    """
    cells, total, locked_total = [0] * THREADS, [0], [0]
    barrier, lock = Barrier(THREADS, timeout=PATIENCE), Lock()

    def count(index: int) -> None:
        cells[index] += one(barrier)
        total[0] += one(barrier)
        with lock:
            value = locked_total[0]
            sleep(0)  # invites a switch
            locked_total[0] = value + 1

    in_threads(count)
    print("No lock, a cell for each thread:", *cells, "makes", sum(cells))
    print("No lock, one total for all:", *total)
    print("A lock, one total for all:", *locked_total)


def two_locks_in_two_orders() -> None:
    """Why do two locks stop everything?

    Each of two threads holds a lock that the other wants, and without the
    timeout they would wait for ever. If all take lock 0 first, none waits for
    it while it holds lock 1. Sort locks by something fixed, such as a number.
    """
    locks, balances = (Lock(), Lock()), [100, 100]
    barrier = Barrier(2, timeout=PATIENCE)

    def acquire_both(first: int) -> bool:
        with locks[first]:
            barrier.wait()  # each thread holds its first lock
            acquired = locks[1 - first].acquire(timeout=TIMEOUT)
            barrier.wait()  # and keeps it until both have tried
            return acquired

    def transfer(source: int) -> None:
        amount = 2 - source
        for _ in range(ROUNDS):
            with locks[0], locks[1]:  # in this order, whatever the source
                balances[source] -= amount
                balances[1 - source] += amount

    for held, acquired in enumerate(in_threads(acquire_both, 2)):
        print(f"Who holds lock {held} acquires lock {1 - held}: {acquired}")
    in_threads(transfer, 2)
    print(f"{ROUNDS} transfers of 2 and {ROUNDS} of 1 in return:", *balances)


def safe_operations() -> None:
    """Which operations are safe without a lock?

    A deque's appends and pops, and what the documentation calls atomic, under
    "Thread Safety Guarantees". A check and what follows from it, or a read and
    a write that needs it, are two steps, and take a lock.
    """
    items: deque[tuple[int, int]] = deque()
    popped: list[tuple[int, int]] = []
    values: dict[str, int] = {"count": 0}
    barrier = Barrier(THREADS, timeout=PATIENCE)

    def work(index: int) -> bool:
        barrier.wait()
        for number in range(ROUNDS):
            items.append((index, number))
            items.appendleft((number, -index - 1))
            sleep(0)  # invites a switch
            popped.append(items.pop())
            popped.append(items.popleft())
        values["count"] += one(barrier)
        if missing := "key" not in values:
            barrier.wait()  # all have looked before any of them writes
            values["key"] = index
        return missing

    writers = sum(in_threads(work))
    print(f"append() and pop(): {len(popped)} items,", end=" ")
    print(len(set(popped)), "different")
    print(f"d[key] += f() in {THREADS} threads makes", values["count"])
    print("if key not in d: d[key] = x: written by", writers, "threads")


def lock_and_read() -> None:
    """Should I hold the lock while I read?

    No. Whoever waits for the lock waits for the read, too. Hold it for
    arithmetic, do I/O before or after. Here, a read ends once all are reading.
    """
    barrier, lock = Barrier(THREADS), Lock()
    reading, at_once = list[int](), list[int]()

    def read(index: int, timeout: float) -> None:
        reading.append(index)
        at_once.append(len(reading))
        try:
            barrier.wait(timeout)
        finally:
            reading.remove(index)

    def under_the_lock(index: int) -> None:
        with lock, suppress(BrokenBarrierError):
            read(index, TIMEOUT)

    def before_the_lock(index: int) -> None:
        read(index, PATIENCE)
        with lock:
            pass  # the arithmetic

    for work in under_the_lock, before_the_lock:
        barrier.reset()
        at_once.clear()
        in_threads(work)
        print(f"Reads {work.__name__}: {max(at_once)} at once")


QUESTIONS = {
    "A": counter_that_never_loses,
    "B": lock_or_no_lock,
    "C": two_locks_in_two_orders,
    "D": safe_operations,
    "E": lock_and_read,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
