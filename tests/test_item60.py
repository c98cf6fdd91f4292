"""The claims of item 60, about coroutines. Its transcript shows C60.5."""

import asyncio
import threading
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
    """C60.1: before and after the change that Example 6 makes."""
    for grid in random_grids(main.Grid):
        after = asyncio.run(main.simulate(grid, step=step))
        assert str(after) == life(grid)


@each_step
def test_all_cells_wait_at_the_same_time(step: Any) -> None:
    """C60.2, exactly: 450 of them pass a barrier of 450."""

    async def generation() -> Any:
        barrier = asyncio.Barrier(450)

        async def logic(state: str, neighbors: int) -> str:
            await barrier.wait()
            return "*"

        async with asyncio.timeout(LIMIT):
            return await main.simulate(main.Grid(50, 9), logic, step)

    assert str(asyncio.run(generation())).count("*") == 450


def test_ten_thousand_coroutines_wait_at_once_on_one_thread() -> None:
    """C60.4: each has come to its await, in this thread, when counted."""
    threads = []

    class Gate(asyncio.Event):
        async def wait(self) -> Any:
            threads.append(threading.get_ident())
            return await super().wait()

        def set(self) -> None:
            assert threads == [threading.get_ident()] * 11_000
            super().set()

    with patch.object(asyncio, "Event", Gate):
        output = printed(main.coroutine_per_cell)
    alive = threading.active_count()
    assert f"10000 coroutines wait at once on {alive} thread\n" in output


def test_a_cell_s_own_exception_is_raised_and_the_rest_cancelled() -> None:
    """C60.6: with its code in the traceback, and no task left pending."""
    error = OSError("problem with I/O")

    async def failing_in_one_cell(state: str, neighbors: int) -> str:
        if neighbors == 5:
            raise error
        await asyncio.Event().wait()
        return state

    async def outcome() -> None:
        with pytest.raises(OSError, match="problem") as caught:
            await main.simulate(main.glider(), failing_in_one_cell)
        assert caught.value is error
        assert error.__suppress_context__  # no word of the group
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(outcome())
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names[-1] == "failing_in_one_cell"


@patch.object(main.life, "PATIENCE", 0.1)
@pytest.mark.parametrize(
    ("hangs_up", "message"), [(True, "no answer"), (False, "^$")]
)
def test_a_mute_peer_is_an_error(hangs_up: bool, message: str) -> None:
    """No wait is without a limit."""
    with mute_peer(hangs_up) as address, pytest.raises(OSError, match=message):
        asyncio.run(main.ask(address))


def test_every_cell_asks_in_each_function_with_io() -> None:
    """C60.2, C60.3: no loop is in debug mode, or tasks would take more."""
    ask, step = AsyncMock(), Mock(wraps=main.async_step_cell)
    replaced = {"ask": ask, "async_step_cell": step, "MANY": 1_000}
    counts = []
    with patch.object(asyncio, "run", wraps=asyncio.run) as run:
        for demo in main.EXAMPLES.values():
            printed(demo, **replaced)
            counts.append((ask.call_count, step.call_count))
    assert counts == [(0, 0), (45, 0), (45, 0), (3 * 45, 6 * 45)]
    assert {call.kwargs["debug"] for call in run.mock_calls} == {False}
