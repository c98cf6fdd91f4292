"""The claims of item 59, about ThreadPoolExecutor."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest

from tests.helpers import LIMIT, life, load, printed, random_grids

main = load("item59_pool")


def test_every_torus_steps_as_the_other_life_does() -> None:
    """On one pool."""
    with ThreadPoolExecutor(10) as pool:
        for grid in random_grids(main.LockingGrid):
            assert str(main.simulate_pool(pool, grid)) == life(grid)


def test_the_pool_s_threads_are_reused() -> None:
    """Each generation passes barriers of nine."""
    threads = set()
    barrier = threading.Barrier(9)

    def logic(state: str, neighbors: int) -> str:
        threads.add(threading.get_ident())
        barrier.wait(LIMIT)
        return str(main.game_logic(state, neighbors))

    grid = main.glider()
    with ThreadPoolExecutor(9) as pool:
        for _ in range(3):
            assert str(main.simulate_pool(pool, grid, logic)) == life(grid)
    assert len(threads) == 9


def test_a_cell_s_exception_is_raised_and_the_rest_cancelled() -> None:
    """One worker has started two cells of 45 by then."""
    ran = []
    release = threading.Event()
    error = OSError("no I/O")

    def logic(state: str, neighbors: int) -> str:
        ran.append(state)
        if len(ran) == 1:
            raise error
        assert release.wait(LIMIT)
        return state

    grid = main.glider()
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(OSError, match="no I/O") as caught:
            main.simulate_pool(pool, grid, logic)
        release.set()
        assert caught.value is error
        assert str(main.simulate_pool(pool, grid)) == life(grid)
    assert len(ran) <= 2


@pytest.mark.parametrize("demo", main.EXAMPLES.values())
def test_ten_threads_do_not_outlive_a_demo(demo: Callable[[], None]) -> None:
    before, pool = threading.active_count(), Mock(wraps=ThreadPoolExecutor)
    printed(demo, ThreadPoolExecutor=pool)
    assert threading.active_count() == before
    pool.assert_called_once_with(10)
