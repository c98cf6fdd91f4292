"""The claims of item 55's answers, beyond what the transcript shows."""

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import Empty, Queue
from typing import Any

import pytest

from tests.helpers import LIMIT, load, run_copy

questions = load("item55_queue", "questions")
Event = threading.Event


@pytest.mark.parametrize("texts", [["1"], ["1", "two"], ["x", "y", "3", "z"]])
def test_only_task_done_in_finally_is_called_for_items_that_fail(
    texts: list[str],
) -> None:
    """Q55.A: both workers take all items; a call too many is an error."""
    failures = sum(not text.isdigit() for text in texts)
    for worker, undone in {
        questions.done_at_the_end: failures,
        questions.done_in_finally: 0,
    }.items():
        work: Queue[Any] = Queue()
        for item in *texts, None:
            work.put(item)
        worker(work)
        assert work.empty()
        assert work.unfinished_tasks == undone


def test_a_join_that_takes_its_time_returns_and_no_thread_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q55.A: only a join() that cannot return is given up."""

    class Late(Queue[Any]):
        def join(self) -> None:
            super().join()
            time.sleep(0.05)

    before = set(threading.enumerate())
    monkeypatch.setattr(questions, "Queue", Late)
    monkeypatch.setattr(questions, "TIMEOUT", 0.0)
    questions.join_that_never_returns()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[:2]] == ["True", "False"]
    for thread in set(threading.enumerate()) - before:
        thread.join(LIMIT)
        assert not thread.is_alive()


@pytest.mark.skipif(
    not hasattr(Queue, "shutdown"), reason="Queue.shutdown is new in 3.13"
)
@pytest.mark.parametrize("size", [1, 10])
def test_one_shutdown_ends_any_number_of_workers(size: int) -> None:
    """Q55.B: those that wait in get(), once all items are taken."""
    work: Any = Queue()
    with ThreadPoolExecutor(size) as pool:
        team = [pool.submit(questions.take_all, work) for _ in range(size)]
        for number in range(100):
            work.put(number)
        work.shutdown()
        assert sum(worker.result(LIMIT) for worker in team) == 100


def test_no_worker_waits_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Q55.B: a None that is missing is an error, not a hang or an end."""
    monkeypatch.setattr(questions, "PATIENCE", 0.01)
    with pytest.raises(Empty):
        questions.take_all(Queue())


def test_shutdown_is_what_ends_the_next_team_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q55.B: it takes the place of a None for each worker."""
    nones = 0

    class Noted(Queue[Any]):
        def put(self, item: Any, *args: Any, **options: Any) -> None:
            nonlocal nones
            nones += item is None
            super().put(item, *args, **options)

    monkeypatch.setattr(questions, "Queue", Noted)
    questions.workers_that_end()
    teams = 1 if hasattr(Queue, "shutdown") else 2
    assert nones == teams * questions.TEAM


def test_what_this_python_has_is_what_is_said_to_be_new() -> None:
    """Q55.B, Q55.C."""
    result, _ = run_copy("item55_queue-questions")
    has_shutdown = sys.version_info >= (3, 13)
    assert ("here: one Queue.shutdown()" in result.stdout) == has_shutdown
    assert ("here: no Queue.shutdown()" in result.stdout) != has_shutdown
    is_new = sys.version_info >= (3, 15)
    assert hasattr(threading, "serialize_iterator") == is_new


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


def test_a_thread_that_comes_or_leaves_late_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q55.C: the lock cannot keep out one that came in without it."""

    class Late(Event):
        def wait(self, timeout: float | None = None) -> bool:
            result = super().wait(timeout)
            time.sleep(0.01)
            return result

    late_pool = partial(
        ThreadPoolExecutor, initializer=partial(time.sleep, 0.05)
    )
    monkeypatch.setattr(questions, "Event", Late)
    monkeypatch.setattr(questions, "ThreadPoolExecutor", late_pool)
    questions.shared_generator()
    output = capsys.readouterr().out
    assert "    ValueError: generator already executing\n" in output
    assert "3 threads take the rest: [1, 2, 3, 4, 5, 6, 7, 8]\n" in output
