"""Item 54: use Lock to prevent data races in threads.

`count += offset` reads, adds and writes. The GIL keeps each of the three
whole, but not the three together: a thread that is interrupted in between
writes a stale sum back, and what others added meanwhile is lost. A Lock
makes the three one.

    python3 item54_lock/main.py          every example
    python3 item54_lock/main.py 3 8      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import dis
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from threading import (
    Barrier,
    BrokenBarrierError,
    Event,
    Lock,
    Thread,
    current_thread,
)
from time import sleep

SENSORS = 5
READINGS = 100  # per sensor

Read = Callable[[int], int]


# Example 1
class Counter:
    """A running total that nothing guards."""

    def __init__(self, read: Read = int) -> None:
        self.count = 0
        self.read = read

    def increment(self, offset: int) -> None:
        """Add the reading of offset to count."""
        # Python fetches count first and calls read() second. Since 3.10 a
        # GIL build switches threads only at calls and at backward jumps: a
        # bare `self.count += offset` loses nothing there any more, which
        # nobody promises, and loses most of it on a free-threaded build.
        self.count += self.read(offset)


# Example 2
def worker(
    sensor_index: int, how_many: int, counter: Counter, barrier: Barrier
) -> None:
    """Wait for the other sensors, then count so many readings of this one."""
    try:
        barrier.wait()
        for _ in range(how_many):
            counter.increment(1)
    except BrokenBarrierError:
        pass  # another worker failed, and has said so
    except BaseException:
        barrier.abort()  # the others must not wait for this one for ever
        raise


def count_all(counter: Counter, barrier: Barrier) -> int:
    """The count after SENSORS workers, which meet at barrier, are through.

    RuntimeError if one of them fails, or the system refuses a thread.
    """
    threads = [
        Thread(target=worker, args=(index, READINGS, counter, barrier))
        for index in range(SENSORS)
    ]
    try:
        for thread in threads:
            thread.start()
    except RuntimeError:  # the system refuses a thread
        barrier.abort()
        raise
    for thread in threads:
        thread.join()
    if barrier.broken:
        raise RuntimeError("a worker failed, and the count is incomplete")
    return counter.count


# Example 3
def lost_readings() -> None:
    """Without a lock, threads overwrite each other's sums."""
    # No luck needed: all five have fetched the count before any of them adds
    # to it, so each round of five readings counts as one.
    barrier = Barrier(SENSORS)

    def read(offset: int) -> int:
        barrier.wait()
        return offset

    count = count_all(Counter(read), barrier)
    print(f"Counter should be {SENSORS * READINGS}, got {count}")


# Example 4
def three_steps() -> None:
    """One += is three steps, and a call may come between them."""
    counter = Counter()
    value = counter.count
    total = value + counter.read(1)
    counter.count = total
    print(f"read {value}, add {total - value}, write {counter.count}")

    # Example 5
    for instruction in dis.get_instructions(Counter.increment):
        name = instruction.opname
        if name in ("CALL", "BINARY_OP") or instruction.argval == "count":
            print(f"{name} {instruction.argrepr}".rstrip())


# Example 6
def one_lost_reading() -> None:
    """How two threads lose a reading, step by step."""
    fetched, may_add = Event(), Event()
    lines = []

    def read(offset: int) -> int:
        lines.append(f"{current_thread().name} has fetched {counter.count}")
        if current_thread().name == "A":
            fetched.set()
            may_add.wait()
        return offset

    def increment() -> None:
        counter.increment(1)
        lines.append(f"{current_thread().name} has written {counter.count}")

    counter = Counter(read)
    thread_a = Thread(target=increment, name="A")
    thread_b = Thread(target=increment, name="B")
    thread_a.start()
    try:
        fetched.wait()
        thread_b.start()
        thread_b.join()
    finally:
        may_add.set()
    thread_a.join()
    print(*lines, f"Counter should be 2, got {counter.count}", sep="\n")


# Example 7
class LockingCounter(Counter):
    """A running total that one thread at a time may change."""

    def __init__(self, read: Read = int) -> None:
        super().__init__(read)
        self.lock = Lock()

    def increment(self, offset: int) -> None:
        """Add the reading of offset to count."""
        with self.lock:
            self.count += self.read(offset)


# Example 8
def no_lost_readings() -> None:
    """With a lock, every reading counts."""

    def read(offset: int) -> int:
        sleep(0)  # invites a switch; a barrier would wait for ever here
        return offset

    count = count_all(LockingCounter(read), Barrier(SENSORS))
    print(f"Counter should be {SENSORS * READINGS}, got {count}")


EXAMPLES = {
    (1, 2, 3): lost_readings,
    (4, 5): three_steps,
    (6,): one_lost_reading,
    (7, 8): no_lost_readings,
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
