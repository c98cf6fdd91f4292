"""Every schedule of the scripts' own classes, up to a bound of preemptions.

A preemption takes its turn from a thread that could go on, between any two
bytecodes of the scripts (or lines, where a test says so) or at a lock. Where
a thread waits or ends, each of the others is tried next, at no cost.
"""

import threading
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from tests.helpers import ROOT, load

it: Any = pytest.importorskip(
    "interleave_test", reason="interleave-test needs Python 3.12"
)
with patch.multiple("threading", Lock=it.Lock, Thread=it.Thread):
    item54 = load("item54_lock")
    item55 = load("item55_queue")
    item57 = load("item57_threads")
    item58 = load("item58_queue_refactor")


def explore(model: Callable[[], None], bound: int, by: str = "opcode") -> None:
    """Run model by all schedules with bound preemptions: over 500."""
    result = it.explore(
        model,
        strategy="dfs",
        max_preemptions=bound,
        iterations=10_000,
        granularity=by,
        include=list(ROOT.glob("item*")),
        exclude=list(ROOT.glob("item58*/item5[67].py")),
    )
    assert result.exhausted
    assert result.schedules_run > 500


def test_only_a_serial_order_keeps_both_readings() -> None:
    """Two threads, 2 preemptions, 812 schedules on 3.13.

    Two reads and two writes come in six orders; four of them lose a reading.
    """
    outcomes = set()

    def model() -> None:
        order: list[str] = []
        me = threading.local()
        me.name = ""  # the model sets count to 0

        def note(self: Any, value: int | None = None) -> Any:
            order.append(me.name)
            if value is not None:
                self.value = value
            return self.value

        class Watched(item54.Counter):  # type: ignore[misc, name-defined]
            count = property(note, note)

        counter = Watched()

        def sensor(name: str) -> None:
            me.name = name
            counter.increment(1)

        for task in [it.spawn(sensor, name) for name in "AB"]:
            task.join()
        outcomes.add(("".join(order), counter.value))

    explore(model, 2)
    serial = {("AABB", 2), ("BBAA", 2)}
    others = {("ABAB", 1), ("ABBA", 1), ("BAAB", 1), ("BABA", 1)}
    assert outcomes == serial | others


def test_no_order_loses_a_locked_reading() -> None:
    """Two threads, 2 preemptions, 2,001 schedules on 3.13."""

    def model() -> None:
        counter = item54.LockingCounter()
        for task in [it.spawn(counter.increment, 1) for _ in range(2)]:
            task.join()
        assert counter.count == 2

    explore(model, 2)


def test_what_goes_into_two_workers_comes_out_once() -> None:
    """Three threads, 1 preemption, 2,270 schedules on 3.13."""

    def model() -> None:
        in_queue, out_queue = item55.ClosableQueue(), item55.ClosableQueue()
        threads = item55.start_threads(2, str, in_queue, out_queue)
        for item in range(2):
            in_queue.put(item)
        in_queue.join()
        assert out_queue.qsize() == 2
        assert item55.stop_threads(in_queue, threads) == []
        assert not any(thread.is_alive() for thread in threads)
        assert in_queue.unfinished_tasks == in_queue.qsize() == 0
        out_queue.close()
        assert sorted(out_queue) == ["0", "1"]

    explore(model, 1)


def test_a_locked_grid_is_seen_at_one_moment() -> None:
    """Two threads, 2 preemptions, 946 schedules on 3.13."""

    def model() -> None:
        grid = item57.LockingGrid(2, 1)
        cells = [(0, 0, "*"), (1, 0, "*")]
        task = it.spawn(lambda: [grid.set(*cell) for cell in cells])
        assert str(grid) in ("-\n-", "*\n-", "*\n*")
        task.join()

    explore(model, 2)


def test_a_failed_generation_leaves_nothing_behind() -> None:
    """Three threads, 1 preemption by lines, 1,924 schedules."""

    def failing(item: Any) -> Any:
        return item58.game_logic_thread(item, item58.failing_game_logic)

    def model() -> None:
        in_queue, out_queue = item58.ClosableQueue(), item58.ClosableQueue()
        threads = item58.start_threads(2, failing, in_queue, out_queue)
        with pytest.raises(item58.SimulationError):
            item58.simulate_pipeline(item58.Grid(1, 1), in_queue, out_queue)
        assert in_queue.qsize() == out_queue.qsize() == 0
        item58.stop_threads(in_queue, threads)
        assert not any(thread.is_alive() for thread in threads)

    explore(model, 1, "line")
