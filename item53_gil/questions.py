"""Item 53: what readers ask next about the GIL."""

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_all_start_methods, get_context, parent_process
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any
from warnings import catch_warnings, simplefilter

from chapter import run

TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment
INPUTS = 36_036, 29_440, 26_214, 35_003
LOCK = Lock()
FREE, HELD = 10, 11  # exit statuses


def which_python() -> None:
    """Does my Python have the GIL?

    sysconfig tells of the build, sys._is_gil_enabled() (since 3.13) of the
    process. A free-threaded build, such as python3.14t, has no GIL unless
    -X gil=1, PYTHON_GIL=1 or an extension module that needs it switches it on.
    Other builds always have it. Threads that wait overlap either way.
    """
    free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    build = "a free-threaded build" if free_threaded else "a build"
    print(f"here: {build}", "with the GIL" if gil else "without the GIL")


# When this program ends, its daemon thread still waits.
DAEMON = """
from threading import Event, Thread
ready = Event()
def work():
    try:
        ready.set()
        Event().wait()
    finally:
        print("finally")
Thread(target=work, daemon=True).start()
ready.wait()
"""


def ask_a_thread() -> None:
    """Why can I not kill a thread?

    It may hold a lock, or have changed half of something, so only its own code
    knows where it can end. Ask it to by what it waits for, an Event, or an
    item in a queue. A daemon thread stops wherever it is as the program ends.
    """
    print("A Thread has a method kill:", hasattr(Thread, "kill"))
    stop, inbox = Event(), SimpleQueue[str]()
    pausing = Thread(target=stop.wait, daemon=True)
    getting = Thread(target=inbox.get, daemon=True)
    pausing.start()
    getting.start()
    stop.set()
    pausing.join(PATIENCE)
    getting.join(TIMEOUT)
    print("stop.set() ends stop.wait():", not pausing.is_alive())
    print("stop.set() ends inbox.get():", not getting.is_alive())
    inbox.put("stop")
    getting.join(PATIENCE)
    print("inbox.put() ends inbox.get():", not getting.is_alive())
    command = sys.executable, "-IS", "-c", DAEMON
    output = subprocess.check_output(command, start_new_session=True)
    print("A daemon thread runs its finally block:", b"finally" in output)


@contextmanager
def on_ctrl_c(handler: Any) -> Iterator[None]:
    """Let Ctrl-C call handler; what starts meanwhile inherits SIG_IGN."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def count_factors(number: int) -> tuple[int, str]:
    """Return how many factors a number has, and this module's name."""
    return sum(number % n == 0 for n in range(1, number + 1)), __name__


def end_with_parent() -> None:
    """Let this worker process ignore Ctrl-C, and end when its parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        parent_process().join()  # type: ignore[union-attr]
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def compute_in_processes() -> None:
    """How do I compute in parallel?

    In processes, in interpreters (3.14), or, without the GIL, in threads. A
    worker process, unless forked, imports the script as __mp_main__, and fails
    without a guard. What goes in and out is pickled, functions by name, not
    lambdas. It outlives a killed parent unless it watches it, as here.
    """
    pressed: list[object] = []
    with (
        on_ctrl_c(lambda *_: pressed.append(True)),
        ProcessPoolExecutor(2, get_context("spawn"), end_with_parent) as pool,
    ):
        with on_ctrl_c(signal.SIG_IGN):
            found = pool.map(count_factors, INPUTS, timeout=PATIENCE)
        counts, names = zip(*found, strict=True)
    if pressed:  # heard now that the workers have ended
        signal.raise_signal(signal.SIGINT)
    print("Processes count", *counts)
    print("There, this script's name is", *set(names))


def look_at_lock() -> None:
    """End this process with a status that says whether the lock is held."""
    sys.exit(FREE if LOCK.acquire(timeout=TIMEOUT) else HELD)


def find_lock(method: str) -> str:
    """Return how a child finds the lock, and what starting it warns of."""
    context: Any = get_context(method)
    child = context.Process(target=look_at_lock)
    with catch_warnings(record=True) as caught, on_ctrl_c(signal.SIG_IGN):
        simplefilter("always")
        child.start()
    child.join()
    found = {HELD: "held", FREE: "free"}[child.exitcode]
    for warning in caught:
        text = str(warning.message).replace(str(os.getpid()), "N")
        found += f". {text.partition(',')[0]}"
    return found


def start_methods() -> None:
    """Why does fork warn about threads, and what is a start method?

    fork copies the process with one of its threads, so a lock that another one
    holds stays held, of which Python warns since 3.12. spawn starts a Python
    that imports the script; forkserver forks a process that has one thread.
    The default is spawn on Windows and macOS, else fork, or forkserver (3.14).
    """
    there = get_all_start_methods()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(LOCK.acquire).result()
        print("While a thread holds a lock, a child finds it")
        for method in "fork", "forkserver":
            found = find_lock(method) if method in there else "not here"
            print(f"here: {method}: {found}")
        print("spawn:", find_lock("spawn"))
        pool.submit(LOCK.release).result()
    print("here: the default is", there[0])


QUESTIONS = {
    "A": which_python,
    "B": ask_a_thread,
    "C": compute_in_processes,
    "D": start_methods,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
