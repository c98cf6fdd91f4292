"""What the answers of item 54 claim, about Lock."""

import sys
import threading
import time
from collections import Counter
from threading import Event, Thread, current_thread
from typing import Any

import pytest

from tests.helpers import LIMIT, here, load, run_copy

questions = load("item54_lock", "questions")


def test_what_is_lost_follows_from_the_bytecode() -> None:
    """Q54.A: nothing without a call, which only the GIL makes true."""
    runs, constant, total, call = here(
        "item54_lock",
        "the worst of # runs: # of # by += 1, # by += one()",
        "questions",
    )
    assert runs == questions.RUNS == 10
    assert total == questions.WORKERS * questions.TIMES
    result, _ = run_copy("item54_lock", "questions")
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    assert ("here: with the GIL" in result.stdout) == gil
    if gil:
        assert constant == total
    assert 1 < constant <= total
    assert 1 < call <= total  # in theory two may be all that is left


def test_only_a_call_stands_between_the_read_and_the_write() -> None:
    """Q54.A: nor does a loop jump back there."""
    for add, between in (
        (questions.add_constant, []),
        (questions.add_call, ["CALL"]),
    ):
        names = [
            step.opname
            for step in questions.dis.get_instructions(add)
            if step.opname != "PRECALL"  # 3.11 has it before every CALL
        ]
        read, write = names.index("LOAD_ATTR"), names.index("STORE_ATTR")
        doubtful = [
            name
            for name in names[read:write]
            if "CALL" in name or "JUMP" in name or "RESUME" in name
        ]
        assert doubtful == between


def test_the_lock_keeps_the_second_thread_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q54.A, Q54.B: a switch is forced where it would do harm, and cannot."""
    inside = [Event(), Event()]

    def one_after_the_other() -> int:
        first = not inside[0].is_set()
        inside[0 if first else 1].set()
        if first:
            assert not inside[1].wait(0.1)
        return 1

    monkeypatch.setattr(questions, "one", one_after_the_other)
    total = questions.Total()
    questions.run_in_threads(*[lambda: questions.add_locked(total)] * 2)
    assert inside[1].is_set()
    assert total.count == 2


def test_free_running_switches_often_and_begins_with_all() -> None:
    """Q54.A: the switch interval is given back."""
    before = sys.getswitchinterval()
    intervals: list[float] = []
    alive: list[set[threading.Thread]] = []

    def note(_: object) -> None:
        alive.append(set(threading.enumerate()) - others)
        intervals.append(sys.getswitchinterval())

    others = set(threading.enumerate())
    questions.count_freely(note)
    assert len(alive[0]) == questions.WORKERS
    assert max(intervals) == pytest.approx(1e-6)
    assert sys.getswitchinterval() == before


def test_transfers_take_two_locks_in_one_order_only() -> None:
    """Q54.C: so nobody holds the second lock and waits for the first."""
    taken = []

    class Noted:
        def __init__(self, number: int) -> None:
            self.number = number

        def __enter__(self) -> None:
            taken.append(self.number)

        def __exit__(self, *_: object) -> None:
            taken.append(-self.number)

    one, two = questions.Account(1), questions.Account(2)
    one.lock, two.lock = Noted(1), Noted(2)
    questions.transfer(one, two)
    questions.transfer(two, one)
    assert taken == [1, 2, -2, -1] * 2


def test_both_locks_are_held_while_money_moves() -> None:
    """Q54.C: or one thread could see it in neither account."""
    held = []

    class Watched(questions.Account):  # type: ignore[misc, name-defined]
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "balance" and "lock" in self.__dict__:
                held.append(one.lock.locked() and two.lock.locked())
            super().__setattr__(name, value)

    one, two = Watched(1), Watched(2)
    questions.transfer(one, two)
    assert held == [True, True]
    assert (one.balance, two.balance) == (99, 101)


def test_every_transfer_that_is_told_of_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q54.C: the balances alone would not show one lost each way."""
    made: Counter[tuple[int, int]] = Counter()
    transfer = questions.transfer

    def counted(source: Any, target: Any) -> None:
        transfer(source, target)
        with lock:
            made[source.number, target.number] += 1

    lock = threading.Lock()
    monkeypatch.setattr(questions, "transfer", counted)
    monkeypatch.setattr(questions, "TIMEOUT", 0.01)
    questions.two_locks_in_two_orders()
    assert made == {(1, 2): 100, (2, 1): 50}


@pytest.mark.parametrize("slow", [0, 1])
def test_neither_gets_its_second_lock_however_late_one_comes(
    slow: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Q54.C: the trouble does not depend on luck."""

    threads: list[Thread] = []

    class Late(Thread):
        def start(self) -> None:
            threads.append(self)
            super().start()

        def run(self) -> None:
            if threads.index(self) == slow:
                time.sleep(0.05)
            super().run()

    monkeypatch.setattr(questions, "Thread", Late)
    monkeypatch.setattr(questions, "TIMEOUT", 0.01)
    questions.two_locks_in_two_orders()
    output = capsys.readouterr().out
    assert "has lock 1, gets lock 2: False" in output
    assert "has lock 2, gets lock 1: False" in output


def test_a_thread_that_hangs_is_an_error_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_go = Event()
    daemons = []

    def hang() -> None:
        daemons.append(current_thread().daemon)
        let_go.wait(LIMIT)

    monkeypatch.setattr(questions, "PATIENCE", 0.01)
    with pytest.raises(RuntimeError, match="does not end"):
        questions.run_in_threads(hang)
    let_go.set()
    assert daemons == [True]  # nor would it keep the program from ending
