"""Item 60: what readers ask next about coroutines.

How tasks fail together, what stops or loses them, what two common errors
mean, and how to bound a great many of them.

    python3 item60_coroutines/questions.py          every question
    python3 item60_coroutines/questions.py A E      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import asyncio
import gc
import sys
import time
import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any
from weakref import WeakSet

MANY = 10_000
AT_ONCE = 10
LIMIT = 60.0  # seconds; nothing here takes as long
BRIEFLY = 0.02  # seconds

Visit = Callable[[], Awaitable[object]]
Start = Callable[[Coroutine[Any, Any, None]], object]


def run(answer: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine to its end; TimeoutError if that does not come."""
    # debug=False: under -X dev every one of 10,000 tasks would record where
    # it was made, and the loop would complain that this takes long.
    asyncio.run(asyncio.wait_for(answer, LIMIT), debug=False)


async def wait_or_fail(name: str, gate: asyncio.Event, ends: list[str]) -> str:
    """Wait for the gate to open, unless it is B who fails; note the end."""
    try:
        if name == "B":
            raise OSError("problem with I/O")
        await gate.wait()
        ends.append(f"{name} done")
    except asyncio.CancelledError:
        ends.append(f"{name} cancelled")
        raise
    return name


async def fail_in_gather() -> None:
    """One of four fails, and gather() leaves the others alone."""
    gate = asyncio.Event()
    ends: list[str] = []
    tasks = [asyncio.create_task(wait_or_fail(n, gate, ends)) for n in "ABCD"]
    try:
        await asyncio.gather(*tasks)
    except OSError as error:
        print(f"gather raises {error!r} before any other ends: {ends}")
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    print(f"The others run on: {sorted(ends)}")
    print(f"gather(return_exceptions=True) waits, and gives\n    {results}")


async def fail_in_group() -> None:
    """One of four fails, and the TaskGroup cancels the others."""
    gate = asyncio.Event()
    ends: list[str] = []
    try:
        async with asyncio.TaskGroup() as group:
            for name in "ABCD":
                group.create_task(wait_or_fail(name, gate, ends))
    except ExceptionGroup as error:
        print(f"TaskGroup cancels the others: {sorted(ends)}")
        print(f"then it raises {type(error).__name__} of", *error.exceptions)


def gather_or_group() -> None:
    """gather or TaskGroup?"""
    run(fail_in_gather())
    run(fail_in_group())
    print("Where one failure spoils all, take a TaskGroup; where each task")
    print("counts by itself, gather(return_exceptions=True).")


async def turns_meanwhile(wait: Awaitable[object]) -> int:
    """How often another coroutine runs while this one awaits."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)  # lets the others run

    task = asyncio.create_task(other())
    await wait
    task.cancel()
    return turns


async def sleep_badly() -> None:
    """Wait for something without telling the event loop."""
    time.sleep(BRIEFLY)


async def three_sleeps() -> None:
    """Sleep in three ways, and tell who ran meanwhile."""
    print("Does another coroutine run meanwhile?")
    blocked = await turns_meanwhile(sleep_badly())
    print(f"time.sleep: {blocked > 0}")
    slept = await turns_meanwhile(asyncio.sleep(BRIEFLY))
    print(f"asyncio.sleep: {slept > 0}")
    thread = await turns_meanwhile(asyncio.to_thread(time.sleep, BRIEFLY))
    print(f"asyncio.to_thread(time.sleep): {thread > 0}")
    print(f"here: it ran {blocked}, {slept} and {thread} times")


def blocked_loop() -> None:
    """Why did everything stop?"""
    run(three_sleeps())
    print("All coroutines share one thread: what blocks it stops them all.")
    print("Hand what cannot be awaited to asyncio.to_thread().")


async def fetch() -> str:
    """Stands for I/O."""
    await asyncio.sleep(0)
    return "the answer"


async def run_in_running_loop() -> None:
    """Call asyncio.run where a loop runs already, and do without."""
    coroutine = fetch()
    try:
        asyncio.run(coroutine)
    except RuntimeError as error:
        print("asyncio.run(fetch()) in a coroutine:")
        print(f"    {type(error).__name__}: {error}")
    coroutine.close()  # otherwise it was never awaited, either
    print(f"await fetch() there: {await fetch()}")
    answer = await asyncio.to_thread(asyncio.run, fetch(), debug=False)
    print(f"asyncio.run(fetch()) in a thread of its own: {answer}")


def two_errors() -> None:
    """Why "never awaited" and "cannot be called from a running event loop"?"""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coroutine = fetch()  # makes a coroutine, and runs nothing of it
        del coroutine
    for warning in caught:
        print("fetch() without await:")
        print(f"    {warning.category.__name__}: {warning.message}")
    run(run_in_running_loop())
    print("A thread runs one loop at a time. In it: await. Elsewhere: run.")


async def what_happens(start: Start) -> str:
    """What becomes of a task that nobody but start() may keep."""
    loop = asyncio.get_running_loop()
    heard: list[str] = []
    loop.set_exception_handler(lambda _, error: heard.append(error["message"]))
    peer: WeakSet[asyncio.Future[None]] = WeakSet()

    async def wait_for_answer() -> None:
        answer = loop.create_future()  # refers to the task that awaits it,
        peer.add(answer)  # and nobody here refers to it
        await answer
        heard.append("finished")

    start(wait_for_answer())
    await asyncio.sleep(0)  # lets it run as far as its await
    gc.collect()  # may happen at any time
    for answer in list(peer):
        answer.set_result(None)
    await asyncio.sleep(0)
    return ", ".join(heard)


async def keep_in_three_ways() -> None:
    """Keep a task not at all, in a set, and in a TaskGroup."""
    print(f"create_task() alone: {await what_happens(asyncio.create_task)}")

    tasks = set()

    def create_and_keep(coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    print(f"create_task() and a set: {await what_happens(create_and_keep)}")
    async with asyncio.TaskGroup() as group:
        kept = await what_happens(group.create_task)
    print(f"TaskGroup.create_task(): {kept}")
    print(f"still in the set: {len(tasks)}")


def lost_task() -> None:
    """Why "Task was destroyed but it is pending!"?"""
    run(keep_in_three_ways())
    print("The event loop refers to its tasks weakly: keep each one yourself.")


async def visit_many(
    count: int, at_once: int, visit: Visit, limit: float = LIMIT
) -> str:
    """Visit so many, a few at once, within limit seconds; how it went."""
    others = asyncio.all_tasks()
    places = asyncio.Semaphore(at_once)
    in_flight = most = done = 0

    async def visit_one() -> None:
        nonlocal in_flight, most, done
        async with places:
            in_flight += 1
            most = max(most, in_flight)
            await visit()
            in_flight -= 1
            done += 1

    try:
        async with asyncio.timeout(limit), asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(visit_one())
        outcome = "in time"
    except TimeoutError:
        outcome = "TimeoutError"
    pending = len(asyncio.all_tasks() - others)
    return f"{outcome}, {done} done, {most} at once, {pending} left pending"


async def visit_ten_thousand() -> None:
    """Visit all at once, few at once, and some that never answer."""
    never = asyncio.Event().wait
    answer = partial(asyncio.sleep, 0)
    print(f"Semaphore({MANY}): {await visit_many(MANY, MANY, answer)}")
    print(f"Semaphore({AT_ONCE}): {await visit_many(MANY, AT_ONCE, answer)}")
    print("1000 that never answer, and a limit of", BRIEFLY, "seconds:")
    print(await visit_many(1_000, AT_ONCE, never, BRIEFLY))


def many_but_not_at_once() -> None:
    """How do I wait for 10,000 things, at most 10 at once, in limited time?"""
    run(visit_ten_thousand())
    print("A limit for each one goes inside `async with semaphore`, so that")
    print("the wait for its turn does not count.")


QUESTIONS = {
    "A": gather_or_group,
    "B": blocked_loop,
    "C": two_errors,
    "D": lost_task,
    "E": many_but_not_at_once,
}


def main(arguments: Sequence[str]) -> None:
    """Answer the questions with these letters, or all of them."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("letters", nargs="*", type=str.upper, metavar="LETTER")
    chosen = set(parser.parse_args(arguments).letters)
    if unknown := chosen - set(QUESTIONS):
        parser.error(
            f"no question {min(unknown)}: only {', '.join(QUESTIONS)}"
        )
    try:
        for letter, demo in QUESTIONS.items():
            if not chosen or letter in chosen:
                print(f"{letter}: {demo.__doc__}")
                demo()
                print(flush=True)
    except BrokenPipeError:  # nobody reads on, as after `| head -1`
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to end
