"""The claims of item 55's answers, about join() and the end of workers."""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from queue import Queue
from typing import Any

import pytest

from tests.helpers import LIMIT, load, run_copy

questions = load("item55_queue", "questions")

has_shutdown = pytest.mark.skipif(
    not hasattr(Queue, "shutdown"), reason="Queue.shutdown is new in 3.13"
)


def worked_off(worker: Callable[[Any], None], *photos: str) -> Any:
    """A queue after a worker has taken all of it."""
    work: Any = Queue()
    for photo in *photos, None:
        work.put(photo)
    worker(work)
    assert work.empty()
    return work


@pytest.mark.parametrize("failures", [1, 3])
def test_an_error_skips_task_done_at_the_end(failures: int) -> None:
    """Q55.A: and join() waits, although the queue is empty."""
    photos = ["1.jpg", *["not a photo"] * failures, "2.jpg"]
    work = worked_off(questions.done_at_the_end, *photos)
    assert work.unfinished_tasks == failures
    assert not questions.join_returns(work, 0.01)


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_no_error_skips_task_done_in_finally(failures: int) -> None:
    """Q55.A: nor is anything reported twice, which is a ValueError."""
    photos = ["1.jpg", *["not a photo"] * failures, "2.jpg"]
    work = worked_off(questions.done_in_finally, *photos)
    assert work.unfinished_tasks == 0
    assert questions.join_returns(work, LIMIT)


def test_without_errors_both_workers_let_join_return() -> None:
    """Q55.A: which is why the trouble shows so late."""
    work = worked_off(questions.done_at_the_end, "1.jpg")
    assert work.unfinished_tasks == 0


def test_both_workers_shrink_all_photos_before_anything_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q55.A: what is left to report does not come from work left over."""
    tried = []
    shrink = questions.shrink

    def slow_shrink(photo: str) -> None:
        tried.append(photo)
        time.sleep(0.01)
        shrink(photo)

    monkeypatch.setattr(questions, "shrink", slow_shrink)
    questions.join_that_never_returns()
    assert tried == ["1.jpg", "not a photo", "3.jpg"] * 2
    output = capsys.readouterr().out
    assert "0 left, 1 not reported done; join() returns: False" in output
    assert "0 left, 0 not reported done; join() returns: True" in output


def test_a_join_that_takes_its_time_returns() -> None:
    """Q55.A."""

    class Late(Queue[Any]):
        def join(self) -> None:
            time.sleep(0.05)

    assert questions.join_returns(Late(), LIMIT)


def test_nobody_is_left_waiting_in_join() -> None:
    """Q55.A."""
    before = threading.active_count()
    work: Any = Queue()
    work.put("1.jpg")
    assert not questions.join_returns(work, 0.01)
    assert threading.active_count() == before


def test_a_none_ends_one_worker_and_the_others_wait() -> None:
    """Q55.B: and every photo is done once, whoever has done it."""
    work: Any = questions.nine_photos()
    with ThreadPoolExecutor(questions.TEAM) as pool:
        team = [
            pool.submit(questions.shrink_all, work)
            for _ in range(questions.TEAM)
        ]
        for count in range(1, questions.TEAM + 1):
            work.put(None)
            running = [worker for worker in team if not worker.done()]
            ended, waiting = wait(running, LIMIT, FIRST_COMPLETED)
            assert len(ended) == 1
            assert len(waiting) == questions.TEAM - count
    done = [photo for worker in team for photo in worker.result()]
    assert sorted(done) == [f"small {number}.jpg" for number in range(9)]


@has_shutdown
@pytest.mark.parametrize("size", [1, 3, 10])
def test_one_shutdown_ends_any_number_of_workers(size: int) -> None:
    """Q55.B: those that wait, and none before all the photos are taken."""
    work: Any = Queue()
    with ThreadPoolExecutor(size) as pool:
        team = [pool.submit(questions.shrink_all, work) for _ in range(size)]
        for number in range(100):
            work.put(f"{number}.jpg")
        work.shutdown()
        done = [photo for worker in team for photo in worker.result(LIMIT)]
    assert len(done) == len(set(done)) == 100
    with pytest.raises(questions.ShutDown):
        work.put("one more.jpg")


def test_what_is_left_when_the_end_comes_is_still_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q55.B: though no worker takes anything before."""

    class Held(Queue[Any]):
        def __init__(self) -> None:
            super().__init__()
            self.end_comes = threading.Event()

        def get(self, *arguments: Any, **options: Any) -> Any:
            assert self.end_comes.wait(LIMIT)
            return super().get(*arguments, **options)

        def put(self, item: Any, *arguments: Any, **options: Any) -> None:
            super().put(item, *arguments, **options)
            if item is None:
                self.end_comes.set()

        def shutdown(self, immediate: bool = False) -> None:
            super().shutdown(immediate)  # type: ignore[misc, unused-ignore]
            self.end_comes.set()

    if not hasattr(Queue, "shutdown"):
        del Held.shutdown
    monkeypatch.setattr(questions, "Queue", Held)
    questions.workers_that_end()
    assert capsys.readouterr().out.count(": 9 photos done\n") == 2


@pytest.mark.parametrize("refused", range(1, 6))
def test_a_refused_thread_is_an_error_and_no_hang(
    refused: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q55.B: the call that it was for is queued in the pool all the same."""
    starts = itertools.count(1)
    start = threading.Thread.start

    def start_or_refuse(thread: threading.Thread) -> None:
        if next(starts) == refused:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_refuse)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        questions.workers_that_end()
    assert threading.active_count() == before


def test_what_ended_the_next_team_is_said() -> None:
    """Q55.B: 3.11 and 3.12 have no shutdown()."""
    result, _ = run_copy("item55_queue", "questions")
    by_shutdown = "here: the next team is ended by one Queue.shutdown()\n"
    by_nones = "here: no Queue.shutdown() before 3.13: Nones again\n"
    assert (by_shutdown in result.stdout) == hasattr(Queue, "shutdown")
    assert (by_nones in result.stdout) != hasattr(Queue, "shutdown")
