"""The claims of item 54, about Lock. C54.4 also has tests/explore."""

import sys
import threading
from collections.abc import Iterator
from threading import Barrier
from typing import Any

import pytest

from tests.helpers import LIMIT, late, load, printed

main = load("item54_lock")


@pytest.fixture(params=[1e-6, 1.0])
def interval(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let threads be switched after so many seconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(request.param)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("interval")
@pytest.mark.parametrize(
    ("demo", "last_line"),
    [
        (main.lost_readings, "Counter should be 500, got 100\n"),
        (main.one_lost_reading, "Counter should be 2, got 1\n"),
        (main.no_lost_readings, "Counter should be 500, got 500\n"),
    ],
)
def test_only_the_lock_keeps_all_readings(demo: Any, last_line: str) -> None:
    """C54.1, C54.2, C54.3: however often threads are switched."""
    assert printed(demo).endswith(last_line)


@pytest.mark.parametrize("kind", [main.Counter, main.LockingCounter])
def test_the_lock_is_held_from_the_read_to_the_write(kind: Any) -> None:
    """C54.4: only LockingCounter has one."""
    held = []

    def read(offset: int) -> int:
        held.append(hasattr(counter, "lock") and counter.lock.locked())
        return offset

    counter = kind(read)
    counter.increment(3)
    assert counter.count == 3
    assert held == [kind is main.LockingCounter]


def test_a_worker_counts_all_its_readings_once_all_have_come() -> None:
    """C54.1, C54.3: five of them, in threads of their own."""
    counter = main.LockingCounter()
    with pytest.raises(threading.BrokenBarrierError):
        main.worker(0, 7, counter, Barrier(2, timeout=0.01))
    assert counter.count == 0
    assert main.count_all(counter, Barrier(5, timeout=LIMIT)) == 500


def test_the_lost_reading_waits_for_the_other_thread() -> None:
    """C54.2: however late the second thread is."""
    expected = printed(main.one_lost_reading)
    assert printed(main.one_lost_reading, Thread=late(0.05)) == expected


def test_every_locked_reading_invites_a_switch() -> None:
    """C54.3: as the heading says."""
    naps: list[int] = []
    printed(main.no_lost_readings, sleep=naps.append)
    assert naps == [0] * 500
