"""Item 53: what readers ask next about the GIL.

Whether this Python has one, how to end a thread, and how to compute in
parallel where there is one.

    python3 item53_gil/questions.py          every question
    python3 item53_gil/questions.py A C      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import pickle
import subprocess
import sys
import sysconfig
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import (
    active_children,
    get_all_start_methods,
    get_context,
)
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from subprocess import DEVNULL
from threading import Event, Thread
from time import perf_counter

TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment
PAUSE = 60.0  # seconds between two bits of a thread's work
WORKERS = 2
INPUTS = 36_036, 29_440, 26_214, 35_003


def gil_enabled() -> bool:
    """Whether this interpreter has the GIL; a build from 3.13 may not."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def meaning(free_threaded: bool, gil: bool) -> tuple[str, str]:
    """What build and state are called, and what threads that compute do."""
    if not free_threaded:
        return "a build with the GIL", "take turns"
    if gil:
        return "a free-threaded build with the GIL switched on", "take turns"
    return "a free-threaded build, without the GIL", "run at once"


def which_python() -> None:
    """Which Python is this, with or without the GIL?"""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    build, threads = meaning(free_threaded, gil_enabled())
    print(f"here: Python {version}, {build}")
    print(f"here: threads that compute {threads}")
    print("Some builds are free-threaded, such as python3.14t; in others no")
    print("option takes the GIL away. In those, -X gil=1, PYTHON_GIL=1 or an")
    print("extension module that needs the GIL brings it back. Ask for both:")
    print("sysconfig.get_config_var('Py_GIL_DISABLED') knows the build, and")
    print("sys._is_gil_enabled() the state. Threads that wait overlap anyway.")


# Its thread is in the middle of something when the program ends.
DAEMON = """
from threading import Event, Thread
started = Event()

def work():
    try:
        started.set()
        Event().wait()
    finally:
        print("finally")

Thread(target=work, daemon=True).start()
started.wait()
print("end of the program")
"""


def ask_a_thread() -> None:
    """Why can I not kill a thread?"""
    stop = Event()
    inbox: SimpleQueue[None] = SimpleQueue()

    def look() -> None:
        while not stop.wait(PAUSE):  # a pause, which the event ends
            pass  # some work

    def take_and_look() -> None:
        while True:
            inbox.get()  # which no event ends
            if stop.is_set():
                return

    looking = Thread(target=look, daemon=True)
    taking = Thread(target=take_and_look, daemon=True)
    looking.start()
    taking.start()
    print("Thread.kill is there:", hasattr(Thread, "kill"))
    start = perf_counter()
    stop.set()
    looking.join(PATIENCE)
    seconds = perf_counter() - start
    print("asked, one that looks has ended:", not looking.is_alive())
    print(f"here: in {seconds:.6f} s, out of a pause of {PAUSE} s")
    taking.join(TIMEOUT)
    print("asked, one that waits in get() has ended:", not taking.is_alive())
    inbox.put(None)
    taking.join(PATIENCE)
    print("once it has got something:", not taking.is_alive())
    command = sys.executable, "-IS", "-c", DAEMON
    output = subprocess.check_output(
        command, stderr=DEVNULL, text=True, timeout=PATIENCE
    )
    print("a daemon thread's finally has run:", "finally" in output)
    print("A thread may hold a lock, or have changed half of something: it")
    print("alone knows when it can end. A daemon thread does not know either:")
    print("it goes no further when the program ends, wherever it is.")


def count_factors(number: int) -> tuple[int, str]:
    """How many factors number has; and what this module is called here."""
    return sum(number % n == 0 for n in range(1, number + 1)), __name__


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Hold Ctrl-C back until the children started here are on record.

    They inherit the block: Ctrl-C is for their parent, who ends them.
    """
    if sys.platform == "win32":  # has no signal masks
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def killed_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the worker processes and this one: they outlive it."""
    killed: list[BaseProcess] = []

    def kill(*_: object) -> None:
        killed.extend(active_children())
        for child in killed:
            child.kill()
        if not killed:
            sys.exit(130)

    before = signal.signal(signal.SIGINT, kill)
    try:
        yield
    except BrokenProcessPool:
        if not killed:
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    if killed:
        sys.exit(130)


def in_interpreters() -> str:
    """What interpreters count: they share a process, but each has a GIL."""
    if sys.version_info >= (3, 14):
        from concurrent.futures import InterpreterPoolExecutor

        with InterpreterPoolExecutor(WORKERS) as pool:
            results = pool.map(count_factors, INPUTS, timeout=PATIENCE)
            counts = " ".join(str(count) for count, _ in results)
        return f"interpreters in this process, a GIL for each, count: {counts}"
    return "interpreters in one process, a GIL for each, come with Python 3.14"


def compute_in_processes() -> None:
    """Then how do I compute in parallel?"""
    # spawn is everywhere; what is taken if nobody asks is not.
    spawn = get_context("spawn")
    with killed_by_ctrl_c(), ProcessPoolExecutor(WORKERS, spawn) as pool:
        with ctrl_c_held():
            results = pool.map(count_factors, INPUTS, timeout=PATIENCE)
        counts, names = zip(*results, strict=True)
    print("processes, a GIL for each, count:", *counts)
    print("this one counts:", *(count_factors(n)[0] for n in INPUTS))
    print("this script is __main__ there:", "__main__" in names)
    print(f"here: it is {names[0]} there")
    print("Each process imports this script: without the guard each would run")
    print("it, and start processes that start processes.")
    print("What goes there and comes back is pickled, a function by its name:")
    try:
        pickle.dumps(lambda: None)
    except (AttributeError, pickle.PicklingError) as error:
        print("a lambda, which has no name, cannot go there")
        print(f"here: {type(error).__name__}")
    print(f"here: the default start method is {get_all_start_methods()[0]}")
    print(f"here: {in_interpreters()}")


QUESTIONS = {
    "A": which_python,
    "B": ask_a_thread,
    "C": compute_in_processes,
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
