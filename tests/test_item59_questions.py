"""What the answers of item 59 claim, beyond what their transcript shows."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import sleep

import pytest

from tests.helpers import load, printed

questions = load("item59_pool", "questions")


@pytest.fixture(autouse=True)
def few_calls_in_late_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four calls, by a pool whose thread starts late: it is waited for."""
    late_pool = partial(ThreadPoolExecutor, initializer=partial(sleep, 0.05))
    monkeypatch.setattr(questions, "ThreadPoolExecutor", late_pool)
    monkeypatch.setattr(questions, "CALLS", 4)


def test_all_calls_but_the_running_one_are_cancelled() -> None:
    """Q59.A: and the running one ends because it is asked to."""
    output = printed(questions.cancel_and_shut_down)
    assert "returns False for the call that runs, True for one" in output
    assert "3 of the 3 that waited are cancelled" in output
    assert output.endswith("once its Event is set: True\n")


def test_what_waits_runs_after_an_interrupt_unless_it_is_cancelled() -> None:
    """Q59.B: the running call is run in any case, and is not stopped."""
    cancel = partial(
        ThreadPoolExecutor.shutdown, wait=False, cancel_futures=True
    )
    assert questions.calls_run(lambda pool: None) == 4
    assert questions.calls_run(cancel) == 1
