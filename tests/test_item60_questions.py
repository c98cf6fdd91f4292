"""What the answers of item 60 claim, beyond what their transcript shows."""

import asyncio
import sys
import threading
from types import SimpleNamespace

import pytest

from tests.helpers import load, printed

questions = load("item60_coroutines", "questions")


def test_no_answer_waits_without_a_limit() -> None:

    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        printed(questions.in_event_loop(hang), PATIENCE=0.01)


def test_what_blocks_is_a_sleep_as_long_as_the_others() -> None:
    """Q60.B: on the loop's own thread; to_thread moves it to another."""
    slept = []

    def note(seconds: float) -> None:
        on_the_loop_s = threading.current_thread() is threading.main_thread()
        slept.append((seconds, on_the_loop_s))

    printed(questions.blocked_loop, time=SimpleNamespace(sleep=note))
    briefly = questions.BRIEFLY
    assert slept == [(briefly, True), (briefly, False)]


def test_a_task_waits_in_the_innermost_of_its_coroutines() -> None:
    """Q60.F: which is what 3.14 finds, too."""

    async def inner() -> None:
        await asyncio.Event().wait()

    async def outer() -> None:
        await inner()

    async def check() -> None:
        task = asyncio.create_task(outer())
        await asyncio.sleep(0)
        found = questions.waits_in(task).replace(f"{local}.", "")
        assert found == "outer > inner > Event.wait"
        if sys.version_info >= (3, 14):
            stack = asyncio.capture_call_graph(task).call_stack
            names = [entry.frame.f_code.co_name for entry in stack]
            assert names == ["wait", "inner", "outer"]
        task.cancel()

    local = outer.__qualname__.removesuffix(".outer")
    asyncio.run(check())


def test_only_the_exception_that_stops_the_group_is_caught() -> None:
    """Q60.G: a failure still comes out of it."""

    async def fail() -> None:
        raise OSError("problem with I/O")

    with pytest.raises(ExceptionGroup) as caught:
        printed(questions.stopped_group, stop_group=fail)
    assert [type(error) for error in caught.value.exceptions] == [OSError]
