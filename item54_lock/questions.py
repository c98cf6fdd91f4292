"""Item 54: what readers ask next about Lock.

A race is there whether it shows or not. Here, it shows in every run: threads
wait for each other between reading a value and writing it back. The answers
show what needs a lock, what does not, and how two locks stop a program.

    python3 item54_lock/questions.py A C    (no letters: every question)
"""

import dis
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from time import sleep
from types import SimpleNamespace
from typing import TypeVar

from chapter import run

THREADS = 5
ROUNDS = 100
TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment

T = TypeVar("T")


def in_threads(work: Callable[[int], T], count: int = THREADS) -> list[T]:
    """Call work(0), work(1), ... in a thread each, and return the results."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count), timeout=PATIENCE))


def steps(function: Callable[[int], None]) -> str:
    """Return the instructions that read, add and write, and the calls."""
    return ", ".join(
        f"{step.opname} {step.argrepr}".rstrip()
        for step in dis.get_instructions(function)
        if step.opname in ("CALL", "BINARY_OP") or step.argval == "count"
    )


def counter_that_never_loses() -> None:
    """My counter never loses anything: is += safe?"""
    total = SimpleNamespace(count=0)
    barrier = Barrier(THREADS, timeout=PATIENCE)

    def one() -> int:
        barrier.wait()  # all have read the count before any of them writes
        return 1

    def add_constant(_: int) -> None:
        total.count += 1

    def add_call(_: int) -> None:
        total.count += one()

    print("count += 1      is", steps(add_constant))
    print("count += one()  is", steps(add_call))
    in_threads(add_call)
    print(f"After count += one() in {THREADS} threads,", end=" ")
    print(f"count is {total.count}")
    print("Since Python 3.10, an interpreter with the GIL switches threads")
    print("only at calls and where a loop jumps back. count += 1 has neither")
    print("between its read and its write, so it loses nothing there. Nobody")
    print("guarantees that, and without the GIL it may lose counts: use a")
    print("lock.")


def lock_or_no_lock() -> None:
    """Do I need this lock?"""
    cells, total, locked_total = [0] * THREADS, [0], [0]
    barrier, lock = Barrier(THREADS, timeout=PATIENCE), Lock()

    def count(index: int) -> None:
        def one() -> int:
            barrier.wait()  # all threads have read what they will add to
            return 1

        cells[index] += one()
        total[0] += one()
        with lock:
            value = locked_total[0]
            sleep(0)  # invites a switch
            locked_total[0] = value + 1

    in_threads(count)
    print("No lock, a cell for each thread:", *cells, "makes", sum(cells))
    print("No lock, one total for all:", *total)
    print("A lock, one total for all:", *locked_total)
    print("What one thread alone writes, and others read after join(), needs")
    print("no lock. What several threads read and write back needs one.")


def two_locks_in_two_orders() -> None:
    """Why do two locks stop everything?"""
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

    first, second = in_threads(acquire_both, 2)
    print("The thread that holds lock 0 acquires lock 1:", first)
    print("The thread that holds lock 1 acquires lock 0:", second)
    print("Without the timeout, both would wait forever. If every thread")
    print("acquires lock 0 first, none waits for it while it holds lock 1:")
    in_threads(transfer, 2)
    print(f"{ROUNDS} transfers of 2 and {ROUNDS} of 1 in return:", end=" ")
    print("balances", *balances)
    print("Sort the locks by anything that does not change, such as a number.")


def safe_operations() -> None:
    """Which operations are safe without a lock?"""
    items: deque[tuple[int, int]] = deque()
    popped: list[tuple[int, int]] = []
    values: dict[str, int] = {"count": 0}
    barrier = Barrier(THREADS, timeout=PATIENCE)

    def one() -> int:
        barrier.wait()  # all have read before any of them writes
        return 1

    def work(index: int) -> bool:
        barrier.wait()
        for number in range(ROUNDS):
            items.append((index, number))
            items.appendleft((number, -index - 1))
            sleep(0)  # invites a switch
            popped.append(items.pop())
            popped.append(items.popleft())
        values["count"] += one()
        if missing := "key" not in values:
            barrier.wait()  # all have looked before any of them writes
            values["key"] = index
        return missing

    writers = sum(in_threads(work))
    print("append and pop at both ends of a deque:", len(popped), end=" ")
    print(f"items, {len(set(popped))} different")
    print(f"d[key] += f() in {THREADS} threads: d[key] is", values["count"])
    print("if key not in d: d[key] = x:", writers, "threads have written")
    print("Each append and pop is one step, which no other thread can divide:")
    print("the documentation lists such thread safety guarantees. A check and")
    print("what follows from it are two steps: they need a lock.")


QUESTIONS = {
    "A": counter_that_never_loses,
    "B": lock_or_no_lock,
    "C": two_locks_in_two_orders,
    "D": safe_operations,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
