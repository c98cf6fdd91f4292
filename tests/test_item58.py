"""The claims of item 58, about moving fan-out to queues."""

import itertools
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from tests.helpers import LIMIT, life, load, printed, random_grids

main = load("item58_queue_refactor")
game_logic, count_neighbors = main.game_logic, main.count_neighbors
two_phases = partial(main.two_phases, count_neighbors)


@pytest.mark.parametrize("phases", [main.one_phase, two_phases])
def test_every_torus_steps_as_the_other_life_does(phases: Any) -> None:
    """With the same workers for them all."""
    with phases(game_logic) as step:
        for grid in random_grids(main.LockingGrid):
            assert str(step(grid)) == life(grid)


@pytest.mark.parametrize(
    ("phases", "count"), [(main.one_phase, 5), (two_phases, 10)]
)
def test_threads_are_as_many_as_workers(phases: Any, count: int) -> None:
    """For any grid, even where the block is left by an error."""
    alive = set()

    def noting(state: str, neighbors: int) -> str:
        alive.add(threading.active_count() - before)
        return state

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), phases(noting) as step:
        step(main.Grid(20, 20))
        raise ZeroDivisionError
    assert alive == {count}
    assert threading.active_count() == before


def meeting(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return func, but so that five calls at a time have to meet in it."""
    barrier = threading.Barrier(5)

    def meet(*args: Any) -> Any:
        barrier.wait(LIMIT)
        return func(*args)

    return meet


def test_five_cells_are_in_work_at_once_in_each_phase() -> None:
    """45 cells pass barriers of five."""
    expected = life(main.glider())
    with main.one_phase(meeting(game_logic)) as step:
        assert str(step(main.glider())) == expected
    count, logic = meeting(count_neighbors), meeting(game_logic)
    with main.two_phases(count, logic) as step:
        assert str(step(main.glider())) == expected


def failing_first(
    cells: int, error: Exception, func: Callable[..., Any]
) -> Callable[..., Any]:
    """Return func, but for its first calls, which raise error."""
    calls = itertools.count()

    def failing(*args: Any) -> Any:
        if next(calls) < cells:
            raise error
        return func(*args)

    return failing


@pytest.mark.parametrize("cells", [1, 7, 45])
@pytest.mark.parametrize("phase", ["only", "first", "second"])
def test_workers_go_on_after_a_failure(phase: str, cells: int) -> None:
    """One cell, several or all fail; the cause is the cell's own."""
    error = OSError("no I/O")
    logic = failing_first(cells, error, game_logic)
    count = failing_first(cells, error, count_neighbors)
    with {
        "only": main.one_phase(logic),
        "first": main.two_phases(count, game_logic),
        "second": main.two_phases(count_neighbors, logic),
    }[phase] as step:
        with pytest.raises(main.SimulationError) as caught:
            step(main.glider())
        assert caught.value.__cause__ is error
        assert str(step(main.glider())) == life(main.glider())


def test_the_first_cell_in_order_is_the_one_that_is_named() -> None:
    """Whichever worker was first."""

    def failing(state: str, neighbors: int) -> str:
        if state == main.life.ALIVE:
            raise OSError("no I/O")
        return state

    with (
        main.one_phase(failing) as step,
        pytest.raises(main.SimulationError, match=r"^cell \(0, 3\) failed$"),
    ):
        step(main.glider())


def test_every_cell_asks_twice_where_both_phases_have_io() -> None:
    with patch.object(main.life, "ask") as ask:
        printed(main.two_phases_of_five)
    assert len(ask.mock_calls) == 2 * 45


@pytest.mark.parametrize("phase", ["only", "first", "second"])
def test_a_bug_in_a_worker_s_function_is_raised(phase: str) -> None:
    """And not turned into a grid of dead cells."""

    def bug(item: object, **_: object) -> None:
        raise TypeError("a bug")

    name, run = {
        "only": ("game_logic_thread", main.five_workers),
        "first": ("count_neighbors_thread", main.two_phases_of_five),
        "second": ("phased_game_logic_thread", main.two_phases_of_five),
    }[phase]
    with pytest.raises(TypeError, match="a bug"):
        printed(run, **{name: bug})
