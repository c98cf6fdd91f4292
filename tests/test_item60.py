"""The claims of item 60, about coroutines."""

import asyncio
import traceback
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

import pytest

from tests.helpers import LIMIT, life, load, mute_peer, printed, random_grids

main = load("item60_coroutines")
each_step = pytest.mark.parametrize(
    "step", [main.step_cell, main.async_step_cell]
)


@each_step
def test_every_torus_steps_as_the_other_life_does(step: Any) -> None:
    """Before and after the change that Example 6 makes."""
    for grid in random_grids(main.Grid):
        after = asyncio.run(main.simulate(grid, step=step))
        assert str(after) == life(grid)


@each_step
def test_all_cells_wait_at_the_same_time(step: Any) -> None:
    """450 of them pass a barrier of 450."""

    async def generation() -> Any:
        barrier = asyncio.Barrier(450)

        async def logic(state: str, neighbors: int) -> str:
            await barrier.wait()
            return "*"

        async with asyncio.timeout(LIMIT):
            return await main.simulate(main.Grid(50, 9), logic, step)

    assert str(asyncio.run(generation())).count("*") == 450


def test_every_cell_s_own_exception_is_raised_and_the_rest_cancelled() -> None:
    """In a group, with the cell's code, and with no task left pending."""
    errors = []

    async def failing_in_some_cells(state: str, neighbors: int) -> str:
        if neighbors == 3:
            errors.append(OSError("problem with I/O"))
            raise errors[-1]
        await asyncio.Event().wait()
        return state

    async def outcome() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            await main.simulate(main.glider(), failing_in_some_cells)
        assert caught.value.exceptions == tuple(errors)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(outcome())
    assert len(errors) == 4
    for error in errors:
        last = traceback.extract_tb(error.__traceback__)[-1]
        assert last.name == "failing_in_some_cells"


@patch.object(main.life, "PATIENCE", 0.1)
@pytest.mark.parametrize(
    ("hangs_up", "message"), [(True, "no answer"), (False, "^$")]
)
def test_a_mute_peer_is_an_error(hangs_up: bool, message: str) -> None:
    """No wait is without a limit."""
    with mute_peer(hangs_up) as address, pytest.raises(OSError, match=message):
        asyncio.run(main.ask(address))


def test_every_cell_asks_in_each_function_with_io() -> None:
    """Memory is measured where no loop is in debug mode."""
    ask, step = AsyncMock(), Mock(wraps=main.async_step_cell)
    replaced = {"ask": ask, "async_step_cell": step}
    counts = []
    with patch.object(asyncio, "run", wraps=asyncio.run) as run:
        for demo in main.EXAMPLES.values():
            printed(demo, **replaced)
            counts.append((ask.call_count, step.call_count))
    assert counts == [(0, 0), (45, 0), (45, 0), (3 * 45, 6 * 45)]
    modes = {repr(call.args[0]): call.kwargs for call in run.mock_calls}
    (measured,) = [modes[name] for name in modes if "print_cost" in name]
    assert measured == {"debug": False}
