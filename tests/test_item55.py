"""The claims of item 55, about Queue."""

import threading
import time
from collections.abc import Callable
from queue import Queue
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from tests.helpers import LIMIT, load

main = load("item55_queue")
ClosableQueue: Any = main.ClosableQueue


class Watched(ClosableQueue):  # type: ignore[misc]
    """A queue that notes its calls and its largest backlog."""

    instances: list["Watched"] = []  # noqa: RUF012

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.calls: list[str] = []
        self.peak = 0
        self.instances.append(self)

    def get(self, *args: Any, **options: Any) -> Any:
        self.calls.append("get")
        assert (args, options) == ((), {})  # it blocks
        return super().get()

    def empty(self) -> bool:
        self.calls.append("empty")
        return bool(super().empty())

    def _put(self, item: Any) -> None:
        super()._put(item)
        self.peak = max(self.peak, self._qsize())


def start(func: Callable[..., object], *args: object) -> Thread:
    """Return a thread that calls func."""
    thread = Thread(target=func, args=args, daemon=True)
    thread.start()
    return thread


def test_the_polling_pipeline_polls_at_least_twice_as_often_as_it_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """C55.1: it prints what its workers counted, and all have ended."""
    workers = []

    class Noted(main.Worker):  # type: ignore[misc, name-defined]
        def run(self) -> None:
            workers.append(self)
            super().run()

    monkeypatch.setattr(main, "Worker", Noted)
    main.polling_pipeline()
    polled = sum(worker.polled_count for worker in workers)
    assert polled >= 2 * sum(worker.work_done for worker in workers) == 6000
    output = capsys.readouterr().out
    assert f"here: polled {polled} times\n" in output
    assert "at least twice as often: True" in output
    assert not any(worker.is_alive() for worker in workers)


def test_the_consumer_waits_in_one_get_and_polls_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C55.2: the demo's own call."""
    monkeypatch.setattr(Watched, "__class_getitem__", lambda _: Watched)
    monkeypatch.setattr(main, "Queue", Watched)
    Watched.instances.clear()
    main.get_blocks()
    (queue,) = Watched.instances
    assert queue.calls == ["get"]


@pytest.mark.parametrize(("maxsize", "peak"), [(0, 20), (2, 2)])
def test_a_bound_holds_the_backlog(maxsize: int, peak: int) -> None:
    """C55.3: 20 items before a last phase that makes no progress."""
    gate, taken = Event(), Event()
    backlog, done = Watched(maxsize), ClosableQueue()

    def slow(item: object) -> object:
        taken.set()
        assert gate.wait(LIMIT)
        return item

    threads = main.start_threads(1, slow, backlog, done)
    backlog.put("first")
    assert taken.wait(LIMIT)
    feeder = start(lambda: [backlog.put(number) for number in range(20)])
    feeder.join(0.1 if maxsize else LIMIT)
    assert feeder.is_alive() == (maxsize > 0)  # put() blocks
    assert backlog.peak == peak
    gate.set()
    feeder.join(LIMIT)
    assert main.stop_threads(backlog, threads) == []
    assert not maxsize or backlog.peak == peak
    assert [done.get() for _ in range(21)] == ["first", *range(20)]


@pytest.mark.parametrize("demo", ["closable_pipeline", "several_workers"])
def test_the_pipelines_are_bounded(
    demo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C55.3: only the queue of what is done holds all of it."""
    monkeypatch.setattr(main, "ClosableQueue", Watched)
    Watched.instances.clear()
    getattr(main, demo)()
    *bounded, done = Watched.instances[:4]
    assert [queue.peak <= main.BOUND for queue in bounded] == [True] * 3
    assert done.peak > 1000


def test_join_waits_for_task_done_though_the_queue_is_empty() -> None:
    """C55.4: an item is done when the next one is asked for."""
    tasks = ClosableQueue()
    tasks.put(1)
    tasks.close()
    items = iter(tasks)
    next(items)
    joiner = start(tasks.join)
    joiner.join(0.1)
    assert joiner.is_alive()
    assert next(items, None) is None
    joiner.join(LIMIT)
    assert not joiner.is_alive()
    assert tasks.empty()


def test_each_close_ends_one_iteration_after_what_was_put_before() -> None:
    """C55.5: once and in order, whatever the items are."""
    queue = ClosableQueue()
    for item in None, False, 0, (), 1:
        queue.put(item)
    queue.close()
    queue.put("later")
    queue.close()
    assert list(queue) == [None, False, 0, (), 1]
    assert list(queue) == ["later"]
    assert queue.unfinished_tasks == 0


def test_an_iteration_that_is_left_has_its_item_done() -> None:
    """C55.4."""
    queue = ClosableQueue()
    queue.put(1)
    for _ in queue:
        break
    assert queue.unfinished_tasks == 0


@pytest.mark.parametrize("counts", [(1, 1, 1), (3, 4, 5), (1, 7, 2)])
def test_all_items_come_out_once(counts: tuple[int, ...]) -> None:
    """C55.6, and no thread is left."""
    before = threading.active_count()
    funcs = main.download, main.resize, main.upload
    done, failures = main.run_pipeline(counts, funcs, range(1000))
    assert failures == []
    assert sorted(done) == sorted(
        f"{number} downloaded, resized, uploaded" for number in range(1000)
    )
    assert threading.active_count() == before


@pytest.mark.parametrize("count", [1, 5])
def test_a_phase_has_as_many_items_in_work_as_workers(count: int) -> None:
    """C55.7, exactly: they pass a barrier of that many, in every phase."""
    barriers = [Barrier(count), Barrier(count)]

    def meet(item: tuple[int, int]) -> tuple[int, int]:
        number, phase = item
        barriers[phase].wait(LIMIT)
        return number, phase + 1

    items = [(number, 0) for number in range(5 * count)]
    done, failures = main.run_pipeline([count] * 2, [meet] * 2, items)
    assert failures == []
    assert sorted(done) == [(number, 2) for number in range(5 * count)]


def test_each_phase_takes_its_time_for_an_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C55.7: 20 items, three phases, twice, of 5 ms each."""
    naps: list[float] = []
    monkeypatch.setattr(main, "sleep", naps.append)
    main.several_workers()
    assert naps == [0.005] * (2 * 3 * 20)


@pytest.mark.parametrize("late", ["thread", "main"])
@pytest.mark.parametrize("demo", ["get_blocks", "put_blocks", "join_waits"])
def test_the_order_of_lines_is_the_same_whoever_is_late(
    demo: str,
    late: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """C55.8."""
    getattr(main, demo)()
    expected = capsys.readouterr().out

    class Late(Thread):
        def start(self) -> None:
            super().start()
            time.sleep(0.05 if late == "main" else 0)

        def run(self) -> None:
            time.sleep(0.05 if late == "thread" else 0)
            super().run()
            time.sleep(0.02)

    monkeypatch.setattr(main, "Thread", Late)
    before = threading.active_count()
    getattr(main, demo)()
    assert capsys.readouterr().out == expected
    assert threading.active_count() == before


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize(
    "fails", [{0}, {99}, {3, 50, 51, 98}, set(range(100))], ids=len
)
def test_failures_reach_the_caller_and_the_rest_gets_through(
    fails: set[int], count: int
) -> None:
    """C55.9: even where producers wait for room."""

    def func(item: int) -> int:
        if item in fails:
            raise OSError(f"no {item}")
        return item

    done, failures = main.run_pipeline([count], [func], range(100))
    assert sorted(done) == [n for n in range(100) if n not in fails]
    assert sorted((item, str(error)) for item, error in failures) == [
        (n, f"no {n}") for n in sorted(fails)
    ]


def test_my_queue_is_first_in_first_out_and_holds_its_lock() -> None:
    """C55.1: every access."""
    queue = main.MyQueue()
    for access in lambda: queue.put(1), lambda: queue.put(2), queue.get:
        with queue.lock:
            thread = start(access)
            thread.join(0.02)
            assert thread.is_alive()
        thread.join(LIMIT)
    assert queue.get() == 2
    with pytest.raises(IndexError):
        queue.get()


@pytest.mark.parametrize("kind", ["Worker", "StoppableWorker"])
def test_workers_do_not_keep_a_failed_program_alive(kind: str) -> None:
    """They are daemons: nobody may be left to stop them."""
    assert getattr(main, kind)(main.download, Queue(), Queue()).daemon


def test_stopped_workers_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """C55.9: stop_threads joins them, however long they take."""

    class SlowToEnd(main.StoppableWorker):  # type: ignore[misc, name-defined]
        def run(self) -> None:
            super().run()
            time.sleep(0.05)

    monkeypatch.setattr(main, "StoppableWorker", SlowToEnd)
    queue = ClosableQueue()
    threads = main.start_threads(3, main.download, queue, ClosableQueue())
    assert main.stop_threads(queue, threads) == []
    assert not any(thread.is_alive() for thread in threads)
