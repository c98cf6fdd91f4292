"""What the answers of item 55 claim, beyond what their transcript shows."""

import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.helpers import late_pool, load, printed

questions = load("item55_queue", "questions")


def test_nobody_is_in_next_without_the_lock() -> None:
    """Nor is it held between two calls, or after the last one."""

    def look() -> Iterator[bool]:
        for _ in range(3):
            yield shared.lock.locked()

    shared: Any = questions.LockingIterator(look())
    for locked in shared:
        assert locked
        assert not shared.lock.locked()
    assert not shared.lock.locked()


def test_a_thread_that_comes_or_leaves_late_is_waited_for() -> None:
    """The lock cannot keep out one that came in without it."""
    expected = printed(questions.shared_generator)

    class Late(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            result = super().wait(timeout)
            time.sleep(0.01)
            return result

    output = printed(
        questions.shared_generator, Event=Late, ThreadPoolExecutor=late_pool
    )
    assert output == expected
