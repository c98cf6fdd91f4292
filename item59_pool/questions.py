"""Item 59: what readers ask next about thread pools.

A pool has calls that run and calls that wait. The waiting ones can be
cancelled, the running ones only asked to stop; and a pool that is left,
even by Ctrl-C, works through all that waits unless it is told not to.

    python3 item59_pool/questions.py          every question
    python3 item59_pool/questions.py B        only this one
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from subprocess import DEVNULL, PIPE, Popen
from threading import Event

CALLS = 10
PATIENCE = 30.0  # seconds for what comes in a moment


def cancel_and_shut_down() -> None:
    """Can I cancel what I submitted?"""
    started, stop = Event(), Event()

    def work() -> str:
        started.set()
        return "asked to stop" if stop.wait(PATIENCE) else "never asked"

    with ThreadPoolExecutor(1) as pool:
        try:
            running, *waiting = [pool.submit(work) for _ in range(CALLS)]
            started.wait(PATIENCE)
            print(f"cancel() of the call that runs: {running.cancel()}")
            print(f"cancel() of one that waits: {waiting[0].cancel()}")
            pool.shutdown(wait=False, cancel_futures=True)
            cancelled = sum(future.cancelled() for future in waiting)
            print("After shutdown(cancel_futures=True),", end=" ")
            print(f"{cancelled} of {len(waiting)} that wait are cancelled.")
            print(f"Is the call that runs? {running.cancelled()}")
        finally:
            stop.set()  # the only way to stop it: work() waits for this
    print(f"It looks at an Event, though, and returns {running.result()!r}")


# It waits for Ctrl-C while its first call runs, and nine others wait; all ends
# when standard input does. Its argument is what to do when Ctrl-C comes. At
# other times Ctrl-C kills it: an exception in the midst of Event.wait() or
# submit() may leave a lock behind that nobody releases.
CHILD = """
import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)

import faulthandler, os, sys, time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

faulthandler.dump_traceback_later(30, exit=True)  # the last resort
ran, started = [], Event()

def work(number):
    ran.append(number)
    started.set()
    os.read(0, 1)

with ThreadPoolExecutor(1) as pool:
    for number in range(10):
        pool.submit(work, number)
    started.wait()
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("Interrupt me", flush=True)
        if os.name == "nt":
            signal.raise_signal(signal.SIGINT)
        # Not one long wait: SIGINT just before it would not interrupt it.
        while len(ran) < 10:
            time.sleep(0.01)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        exec(sys.argv[1])
    print("Now the call may end", flush=True)
print(len(ran))
"""


def calls_run(reaction: str) -> int:
    """How many of a child's ten calls run if that is how it reacts."""
    command = [sys.executable, "-IS", "-c", CHILD, reaction]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        if not child.stdout.readline():
            raise OSError("the child, a Python of its own, did not start")
        if os.name != "nt":
            child.send_signal(signal.SIGINT)
        child.stdout.readline()
        child.stdin.close()
        return int(child.stdout.readline())


def interrupt_a_child() -> None:
    """Why does Ctrl-C take so long with a pool?"""
    sender = "itself" if os.name == "nt" else "this script"
    print(f"here: a child gets SIGINT from {sender}")
    print("Ctrl-C comes during the first of 10 calls. This many run in all,")
    print("if inside `with`, `except KeyboardInterrupt:` goes on with")
    for reaction in (
        "pass",
        "pool.shutdown(wait=False)",
        "pool.shutdown(wait=False, cancel_futures=True)",
    ):
        print(f"    {reaction:46}  {calls_run(reaction):2}")
    print("`with` waits for all that are left; without it, the end of the")
    print("program does. What runs already is waited for in any case.")


QUESTIONS = {
    "A": cancel_and_shut_down,
    "B": interrupt_a_child,
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
