"""Item 59: what readers ask next about thread pools.

A pool has calls that run and calls that wait. Those that wait can be
cancelled; those that run can only be asked to stop. Leaving the pool waits
for all that are not cancelled, even after Ctrl-C.

    python3 item59_pool/questions.py A      (no letters: every question)
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from chapter import run

CALLS = 10
PATIENCE = 10.0  # seconds for what comes in a moment

React = Callable[[ThreadPoolExecutor], None]


def cancel_and_shut_down() -> None:
    """Can I cancel what I submitted?"""
    started, stop = Event(), Event()

    def work() -> bool:
        started.set()
        return stop.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        running, *waiting = [pool.submit(work) for _ in range(CALLS)]
        started.wait(PATIENCE)
        of_running, of_waiting = running.cancel(), waiting[0].cancel()
        pool.shutdown(wait=False, cancel_futures=True)
        stop.set()  # the way to end a call that runs
    cancelled = sum(future.cancelled() for future in waiting)
    print(f"cancel() returns {of_running} for the call that runs,", end=" ")
    print(f"{of_waiting} for one that waits.")
    print(f"After shutdown(cancel_futures=True), {cancelled} of", end=" ")
    print(f"the {len(waiting)} that waited are cancelled.")
    print("The running call returns once its Event is set:", end=" ")
    print(running.result())


def calls_run(react: React) -> int:
    """Return how many calls run if Ctrl-C comes during the first one."""
    ran: list[int] = []
    started, go_on = Event(), Event()

    def work(number: int) -> None:
        ran.append(number)
        started.set()
        go_on.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        for number in range(CALLS):
            pool.submit(work, number)
        started.wait(PATIENCE)
        try:
            raise KeyboardInterrupt  # what Ctrl-C raises in the main thread
        except KeyboardInterrupt:
            react(pool)
        go_on.set()
    return len(ran)


def interrupted_pool() -> None:
    """Why does Ctrl-C take so long with a pool?"""
    reactions: dict[str, React] = {
        "pass": lambda pool: None,
        "pool.shutdown(wait=False)": lambda pool: pool.shutdown(wait=False),
        "pool.shutdown(wait=False, cancel_futures=True)": lambda pool: (
            pool.shutdown(wait=False, cancel_futures=True)
        ),
    }
    print("KeyboardInterrupt comes during the first of", CALLS, "calls. How")
    print("many of them run, if an `except` clause inside `with` does this:")
    for code, react in reactions.items():
        print(f"    {code:46}  {calls_run(react):2}")
    print("Leaving `with` waits for all calls that are not cancelled. Without")
    print("`with`, the program waits for them before it exits.")


QUESTIONS = {
    "A": cancel_and_shut_down,
    "B": interrupted_pool,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
