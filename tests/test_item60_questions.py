"""The claims of item 60's answers, beyond what the transcript shows."""

import asyncio
import gc
import sys
import threading
import warnings
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
        slept.append((seconds, threading.current_thread()))

    monkeypatch.setattr(questions, "time", SimpleNamespace(sleep=note))
    questions.blocked_loop()
    (blocked, loop_thread), (moved, other_thread) = slept
    assert blocked == moved == questions.BRIEFLY
    assert loop_thread is threading.main_thread() is not other_thread


def test_both_errors_leave_no_coroutine_that_would_warn_later(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Q60.C."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        questions.two_errors()
        gc.collect()
    assert caught == []
    assert capsys.readouterr().out.count("\n    RuntimeWarning: ") == 1


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
    assert len(peaks) == count
    assert max(peaks) == most


def test_at_the_limit_all_the_rest_is_cancelled() -> None:
    """Q60.E: those that wait for an answer, and those for their turn."""
    tasks: set[Any] = set()

    async def never() -> None:
        tasks.update(asyncio.all_tasks())
        await asyncio.Event().wait()

    async def check() -> str:
        outcome = await questions.visit_many(30, 10, never, 0.01)
        assert sum(task.cancelled() for task in tasks) == 30
        return str(outcome)

    outcome = asyncio.run(check())
    assert outcome == "TimeoutError, 0 done, 10 at once, 0 left pending"


async def check_names() -> None:
    """Compare three tasks' coroutines with what is known, and with 3.14."""

    async def outer() -> None:
        await asyncio.wait_for(inner(), 60)

    async def inner() -> None:
        await gate

    gate = asyncio.get_running_loop().create_future()
    waits = asyncio.create_task(inner())
    nested = asyncio.create_task(outer())
    sleeps = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    tasks = [waits, nested, sleeps]
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
    sleeps.cancel()
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
        assert len(asyncio.all_tasks()) == 5  # this, three, and the main one
        raise OSError("problem with I/O")

    monkeypatch.setattr(questions, "stop_group", fail)
    with pytest.raises(ExceptionGroup) as caught:
        questions.stopped_group()
    assert [type(error) for error in caught.value.exceptions] == [OSError]
