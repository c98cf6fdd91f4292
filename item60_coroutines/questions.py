"""Item 60: what readers ask next about coroutines.

How tasks fail together, what blocks, loses or stops them, what two common
errors mean, how to bound a great many, and how to see what they wait for.

    python3 item60_coroutines/questions.py A      (no letters: every question)
"""

import asyncio
import gc
import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial, wraps
from typing import Any
from weakref import WeakSet

from chapter import run

MANY = 10_000
AT_ONCE = 10
BRIEFLY = 0.02  # seconds
PATIENCE = 30.0  # seconds; no answer takes as long

Start = Callable[[Coroutine[Any, Any, None]], object]
Visit = Callable[[], Awaitable[object]]


def in_event_loop(
    answer: Callable[[], Coroutine[Any, Any, None]],
) -> Callable[[], None]:
    """Return a function that runs answer on a loop, for a limited time."""

    @wraps(answer)
    def demo() -> None:
        # Under -X dev, 10,000 tasks would record where they were created.
        asyncio.run(limited(), debug=False)

    async def limited() -> None:
        async with asyncio.timeout(PATIENCE):
            await answer()

    return demo


async def wait_or_fail(name: str, gate: asyncio.Event) -> str:
    """Return name once the gate is open; OSError at once if it is B."""
    if name == "B":
        raise OSError("problem with I/O")
    await gate.wait()
    return name


@in_event_loop
async def gather_or_group() -> None:
    """gather or TaskGroup?"""
    gate = asyncio.Event()
    tasks = [asyncio.create_task(wait_or_fail(name, gate)) for name in "ABCD"]
    try:
        await asyncio.gather(*tasks)
    except OSError as error:
        running = sum(not task.done() for task in tasks)
        print(f"gather() raises {error!r}; {running} other tasks run on")
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    print(f"gather(return_exceptions=True) waits, and returns\n    {results}")

    gate.clear()
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(wait_or_fail(name, gate)) for name in "ABCD"
            ]
    except ExceptionGroup as failures:
        cancelled = sum(task.cancelled() for task in tasks)
        print(f"TaskGroup cancels {cancelled} other tasks, and raises")
        print(f"    {type(failures).__name__} of {failures.exceptions}")
    print("Where one failure spoils all, use a TaskGroup; where each task")
    print("counts by itself, gather(return_exceptions=True).")


async def another_runs(wait: Awaitable[object]) -> bool:
    """Return whether another task runs while this one awaits wait."""
    other = asyncio.create_task(asyncio.sleep(0))
    await wait
    ran = other.done()
    await other
    return ran


@in_event_loop
async def blocked_loop() -> None:
    """Why did everything stop?"""

    async def sleep_badly() -> None:
        time.sleep(BRIEFLY)

    print("Does another task run meanwhile?")
    print("time.sleep:", await another_runs(sleep_badly()))
    print("asyncio.sleep:", await another_runs(asyncio.sleep(BRIEFLY)))
    to_thread = asyncio.to_thread(time.sleep, BRIEFLY)
    print("asyncio.to_thread(time.sleep):", await another_runs(to_thread))
    print("An event loop runs its tasks on one thread. What blocks it stops")
    print("them all: hand that to asyncio.to_thread() instead.")


async def fetch() -> str:
    """Return the answer of a peer."""
    await asyncio.sleep(0)
    return "the answer"


@in_event_loop
async def two_errors() -> None:
    """Why "never awaited" and "cannot be called from a running event loop"?"""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coroutine = fetch()  # makes a coroutine, and runs nothing of it
        del coroutine
    print("fetch() without await:")
    for warning in caught:
        print(f"    {warning.category.__name__}: {warning.message}")
    print("asyncio.run(fetch()) in a coroutine:")
    coroutine = fetch()
    try:
        asyncio.run(coroutine)
    except RuntimeError as error:
        print(f"    {type(error).__name__}: {error}")
    print(f"await there: {await coroutine}")
    answer = await asyncio.to_thread(asyncio.run, fetch(), debug=False)
    print(f"asyncio.run(fetch()) in a thread of its own: {answer}")
    print("A thread runs one loop at a time: in a coroutine, await.")


async def what_happens(start: Start) -> str:
    """Return what becomes of a task that nobody but start may keep."""
    loop = asyncio.get_running_loop()
    heard: list[str] = []
    loop.set_exception_handler(lambda _, error: heard.append(error["message"]))
    answers: WeakSet[asyncio.Future[None]] = WeakSet()

    async def wait_for_answer() -> None:
        # The future and the task that awaits it refer only to each other.
        answer = loop.create_future()
        answers.add(answer)
        await answer
        heard.append("finished")

    start(wait_for_answer())
    await asyncio.sleep(0)  # lets it run as far as its await
    gc.collect()  # may happen at any time
    for answer in list(answers):
        answer.set_result(None)
    await asyncio.sleep(0)
    return ", ".join(heard)


@in_event_loop
async def lost_task() -> None:
    """Why "Task was destroyed but it is pending!"?"""
    print("create_task() alone:", await what_happens(asyncio.create_task))
    tasks = set()

    def create_and_keep(coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    print("create_task() and a set:", await what_happens(create_and_keep))
    async with asyncio.TaskGroup() as group:
        kept = await what_happens(group.create_task)
    print("TaskGroup.create_task():", kept)
    print("Still in the set:", len(tasks))
    print("An event loop refers to its tasks weakly: keep each one yourself.")


async def visit_many(
    count: int, at_once: int, visit: Visit, limit: float | None = None
) -> str:
    """Make count visits within limit seconds; return how they went."""
    semaphore = asyncio.Semaphore(at_once)
    running = most = done = 0

    async def visit_one() -> None:
        nonlocal running, most, done
        async with semaphore:
            running += 1
            most = max(most, running)
            await visit()  # a limit for each visit goes here
            running -= 1
            done += 1

    outcome = "in time"
    try:
        async with asyncio.timeout(limit), asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(visit_one())
    except TimeoutError:
        outcome = "TimeoutError"
    pending = len(asyncio.all_tasks()) - 1
    return f"{outcome}, {done} done, {most} at once, {pending} left pending"


@in_event_loop
async def many_but_not_at_once() -> None:
    """How do I wait for 10,000 things, at most 10 at once, in limited time?"""
    soon, never = partial(asyncio.sleep, 0), asyncio.Event().wait
    for at_once in MANY, AT_ONCE:
        outcome = await visit_many(MANY, at_once, soon)
        print(f"Semaphore({at_once}): {outcome}")
    print(f"A limit of {BRIEFLY} seconds for 1000 visits that never end:")
    print(f"    {await visit_many(1_000, AT_ONCE, never, BRIEFLY)}")


async def download(gate: asyncio.Event, photos: asyncio.Queue[str]) -> None:
    """Put a photo once the gate is open."""
    await gate.wait()
    await photos.put("a photo")


async def resize(photos: asyncio.Queue[str]) -> str:
    """Return a photo, smaller."""
    return f"small {await photos.get()}"


def waits_in(task: asyncio.Task[Any]) -> str:
    """Return the coroutines that task is in, the innermost one last."""
    names = []
    coroutine: Any = task.get_coro()
    while hasattr(coroutine, "cr_await"):
        names.append(coroutine.__qualname__)
        coroutine = coroutine.cr_await
    return " > ".join(names)


@in_event_loop
async def what_it_waits_for() -> None:
    """What is my program waiting for?"""
    gate, photos = asyncio.Event(), asyncio.Queue[str]()
    async with asyncio.TaskGroup() as group:
        group.create_task(download(gate, photos), name="Downloader")
        group.create_task(resize(photos), name="Resizer")
        await asyncio.sleep(0)  # lets them run as far as they get
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in sorted(others, key=asyncio.Task.get_name):
            print(f"{task.get_name()}: {waits_in(task)}")
        gate.set()
    print("Since 3.14, asyncio.format_call_graph() adds line numbers, and")
    print("`python -m asyncio pstree PID` shows the tasks of another process.")


class StopGroup(Exception):  # noqa: N818 - it is no error
    """Raised in a task to cancel the others of its group."""


async def stop_group() -> None:
    """Stop the group that this runs in."""
    raise StopGroup


@in_event_loop
async def stopped_group() -> None:
    """How do I stop a group of tasks?"""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(asyncio.Event().wait()) for _ in range(3)
            ]
            group.create_task(stop_group())
    except* StopGroup:
        print("One task raised StopGroup, which except* caught.")
    cancelled = sum(task.cancelled() for task in tasks)
    print(f"The {cancelled} tasks that were waiting have been cancelled.")
    print("Since 3.15, TaskGroup.cancel() does this without an exception.")


QUESTIONS = {
    "A": gather_or_group,
    "B": blocked_loop,
    "C": two_errors,
    "D": lost_task,
    "E": many_but_not_at_once,
    "F": what_it_waits_for,
    "G": stopped_group,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
