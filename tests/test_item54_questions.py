"""What the answers of item 54 claim, beyond what their transcript shows."""

import threading

from tests.helpers import load, printed

questions = load("item54_lock", "questions")


def test_transfers_acquire_two_locks_in_one_order_only() -> None:
    """So no thread holds the second lock and waits for the first."""
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
