"""What the answers of item 60 claim, beyond what their transcript shows."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from tests.helpers import load, printed

questions = load("item60_coroutines", "questions")


def test_no_answer_waits_without_a_limit() -> None:
    forever = questions.in_event_loop(asyncio.Event().wait)
    with pytest.raises(TimeoutError):
        printed(forever, PATIENCE=0.01)


def test_what_blocks_is_a_sleep_as_long_as_the_others() -> None:
    """Q60.B: on the loop's own thread; to_thread moves it to another."""
    slept = []

    def note(seconds: float) -> None:
        on_the_loop_s = threading.current_thread() is threading.main_thread()
        slept.append((seconds, on_the_loop_s))

    printed(questions.blocked_loop, time=SimpleNamespace(sleep=note))
    briefly = questions.BRIEFLY
    assert slept == [(briefly, True), (briefly, False)]


def test_only_the_exception_that_stops_the_group_is_caught() -> None:
    """Q60.G: a failure still comes out of it."""

    async def fail() -> None:
        raise OSError("problem with I/O")

    with pytest.raises(ExceptionGroup) as caught:
        printed(questions.stopped_group, stop_group=fail)
    assert [type(error) for error in caught.value.exceptions] == [OSError]
