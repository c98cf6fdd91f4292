"""The claims of item 59's answers, beyond what the transcript shows."""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import sleep
from typing import Any

import pytest

from tests.helpers import load

questions = load("item59_pool", "questions")


class LatePool(ThreadPoolExecutor):
    """A pool whose thread starts late, which must not change anything."""

    futures: list[Future[Any]]

    def __init__(self, max_workers: int) -> None:
        super().__init__(max_workers, initializer=partial(sleep, 0.05))
        LatePool.futures = []

    def submit(self, *args: Any, **options: Any) -> Future[Any]:
        self.futures.append(super().submit(*args, **options))
        return self.futures[-1]


@pytest.mark.parametrize("calls", [2, 5])
def test_all_calls_but_the_running_one_are_cancelled(
    calls: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Q59.A: and the running one ends because it is asked to."""
    monkeypatch.setattr(questions, "ThreadPoolExecutor", LatePool)
    monkeypatch.setattr(questions, "CALLS", calls)
    questions.cancel_and_shut_down()
    output = capsys.readouterr().out
    assert "returns False for the call that runs, True for one" in output
    assert f"{calls - 1} of the {calls - 1} that waited" in output
    running, *waiting = LatePool.futures
    assert running.result() is True
    assert all(future.cancelled() for future in waiting)


def test_what_waits_runs_after_an_interrupt_unless_it_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q59.B: the running call is run in any case, and is not stopped."""
    monkeypatch.setattr(questions, "ThreadPoolExecutor", LatePool)
    monkeypatch.setattr(questions, "CALLS", 4)
    seen: list[list[bool]] = []

    def look_and_cancel(pool: ThreadPoolExecutor) -> None:
        seen.append([future.running() for future in LatePool.futures])
        pool.shutdown(wait=False, cancel_futures=True)

    assert questions.calls_run(lambda pool: None) == 4
    assert questions.calls_run(look_and_cancel) == 1
    assert seen == [[True, False, False, False]]
    assert not LatePool.futures[0].cancelled()
