"""The claims of item 53, about the GIL."""

import gc
import math
import sysconfig
import threading
import time
from collections.abc import Iterator
from threading import Barrier

import pytest

from tests.helpers import LIMIT, here, here_again, load

main = load("item53_gil")


def factors_in_pairs(number: int) -> list[int]:
    """All factors of number, found up to its root, each with its partner."""
    small = [n for n in range(1, math.isqrt(number) + 1) if not number % n]
    return sorted({*small, *(number // n for n in small)})


@pytest.mark.parametrize("number", [1, 2, 4, 97, 360, *main.NUMBERS])
def test_serial_and_threaded_factors_are_right(number: int) -> None:
    """C53.1."""
    expected = factors_in_pairs(number)
    assert list(main.factorize(number)) == expected
    thread = main.FactorizeThread(number)
    thread.start()
    assert thread.factors == expected


def test_with_the_gil_threads_share_one_core() -> None:
    """C53.2: 1.01 cores at most were measured in 70 runs, idle and loaded.

    With the GIL the threads cannot use more than one: 1.1 leaves room for
    the clocks. How their time compares to the serial time is noise between
    0.5 and 1.6; that figure is here only held to be one.
    """
    seconds, cores = here("item53_gil", "in threads it took # s and # cores")
    assert 0 < cores < (1.1 if main.gil_enabled() else 4.4)
    (in_a_row,) = here("item53_gil", "in a row this took # s")
    (ratio,) = here("item53_gil", "that is # times the time in a row")
    assert 0 < seconds < 20 * in_a_row
    assert 0 < ratio < 20


@pytest.mark.parametrize(
    ("gil", "cores", "expected"),
    [
        (True, 1, "about 1 or more"),
        (True, 8, "about 1 or more"),
        (False, 1, "about 1 or more"),
        (False, 8, "clearly less than 1"),
    ],
)
def test_what_is_expected_follows_from_gil_and_cores(
    gil: bool, cores: int, expected: str
) -> None:
    """C53.2."""
    assert main.expectation(gil, cores).startswith(expected)
    assert ("with the GIL" in main.expectation(gil, cores)) == gil


def test_a_system_call_blocks_for_its_time() -> None:
    start = time.perf_counter()
    main.slow_systemcall()
    assert time.perf_counter() - start >= main.BLOCKED
    gc.collect()  # a socket left open would warn, which is an error


def test_five_calls_in_a_row_take_the_sum_of_their_times() -> None:
    """C53.3: at least; how much more is up to the machine."""
    (seconds,) = here("item53_gil", "5 calls took # s; the ideal is 0.500 s")
    assert 0.5 <= seconds < 5


def test_five_calls_in_threads_take_about_the_time_of_one() -> None:
    """C53.4: 0.20 to 0.24 of the sum was measured, idle and loaded.

    Less than the sum leaves a busy machine 0.4 s to start five threads, and
    the main thread at least 0.1 s for a millisecond's work; if that is too
    little, it has more tries. The exact form, five in flight at once, stands
    in the transcript.
    """
    tries = []
    for seconds, computed in here_again(
        "item53_gil",
        9,
        "5 calls took # s; the ideal is 0.100 s",
        "had computed this after # s",
    ):
        assert seconds >= 0.1
        tries.append((seconds, computed))
        if computed < seconds < 0.5:
            break
    assert any(computed < seconds < 0.5 for seconds, computed in tries)


def test_overlapping_calls_are_counted_at_their_most() -> None:
    """C53.4: the exact form, 1 and 5, stands in the transcript."""
    assert main.most_in_flight([(0, 1)]) == 1
    assert main.most_in_flight([(0, 1), (1, 2), (2, 3)]) == 1
    assert main.most_in_flight([(0, 3), (1, 2), (2, 4), (2.5, 3)]) == 3
    assert main.most_in_flight([(0, 9)] * 5) == 5


@pytest.mark.parametrize(
    ("number", "error"),
    [(0, ValueError), (-6, ValueError), (2.5, TypeError), ("6", TypeError)],
)
def test_what_has_no_factors_is_refused_by_name(
    number: object, error: type[Exception]
) -> None:
    with pytest.raises(error, match=rf"^number must be .*{number}"):
        main.factorize(number)

    thread = main.FactorizeThread(number)
    thread.start()
    with pytest.raises(error, match=r"^number must be "):
        thread.join()
    with pytest.raises(error, match=r"^number must be "):
        _ = thread.factors


def test_the_gil_is_what_this_build_says() -> None:
    """C53.2: only a free-threaded build can be without it."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert main.gil_enabled() is True


def test_the_four_threads_compute_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """C53.2: they pass a barrier that takes four."""
    barrier = Barrier(4)
    factorize = main.factorize

    def meet(number: int) -> Iterator[int]:
        if threading.current_thread() is not threading.main_thread():
            barrier.wait(LIMIT)
        return factorize(number)

    monkeypatch.setattr(main, "factorize", meet)
    main.factorize_in_threads()
    assert "same as one after another: True" in capsys.readouterr().out


def test_calls_in_threads_overlap_however_short_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """C53.4: nobody passes the barrier alone."""
    monkeypatch.setattr(main, "slow_systemcall", lambda: None)
    main.block_in_threads()
    assert "Calls in flight at once: 5" in capsys.readouterr().out


def test_the_main_thread_waits_for_every_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """C53.4: also for the first, when that is the last."""
    started = []

    class NotedThread(threading.Thread):
        def start(self) -> None:
            started.append(self)
            super().start()

    def slow_in_the_first() -> None:
        if threading.current_thread() is started[0]:
            time.sleep(0.1)

    monkeypatch.setattr(main, "Thread", NotedThread)
    monkeypatch.setattr(main, "slow_systemcall", slow_in_the_first)
    main.block_in_threads()
    assert not any(thread.is_alive() for thread in started)


def test_a_call_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("no socket")

    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    monkeypatch.setattr(main, "slow_systemcall", fail)
    with pytest.raises(RuntimeError, match="5 of 5 calls failed"):
        main.block_in_threads()
