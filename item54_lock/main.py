"""Item 54: use Lock to prevent data races in threads.

`count += offset` reads, adds and writes. The GIL keeps each of these steps
whole, but not the three together: a thread that is interrupted in between
writes back a stale sum, and what others added meanwhile is lost. A Lock
turns the three steps into one.

    python3 item54_lock/main.py 3 8      (no numbers: every example)
"""

import dis
from collections.abc import Callable
from threading import Barrier, Lock, Thread, current_thread
from time import sleep

from chapter import run

SENSORS = 5
READINGS = 100  # per sensor

Read = Callable[[int], int]


# Example 1
class Counter:
    """A running total without a lock."""

    def __init__(self, read: Read = int) -> None:
        self.count = 0
        self.read = read

    def increment(self, offset: int) -> None:
        """Add a reading of offset to count."""
        # Python fetches count first and calls read() second. Since 3.10, an
        # interpreter with the GIL switches threads only at calls and at
        # backward jumps: there, a bare `self.count += offset` no longer
        # loses anything. Nobody guarantees that; without the GIL it may
        # lose most of the readings.
        self.count += self.read(offset)


# Example 2
def worker(
    sensor_index: int, how_many: int, counter: Counter, barrier: Barrier
) -> None:
    """Wait for the other sensors, then count how_many readings."""
    barrier.wait()
    for _ in range(how_many):
        counter.increment(1)


def count_all(counter: Counter, barrier: Barrier) -> int:
    """Return the count after SENSORS workers have shared a counter."""
    threads = [
        Thread(target=worker, args=(index, READINGS, counter, barrier))
        for index in range(SENSORS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.count


# Example 3
def lost_readings() -> None:
    """Without a lock, threads overwrite each other's sums."""
    barrier = Barrier(SENSORS, timeout=10)

    def read(offset: int) -> int:
        # No luck needed: all five have fetched the count before any of them
        # adds to it, so each round of five readings counts as one.
        barrier.wait()
        return offset

    count = count_all(Counter(read), barrier)
    print(f"Counter should be {SENSORS * READINGS}, got {count}")


# Example 4
def three_steps() -> None:
    """One += takes three steps, and a call may come in between."""
    for instruction in dis.get_instructions(Counter.increment):
        name = instruction.opname
        if name in ("CALL", "BINARY_OP") or instruction.argval == "count":
            print(f"{name} {instruction.argrepr}".rstrip())

    # Example 5
    counter = Counter()
    value = counter.count
    total = value + counter.read(1)
    counter.count = total
    print(f"read {value}, add {total - value}, write {counter.count}")


# Example 6
def one_lost_reading() -> None:
    """How two threads lose a reading, step by step."""
    lines = []

    def read(offset: int) -> int:
        lines.append(f"{current_thread().name} has fetched {counter.count}")
        if current_thread() is thread_a:
            thread_b.start()
            thread_b.join()
        return offset

    def increment() -> None:
        counter.increment(1)
        lines.append(f"{current_thread().name} has written {counter.count}")

    counter = Counter(read)
    thread_a = Thread(target=increment, name="A")
    thread_b = Thread(target=increment, name="B")
    thread_a.start()
    thread_a.join()
    print(*lines, f"Counter should be 2, got {counter.count}", sep="\n")


# Example 7
class LockingCounter(Counter):
    """A running total that only one thread at a time may change."""

    def __init__(self, read: Read = int) -> None:
        super().__init__(read)
        self.lock = Lock()

    def increment(self, offset: int) -> None:
        """Add a reading of offset to count."""
        with self.lock:
            self.count += self.read(offset)


# Example 8
def no_lost_readings() -> None:
    """With a lock, nothing is lost, although sleep(0) invites switches."""

    def read(offset: int) -> int:
        sleep(0)  # a barrier would deadlock, since one thread has the lock
        return offset

    count = count_all(LockingCounter(read), Barrier(SENSORS, timeout=10))
    print(f"Counter should be {SENSORS * READINGS}, got {count}")


EXAMPLES = {
    (1, 2, 3): lost_readings,
    (4, 5): three_steps,
    (6,): one_lost_reading,
    (7, 8): no_lost_readings,
}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
