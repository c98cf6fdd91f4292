"""The claims of item 55, about Queue."""

import itertools
import threading
import time
from queue import Queue
from threading import Barrier
from typing import Any
from unittest.mock import Mock, patch

import pytest

from tests.helpers import LIMIT, late, load, printed, waits_for

main = load("item55_queue")
ClosableQueue: Any = main.ClosableQueue


def test_the_polls_of_the_polling_pipeline_are_counted() -> None:
    """And all workers have ended."""
    before = threading.active_count()
    polls = itertools.count()

    class Noted(main.MyQueue):  # type: ignore[misc, name-defined]
        def get(self) -> Any:
            next(polls)
            return super().get()

    busy = type("Busy", (late(after=0.05), main.Worker), {})
    output = printed(main.polling_pipeline, Worker=busy, MyQueue=Noted)
    assert f"here: polled {next(polls)} times\n" in output
    assert threading.active_count() == before


def test_the_consumer_waits_in_one_get_and_never_polls() -> None:
    """The demo's own call."""
    queue = Mock(wraps=Queue())
    printed(main.get_blocks, Queue={str: lambda: queue})
    calls = sorted(map(str, queue.method_calls))
    assert calls == ["call.get()", "call.put('a photo')"]


@pytest.mark.parametrize(
    ("demo", "pipelines"), [("closable_pipeline", 1), ("several_workers", 3)]
)
def test_a_bound_holds_the_backlog(demo: str, pipelines: int) -> None:
    """Before a slow last phase, in all queues but the last."""
    peaks: dict[Any, int] = {}

    def slow(item: object) -> object:
        time.sleep(0.0002)
        return item

    class Watched(ClosableQueue):  # type: ignore[misc]
        def _put(self, item: Any) -> None:
            super()._put(item)
            peaks[self] = max(peaks.get(self, 0), self._qsize())

    printed(getattr(main, demo), ClosableQueue=Watched, upload=slow)
    assert len(peaks) == 4 * pipelines
    assert sum(peak > 10 for peak in peaks.values()) == pipelines


def test_join_waits_for_task_done_though_the_queue_is_empty() -> None:
    """An item is done when the next one is asked for, or none is."""
    tasks = ClosableQueue()
    tasks.put(1)
    items = iter(tasks)
    next(items)
    assert (tasks.qsize(), tasks.unfinished_tasks) == (0, 1)
    items.close()
    assert tasks.unfinished_tasks == 0


def test_each_phase_is_done_before_the_next_one_is_closed() -> None:
    """However slow it is."""

    def slow(item: object) -> str:
        time.sleep(0.005)
        return f"{item} late"

    output = printed(main.closable_pipeline, ITEMS=20, download=slow)
    assert output == "20 items, the last: photo 19: late, resized, uploaded\n"


def test_each_close_ends_one_iteration_after_what_was_put_before() -> None:
    """Once and in order, whatever the items are."""
    queue = ClosableQueue()
    for item in None, False, 0, (), 1:
        queue.put(item)
    queue.close()
    queue.put("later")
    queue.close()
    assert list(queue) == [None, False, 0, (), 1]
    assert list(queue) == ["later"]
    assert queue.unfinished_tasks == 0


@pytest.mark.parametrize("count", [1, 5])
def test_a_phase_has_as_many_items_in_work_as_workers(count: int) -> None:
    """They pass a barrier of that many, in every phase."""
    barriers = [Barrier(count), Barrier(count)]

    def meet(item: tuple[int, int]) -> tuple[int, int]:
        number, phase = item
        barriers[phase].wait(LIMIT)
        return number, phase + 1

    items = [(number, 0) for number in range(5 * count)]
    done, failures = main.run_pipeline([count] * 2, [meet] * 2, items)
    assert failures == []
    assert sorted(done) == [(number, 2) for number in range(5 * count)]


def test_slow_items_take_their_time_in_each_phase() -> None:
    """20 items, three phases, twice, of 5 ms each."""
    naps: list[float] = []
    run = Mock(wraps=main.run_pipeline)
    printed(main.several_workers, sleep=naps.append, run_pipeline=run)
    assert naps == [0.005] * (2 * 3 * 20)
    counts = [call.args[0] for call in run.mock_calls]
    assert counts == [(3, 4, 5), (1, 1, 1), (3, 4, 5)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("demo", ["get_blocks", "put_blocks", "join_waits"])
def test_lines_have_one_order_whoever_is_late(demo: str, when: str) -> None:
    """Who is said to have ended has ended."""
    before = threading.active_count()
    expected = printed(getattr(main, demo))
    slow = late(**{when: 0.05})
    assert printed(getattr(main, demo), Thread=slow) == expected
    assert threading.active_count() == before


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("fails", [{0, 99}, set(range(100))], ids=len)
def test_failures_reach_the_caller(fails: set[int], count: int) -> None:
    """Even where producers wait for room."""

    def func(item: int) -> int:
        if item in fails:
            raise OSError(f"no {item}")
        return item

    done, failures = main.run_pipeline([count], [func], range(100))
    assert sorted(done) == [n for n in range(100) if n not in fails]
    assert sorted((item, str(error)) for item, error in failures) == [
        (n, f"no {n}") for n in sorted(fails)
    ]


def test_my_queue_is_first_in_first_out_and_holds_its_lock() -> None:
    """Every access."""
    queue = main.MyQueue()
    assert waits_for(queue.lock, lambda: queue.put(1))
    assert waits_for(queue.lock, lambda: queue.put(2))
    assert waits_for(queue.lock, queue.get)
    assert queue.get() == 2


def test_stopped_workers_have_ended() -> None:
    """They are joined, however long they take."""
    before = threading.active_count()
    slow = type("Slow", (late(after=0.05), main.StoppableWorker), {})
    with patch.object(main, "StoppableWorker", slow):
        printed(main.closable_pipeline)
        assert threading.active_count() == before
        main.run_pipeline([3], [main.download], range(9))
        assert threading.active_count() == before
