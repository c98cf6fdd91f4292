"""What the answers of item 54 claim, about Lock."""

import itertools
import threading
from collections import defaultdict, deque
from threading import BrokenBarrierError, Event
from typing import Any

import pytest

from tests.helpers import load

questions = load("item54_lock", "questions")


def test_where_a_thread_is_missing_no_figure_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q54.B: the sixth never comes to the barrier."""
    monkeypatch.setattr(questions, "THREADS", 6)
    monkeypatch.setattr(questions, "PATIENCE", 0.1)
    with pytest.raises((BrokenBarrierError, TimeoutError)):
        questions.lock_or_no_lock()
    assert capsys.readouterr().out == ""


def test_only_a_call_stands_between_the_read_and_the_write() -> None:
    """Q54.A: in += 1 nothing does."""
    total = questions.SimpleNamespace(count=0)

    def add_constant(_: int) -> None:
        total.count += 1

    assert questions.steps(add_constant) == (
        "LOAD_ATTR count, BINARY_OP +=, STORE_ATTR count"
    )


def test_the_lock_keeps_the_other_threads_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q54.B: a switch is forced where it would do harm, and cannot."""
    entered = [Event() for _ in range(questions.THREADS)]
    numbers = itertools.count()

    def wait_for_the_next(_: float) -> None:
        number = next(numbers)
        entered[number].set()
        if number == 0:
            alone.append(not entered[1].wait(0.1))

    alone: list[bool] = []
    monkeypatch.setattr(questions, "sleep", wait_for_the_next)
    questions.lock_or_no_lock()
    assert alone == [True]
    assert all(event.is_set() for event in entered)


def test_transfers_acquire_two_locks_in_one_order_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q54.C: so no thread holds the second lock and waits for the first."""
    numbers = itertools.count()
    acquired: dict[threading.Thread, list[int]] = defaultdict(list)

    class Noted:
        def __init__(self) -> None:
            self.number = next(numbers)
            self.lock = threading.Lock()
            self.acquire = self.lock.acquire

        def __enter__(self) -> None:
            self.lock.acquire()
            acquired[threading.current_thread()].append(self.number)

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    monkeypatch.setattr(questions, "Lock", Noted)
    questions.two_locks_in_two_orders()
    first = [order for order in acquired.values() if len(order) == 1]
    assert sorted(first) == [[0], [1]]
    others = [order for order in acquired.values() if len(order) > 1]
    order = list(itertools.chain(*others))
    assert order == [0, 1] * 2 * questions.ROUNDS


def test_an_item_popped_twice_would_be_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q54.D."""

    class Doubling(deque[Any]):
        def popleft(self) -> Any:
            return self[-1]

    monkeypatch.setattr(questions, "deque", Doubling)
    questions.safe_operations()
    assert "1000 items, 1000 different" not in capsys.readouterr().out
