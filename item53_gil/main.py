"""Item 53: use threads for blocking I/O, avoid for parallelism.

CPython compiles source to bytecode and runs it on a stack machine. The
global interpreter lock (GIL) lets one thread at a time run it, so threads
do not speed up computation. They do speed up blocking I/O: a thread gives
the GIL up around a system call that may block. A free-threaded build (3.13
and later) has no GIL.

    python3 item53_gil/main.py          every example
    python3 item53_gil/main.py 3 8      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import select
import socket
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from threading import Barrier, BrokenBarrierError, Thread
from time import perf_counter, process_time

NUMBERS = 360_360, 294_409, 262_144, 350_003
CALLS = 5
BLOCKED = 0.1  # seconds that one system call takes


# Example 1
def factorize(number: int) -> Iterator[int]:
    """All factors of number, 1 or more, ascending, by trial division.

    Raises TypeError or ValueError at once, not when it is iterated.
    """
    if not isinstance(number, int):
        raise TypeError(f"number must be an int, not {number!r}")
    if number < 1:
        raise ValueError(f"number must be 1 or more, not {number}")
    return (n for n in range(1, number + 1) if number % n == 0)


def print_factors(factors: list[list[int]]) -> None:
    """Print how many factors each of NUMBERS has, and the largest three."""
    for number, found in zip(NUMBERS, factors, strict=True):
        print(f"{number} has {len(found)} factors, the largest", *found[-3:])


# Example 2
def factorize_in_a_row() -> None:
    """Four numbers are factorized one after another."""
    start = perf_counter()
    factors = [list(factorize(number)) for number in NUMBERS]
    seconds = perf_counter() - start
    print_factors(factors)
    print(f"here: in a row this took {seconds:.3f} s")


# Example 3
class FactorizeThread(Thread):
    """Factorizes a number; its exception reaches whoever asks for factors."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self._factors: list[int] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._factors = list(factorize(self.number))
        except BaseException as error:
            self._error = error

    def join(self, timeout: float | None = None) -> None:
        """Wait, at most timeout seconds; raise what factorize raised."""
        super().join(timeout)
        if self._error is not None:
            raise self._error

    @property
    def factors(self) -> list[int]:
        """All factors of the number, once the thread has finished."""
        self.join()
        return self._factors


def gil_enabled() -> bool:
    """Whether this interpreter has the GIL; a build from 3.13 may not."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def expectation(gil: bool, cores: int) -> str:
    """What to expect of the time in threads, over the time in a row."""
    if gil:
        return "about 1 or more: with the GIL, one thread computes at a time"
    if cores == 1:
        return "about 1 or more: without the GIL, but on one core"
    return f"clearly less than 1: without the GIL, on {cores} cores"


# Example 4
def factorize_in_threads() -> None:
    """Four threads factorize the same numbers at once."""
    start = perf_counter()
    serial = [list(factorize(number)) for number in NUMBERS]
    serial_seconds = perf_counter() - start

    start, start_cpu = perf_counter(), process_time()
    threads = [FactorizeThread(number) for number in NUMBERS]
    for thread in threads:
        thread.start()

    # Example 5
    for thread in threads:
        thread.join()
    seconds, cpu = perf_counter() - start, process_time() - start_cpu
    factors = [thread.factors for thread in threads]
    print_factors(factors)
    print("same as one after another:", factors == serial)
    print(f"here: in threads it took {seconds:.3f} s", end=" ")
    print(f"and {cpu / seconds:.2f} cores")
    print(f"here: that is {seconds / serial_seconds:.2f} times", end=" ")
    print("the time in a row")
    cores = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    expected = expectation(gil_enabled(), cores)
    print(f"here: to be expected was {expected}")


# Example 6
def slow_systemcall() -> None:
    """Block in a system call for BLOCKED seconds, as a slow device would."""
    # select() on a socket without a peer returns at once on Linux. This one
    # has a peer that never sends anything.
    reader, writer = socket.socketpair()
    with reader, writer:
        select.select([reader], [], [], BLOCKED)


def most_in_flight(calls: list[tuple[float, float]]) -> int:
    """How many of the calls, each (begin, end) in seconds, overlap at most."""
    return max(
        sum(begin <= moment < end for begin, end in calls)
        for moment, _ in calls
    )


# Example 7
def block_in_a_row() -> None:
    """Five blocking calls in a row take the sum of their times."""
    calls = []
    for _ in range(CALLS):
        begin = perf_counter()
        slow_systemcall()
        calls.append((begin, perf_counter()))
    seconds = calls[-1][1] - calls[0][0]
    print(f"Calls in flight at once: {most_in_flight(calls)}")
    print(f"here: {len(calls)} calls took {seconds:.3f} s;", end=" ")
    print(f"the ideal is {CALLS * BLOCKED:.3f} s")


# Example 8
def compute_helicopter_location(index: int) -> tuple[float, float]:
    """Where helicopter number index is now: kilometers east and north."""
    return 0.5 * index, 2.0 * index


# Example 9
def block_in_threads() -> None:
    """In threads they overlap, and the main thread goes on working."""
    calls = []
    # However busy the machine is, no call ends before all have begun: nobody
    # passes the barrier alone.
    barrier = Barrier(CALLS)

    def call() -> None:
        begin = perf_counter()
        try:
            barrier.wait()
        except BrokenBarrierError:  # the system refused one of the others
            return
        slow_systemcall()
        calls.append((begin, perf_counter()))

    start = perf_counter()
    threads = [Thread(target=call) for _ in range(CALLS)]
    try:
        for thread in threads:
            thread.start()
    except RuntimeError:  # the system refuses one: do not let the rest wait
        barrier.abort()
        raise
    places = [compute_helicopter_location(index) for index in range(CALLS)]
    computed = perf_counter() - start
    for thread in threads:
        thread.join()
    seconds = perf_counter() - start
    if len(calls) < CALLS:
        raise RuntimeError(f"{CALLS - len(calls)} of {CALLS} calls failed")
    print("Helicopters at", *places)
    print(f"Calls in flight at once: {most_in_flight(calls)}")
    print(f"here: the main thread had computed this after {computed:.3f} s")
    print(f"here: {CALLS} calls took {seconds:.3f} s;", end=" ")
    print(f"the ideal is {BLOCKED:.3f} s")


EXAMPLES = {
    (1, 2): factorize_in_a_row,
    (3, 4, 5): factorize_in_threads,
    (6, 7): block_in_a_row,
    (8, 9): block_in_threads,
}


def main(arguments: Sequence[str]) -> None:
    """Run the examples with these numbers, or all of them."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", type=int, metavar="N")
    chosen = set(parser.parse_args(arguments).numbers)
    known = {n for numbers in EXAMPLES for n in numbers}
    unknown = chosen - known
    if unknown:
        parser.error(f"no example {min(unknown)}: there are 1 to {max(known)}")
    try:
        for numbers, demo in EXAMPLES.items():
            if not chosen or chosen.intersection(numbers):
                first, last = numbers[0], numbers[-1]
                label = f"s {first}-{last}" if last > first else f" {first}"
                print(f"Example{label}: {demo.__doc__}")
                demo()
                print(flush=True)
    except BrokenPipeError:  # nobody reads on, as after `| head -1`
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to end
