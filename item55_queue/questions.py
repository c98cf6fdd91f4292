"""Item 55: what readers ask next about queues."""

import queue
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from queue import Queue
from threading import Event, Lock, Thread
from typing import Any

from chapter import run

TEAM = 3  # workers
NUMBERS = range(9)
TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment


def done_at_the_end(work: Queue[str]) -> None:
    """Report each item done, unless int() raises."""
    while not work.empty():
        with suppress(ValueError):
            int(work.get())
            work.task_done()


def done_in_finally(work: Queue[str]) -> None:
    """Report each item done, even if int() raises."""
    while not work.empty():
        with suppress(ValueError):
            try:
                int(work.get())
            finally:
                work.task_done()


def join_that_never_returns() -> None:
    """Why does queue.join() never return?

    join() waits until task_done() was called for each item. No error may skip
    that call, so it belongs in a finally block.
    """
    for worker in done_at_the_end, done_in_finally:
        work: Queue[str] = Queue()
        for text in "1", "two", "3":
            work.put(text)
        worker(work)
        undone = work.unfinished_tasks
        joiner = Thread(target=work.join, daemon=True)
        joiner.start()
        joiner.join(TIMEOUT if undone else PATIENCE)
        print(f"{worker.__name__}: {work.qsize()} in the queue,", end=" ")
        print(f"{undone} not done, join() waits: {joiner.is_alive()}")


def workers_that_end() -> None:
    """How do workers know that they are done?

    A None ends the worker that takes it, so put one for each. Since 3.13, one
    shutdown() ends all: get() returns what is left, and then raises ShutDown.
    """
    work: Queue[Any] = Queue()
    for item in *NUMBERS, None:
        work.put(item)

    def count_until_none() -> int:
        return sum(1 for _ in iter(work.get, None))

    with ThreadPoolExecutor(TEAM) as pool:
        team = [pool.submit(count_until_none) for _ in range(TEAM)]
        try:
            next(as_completed(team, PATIENCE))
            ended, _ = wait(team, TIMEOUT)
        finally:
            for _ in team[1:]:
                work.put(None)
    print(f"One None ends {len(ended)} of {TEAM} workers.")
    count = sum(worker.result() for worker in team)
    print(f"One each ends them all, with {count} items taken.")
    if sys.version_info >= (3, 13):
        taken: list[int] = []

        def take_all() -> None:
            with suppress(queue.ShutDown):
                while True:
                    taken.append(work.get())

        for number in NUMBERS:
            work.put(number)
        work.shutdown()
        with ThreadPoolExecutor(TEAM) as pool:
            wait([pool.submit(take_all) for _ in range(TEAM)])
        print("here: shutdown() ends all:", sorted(taken) == list(NUMBERS))
    else:
        print("here: this Python has no Queue.shutdown()")


class LockingIterator(Iterator[int]):
    """Lets one thread at a time into next()."""

    def __init__(self, iterator: Iterator[int]) -> None:
        self.iterator, self.lock = iterator, Lock()

    def __next__(self) -> int:
        with self.lock:
            return next(self.iterator)


def shared_generator() -> None:
    """Can threads share one generator?

    Only one thread at a time may be in it. Put a lock around next(), as
    threading.serialize_iterator() does since 3.15.
    """
    inside, leave = Event(), Event()

    def generate() -> Iterator[int]:
        for number in NUMBERS:
            inside.set()
            leave.wait()
            yield number

    generator = generate()
    with ThreadPoolExecutor(TEAM) as pool:
        first = pool.submit(next, generator)
        inside.wait()
        try:
            outcome = f"it returns {next(generator)}"
        except ValueError as error:
            outcome = f"{type(error).__name__}: {error}"
        leave.set()
        number = first.result()  # its thread has left the generator
        shared = LockingIterator(generator)
        batches = list(pool.map(list[int], [shared] * TEAM))
    print(f"Calling next() while another thread is in it:\n    {outcome}")
    print(f"The other thread's call returns {number}.")
    rest = sorted(number for batch in batches for number in batch)
    print(f"With a lock, {TEAM} threads take the rest: {rest}")


QUESTIONS = {
    "A": join_that_never_returns,
    "B": workers_that_end,
    "C": shared_generator,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
