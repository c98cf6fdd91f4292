"""Item 55: what readers ask next about queues.

join() waits for work that nobody reported done; workers wait for items that
never come; and a generator is no queue: one thread at a time may be in it.

    python3 item55_queue/questions.py A      (no letters: every question)
"""

import queue
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from queue import Queue
from threading import Event, Lock, Thread
from typing import Any

from chapter import run

TEAM = 3  # workers
NUMBERS = range(9)
PATIENCE = 10.0  # seconds for what comes in a moment
TIMEOUT = 0.1  # seconds of waiting for what cannot come

# Since 3.13, get() raises this once a queue is shut down and empty.
ShutDown: Any = getattr(queue, "ShutDown", ())


def done_at_the_end(work: Queue[Any]) -> None:
    """Report each item done, unless int() raises."""
    for text in iter(work.get, None):
        with suppress(ValueError):
            int(text)
            work.task_done()
    work.task_done()  # None counts, too


def done_in_finally(work: Queue[Any]) -> None:
    """Report each item done, even if int() raises."""
    for text in iter(work.get, None):
        with suppress(ValueError):
            try:
                int(text)
            finally:
                work.task_done()
    work.task_done()


def join_that_never_returns() -> None:
    """Why does queue.join() never return?"""
    for worker in done_at_the_end, done_in_finally:
        work: Queue[Any] = Queue()
        for text in "1", "two", "3", None:
            work.put(text)
        worker(work)
        undone = work.unfinished_tasks
        joiner = Thread(target=work.join)
        joiner.start()
        joiner.join(TIMEOUT if undone else PATIENCE)
        waits = joiner.is_alive()
        for _ in range(undone):
            work.task_done()  # lets the joiner end
        print(f"{worker.__name__}: queue empty: {work.empty()},", end=" ")
        print(f"not done: {undone}, join() waits: {waits}")
    print("join() counts calls to task_done(), so no error may skip one.")


def take_all(work: Queue[Any]) -> int:
    """Return how many items come before None, or before a shutdown."""
    count = 0
    with suppress(ShutDown):
        for _ in iter(partial(work.get, timeout=PATIENCE), None):
            count += 1
    return count


def workers_that_end() -> None:
    """How do workers know that they are done?"""
    work: Queue[Any] = Queue()
    for item in *NUMBERS, None:
        work.put(item)
    with ThreadPoolExecutor(TEAM) as pool:
        team = [pool.submit(take_all, work) for _ in range(TEAM)]
        ended, waiting = wait(team, PATIENCE, FIRST_COMPLETED)
        for _ in waiting:
            work.put(None)
    print(f"One None ends {len(ended)} of {TEAM} workers.", end=" ")
    count = sum(worker.result() for worker in team)
    print(f"One each ends them all, with {count} items taken.")

    for item in NUMBERS:
        work.put(item)
    if hasattr(work, "shutdown"):
        work.shutdown()
        print("here: one Queue.shutdown() ends the next team")
    else:
        for _ in range(TEAM):
            work.put(None)
        print("here: no Queue.shutdown(), so one None each ends the next team")
    with ThreadPoolExecutor(TEAM) as pool:
        count = sum(pool.map(take_all, [work] * TEAM))
    print(f"The next team has ended, with {count} items taken.")
    print("Since 3.13, one Queue.shutdown() ends any number of workers: get()")
    print("returns what is left, and then raises ShutDown.")


class LockingIterator(Iterator[int]):
    """Lets one thread at a time into next()."""

    def __init__(self, iterator: Iterator[int]) -> None:
        self.iterator = iterator
        self.lock = Lock()

    def __next__(self) -> int:
        with self.lock:
            return next(self.iterator)


def shared_generator() -> None:
    """Can threads share one generator?"""
    inside, leave = Event(), Event()

    def generate() -> Iterator[int]:
        for number in NUMBERS:
            inside.set()
            leave.wait(PATIENCE)
            yield number

    generator = generate()
    with ThreadPoolExecutor(TEAM) as pool:
        first = pool.submit(next, generator)
        inside.wait(PATIENCE)
        try:
            outcome = f"it returns {next(generator)}"
        except ValueError as error:
            outcome = f"{type(error).__name__}: {error}"
        leave.set()
        number = first.result()  # only now has its thread left the generator
        shared = LockingIterator(generator)
        batches = list(pool.map(list[int], [shared] * TEAM))
    print(f"Calling next() while another thread is in it:\n    {outcome}")
    print(f"The other thread's call returns {number}.", end=" ")
    rest = sorted(number for batch in batches for number in batch)
    print(f"With a lock around next(),\n{TEAM} threads take the rest: {rest}")
    print("Since 3.15, threading.serialize_iterator() adds such a lock.")


QUESTIONS = {
    "A": join_that_never_returns,
    "B": workers_that_end,
    "C": shared_generator,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
