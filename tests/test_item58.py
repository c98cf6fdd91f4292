"""The claims of item 58, about moving fan-out to queues."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest

from tests.helpers import LIMIT, ROOT, here, life, load, random_grids, run

main = load("item58_queue_refactor")

Fails = Callable[[int, int], bool]


@contextmanager
def two_phases(
    count: Any = main.count_neighbors, logic: Any = main.game_logic
) -> Iterator[Any]:
    with main.two_phases(count, logic) as step:
        yield step


@pytest.mark.parametrize(
    "phases",
    [main.one_phase, lambda logic: two_phases(logic=logic)],
    ids=["one", "two"],
)
def test_every_torus_steps_as_the_second_implementation_does(
    phases: Any,
) -> None:
    """C58.1: with the same workers for them all."""
    with phases(main.game_logic) as step:
        for grid in random_grids(main.LockingGrid):
            assert str(step(grid)) == life(grid)


def test_there_are_never_more_threads_than_workers() -> None:
    """C58.2: five for each phase, beside this one."""
    alive = set()

    def noting(state: str, neighbors: int) -> str:
        alive.add(threading.active_count())
        return main.game_logic(state, neighbors)

    before = threading.active_count()
    with main.one_phase(noting) as step:
        step(main.Grid(20, 20))
    assert alive == {before + 5}
    alive.clear()
    with two_phases(logic=noting) as step:
        step(main.Grid(20, 20))
    assert alive == {before + 10}
    assert threading.active_count() == before


def test_five_cells_are_in_work_at_once() -> None:
    """C58.3, exactly: 45 cells pass a barrier that takes five, by fives."""
    barrier = Barrier(5)

    def meet(state: str, neighbors: int) -> str:
        barrier.wait(LIMIT)
        return main.game_logic(state, neighbors)

    with main.one_phase(meet) as step:
        assert str(step(main.glider())) == life(main.glider())


def test_a_generation_takes_as_long_as_its_waits() -> None:
    """C58.3: 1.2 times the ideal was measured.

    A wait cannot be shorter; how much longer is up to the machine, and the
    test above is the exact one.
    """
    one, two = "the ideal is 0.090 s", "the ideal is 0.100 s"
    (seconds,) = here("item58_queue_refactor", f"45 cells took # s; {one}")
    assert 0.09 <= seconds < 5
    (seconds,) = here("item58_queue_refactor", f"45 cells took # s; {two}")
    assert 0.09 <= seconds < 5


class Outage:
    """Rules, or counting, that raise while switched on."""

    def __init__(self, error: BaseException, cells: int) -> None:
        self.error = error
        self.cells = cells  # how many fail, of those that come first
        self.calls = 0
        self.lock = threading.Lock()

    def strike(self) -> None:
        with self.lock:
            self.calls += 1
            fails = self.calls <= self.cells
        if fails:
            raise self.error

    def logic(self, state: str, neighbors: int) -> str:
        self.strike()
        return str(main.game_logic(state, neighbors))

    def count(self, y: int, x: int, get: Callable[[int, int], str]) -> int:
        self.strike()
        return int(main.count_neighbors(y, x, get))


ERRORS = [OSError("no I/O"), SystemExit("bye"), BaseException("base")]


@pytest.mark.parametrize("cells", [1, 7, 45])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_after_a_failure_the_queues_are_clean_and_the_workers_right(
    error: BaseException, cells: int
) -> None:
    """C58.4: one cell, several or all fail, and one is raised."""
    outage = Outage(error, cells)
    in_queue, out_queue = main.ClosableQueue(), main.ClosableQueue()

    def func(item: Any) -> Any:
        return main.game_logic_thread(item, outage.logic)

    with main.workers(func, in_queue, out_queue):
        with pytest.raises(main.SimulationError) as caught:
            main.simulate_pipeline(main.glider(), in_queue, out_queue)
        assert caught.value.__cause__ is error
        for queue in in_queue, out_queue:
            assert queue.empty()
            assert queue.unfinished_tasks == 0
        after = main.simulate_pipeline(main.glider(), in_queue, out_queue)
    assert str(after) == life(main.glider())


@pytest.mark.parametrize("phase", ["count", "logic"])
@pytest.mark.parametrize("cells", [1, 7, 45])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_failure_comes_through_both_phases(
    error: BaseException, cells: int, phase: str
) -> None:
    """C58.4."""
    outage = Outage(error, cells)
    with two_phases(**{phase: getattr(outage, phase)}) as step:
        with pytest.raises(main.SimulationError) as caught:
            step(main.glider(main.LockingGrid))
        assert caught.value.__cause__ is error
        after = step(main.glider(main.LockingGrid))
    assert str(after) == life(main.glider())


def test_the_first_cell_that_failed_is_raised() -> None:
    def failing(state: str, neighbors: int) -> str:
        if state == main.ALIVE:
            raise OSError("no I/O")
        return main.EMPTY

    with (
        main.one_phase(failing) as step,
        pytest.raises(main.SimulationError) as caught,
    ):
        step(main.glider())
    assert (caught.value.y, caught.value.x) == caught.value.args == (0, 3)
    assert str(caught.value) == "cell (0, 3) failed"


def test_a_state_that_is_none_leaves_the_queues_clean() -> None:
    in_queue, out_queue = main.ClosableQueue(), main.ClosableQueue()

    def func(item: Any) -> Any:
        return main.game_logic_thread(item, lambda state, neighbors: "x")

    with main.workers(func, in_queue, out_queue):
        with pytest.raises(ValueError, match="'x'"):
            main.simulate_pipeline(main.glider(), in_queue, out_queue)
        assert in_queue.empty()
        assert out_queue.empty()


@pytest.mark.parametrize("size", [1, 7])
def test_a_worker_s_own_failure_is_raised(size: int) -> None:
    """func itself raises, and no result comes: nobody waits for one."""
    in_queue, out_queue = main.ClosableQueue(), main.ClosableQueue()

    def func(item: Any) -> Any:
        raise OSError("no result")

    with (
        pytest.raises(OSError, match="no result") as caught,
        main.workers(func, in_queue, out_queue),
    ):
        main.simulate_pipeline(main.Grid(1, size), in_queue, out_queue)
    assert "cells, but 0 results" in str(caught.value.__context__)


def test_an_error_while_cells_are_fed_leaves_the_queues_clean() -> None:
    """C58.4: not a cell of that generation gets into the next one."""

    class Failing(main.Grid):  # type: ignore[misc, name-defined]
        def get(self, y: int, x: int) -> str:
            if y == 4:
                raise OSError("no cell")
            return super().get(y, x)

    for phases in main.one_phase, lambda logic: two_phases(logic=logic):
        with phases(main.game_logic) as step:
            with pytest.raises(OSError, match="no cell"):
                step(Failing(5, 9))
            assert str(step(main.glider())) == life(main.glider())


def test_the_functions_of_the_workers_give_what_they_say() -> None:
    assert main.game_logic_thread((1, 2, "-", 3)) == (1, 2, "*")
    grid = main.glider(main.LockingGrid)
    item = 1, 3, "-", grid.get
    assert main.count_neighbors_thread(item) == (1, 3, "-", 5)
    error = OSError("no I/O")
    assert main.game_logic_thread((1, 2, "-", error)) == (1, 2, error)


@pytest.mark.parametrize("number", ["5", "10", "11"])
def test_no_thread_outlives_the_script_s_use_of_it(number: str) -> None:
    """C58.5: neither as a daemon nor otherwise."""
    script = (
        "import main, threading\n"
        f"main.main(['{number}'])\n"
        "print('threads', [t.name for t in threading.enumerate()])\n"
    )
    result = run("-c", script, cwd=ROOT / "item58_queue_refactor")
    assert result.stderr == ""
    assert result.stdout.endswith("threads ['MainThread']\n")


def test_every_cell_is_stepped_once_in_each_phase() -> None:
    outage = Outage(OSError(), 0)  # only counts
    with main.one_phase(outage.logic) as step:
        step(main.Grid(4, 7))
    assert outage.calls == 28
    with main.two_phases(outage.count, outage.logic) as step:
        step(main.Grid(4, 7))
    assert outage.calls == 3 * 28


def test_the_functions_with_io_ask_and_then_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(main, "ask", asked.append)
    assert main.game_logic_with_io("there", main.EMPTY, 3) == "*"
    get = main.glider().get
    assert main.count_neighbors_with_io("here", 1, 3, get) == 5
    assert asked == ["there", "here"]
