"""Runs item 54's two counters in all six orders of two reads and two writes.

    python docs/scheduler.py

Threads A and B call increment(1), which reads and writes count once. Each
waits before that until it is told to go on, and reports that it is there, or
that the other has the lock: no sleep, no timeout.
"""

import json
import sys
from itertools import permutations
from pathlib import Path
from threading import Semaphore, Thread, current_thread
from typing import Any

ITEM = Path(__file__).parent.parent / "item54_lock"


def run(base: Any, order: str) -> list[tuple[str, str, int]]:
    """Return what A and B do in an order, as far as that can happen."""
    gates, reached = {"A": Semaphore(0), "B": Semaphore(0)}, Semaphore(0)
    done: list[tuple[str, str, int]] = []
    free = False  # nobody waits for a turn any more

    def pause() -> None:
        if not free:
            reached.release()
            gates[current_thread().name].acquire()

    class Watched(base):  # type: ignore[misc]
        def access(self, *new: int) -> int:
            name = current_thread().name
            if name in gates:
                pause()
            self.value = new[0] if new else self.value
            if name in gates:
                done.append((name, "write" if new else "read", self.value))
            return self.value

        count = property(access, access)

    class Gate:
        def __enter__(self) -> None:
            if not lock.acquire(blocking=False):
                done.append((current_thread().name, "wait", counter.value))
                pause()
                lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    def work() -> None:
        counter.increment(1)
        reached.release()

    counter: Any = Watched()
    if lock := getattr(counter, "lock", None):
        counter.lock = Gate()
    threads = {name: Thread(target=work, name=name) for name in "AB"}
    for name in order:
        if not threads[name].ident:
            threads[name].start()
            reached.acquire()
        if any(what == "wait" for _, what, _ in done):
            break  # this order cannot happen
        gates[name].release()
        reached.acquire()
    steps, free = done[:], True
    for gate in gates.values():
        gate.release()
    for thread in threads.values():
        thread.join()
    return steps


if __name__ == "__main__":
    sys.path.insert(0, str(ITEM))
    import main as item54

    orders = sorted({"".join(order) for order in permutations("AABB")})
    print(
        json.dumps(
            {
                o: [
                    run(kind, o)
                    for kind in (item54.Counter, item54.LockingCounter)
                ]
                for o in orders
            }
        )
    )
