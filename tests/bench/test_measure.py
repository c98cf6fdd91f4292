"""The ways, and what is measured of them: here by clocks that are made up."""

import asyncio
from time import perf_counter
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

import psutil
import pytest
from item56 import DELAY

from benchmarks import measure, ways
from tests.helpers import ROOT, life, linux, posix, run


class Clock:
    """Wall time and processor time, which pass only when they are spent."""

    wall = processor = 0.0

    def spend(self, wall: float, processor: float = 0.0) -> None:
        """Let so many seconds pass."""
        self.wall += wall
        self.processor += processor


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock by which measurements go, and blocking waits."""
    clock = Clock()
    monkeypatch.setattr(measure, "perf_counter", lambda: clock.wall)
    monkeypatch.setattr(measure, "process_time", lambda: clock.processor)
    monkeypatch.setattr(measure, "sleep", clock.spend)
    return clock


@pytest.mark.parametrize("way", ways.AT_ONCE)
def test_every_way_returns_the_grid_of_item_56(way: str) -> None:
    """Each cell waits once, and so does the bare floor for each cell."""
    call: Any = AsyncMock() if way == "coroutines" else Mock()
    board = ways.board(45)

    async def one_of_each() -> None:
        for logic, count in (None, 0), (call, 45):
            with ways.stepping(way, ways.rules(way, logic)) as step:
                grid = await measure.once(step, board)
            assert str(grid) == life(board) != str(board)
            assert len(call.mock_calls) == count
        with ways.bare(way, 45, call) as bare:
            await measure.once(bare, None)
        assert len(call.mock_calls) == 2 * 45

    asyncio.run(one_of_each())


@pytest.mark.parametrize("way", ["serial", "coroutines"])
@pytest.mark.parametrize("wait", ["timer", "socket"])
def test_a_wait_takes_10_ms(way: str, wait: str) -> None:
    """The shortest of twenty, whatever else this machine does."""

    async def shortest() -> float:
        seconds = []
        async with measure.waiting(way, 1, wait) as call:
            for _ in range(20):
                start = perf_counter()
                await measure.once(lambda _: call(), None)
                seconds.append(perf_counter() - start)
        return min(seconds)

    assert 0.9 * DELAY <= asyncio.run(shortest()) <= 1.5 * DELAY


def test_a_generation_takes_the_median_of_times(clock: Clock) -> None:
    """1 + 7 + 2 + 3 + 4 seconds; another 4 would be too long."""
    spent = iter([(1, 0.1), (7, 0.2), (2, 0.9), (3, 0.3), (4, 0.5), (0, 0)])
    figures = asyncio.run(
        measure.timed(lambda _: clock.spend(*next(spent)), None, enough=18)
    )
    assert figures == pytest.approx({"seconds": 3, "processor": 0.3})
    assert list(spent) == [(0, 0)]


def test_all_cells_of_a_board_wait(clock: Clock) -> None:
    for kind in measure.generation, measure.floor:
        figures = asyncio.run(kind("serial", 450, "timer"))
        assert figures["seconds"] == pytest.approx(4.5)


THREADS = 1, 1 + 45, 1 + 5, 1 + 5 + 5, 1 + 10, 1


@pytest.mark.parametrize(
    ("way", "threads"), list(zip(ways.AT_ONCE, THREADS, strict=True))
)
def test_the_cost_is_threads_and_bytes(way: str, threads: int) -> None:
    """512 bytes more for each of 45 cells."""
    resident = [10_000, 10_000 + 45 * 512]
    with patch.object(measure, "resident", side_effect=resident):
        cost = asyncio.run(measure.cost(way, 45, "gate"))
    assert cost == {"threads": threads, "bytes": 512}


def test_threads_that_may_need_half_of_the_memory_are_not_tried() -> None:
    memory = SimpleNamespace(available=2 * 45 * measure.THREAD_MEMORY)
    with patch.object(psutil, "virtual_memory", lambda: memory):
        cost = asyncio.run(measure.cost("threads", 45, "gate"))
        assert cost["threads"] == 46
        memory.available -= 1
        with pytest.raises(OSError, match=r"^45 threads may need too much"):
            asyncio.run(measure.cost("threads", 45, "gate"))


def test_a_timeline_starts_with_the_generation(clock: Clock) -> None:
    clock.spend(1000)
    line = asyncio.run(measure.timeline("serial", 45, "timer"))
    assert line["seconds"] == pytest.approx(0.45)
    marks = [(DELAY * number, DELAY * (number + 1)) for number in range(45)]
    assert line["waits"] == [pytest.approx(mark) for mark in marks]


def test_in_the_timeline_of_coroutines_all_wait_at_once() -> None:
    """The last begins before the first ends."""
    line = asyncio.run(measure.timeline("coroutines", 45, "timer"))
    begins, ends = zip(*line["waits"], strict=True)
    assert len(begins) == 45
    assert 0 < min(begins) < max(begins) < min(ends) < line["seconds"]


@posix
def test_a_limit_that_cannot_be_raised_is_named() -> None:
    with (
        patch("resource.getrlimit", return_value=(9, 20_000)),
        patch("resource.setrlimit", side_effect=ValueError),
        pytest.raises(SystemExit, match=r"45,100 open files, .* is 20,000"),
    ):
        measure.allow_open_files(45_100)


@linux
def test_cores_are_those_that_may_be_used() -> None:
    """As after `taskset -c 0`."""
    one = "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])"
    code = f"import os; {one}; import benchmarks; print(benchmarks.CORES)"
    assert run("-c", code, cwd=ROOT).stdout == "1\n"
