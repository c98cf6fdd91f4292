"""The claims of item 57, about a thread for each cell."""

import os
import threading
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest

from tests.helpers import (
    LIMIT,
    late,
    life,
    load,
    printed,
    random_grids,
    waits_for,
)

main = load("item57_threads")


def test_every_torus_steps_as_the_other_life_does() -> None:
    for grid in random_grids(main.LockingGrid):
        assert str(main.simulate_threaded(grid)) == life(grid)


def test_every_cell_has_a_thread_of_its_own_and_all_are_joined() -> None:
    """45 pass a barrier of 45."""
    barrier = threading.Barrier(45)
    before = threading.active_count()

    def logic(state: str, neighbors: int) -> str:
        barrier.wait(LIMIT)
        return "*"

    after = main.simulate_threaded(main.glider(), logic)
    assert str(after).count("*") == 45
    assert threading.active_count() == before


def test_join_returns_though_the_thread_has_died() -> None:
    """Threading.excepthook gets the exception, and is given back."""
    hook = threading.excepthook

    def fail(*args: Any) -> None:
        raise OSError(f"no I/O in {args[:2]}")

    output = printed(main.lost_exception, Thread=late(0.05), step_cell=fail)
    assert output.endswith("got OSError: no I/O in (2, 3), in cell (2, 3)\n")
    assert threading.excepthook is hook


@patch.object(threading, "excepthook", Mock())
def test_a_failed_cell_means_no_figure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It would be too small."""
    answers = OSError("no I/O"), *[None] * 44
    with (
        patch.object(main.life, "ask", side_effect=answers),
        pytest.raises(SystemExit, match=r"^\d of 45 cells failed$"),
    ):
        main.thread_per_cell()
    assert ", ideally " not in capsys.readouterr().out


def test_if_a_thread_is_refused_the_others_are_joined() -> None:
    """And the error passes on."""
    started: list[threading.Thread] = []

    class Refused(late(0.05)):  # type: ignore[misc]
        def start(self) -> None:
            if len(started) == 20:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    with pytest.raises(RuntimeError), patch.object(main, "Thread", Refused):
        main.simulate_threaded(main.glider())
    assert len(started) == 20
    assert not any(thread.is_alive() for thread in started)


def test_every_access_to_the_grid_holds_its_lock() -> None:
    """Example 1."""
    grid = main.glider(main.LockingGrid)
    assert waits_for(grid.lock, lambda: grid.get(0, 0))
    assert waits_for(grid.lock, lambda: grid.set(0, 0, "*"))
    assert waits_for(grid.lock, lambda: str(grid))
    assert grid.get(0, 0) == "*"


def test_memory_is_unknown_where_the_system_does_not_tell() -> None:
    """No figure, and no error."""
    output = printed(
        main.print_cost, Path=lambda _: Path(os.devnull, "nothing")
    )
    assert "here: an unknown amount of resident memory" in output
