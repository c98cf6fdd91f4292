"""The claims of item 58, about moving fan-out to queues."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.helpers import LIMIT, life, load, random_grids

main = load("item58_queue_refactor")

PHASES = {
    "one": main.one_phase,
    "two": partial(main.two_phases, main.count_neighbors),
}
both = pytest.mark.parametrize("phases", PHASES.values(), ids=PHASES)


@both
def test_every_torus_steps_as_the_second_implementation_does(
    phases: Any,
) -> None:
    """C58.1: with the same workers for them all."""
    with phases(main.game_logic) as step:
        for grid in random_grids(main.LockingGrid):
            assert str(step(grid)) == life(grid)


@pytest.mark.parametrize(("phases", "count"), [("one", 5), ("two", 10)])
def test_there_are_as_many_threads_as_workers_and_then_none(
    phases: str, count: int
) -> None:
    """C58.2, C58.5: for any grid, even where the block is left by an error."""
    alive = set()

    def noting(state: str, neighbors: int) -> str:
        alive.add(threading.active_count() - before)
        return main.game_logic(state, neighbors)

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), PHASES[phases](noting) as step:
        step(main.Grid(20, 20))
        raise ZeroDivisionError
    assert alive == {count}
    assert threading.active_count() == before


def test_five_cells_are_in_work_at_once_in_each_phase() -> None:
    """C58.3, exactly: 45 cells pass barriers of five."""
    count_barrier, logic_barrier = threading.Barrier(5), threading.Barrier(5)

    def count(y: int, x: int, get: Any) -> int:
        count_barrier.wait(LIMIT)
        return main.count_neighbors(y, x, get)

    def logic(state: str, neighbors: int) -> str:
        logic_barrier.wait(LIMIT)
        return main.game_logic(state, neighbors)

    with main.one_phase(logic) as step:
        assert str(step(main.glider())) == life(main.glider())
    with main.two_phases(count, logic) as step:
        assert str(step(main.glider())) == life(main.glider())


def failing_first(
    cells: int, error: Exception, func: Callable[..., Any]
) -> Callable[..., Any]:
    """Return func, but for its first calls, which raise error."""
    calls: list[object] = []

    def failing(*args: Any) -> Any:
        calls.append(args)  # atomic, with and without the GIL
        if len(calls) <= cells:
            raise error
        return func(*args)

    return failing


@pytest.mark.parametrize("cells", [1, 7, 45])
@pytest.mark.parametrize("phase", ["only", "first", "second"])
def test_after_a_failure_the_same_workers_are_right_again(
    phase: str, cells: int
) -> None:
    """C58.4: one cell, several or all fail; the cause is the cell's own."""
    error = OSError("no I/O")
    logic = failing_first(cells, error, main.game_logic)
    count = failing_first(cells, error, main.count_neighbors)
    manager = {
        "only": partial(main.one_phase, logic),
        "first": partial(main.two_phases, count, main.game_logic),
        "second": partial(main.two_phases, main.count_neighbors, logic),
    }[phase]
    with manager() as step:
        with pytest.raises(main.SimulationError) as caught:
            step(main.glider())
        assert caught.value.__cause__ is error
        assert str(step(main.glider())) == life(main.glider())


def test_the_first_cell_in_order_is_the_one_that_is_named() -> None:
    """C58.4: whichever worker was first."""

    def failing(state: str, neighbors: int) -> str:
        if state == main.life.ALIVE:
            raise OSError("no I/O")
        return state

    with (
        main.one_phase(failing) as step,
        pytest.raises(main.SimulationError, match=r"^cell \(0, 3\) failed$"),
    ):
        step(main.glider())


def test_the_workers_functions_return_results_or_exceptions() -> None:
    """C58.4: Examples 2 and 7."""
    error = OSError("no I/O")
    fails = failing_first(9, error, main.game_logic)
    assert main.game_logic_thread((1, 2, "-", 3)) == (1, 2, "*")
    assert main.game_logic_thread((1, 2, "-", error)) == (1, 2, error)
    assert main.game_logic_thread((1, 2, "-", 3), fails) == (1, 2, error)
    item = 1, 3, "-", main.glider().get
    assert main.count_neighbors_thread(item) == (1, 3, "-", 5)
    assert main.count_neighbors_thread(item, fails) == (1, 3, "-", error)


def test_counting_with_io_asks_and_then_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C58.3: every cell asks twice where both phases have I/O."""
    asked: list[object] = []
    monkeypatch.setattr(main.life, "ask", asked.append)
    assert main.count_neighbors_with_io("here", 1, 3, main.glider().get) == 5
    assert asked == ["here"]
    main.two_phases_of_five()
    assert len(asked) == 1 + 2 * 45
