"""The claims of item 53, about the GIL."""

import math
import threading
from collections.abc import Iterator
from threading import Barrier, Event
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import pytest

from tests.helpers import LIMIT, load, printed

main = load("item53_gil")


@pytest.mark.parametrize("number", [1, 2, 4, 97, 360, *main.NUMBERS])
def test_serial_and_threaded_factors_are_right(number: int) -> None:
    """Found up to the root, each with its partner."""
    small = [n for n in range(1, math.isqrt(number) + 1) if not number % n]
    expected = sorted({*small, *(number // n for n in small)})
    assert list(main.factorize(number)) == expected
    thread = main.FactorizeThread(number)
    thread.start()
    thread.join()
    assert thread.factors == expected


def test_the_four_threads_compute_at_the_same_time() -> None:
    """They pass a barrier of four."""
    barrier = Barrier(4)

    def meet(number: int) -> Iterator[int]:
        barrier.wait(LIMIT)
        return iter([number])

    output = printed(main.factorize_in_threads, factorize=meet)
    assert output.count("has 1 factors") == 4


@pytest.mark.parametrize(
    ("names", "build"),
    [
        ({"_is_gil_enabled": lambda: True}, "with"),
        ({"_is_gil_enabled": lambda: False}, "without"),
        ({}, "with"),
    ],
)
def test_the_output_tells_the_build(names: dict[str, Any], build: str) -> None:
    """Before 3.13, there is no such function, and all have the GIL."""
    output = printed(main.factorize_in_threads, sys=SimpleNamespace(**names))
    assert output.endswith(f" cores in use, {build} the GIL\n")


def test_calls_in_a_row_are_one_after_another() -> None:
    """Five calls, all in the main thread."""
    callers: list[Any] = []
    printed(
        main.block_in_a_row,
        slow_systemcall=lambda: callers.append(threading.current_thread()),
    )
    assert callers == [threading.main_thread()] * 5


def test_calls_overlap_each_other_and_the_main_thread_s_work() -> None:
    """Five are in the call, until the main thread has computed."""
    barrier, computed, over = Barrier(5), Event(), []

    def locate(index: int) -> int:
        if index == 4:
            computed.set()
        return index

    def block() -> None:
        barrier.wait(LIMIT)
        assert computed.wait(LIMIT)
        over.append(True)

    printed(
        main.block_in_threads,
        compute_helicopter_location=locate,
        slow_systemcall=block,
    )
    assert len(over) == 5


@patch.object(threading, "excepthook", Mock())
def test_calls_that_fail_have_no_figure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (
        patch.object(main, "slow_systemcall", side_effect=OSError),
        pytest.raises(SystemExit, match="only 0 of 5 calls finished"),
    ):
        main.block_in_threads()
    assert "here:" not in capsys.readouterr().out
