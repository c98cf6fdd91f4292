"""Item 54: what readers ask next about Lock.

Why a race does not show, and is there all the same; what needs no lock; and
how two locks stop a program.

    python3 item54_lock/questions.py          every question
    python3 item54_lock/questions.py A C      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import dis
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from functools import partial
from threading import Barrier, Lock, Thread

WORKERS = 5
ROUNDS = 100  # per worker
TIMES = 1_000  # per worker, where the race must show by itself
RUNS = 10  # of which one at least should show it
TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment


def run_in_threads(*works: Callable[[], object]) -> None:
    """Call all works at once, each in a thread, and wait until they return.

    RuntimeError if one does not.
    """
    # Daemon threads: the program can end though one of them hangs.
    threads = [Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        if thread.is_alive():
            raise RuntimeError(f"{thread.name} does not end")


class Total:
    """What has been counted so far, and a lock for those who want it."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = Lock()


def one() -> int:
    """1, by a call."""
    return 1


def add_constant(total: Total) -> None:
    """Count one more."""
    total.count += 1


def add_call(total: Total) -> None:
    """Count one more, which a call gives."""
    total.count += one()


def add_locked(total: Total) -> None:
    """Count one more, which a call gives, while nobody else counts."""
    with total.lock:
        total.count += one()


def count_freely(add: Callable[[Total], None]) -> int:
    """What the workers count that take turns as often as they can."""
    total = Total()
    barrier = Barrier(WORKERS, timeout=PATIENCE)

    def work() -> None:
        barrier.wait()
        for _ in range(TIMES):
            add(total)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # seconds; 0.005 as a rule
    try:
        run_in_threads(*[work] * WORKERS)
    finally:
        sys.setswitchinterval(interval)
    return total.count


def steps(add: Callable[[Total], None]) -> str:
    """The instructions of add that read, add and write, and its calls."""
    return ", ".join(
        f"{step.opname} {step.argrepr}".rstrip()
        for step in dis.get_instructions(add)
        if step.opname in ("CALL", "BINARY_OP") or step.argval == "count"
    )


def counter_that_never_loses() -> None:
    """My counter never loses anything: is += safe?"""
    print("count += 1      is", steps(add_constant))
    print("count += one()  is", steps(add_call))
    constant, call, locked = (
        min(count_freely(add) for _ in range(RUNS))
        for add in (add_constant, add_call, add_locked)
    )
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(f"here: {'with' if gil else 'without'} the GIL, the worst", end=" ")
    print(f"of {RUNS} runs: {constant} of {WORKERS * TIMES} by += 1,", end=" ")
    print(f"{call} by += one()")
    print("Since Python 3.10 the GIL changes hands at calls and where a loop")
    print("jumps back: += 1 has neither between its read and its write. That")
    print("is luck, no promise; without the GIL it loses, too. With a lock,")
    print("the worst run:", locked, "of", WORKERS * TIMES, "by += one()")


def lock_or_no_lock() -> None:
    """Do I need this lock?"""
    cells = [0] * WORKERS
    total, locked_total = Total(), Total()
    # No luck needed: all workers have read what they add to, a cell or the
    # total, before any of them writes.
    barrier = Barrier(WORKERS, timeout=PATIENCE)

    def meet() -> int:
        barrier.wait()
        return 1

    def count_in_cell(index: int) -> None:
        for _ in range(ROUNDS):
            cells[index] += meet()

    def count_in_total() -> None:
        for _ in range(ROUNDS):
            total.count += meet()

    def count_in_locked_total() -> None:
        for _ in range(ROUNDS):
            add_locked(locked_total)  # no two can meet in there

    run_in_threads(*(partial(count_in_cell, n) for n in range(WORKERS)))
    print("no lock, each thread its own cell:", *cells, "makes", sum(cells))
    run_in_threads(*[count_in_total] * WORKERS)
    print("no lock, one total for all:", total.count)
    run_in_threads(*[count_in_locked_total] * WORKERS)
    print("a lock, one total for all:", locked_total.count)
    print("What one thread alone writes, and others read after join(), needs")
    print("no lock. What several threads read and write back needs one.")


class Account:
    """An account with a number, and the lock that guards its balance."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.balance = 100
        self.lock = Lock()


def transfer(source: Account, target: Account) -> None:
    """Move 1 from source to target, locked in the order of their numbers."""
    first, second = sorted((source, target), key=lambda item: item.number)
    with first.lock, second.lock:
        source.balance -= 1
        target.balance += 1


def two_locks_in_two_orders() -> None:
    """Why do two locks stop everything?"""
    mine, yours = Account(1), Account(2)
    got: dict[int, bool] = {}
    barrier = Barrier(2, timeout=PATIENCE)

    def stop(source: Account, target: Account) -> None:
        with source.lock:
            barrier.wait()  # each thread has its first lock by now
            got[source.number] = target.lock.acquire(timeout=TIMEOUT)
            barrier.wait()  # and has kept it until both have tried

    run_in_threads(partial(stop, mine, yours), partial(stop, yours, mine))
    print("one thread has lock 1, gets lock 2:", got[1])
    print("the other has lock 2, gets lock 1:", got[2])
    print(f"Both have given up after {TIMEOUT} s; without a timeout they")
    print("would wait for ever. If all take the locks in the same order,")
    print("whoever has the first one finds nobody in its way:")

    def transfer_often(source: Account, target: Account, times: int) -> None:
        for _ in range(times):
            transfer(source, target)

    run_in_threads(
        partial(transfer_often, mine, yours, ROUNDS),
        partial(transfer_often, yours, mine, ROUNDS // 2),
    )
    print(f"{ROUNDS} transfers one way and {ROUNDS // 2} the other:", end=" ")
    print(f"balances {mine.balance} and {yours.balance}")


QUESTIONS = {
    "A": counter_that_never_loses,
    "B": lock_or_no_lock,
    "C": two_locks_in_two_orders,
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
