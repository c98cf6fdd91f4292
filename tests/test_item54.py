"""The claims of item 54, about Lock. C54.4 also has tests/explore."""

import threading
from threading import Barrier
from typing import Any

import pytest

from tests.helpers import late, load, printed

main = load("item54_lock")


@pytest.mark.parametrize("kind", [main.Counter, main.LockingCounter])
def test_the_lock_is_held_from_the_read_to_the_write(kind: Any) -> None:
    """Only LockingCounter has one."""
    held = []

    def look(self: Any, value: int = 0) -> Any:
        held.append("lock" in vars(self) and self.lock.locked())
        return value

    counter = type("Watched", (kind,), {"count": property(look, look)})()
    held.clear()  # of what __init__ did
    counter.increment(3)
    assert held == [kind is main.LockingCounter] * 2


def test_a_worker_counts_all_its_readings_once_all_have_come() -> None:
    counter = main.LockingCounter()
    with pytest.raises(threading.BrokenBarrierError):
        main.worker(0, 7, counter, Barrier(2, timeout=0.01))
    assert counter.count == 0


def test_the_lost_reading_waits_for_the_other_thread() -> None:
    """However late the second thread is."""
    expected = printed(main.one_lost_reading)
    assert printed(main.one_lost_reading, Thread=late(0.05)) == expected
