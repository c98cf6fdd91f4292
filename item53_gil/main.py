"""Item 53: use threads for blocking I/O, avoid for parallelism.

CPython runs bytecode on a stack machine. The global interpreter lock (GIL)
lets one thread at a time do so, so threads do not speed up computation in
Python. They do speed up blocking I/O, because a thread releases the GIL
around a system call that may block. Free-threaded builds run without it.

    python3 item53_gil/main.py 3 8      (no numbers: every example)
"""

import select
import socket
import sys
from collections.abc import Iterator
from threading import Thread
from time import perf_counter, process_time

from chapter import run

NUMBERS = (360_360, 294_409, 262_144, 350_003)
CALLS = 5
BLOCKED = 0.1  # seconds that one system call takes


# Example 1
def factorize(number: int) -> Iterator[int]:
    """Yield all factors of a number in ascending order, by trial division."""
    for divisor in range(1, number + 1):
        if number % divisor == 0:
            yield divisor


def print_factors(factors: list[list[int]]) -> None:
    """Print how many factors each of NUMBERS has, and the largest three."""
    for number, found in zip(NUMBERS, factors, strict=True):
        print(f"{number} has {len(found)} factors, the largest", *found[-3:])


# Example 2
def factorize_in_a_row() -> None:
    """Four numbers are factored one after another."""
    start = perf_counter()
    factors = [list(factorize(number)) for number in NUMBERS]
    seconds = perf_counter() - start
    print_factors(factors)
    print(f"here: {seconds:.3f} s")


# Example 3
class FactorizeThread(Thread):  # questions.py C
    """Factors a number; the result is in factors once it has been joined."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def run(self) -> None:
        self.factors = list(factorize(self.number))


# Example 4
def factorize_in_threads() -> None:
    """Four threads factor the same numbers.

    With the GIL, they use about one core together.
    """
    start, start_cpu = perf_counter(), process_time()
    threads = [FactorizeThread(number) for number in NUMBERS]
    for thread in threads:
        thread.start()

    # Example 5
    for thread in threads:
        thread.join()
    seconds, cpu = perf_counter() - start, process_time() - start_cpu
    print_factors([thread.factors for thread in threads])
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()  # questions.py A
    print(f"here: {seconds:.3f} s, {cpu / seconds:.2f} cores in use", end=", ")
    print("with the GIL" if gil else "without the GIL")


# Example 6
def slow_systemcall() -> None:
    """Block in a system call for BLOCKED seconds, as a slow device would."""
    # On Linux, select() returns at once for a socket that was never
    # connected. This one is connected to a peer that stays silent.
    reader, writer = socket.socketpair()
    with reader, writer:
        select.select([reader], [], [], BLOCKED)


# Example 7
def block_in_a_row() -> None:
    """Five blocking calls in a row take the sum of their times."""
    start = perf_counter()
    for _ in range(CALLS):
        slow_systemcall()
    seconds = perf_counter() - start
    print(f"here: in a row {seconds:.3f} s, ideally {CALLS * BLOCKED:.3f} s")


def compute_helicopter_location(index: int) -> tuple[float, float]:
    """Return where a helicopter is, in kilometers east and north."""
    return 0.5 * index, 2.0 * index


# Example 8
def block_in_threads() -> None:
    """In threads, blocking calls overlap while the main thread works.

    A thread that blocks in a system call has released the GIL.
    """
    finished = []

    def call(index: int) -> None:
        slow_systemcall()
        finished.append(index)

    start = perf_counter()
    threads = [Thread(target=call, args=(i,)) for i in range(CALLS)]
    for thread in threads:
        thread.start()

    # Example 9
    places = [compute_helicopter_location(i) for i in range(CALLS)]
    computed = perf_counter() - start
    for thread in threads:
        thread.join()
    seconds = perf_counter() - start
    if len(finished) < CALLS:
        sys.exit(f"only {len(finished)} of {CALLS} calls finished")
    print("Helicopters at", *places)
    print(f"here: the main thread finished its work after {computed:.3f} s")
    print(f"here: in threads {seconds:.3f} s, ideally {BLOCKED:.3f} s")


EXAMPLES = {
    (1, 2): factorize_in_a_row,
    (3, 4, 5): factorize_in_threads,
    (6, 7): block_in_a_row,
    (8, 9): block_in_threads,
}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
