"""What the answers of item 55 claim, beyond what their transcript shows."""

import sys
import threading
import time
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any
from unittest.mock import patch

import pytest

from tests.helpers import late_pool, load, printed, transcript

questions = load("item55_queue", "questions")


@patch.object(questions, "PATIENCE", 0.01)
def test_no_worker_waits_for_good() -> None:
    """Q55.B: a None that is missing is an error, not a hang or an end."""
    with pytest.raises(Empty):
        questions.take_all(Queue())


def test_a_queue_is_shut_down_where_this_python_can() -> None:
    """Q55.B: `Queue.shutdown`, since 3.13."""
    stdout = transcript("item55_queue-questions")
    has_shutdown = sys.version_info >= (3, 13)
    assert ("here: one Queue.shutdown()" in stdout) == has_shutdown


def test_nobody_is_in_next_without_the_lock() -> None:
    """Q55.C: nor is it held between two calls, or after the last one."""

    def look() -> Iterator[bool]:
        for _ in range(3):
            yield shared.lock.locked()

    shared: Any = questions.LockingIterator(look())
    for locked in shared:
        assert locked
        assert not shared.lock.locked()
    assert not shared.lock.locked()


def test_a_thread_that_comes_or_leaves_late_is_waited_for() -> None:
    """Q55.C: the lock cannot keep out one that came in without it."""
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
