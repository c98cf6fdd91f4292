"""What the answers of item 60 claim, beyond what their transcript shows."""

import asyncio
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers import load

questions = load("item60_coroutines", "questions")


def test_an_answer_has_a_limit_and_its_loop_is_not_in_debug_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the environment says."""
    debug = []

    async def hang() -> None:
        """Why?"""
        debug.append(asyncio.get_running_loop().get_debug())
        await asyncio.Event().wait()

    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    monkeypatch.setattr(questions, "PATIENCE", 0.01)
    answer = questions.in_event_loop(hang)
    with pytest.raises(TimeoutError):
        answer()
    assert debug == [False]
    assert answer.__doc__ == "Why?"


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


def test_what_blocks_is_a_sleep_as_long_as_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q60.B: on the loop's own thread; to_thread moves it to another."""
    slept = []

    def note(seconds: float) -> None:
        on_the_loop_s = threading.current_thread() is threading.main_thread()
        slept.append((seconds, on_the_loop_s))

    monkeypatch.setattr(questions, "time", SimpleNamespace(sleep=note))
    questions.blocked_loop()
    briefly = questions.BRIEFLY
    assert slept == [(briefly, True), (briefly, False)]


@pytest.mark.parametrize(
    ("count", "at_once", "most"), [(95, 10, 10), (7, 10, 7), (50, 1, 1)]
)
def test_no_more_than_so_many_run_at_once(
    count: int, at_once: int, most: int
) -> None:
    """Q60.E: and no fewer, if there are as many."""
    running: set[Any] = set()
    peaks = []

    async def visit() -> None:
        running.add(asyncio.current_task())
        peaks.append(len(running))
        await asyncio.sleep(0)
        running.remove(asyncio.current_task())

    outcome = asyncio.run(questions.visit_many(count, at_once, visit))
    assert outcome == f"in time, {count} done, {most} at once, 0 left pending"
    assert (len(peaks), max(peaks)) == (count, most)


async def check_names() -> None:
    """Compare three tasks' coroutines with what is known, and with 3.14."""

    async def outer() -> None:
        await asyncio.wait_for(inner(), 60)

    async def inner() -> None:
        await gate

    gate = asyncio.get_running_loop().create_future()
    coroutines = inner(), outer(), asyncio.sleep(60)
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    await asyncio.sleep(0)
    names = [questions.waits_in(task).split(" > ") for task in tasks]
    local = "check_names.<locals>."
    assert names[0] == [local + "inner"]
    assert names[1][:2] == [local + "outer", "wait_for"]
    assert names[2] == ["sleep"]
    if sys.version_info >= (3, 14):
        for task, found in zip(tasks, names, strict=True):
            graph = asyncio.capture_call_graph(task)
            frames = [entry.frame.f_code for entry in graph.call_stack]
            assert found == [code.co_qualname for code in frames[::-1]]
    gate.cancel()
    tasks[2].cancel()
    await asyncio.wait(tasks)


def test_a_task_waits_in_the_innermost_of_its_coroutines() -> None:
    """Q60.F: which is what 3.14 finds, too."""
    asyncio.run(check_names())


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
