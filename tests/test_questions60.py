"""The claims of item 60's answers, about tasks and the event loop."""

import asyncio
import gc
import inspect
import threading
import warnings
import weakref
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers import here, load

questions = load("item60_coroutines", "questions")


async def four(
    start: Callable[[Coroutine[Any, Any, str]], Any], gate: asyncio.Event
) -> tuple[list[Any], list[str]]:
    """The four tasks of question A, and what they note."""
    ends: list[str] = []
    return [
        start(questions.wait_or_fail(name, gate, ends)) for name in "ABCD"
    ], ends


def test_gather_raises_at_once_and_the_others_run_on() -> None:
    """Q60.A: nobody has cancelled them."""

    async def check() -> None:
        gate = asyncio.Event()
        tasks, ends = await four(asyncio.create_task, gate)
        with pytest.raises(OSError, match="problem with I/O"):
            await asyncio.gather(*tasks)
        assert ends == []
        assert [task.done() for task in tasks] == [False, True, False, False]
        gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [results[0], *results[2:]] == ["A", "C", "D"]
        assert isinstance(results[1], OSError)
        assert not any(task.cancelling() for task in tasks)

    asyncio.run(check())


def test_a_task_group_ends_when_all_have_ended_and_cancels_them() -> None:
    """Q60.A: although the gate would have opened soon."""

    async def check() -> None:
        gate = asyncio.Event()
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                tasks, ends = await four(group.create_task, gate)
        gate.set()
        (error,) = caught.value.exceptions
        assert isinstance(error, OSError)
        assert all(task.done() for task in tasks)
        assert [t.cancelled() for t in tasks] == [True, False, True, True]
        assert sorted(ends) == ["A cancelled", "C cancelled", "D cancelled"]

    asyncio.run(check())


def turns(wait: Any) -> int:
    async def check() -> int:
        count = await questions.turns_meanwhile(wait)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1  # the other one is over
        return int(count)

    return asyncio.run(check())


def test_time_sleep_lets_nobody_run() -> None:
    """Q60.B: nor does an await that need not wait."""
    assert turns(questions.sleep_badly()) == 0
    assert turns(asyncio.sleep(0)) == 1


def test_what_blocks_is_a_sleep_as_long_as_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q60.B: two wait BRIEFLY by time.sleep, the third in another thread."""
    slept = []

    def note(seconds: float) -> None:
        slept.append((seconds, threading.current_thread().name))

    monkeypatch.setattr(questions, "time", SimpleNamespace(sleep=note))
    questions.run(questions.three_sleeps())
    (blocked, main_thread), (in_thread, other) = slept
    assert blocked == in_thread == questions.BRIEFLY
    assert main_thread == threading.main_thread().name != other


def test_asyncio_sleep_and_a_thread_let_others_run() -> None:
    """Q60.B: as long as that takes."""
    assert turns(asyncio.sleep(0.01)) > 1
    event = threading.Event()

    async def set_event() -> bool:
        waiting = asyncio.create_task(asyncio.to_thread(event.wait, 30))
        await asyncio.sleep(0)
        event.set()  # which nobody could, were the loop blocked
        return await waiting

    assert asyncio.run(set_event())


def test_how_often_another_ran_meanwhile() -> None:
    """Q60.B: 8,000 to 20,000 times were seen, and 0."""
    figures = here("item60_coroutines", "it ran #, # and # times", "questions")
    blocked, slept, in_thread = figures
    assert blocked == 0
    assert 0 < slept < 10_000_000
    assert 0 < in_thread < 10_000_000


def test_a_coroutine_that_is_dropped_warns_and_has_not_run() -> None:
    """Q60.C: one that was closed does not."""

    def drop(close: bool) -> None:
        coroutine = questions.fetch()
        state = inspect.getcoroutinestate(coroutine)
        assert state == inspect.CORO_CREATED
        if close:
            coroutine.close()
        del coroutine
        gc.collect()

    with pytest.warns(RuntimeWarning, match="'fetch' was never awaited"):
        drop(close=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drop(close=True)


def test_both_errors_are_made_and_cured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Q60.C: with no coroutine left that would warn later."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        questions.two_errors()
        gc.collect()
    assert caught == []
    lines = capsys.readouterr().out.splitlines()
    errors = [line for line in lines if line.startswith("    Runtime")]
    assert len(errors) == 2
    assert sum(line.endswith(": the answer") for line in lines) == 2


def what_happens(start: Any) -> str:
    return asyncio.run(questions.what_happens(start))


def test_a_task_that_nobody_keeps_is_destroyed() -> None:
    """Q60.D: while it is pending; a list is enough to keep it."""
    lost = "Task was destroyed but it is pending!"
    assert what_happens(asyncio.create_task) == lost
    tasks: list[asyncio.Task[Any]] = []
    kept = what_happens(lambda c: tasks.append(asyncio.create_task(c)))
    assert kept == "finished"


def test_a_destroyed_task_does_not_learn_that_it_is_cancelled() -> None:
    """Q60.D: its coroutine is closed: GeneratorExit, no CancelledError."""
    raised: list[str] = []

    def start(coroutine: Coroutine[Any, Any, None]) -> None:
        async def noted() -> None:
            try:
                await coroutine
            except BaseException as error:
                raised.append(type(error).__name__)
                raise

        asyncio.create_task(noted())  # noqa: RUF006 - nobody keeps it

    assert "destroyed" in what_happens(start)
    assert raised == ["GeneratorExit"]


def test_the_set_and_the_group_keep_a_task_until_it_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Q60.D."""
    asyncio.run(questions.keep_in_three_ways())
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == [
        "Task was destroyed but it is pending!",
        "finished",
        "finished",
        "0",
    ]


def test_the_loop_keeps_what_it_will_call_itself() -> None:
    """Q60.D: which is why the trouble shows so rarely."""

    async def check() -> bool:
        task = asyncio.create_task(asyncio.sleep(60))
        reference = weakref.ref(task)
        del task
        await asyncio.sleep(0)
        gc.collect()
        return reference() is not None

    assert asyncio.run(check())


async def soon() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("count", "at_once", "most"), [(100, 10, 10), (7, 10, 7), (50, 1, 1)]
)
def test_no_more_than_so_many_are_in_flight_at_once(
    count: int, at_once: int, most: int
) -> None:
    """Q60.E: and no fewer, if there are as many."""
    outcome = asyncio.run(questions.visit_many(count, at_once, soon))
    assert outcome == (
        f"in time, {count} done, {most} at once, 0 left pending"
    )


def test_at_the_limit_the_rest_is_cancelled() -> None:
    """Q60.E: those that wait for an answer, and those for their turn."""
    tasks: list[asyncio.Task[Any]] = []

    async def never() -> None:
        tasks.extend(asyncio.all_tasks())
        await asyncio.Event().wait()

    async def check() -> str:
        outcome = await questions.visit_many(30, 10, never, 0.01)
        assert len({task for task in tasks if task.cancelled()}) == 30
        return str(outcome)

    outcome = asyncio.run(check())
    assert outcome == "TimeoutError, 0 done, 10 at once, 0 left pending"


def test_a_failure_is_no_timeout() -> None:
    """Q60.E: the group raises it, and nothing is left pending."""

    async def failing() -> None:
        raise OSError

    async def check() -> None:
        with pytest.raises(ExceptionGroup):
            await questions.visit_many(30, 10, failing)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(check())


def test_no_answer_can_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "LIMIT", 0.01)
    with pytest.raises(TimeoutError):
        questions.run(asyncio.sleep(60))
