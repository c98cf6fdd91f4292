"""Item 55: what readers ask next about queues.

Two ways in which a program with a queue never ends: join() waits for work
that nobody reported done, and workers wait for items that never come.

    python3 item55_queue/questions.py          every question
    python3 item55_queue/questions.py B        only this one
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import queue
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import Queue
from threading import Thread

TEAM = 3  # workers
PATIENCE = 30.0  # seconds for what comes in a moment
TIMEOUT = 0.1  # seconds of waiting for what cannot come

Work = Queue[str | None]  # names of photos; None ends one worker

# What get() raises once a queue is shut down and empty, from 3.13 on.
ShutDown = getattr(queue, "ShutDown", queue.Empty)


def shrink(photo: str) -> str:
    """Stands for the work; ValueError for what is not a photo."""
    if not photo.endswith(".jpg"):
        raise ValueError(f"{photo} is not a photo")
    return f"small {photo}"


def done_at_the_end(work: Work) -> None:
    """Report photos done; one that fails never gets there."""
    for photo in iter(work.get, None):
        with suppress(ValueError):
            shrink(photo)
            work.task_done()
    work.task_done()  # the None counts, too


def done_in_finally(work: Work) -> None:
    """Report photos done, also one that fails."""
    for photo in iter(work.get, None):
        with suppress(ValueError):
            try:
                shrink(photo)
            finally:
                work.task_done()
    work.task_done()


def join_returns(work: Work, seconds: float) -> bool:
    """Whether work.join(), which takes no timeout, returns in time."""
    joiner = Thread(target=work.join)
    joiner.start()
    joiner.join(seconds)
    returned = not joiner.is_alive()
    while work.unfinished_tasks:  # do not leave the joiner behind
        work.task_done()
    joiner.join()
    return returned


def join_that_never_returns() -> None:
    """Why does queue.join() never return?"""
    print("One photo of three fails.")
    limits = {done_at_the_end: TIMEOUT, done_in_finally: PATIENCE}
    for worker, seconds in limits.items():
        work: Work = Queue()
        for photo in "1.jpg", "not a photo", "3.jpg", None:
            work.put(photo)
        thread = Thread(target=worker, args=(work,))
        thread.start()
        thread.join()
        print(f"{worker.__name__}: {work.qsize()} left,", end=" ")
        print(f"{work.unfinished_tasks} not reported done;", end=" ")
        print(f"join() returns: {join_returns(work, seconds)}")
    print("join() counts task_done() calls, so no error may skip one.")


def shrink_all(work: Work) -> list[str]:
    """What one worker has done when None comes, or work is shut down."""
    done = []
    with suppress(ShutDown):
        for photo in iter(work.get, None):
            done.append(shrink(photo))
    return done


def nine_photos() -> Work:
    """A queue with photos in it."""
    work: Work = Queue()
    for number in range(9):
        work.put(f"{number}.jpg")
    return work


def workers_that_end() -> None:
    """How do workers know that they are done?"""
    work = nine_photos()
    work.put(None)
    with ThreadPoolExecutor(TEAM) as pool:
        try:
            team = [pool.submit(shrink_all, work) for _ in range(TEAM)]
            ended, waiting = wait(team, PATIENCE, FIRST_COMPLETED)
            print(f"A None for {TEAM} workers: {len(ended)} ends,", end=" ")
            print(f"{len(waiting)} wait in get() for ever")
        finally:
            for _ in range(TEAM - 1):
                work.put(None)
    print(f"A None for each: {sum(len(w.result()) for w in team)} photos done")

    work = nine_photos()
    with ThreadPoolExecutor(TEAM) as pool:
        try:
            team = [pool.submit(shrink_all, work) for _ in range(TEAM)]
        finally:
            if hasattr(work, "shutdown"):
                work.shutdown()
                print("here: the next team is ended by one Queue.shutdown()")
            else:
                for _ in range(TEAM):
                    work.put(None)
                print("here: no Queue.shutdown() before 3.13: Nones again")
    print(f"The next team: {sum(len(w.result()) for w in team)} photos done")
    print("One shutdown() does for any number of workers: get() gives what is")
    print("left, and then raises ShutDown.")


QUESTIONS = {
    "A": join_that_never_returns,
    "B": workers_that_end,
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
