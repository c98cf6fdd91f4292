"""What the answers of item 60 claim, beyond what their transcript shows."""

import asyncio
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers import load, printed

questions = load("item60_coroutines", "questions")


def test_no_answer_waits_without_a_limit() -> None:
    """Or the reader would."""

    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        printed(questions.in_event_loop(hang), PATIENCE=0.01)


def test_another_task_runs_only_during_an_await_that_waits() -> None:
    """Q60.B: and the other one has ended afterwards."""

    async def check(wait: Any) -> bool:
        ran = await questions.another_runs(wait)
        assert len(asyncio.all_tasks()) == 1
        return bool(ran)

    async def no_wait() -> None:
        pass

    assert not asyncio.run(check(no_wait()))
    assert asyncio.run(check(asyncio.sleep(0.01)))


def test_what_blocks_is_a_sleep_as_long_as_the_others() -> None:
    """Q60.B: on the loop's own thread; to_thread moves it to another."""
    slept = []

    def note(seconds: float) -> None:
        on_the_loop_s = threading.current_thread() is threading.main_thread()
        slept.append((seconds, on_the_loop_s))

    printed(questions.blocked_loop, time=SimpleNamespace(sleep=note))
    briefly = questions.BRIEFLY
    assert slept == [(briefly, True), (briefly, False)]


def test_no_more_than_so_many_run_at_once_and_no_fewer() -> None:
    """Q60.E: counted a second time."""
    running: set[Any] = set()
    peaks = []

    async def visit() -> None:
        running.add(asyncio.current_task())
        peaks.append(len(running))
        await asyncio.sleep(0)
        running.remove(asyncio.current_task())

    outcome = asyncio.run(questions.visit_many(95, 10, visit))
    assert outcome == "in time, 95 done, 10 at once, 0 left pending"
    assert (len(peaks), max(peaks)) == (95, 10)


async def inner() -> None:
    """Wait for good."""
    await asyncio.Event().wait()


async def outer() -> None:
    """Wait for one that waits for good."""
    await inner()


@pytest.mark.parametrize("wait", [inner, outer])
def test_a_task_waits_in_the_innermost_of_its_coroutines(wait: Any) -> None:
    """Q60.F: which is what 3.14 finds, too."""

    async def check() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        found = questions.waits_in(task)
        outside = "outer > " if wait is outer else ""
        assert found == f"{outside}inner > Event.wait"
        if sys.version_info >= (3, 14):
            stack = asyncio.capture_call_graph(task).call_stack
            names = [entry.frame.f_code.co_qualname for entry in stack]
            assert found == " > ".join(reversed(names))
        task.cancel()

    asyncio.run(check())


def test_what_this_python_has_is_what_is_said_to_be_new() -> None:
    """Q60.F, Q60.G."""
    has_graph = hasattr(asyncio, "format_call_graph")
    assert has_graph == (sys.version_info >= (3, 14))
    has_cancel = hasattr(asyncio.TaskGroup, "cancel")
    assert has_cancel == (sys.version_info >= (3, 15))


def test_only_the_exception_that_stops_the_group_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q60.G: a failure still comes out of it."""

    async def fail() -> None:
        raise OSError("problem with I/O")

    monkeypatch.setattr(questions, "stop_group", fail)
    with pytest.raises(ExceptionGroup) as caught:
        questions.stopped_group()
    assert [type(error) for error in caught.value.exceptions] == [OSError]
