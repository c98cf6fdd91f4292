"""Item 59: what readers ask next about thread pools."""

import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from operator import length_hint
from threading import Event, Thread
from typing import Any

from chapter import run

CALLS = 10
MANY = 1_000
AHEAD = 10
TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment


def work(started: Event, stop: Event) -> bool:
    """Return once stop is set."""
    started.set()
    return stop.wait()


def cancel_and_shut_down() -> None:
    """Can I cancel what I submitted?

    Only what has not started. A call that runs has to be asked to stop, as by
    an Event at which it looks.
    """
    started, stop = Event(), Event()
    with ThreadPoolExecutor(1) as pool:
        calls = [pool.submit(work, started, stop) for _ in range(CALLS)]
        running, *waiting = calls
        started.wait()
        print("cancel() of the call that runs:", running.cancel())
        print("cancel() of one that waits:", waiting[0].cancel())
        pool.shutdown(wait=False, cancel_futures=True)
        stop.set()  # the way to end a call that runs
    cancelled = sum(future.cancelled() for future in waiting)
    print(f"shutdown(cancel_futures=True): {cancelled} of {len(waiting)}")
    print("The call that runs returns", running.result())


def interrupted_pool() -> None:
    """Why does Ctrl-C take so long with a pool?

    Leaving `with` waits for all calls that are not cancelled, and without
    `with`, the end of the program does. Cancel them in an except clause.
    """

    def calls_run(options: dict[str, bool]) -> int:
        ran: list[int] = []
        started, go_on = Event(), Event()

        def note_and_work(number: int) -> None:
            ran.append(number)
            work(started, go_on)

        with ThreadPoolExecutor(1) as pool:
            for number in range(CALLS):
                pool.submit(note_and_work, number)
            started.wait()
            try:
                raise KeyboardInterrupt  # as Ctrl-C in the main thread
            except KeyboardInterrupt:
                pool.shutdown(wait=False, **options)
            go_on.set()
        return len(ran)

    print(f"After Ctrl-C during the first of {CALLS} calls,")
    print(calls_run({}), "run in spite of shutdown(wait=False)")
    print(calls_run({"cancel_futures": True}), "runs, with its cancel_futures")


def result_that_timed_out() -> None:
    """result(timeout) raised: why does the program still hang?

    The timeout ends the wait, not the call, and leaving `with` waits for that.
    Give the call a timeout of its own, or an Event at which it looks.
    """
    started, stop = Event(), Event()
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work, started, stop)
    started.wait()
    try:
        future.result(TIMEOUT)
    except TimeoutError as error:
        print(f"result() raises {type(error).__name__},", end=" ")
        print("and the call runs on:", future.running())
    leave = Thread(target=pool.shutdown)  # as the end of `with` does
    leave.start()
    leave.join(TIMEOUT)
    print("shutdown() waits for it:", leave.is_alive())
    stop.set()
    leave.join()
    print("It returns once its Event is set:", future.result())


def bounded_map(pool: Any, call: Any, items: Any) -> Iterator[Any]:
    """Yield the results in order, with at most AHEAD calls submitted."""
    futures: deque[Future[Any]] = deque()
    for item in items:
        futures.append(pool.submit(call, item))
        if len(futures) == AHEAD:
            yield futures.popleft().result()
    for future in futures:
        yield future.result()


def eager_map() -> None:
    """Why does map() take everything before it returns anything?

    It submits a call for each item at once, so an endless generator never gets
    to its first result. buffersize (since 3.14), or a queue of futures, bounds
    how many calls are submitted ahead.
    """
    with ThreadPoolExecutor(CALLS) as pool:
        for map_calls in ThreadPoolExecutor.map, bounded_map:
            numbers = iter(range(MANY))
            results: Any = map_calls(pool, abs, numbers)
            total = next(results)
            taken = MANY - length_hint(numbers)
            total += sum(results)
            print(f"{map_calls.__name__}() takes {taken} of {MANY}", end=", ")
            print(f"then returns the first; all results make {total}")
        if sys.version_info >= (3, 14):
            numbers = iter(range(MANY))
            next(pool.map(abs, numbers, buffersize=AHEAD))
            few = MANY - length_hint(numbers) <= AHEAD + 1
            print("here: map(buffersize=...) has taken few:", few)
        else:
            print("here: this Python's map() has no buffersize")


def pool_that_waits_for_itself() -> None:
    """Why does my pool wait for itself?

    Its threads are taken by calls that wait for calls that wait for a thread,
    for ever if there is no timeout. Let the caller wait, take a second pool,
    or make the inner call a plain one.
    """

    def inner() -> str:
        return "the inner result"

    def outer(pool: ThreadPoolExecutor, timeout: float) -> str:
        return pool.submit(inner).result(timeout)

    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as second:
        try:
            print("The same pool:", pool.submit(outer, pool, TIMEOUT).result())
        except TimeoutError as error:
            print("The same pool:", type(error).__name__)
        print("A second pool:", pool.submit(outer, second, PATIENCE).result())
        future = pool.submit(lambda: pool.submit(inner)).result()
        print("The caller waits:", future.result())


QUESTIONS = {
    "A": cancel_and_shut_down,
    "B": interrupted_pool,
    "C": result_that_timed_out,
    "D": eager_map,
    "E": pool_that_waits_for_itself,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
