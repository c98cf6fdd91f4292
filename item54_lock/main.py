"""Item 54: use Lock to prevent data races in threads.

`count += offset` reads, adds and writes. The GIL keeps each of these steps
whole, but not the three together: a thread that is interrupted in between
writes back a stale sum, and what others added meanwhile is lost. A Lock
turns the three steps into one.

    python3 item54_lock/main.py 3 8      (no numbers: every example)
"""

import dis
from collections.abc import Callable
from threading import Barrier, BrokenBarrierError, Lock, Thread, current_thread
from time import sleep

from chapter import run

SENSORS = 5
READINGS = 100  # per sensor


# Example 1
class Counter:
    """A running total without a lock."""

    def __init__(self, calibrate: Callable[[int], int] = int) -> None:
        self.count = 0
        self.calibrate = calibrate

    def increment(self, offset: int) -> None:
        """Add an offset to count, after calibrating it."""
        # Python fetches count first and calls calibrate() second. Since 3.10,
        # CPython with the GIL switches threads (every 5 ms, if others wait)
        # only at calls, hidden ones such as a property's included, where
        # loops jump back, and where C code releases the GIL. With the GIL, a
        # bare `count += offset` of ints has none of these, so it no longer
        # loses anything. Nobody guarantees that. Without it, most may be lost.
        self.count += self.calibrate(offset)  # questions.py A


# Example 2
def worker(
    sensor_index: int, how_many: int, counter: Counter, barrier: Barrier
) -> None:
    """Wait for the other sensors, then count how_many readings."""
    barrier.wait()
    for _ in range(how_many):
        # Reading the sensor, blocking I/O, goes here, never under a lock.
        counter.increment(1)  # questions.py E


def count_all(counter: Counter, barrier: Barrier) -> int:
    """Return the count after SENSORS workers have shared a counter."""
    threads = []
    for index in range(SENSORS):
        args = (index, READINGS, counter, barrier)
        threads.append(Thread(target=worker, args=args, daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join()
    if barrier.broken:
        raise BrokenBarrierError
    return counter.count


# Example 3
def lost_readings() -> None:
    """Without a lock, threads overwrite each other's sums.

    A barrier stands in for bad luck. All five threads have fetched the count
    before any of them writes, so each five readings count as one.
    """
    barrier = Barrier(SENSORS, timeout=30)

    def calibrate(offset: int) -> int:
        barrier.wait()
        return offset

    count = count_all(Counter(calibrate), barrier)
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
    total = value + counter.calibrate(1)
    counter.count = total
    print(f"read {value}, add {total - value}, write {counter.count}")


# Example 6
def one_lost_reading() -> None:
    """How two threads lose a reading, step by step."""

    def calibrate(offset: int) -> int:
        print(f"{current_thread().name} has fetched {counter.count}")
        if current_thread() is thread_a:
            thread_b.start()
            thread_b.join()
        return offset

    def increment() -> None:
        counter.increment(1)
        print(f"{current_thread().name} has written {counter.count}")

    counter = Counter(calibrate)
    thread_a = Thread(target=increment, name="A")
    thread_b = Thread(target=increment, name="B")
    thread_a.start()
    thread_a.join()
    print(f"Counter should be 2, got {counter.count}")


# Example 7
class LockingCounter(Counter):
    """A running total that only one thread at a time may change."""

    def __init__(self, calibrate: Callable[[int], int] = int) -> None:
        super().__init__(calibrate)
        self.lock = Lock()

    def increment(self, offset: int) -> None:
        """Add an offset to count, after calibrating it."""
        with self.lock:  # questions.py B
            self.count += self.calibrate(offset)


# Example 8
def no_lost_readings() -> None:
    """With a lock, no reading is lost.

    Between a read and its write, others could run, if the lock let them.
    """

    def calibrate(offset: int) -> int:
        sleep(0)  # a barrier would deadlock here, where only one may be
        return offset

    locked = count_all(LockingCounter(calibrate), Barrier(SENSORS, timeout=30))
    print(f"Counter should be {SENSORS * READINGS}, got {locked}")
    unlocked = count_all(Counter(calibrate), Barrier(SENSORS, timeout=30))
    print(f"here: the same readings without the lock, got {unlocked}")


EXAMPLES = {
    (1, 2, 3): lost_readings,
    (4, 5): three_steps,
    (6,): one_lost_reading,
    (7, 8): no_lost_readings,
}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
