"""Item 57: what readers ask next about threads.

An exception ends its thread and nothing else. Where it goes from there
depends on who started the thread: Thread, or an executor.

    python3 item57_threads/questions.py          every question
    python3 item57_threads/questions.py A        only this one
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import sys
import threading
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread, current_thread


def fail() -> None:
    """Stands for work that fails; says in which thread it did."""
    raise OSError(f"no I/O in {current_thread().name}")


@contextmanager
def hooked() -> Iterator[list[str]]:
    """What threading.excepthook is told while this is in force."""
    told: list[str] = []

    def hook(died: threading.ExceptHookArgs) -> None:
        where = current_thread().name
        told.append(f"{where}: {died.exc_type.__name__}: {died.exc_value}")

    default = threading.excepthook  # prints a traceback on stderr
    threading.excepthook = hook
    try:
        yield told
    finally:
        threading.excepthook = default


def exception_that_went() -> None:
    """Where did my thread's exception go?"""
    with hooked() as told:
        thread = Thread(target=fail, name="Thread A")
        thread.start()
        try:
            thread.join()
            print("join() returned, as if nothing had happened")
        except OSError:
            print("join() raised the exception")
    print("threading.excepthook was called in", *told)

    with hooked() as told, ThreadPoolExecutor(1, "Pool") as pool:
        future = pool.submit(fail)
    print("an executor keeps it: excepthook was called", len(told), "times")
    try:
        future.result()
    except OSError as error:
        print(f"result() raises it in {current_thread().name}: {error}")
    print("Ask every future for its result: otherwise nobody hears of it.")


QUESTIONS = {
    "A": exception_that_went,
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
