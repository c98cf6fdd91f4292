"""The claims of item 54, about Lock. Its exact counts: see its transcript."""

import itertools
import threading
import time
from collections.abc import Callable
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from tests.helpers import LIMIT, load

main = load("item54_lock")

READINGS = main.SENSORS * main.READINGS


def meeting(barrier: Barrier) -> Callable[[int], int]:
    """A read() that all sensors must have called before one may go on."""

    def read(offset: int) -> int:
        barrier.wait(LIMIT)
        return offset

    return read


def test_without_a_lock_readings_are_lost_in_every_run() -> None:
    """C54.1: all but one of each five."""
    for _ in range(20):
        barrier = Barrier(main.SENSORS)
        counter = main.Counter(meeting(barrier))
        assert main.count_all(counter, barrier) == main.READINGS


def test_with_a_lock_no_reading_is_lost_in_any_run() -> None:
    """C54.3."""
    for _ in range(20):
        barrier = Barrier(main.SENSORS)
        assert main.count_all(main.LockingCounter(), barrier) == READINGS


def test_the_lock_keeps_the_second_thread_out() -> None:
    """C54.3: a switch is forced where it would do harm, and cannot."""
    inside = [Event(), Event()]

    def read(offset: int) -> int:
        inside[offset].set()
        if offset == 0:  # the first thread: wait for the second one
            assert not inside[1].wait(0.1)
        return 1

    counter = main.LockingCounter(read)
    threads = [Thread(target=counter.increment, args=(n,)) for n in (0, 1)]
    threads[0].start()
    assert inside[0].wait(LIMIT)
    threads[1].start()
    for thread in threads:
        thread.join(LIMIT)
    assert counter.count == 2


STEPS = ("fetch A", "write A", "fetch B", "write B")
INTERLEAVINGS = [
    order
    for order in itertools.permutations(STEPS)
    if order.index("fetch A") < order.index("write A")
    and order.index("fetch B") < order.index("write B")
]


@pytest.mark.parametrize("order", INTERLEAVINGS, ids=", ".join)
def test_only_serial_interleavings_keep_both_readings(
    order: tuple[str, ...],
) -> None:
    """C54.4: all six, in two real threads that may step only when told."""
    may = {step: Event() for step in STEPS}
    done = {step: Event() for step in STEPS}

    def read(offset: int) -> int:
        name = threading.current_thread().name
        done[f"fetch {name}"].set()
        assert may[f"write {name}"].wait(LIMIT)
        return offset

    counter = main.Counter(read)

    def increment() -> None:
        name = threading.current_thread().name
        assert may[f"fetch {name}"].wait(LIMIT)
        counter.increment(1)
        done[f"write {name}"].set()

    threads = [Thread(target=increment, name=name) for name in "AB"]
    for thread in threads:
        thread.start()
    for step in order:
        may[step].set()
        assert done[step].wait(LIMIT)
    for thread in threads:
        thread.join()
    serial = order in (STEPS, STEPS[2:] + STEPS[:2])
    assert len(INTERLEAVINGS) == 6
    assert counter.count == (2 if serial else 1)


def test_an_exception_under_the_lock_releases_it() -> None:
    def read(offset: int) -> int:
        if offset < 0:
            raise OSError("no reading")
        return offset

    counter = main.LockingCounter(read)
    with pytest.raises(OSError, match="no reading"):
        counter.increment(-1)
    assert not counter.lock.locked()
    counter.increment(1)
    assert counter.count == 1


@pytest.mark.parametrize("fails_at", [1, 3])
def test_a_worker_that_fails_does_not_leave_the_others_waiting(
    fails_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They end, and the count is not taken for complete."""
    died: list[Any] = []
    monkeypatch.setattr(
        threading, "excepthook", lambda args: died.append(args.exc_type)
    )
    barrier = Barrier(main.SENSORS)
    calls = itertools.count(1)

    def read(offset: int) -> int:
        if next(calls) == fails_at:
            raise OSError("no reading")
        barrier.wait(LIMIT)
        return offset

    with pytest.raises(RuntimeError, match="a worker failed"):
        main.count_all(main.Counter(read), barrier)
    assert died == [OSError]


def test_a_worker_waits_for_the_others_first() -> None:
    barrier = Barrier(2)
    counter = main.Counter()
    thread = Thread(target=main.worker, args=(0, 7, counter, barrier))
    thread.start()
    thread.join(0.05)
    assert counter.count == 0
    barrier.wait(LIMIT)
    thread.join(LIMIT)
    assert counter.count == 7


@pytest.mark.parametrize("slow", ["A", "B"])
def test_the_interleaving_does_not_depend_on_luck(
    slow: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """C54.2: also when one of the threads comes late wherever it can."""

    def come_late() -> Thread:
        thread = threading.current_thread()
        if thread.name == slow:
            time.sleep(0.02)
        return thread

    monkeypatch.setattr(main, "current_thread", come_late)
    main.one_lost_reading()
    assert capsys.readouterr().out.splitlines() == [
        "A has fetched 0",
        "B has fetched 0",
        "B has written 1",
        "A has written 1",
        "Counter should be 2, got 1",
    ]
