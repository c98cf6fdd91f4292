"""Item 53: what readers ask next about the GIL.

Whether this Python has one, how a thread ends, and how Python computes in
parallel, with the GIL or without.

    python3 item53_gil/questions.py A C    (no letters: every question)
"""

import os
import signal
import subprocess
import sys
import sysconfig
from _thread import start_new_thread
from concurrent import futures
from contextlib import ExitStack
from multiprocessing import get_context, parent_process, resource_tracker
from queue import SimpleQueue
from threading import Event, Thread

from chapter import run

TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment
PAUSE = 60.0  # seconds that a thread pauses unless it is asked to stop
WORKERS = 2
INPUTS = 36_036, 29_440, 26_214, 35_003


def which_python() -> None:
    """Does my Python have the GIL?"""
    free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    build = "a free-threaded build" if free_threaded else "a build"
    print(f"here: {build}", "with the GIL" if gil else "without the GIL")
    print("sysconfig.get_config_var('Py_GIL_DISABLED') describes the build,")
    print("sys._is_gil_enabled() (since 3.13) the process. A free-threaded")
    print("build, such as python3.14t, runs without the GIL unless -X gil=1,")
    print("PYTHON_GIL=1 or an extension module that needs it switches it on.")
    print("Other builds always have it. Threads that wait overlap anyway.")


# When this program ends, its daemon thread is still waiting.
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
    """Why can I not kill a thread?"""
    print("A Thread has a method kill:", hasattr(Thread, "kill"))
    stop, inbox = Event(), SimpleQueue[str]()
    pausing = Thread(target=stop.wait, args=(PAUSE,), daemon=True)
    getting = Thread(target=inbox.get, daemon=True)
    pausing.start()
    getting.start()
    stop.set()
    pausing.join(PATIENCE)
    print("Event.set() ends a pause in Event.wait():", not pausing.is_alive())
    getting.join(TIMEOUT)
    print("It ends a wait in a queue's get():", not getting.is_alive())
    inbox.put("stop")
    getting.join(PATIENCE)
    print("An item in the queue does:", not getting.is_alive())
    command = sys.executable, "-IS", "-c", DAEMON
    output = subprocess.check_output(
        command, start_new_session=True, text=True, timeout=PATIENCE
    )
    print("A daemon thread runs its finally block:", "finally" in output)
    print("A thread may hold a lock, or have changed half of something: only")
    print("its own code knows where it can end, so ask it to. A daemon thread")
    print("stops wherever it is when the program ends.")


def count_factors(number: int) -> tuple[int, str]:
    """Return how many factors a number has, and this module's name."""
    return sum(number % n == 0 for n in range(1, number + 1)), __name__


def end_with_parent() -> None:
    """Wait in a worker process until its parent has ended, and end it."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def compute_in_processes() -> None:
    """How do I compute in parallel?"""
    options = get_context("spawn"), start_new_thread, (end_with_parent, ())
    with ExitStack() as stack:
        if sys.platform != "win32":
            # Workers inherit the mask: Ctrl-C waits until they have ended.
            resource_tracker.ensure_running()  # later, it would unblock SIGINT
            old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, old)
        pool = futures.ProcessPoolExecutor(WORKERS, *options)
        stack.enter_context(pool)
        found = pool.map(count_factors, INPUTS, timeout=PATIENCE)
        counts, names = zip(*found, strict=True)
    print("Worker processes count", *counts)
    print("This script is __main__ there:", "__main__" in names)
    print("Each worker imports the script: without the guard at its end, it")
    print("would try to start workers. Arguments and results are pickled,")
    print("functions by name: a lambda cannot be sent. Workers outlive their")
    print("parent if it is killed, unless they watch it, as these do:")
    print("multiprocessing.parent_process().join(). Interpreters (since 3.14)")
    print("and, without the GIL, threads run in parallel, too.")
    if sys.version_info >= (3, 14):
        with futures.InterpreterPoolExecutor(WORKERS) as interpreters:
            found = interpreters.map(count_factors, INPUTS, timeout=PATIENCE)
            same = counts == tuple(count for count, _ in found)
        print("here: interpreters count the same:", same)
    else:
        print("here: this Python has no pools of interpreters")


QUESTIONS = {
    "A": which_python,
    "B": ask_a_thread,
    "C": compute_in_processes,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
