"""Prints item 54's counters in all six orders of two reads and two writes.

Two threads call increment(1). Each waits before it reads or writes count
until it may, and reports that it has got there: no sleep, no timeout.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import permutations
from pathlib import Path
from threading import Lock, Semaphore, Thread, current_thread
from typing import Any


def run(base: Any, order: str) -> list[tuple[str, str, int]]:
    """Return what A and B do in an order, as far as that can happen."""
    gates, reached = {name: Semaphore(0) for name in "AB"}, Semaphore(0)
    done, lock, values = [], Lock(), [0]

    def pause() -> str:
        reached.release()
        gates[current_thread().name].acquire()
        return current_thread().name

    def access(_: Any, *new: int) -> Any:
        name = pause()
        values.extend(new)
        done.append((name, "write" if new else "read", values[-1]))
        return values[-1]

    @contextmanager
    def hold(_: Any) -> Iterator[None]:
        if not lock.acquire(blocking=False):
            done.append((current_thread().name, "wait", values[-1]))
            pause()  # for good
        yield
        lock.release()

    def work() -> None:
        counter.increment(1)
        reached.release()

    counter = base()
    watched = {"count": property(access, access), "lock": property(hold)}
    counter.__class__ = type(base.__name__, (base,), watched)
    threads = {n: Thread(target=work, name=n, daemon=True) for n in "AB"}
    for name in order:
        if not threads[name].ident:
            threads[name].start()
            reached.acquire()
        if done and done[-1][1] == "wait":
            break  # this order cannot happen
        gates[name].release()
        reached.acquire()
    return done


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "item54_lock"))
    item54: Any = import_module("main")
    kinds = item54.Counter, item54.LockingCounter
    orders = sorted({"".join(order) for order in permutations("AABB")})
    print(json.dumps({o: [run(kind, o) for kind in kinds] for o in orders}))
