"""Item 60: what readers ask next about coroutines."""

import asyncio
import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from selectors import DefaultSelector
from threading import Event, Thread
from typing import Any
from warnings import catch_warnings

from chapter import run

MANY = 10_000
AT_ONCE = 10
TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment


def in_event_loop(answer: Callable[[], Any]) -> Callable[[], None]:
    """Return a function that runs answer on an event loop."""

    @wraps(answer)
    def demo() -> None:
        # Under -X dev, 10,000 tasks would record where they were created.
        asyncio.run(answer(), debug=False)

    return demo


@in_event_loop
async def gather_or_group() -> None:
    """gather or TaskGroup?

    Where one failure spoils all, use a TaskGroup; where each task counts by
    itself, gather(return_exceptions=True).
    """
    gate = asyncio.Event()

    async def wait_or_fail(name: str) -> str:
        if name == "B":
            raise OSError("no I/O")
        await gate.wait()
        return name

    tasks = [asyncio.create_task(wait_or_fail(name)) for name in "ABCD"]
    try:
        await asyncio.gather(*tasks)
    except OSError as error:
        running = sum(not task.done() for task in tasks)
        print(f"gather() raises {error!r}, {running} other tasks run on")
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    print("gather(return_exceptions=True) returns", results)
    gate.clear()
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(wait_or_fail(name)) for name in "ABCD"]
    except ExceptionGroup as failures:
        cancelled = sum(task.cancelled() for task in tasks)
        print(f"TaskGroup raises {failures.exceptions}", end=" ")
        print(f"in a group, {cancelled} other tasks are cancelled")


@in_event_loop
async def blocked_loop() -> None:
    """Why did everything stop?

    An event loop has one thread. What blocks it, such as time.sleep(), stops
    all its tasks. Await something instead, or hand it to asyncio.to_thread().
    """
    loop, ran = asyncio.get_running_loop(), Event()
    loop.call_soon(ran.set)
    print("Something else runs during a call that blocks:", ran.wait(TIMEOUT))
    await asyncio.sleep(0)
    print("during await asyncio.sleep():", ran.is_set())
    ran.clear()
    loop.call_soon(ran.set)
    other_ran = await asyncio.to_thread(ran.wait, PATIENCE)
    print("during that call in await asyncio.to_thread():", other_ran)


async def fetch() -> str:
    """Return the answer of a peer."""
    await asyncio.sleep(0)
    return "the answer"


@in_event_loop
async def two_errors() -> None:
    """Why "never awaited", "cannot be called from a running event loop"?

    Calling a coroutine function runs nothing until what it returns is awaited.
    A thread runs one event loop at a time: in a coroutine, await.
    """
    with catch_warnings(record=True, action="always") as caught:
        coroutine = fetch()  # makes a coroutine, and runs nothing of it
        del coroutine
    print("fetch():", *[warning.message for warning in caught])
    coroutine = fetch()
    try:
        asyncio.run(coroutine)
    except RuntimeError as error:
        print("asyncio.run(fetch()):", error)
    print("await fetch():", await coroutine)
    answer = await asyncio.to_thread(asyncio.run, fetch())
    print("asyncio.run(fetch()) in a thread of its own:", answer)


async def what_happens(start: Callable[[Any], Any]) -> str:
    """Return what becomes of a task that nobody but start may keep."""
    loop = asyncio.get_running_loop()
    heard: list[str] = []
    loop.set_exception_handler(lambda _, error: heard.append(error["message"]))

    async def wait_for_answer() -> None:
        # The future and the task that awaits it refer only to each other.
        await loop.create_future()

    start(wait_for_answer())
    await asyncio.sleep(0)  # lets it run as far as its await
    gc.collect()  # may happen at any time
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        heard.append(f"waits: {task.cancel()}")
        await asyncio.wait([task])
    return ", ".join(heard)


@in_event_loop
async def lost_task() -> None:
    """Why "Task was destroyed but it is pending!"?

    An event loop refers to its tasks weakly, so keep each one yourself.
    """
    print("create_task() alone:", await what_happens(asyncio.create_task))
    tasks = set()

    def create_and_keep(coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    print("create_task() and a set:", await what_happens(create_and_keep))
    print("still in the set:", len(tasks))
    async with asyncio.TaskGroup() as group:
        kept = await what_happens(group.create_task)
    print("TaskGroup.create_task():", kept)


@in_event_loop
async def many_but_not_at_once() -> None:
    """How do I do 10,000 things, at most 10 at once, in limited time?

    With a Semaphore, which needs a task for each, or with ten workers on one
    queue. asyncio.timeout() cancels what is late.
    """
    running, counts = list[int](), list[int]()

    async def visit() -> None:
        running.append(1)
        counts.append(len(running))
        await asyncio.sleep(0)
        running.pop()

    async def visit_within_limit() -> None:
        async with semaphore:
            await visit()

    async def work_on_queue() -> None:
        while not queue.empty():
            queue.get_nowait()
            await visit()

    async def count(start: Callable[[], Any], tasks: int) -> None:
        counts.clear()
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(start())
        name = f"{start.__name__}(): {tasks} tasks, {len(counts)} visits,"
        print(name, max(counts), "at once")

    semaphore, queue = asyncio.Semaphore(AT_ONCE), asyncio.Queue[int]()
    for number in range(MANY):
        queue.put_nowait(number)
    await count(visit, MANY)
    await count(visit_within_limit, MANY)
    await count(work_on_queue, AT_ONCE)
    try:
        async with asyncio.timeout(TIMEOUT):
            await count(asyncio.Event().wait, AT_ONCE)
    except TimeoutError as error:
        print(type(error).__name__, "leaves", len(asyncio.all_tasks()) - 1)


async def resize(photos: asyncio.Queue[str]) -> str:
    """Return a photo, smaller."""
    return f"small {await photos.get()}"


@in_event_loop
async def what_it_waits_for() -> None:
    """What is my program waiting for?

    Since 3.14, asyncio.format_call_graph() adds line numbers, and
    `python -m asyncio pstree PID` shows the tasks of another process.
    """

    def waits_in(coroutine: Any) -> str:
        names = []
        while hasattr(coroutine, "cr_await"):
            names.append(coroutine.__qualname__)
            coroutine = coroutine.cr_await
        return " > ".join(names)

    photos = asyncio.Queue[str]()
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.Event().wait(), name="Downloader")
        group.create_task(resize(photos), name="Resizer")
        await asyncio.sleep(0)  # lets them run as far as they get
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in sorted(others, key=asyncio.Task.get_name):
            print(f"{task.get_name()}: {waits_in(task.get_coro())}")
            task.cancel()


@in_event_loop
async def stopped_group() -> None:
    """How do I stop a group of tasks?

    Raise an exception of your own in one of them, and catch it, by except*,
    around the group. Since 3.15, TaskGroup.cancel() needs no exception.
    """
    wait = asyncio.Event().wait

    class StopGroup(Exception): ...  # noqa: N818 - it is no error

    async def stop() -> None:
        raise StopGroup

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(wait()) for _ in range(3)]
            group.create_task(stop())
    except* StopGroup as error:  # needs Python 3.11 or newer
        cancelled = sum(task.cancelled() for task in tasks)
        print(f"{error.exceptions} caught, {cancelled} tasks cancelled")
    if sys.version_info >= (3, 15):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(wait())
            group.cancel()
        print("here: TaskGroup.cancel() cancels, too:", task.cancelled())
    else:
        print("here: this Python has no TaskGroup.cancel()")


def from_a_thread() -> None:
    """How does a thread hand a result to the event loop?

    By call_soon_threadsafe(), which wakes the loop. call_soon() does not, nor
    does what calls it, such as set_result() of an asyncio.Future. In debug
    mode, it is an error. run_coroutine_threadsafe() brings a result back.
    """
    asleep, first, second = Event(), Event(), Event()
    selector: Any = DefaultSelector()
    select = selector.select

    def notice_and_select(timeout: float | None = None) -> Any:
        if timeout != 0:
            asleep.set()
        return select(timeout)

    selector.select = notice_and_select
    loop = asyncio.SelectorEventLoop(selector)
    loop.set_debug(False)
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asleep.wait()
    loop.call_soon(first.set)
    print("call_soon() is heard:", first.wait(TIMEOUT))
    loop.call_soon_threadsafe(second.set)
    print("call_soon_threadsafe() is heard:", second.wait(PATIENCE))
    future = asyncio.run_coroutine_threadsafe(fetch(), loop)
    print("run_coroutine_threadsafe() returns", future.result(PATIENCE))
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@in_event_loop
async def tasks_that_lose() -> None:
    """Do coroutines need locks?

    Where an await comes between a read and its write, as in total += await
    one(), other tasks may run there. Await before, or use an asyncio.Lock.
    """
    total, lock = [0], asyncio.Lock()

    async def one() -> int:
        await asyncio.sleep(0)
        return 1

    async def await_between() -> None:
        total[0] += await one()

    async def await_before() -> None:
        number = await one()
        total[0] += number

    async def await_in_lock() -> None:
        async with lock:
            total[0] += await one()

    for add in await_between, await_before, await_in_lock:
        total[0] = 0
        await asyncio.gather(*[add() for _ in range(5)])
        print(f"{add.__name__}, in 5 tasks: {total[0]}")


@in_event_loop
async def swallowed_cancel() -> None:
    """Why does my task not stop when it is cancelled?

    cancel() raises CancelledError where the task waits. A bare except and
    except BaseException swallow it; except Exception lets it through. Clean up
    in a finally block, or raise it again.
    """

    async def wait_in_suppress(swallowed: type[BaseException]) -> None:
        try:
            with suppress(swallowed):  # as try and except do
                await asyncio.Event().wait()
            print("    goes on")
        finally:
            print("    cleans up")

    for swallowed in BaseException, Exception:
        print(f"A task in suppress({swallowed.__name__}) that is cancelled")
        task = asyncio.create_task(wait_in_suppress(swallowed))
        await asyncio.sleep(0)  # lets it run as far as its wait
        task.cancel()
        await asyncio.wait([task])
        print("    ends as cancelled:", task.cancelled())


QUESTIONS = {
    "A": gather_or_group,
    "B": blocked_loop,
    "C": two_errors,
    "D": lost_task,
    "E": many_but_not_at_once,
    "F": what_it_waits_for,
    "G": stopped_group,
    "H": from_a_thread,
    "I": tasks_that_lose,
    "J": swallowed_cancel,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
