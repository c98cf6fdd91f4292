"""What the answers of item 54 claim, beyond what their transcript shows."""

import itertools
import threading
from threading import Event

from tests.helpers import load, printed

questions = load("item54_lock", "questions")


def test_the_lock_keeps_the_other_threads_out() -> None:
    """Q54.B: a switch is forced where it would do harm, and cannot."""
    entered = [Event() for _ in range(questions.THREADS)]
    numbers = itertools.count()

    def wait_for_the_next(_: float) -> None:
        number = next(numbers)
        entered[number].set()
        if number == 0:
            assert not entered[1].wait(0.1)

    printed(questions.lock_or_no_lock, sleep=wait_for_the_next)
    assert all(event.is_set() for event in entered)


def test_transfers_acquire_two_locks_in_one_order_only() -> None:
    """Q54.C: so no thread holds the second lock and waits for the first."""
    locks, acquired = [], []

    class Noted:
        def __init__(self) -> None:
            self.lock = threading.Lock()
            self.acquire = self.lock.acquire
            locks.append(self)

        def __enter__(self) -> None:
            self.lock.acquire()
            acquired.append(self)

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    printed(questions.two_locks_in_two_orders, Lock=Noted)
    assert set(acquired[:2]) == set(locks)
    assert acquired[2:] == locks * 2 * questions.ROUNDS
