"""What frontrun finds when it tries thread interleavings one by one.

frontrun takes the place of the system's scheduler: one thread at a time goes
on, from one access to shared data to the next, in another order in each run.
There are two ways to choose the orders:

- every_order(): a run for each order of the accesses that conflict, with no
  bound on the number of runs or of switches. Without locks this is
  exhaustive. With locks it is not, though frontrun says "holds": of threads
  that compete for a free lock, frontrun 0.7.0 always lets the first in its
  list be the first. The last test here pins this down.
- random_orders(): so many random schedules. Locks are taken in any order
  here, but this is a sample: it finds mistakes, and certifies nothing.

Needs --frontrun-patch-locks, for the locks must be frontrun's.
"""

import importlib.util
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby, permutations
from types import ModuleType
from typing import Any
from unittest import mock

import frontrun  # type: ignore[import-not-found]
import pytest

from tests.helpers import load

Body = Callable[[Any], object]  # what a thread does with the state
Holds = Callable[[Any], bool]  # is the state right after all threads ended?

ATTEMPTS = 40  # random schedules
OPTIONS = {
    "clock": "virtual",  # finds a deadlock as such, not as a timeout
    "detect_io": False,
    "reproduce_on_failure": 0,
    "timeout_per_run": 30.0,
    "deadlock_timeout": 30.0,
}

if threading.Lock.__module__ != "frontrun._cooperative":
    # Without it frontrun skips the tests: green, and nothing tested.
    raise RuntimeError("run pytest with --frontrun-patch-locks")


def load_with_queue(item: str) -> ModuleType:
    """The item, with the queue.Queue of the standard library.

    frontrun has a queue of its own instead, which nothing can inherit from.
    A second copy of the module has the real one, on frontrun's locks.
    """
    spec = importlib.util.find_spec("queue")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with mock.patch.object(queue, "Queue", module.Queue):
        return load(item)


LOCK = load("item54_lock")
QUEUE = load_with_queue("item55_queue")
THREADS = load("item57_threads")
PIPELINE = load_with_queue("item58_queue_refactor")


@pytest.fixture(autouse=True)
def _one_thread_at_a_time() -> Iterator[None]:
    """Keep Python from switching threads where frontrun did not ask to."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1)
    yield
    sys.setswitchinterval(interval)


def every_order(
    setup: Callable[[], Any], threads: Sequence[Body], holds: Holds
) -> Any:
    """Try every order of conflicting accesses; frontrun's result."""
    result = frontrun.explore(
        setup=setup,
        workers=list(threads),
        invariant=holds,
        preemption_bound=None,
        stop_on_first=False,
        **OPTIONS,
    )
    # None: inconclusive, as after a timeout
    assert result.property_holds is not None, result.inconclusive_reason
    return result


def random_orders(
    setup: Callable[[], Any],
    threads: Sequence[Body],
    holds: Holds,
    attempts: int = ATTEMPTS,
) -> Any:
    """Try so many random schedules, always the same; frontrun's result."""
    result = frontrun.explore(
        setup=setup,
        workers=list(threads),
        invariant=holds,
        strategy="random",
        max_attempts=attempts,
        seed=54,
        **OPTIONS,
    )
    assert result.property_holds is not None, result.inconclusive_reason
    return result


def test_only_the_serial_orders_of_two_increments_keep_both_readings() -> None:
    """C54.4: exhaustive, as there is no lock.

    The accesses that conflict are two to a thread: it fetches count, and it
    writes count. Four of their six orders lose a reading.
    """
    counts = []

    def note(counter: Any) -> bool:
        counts.append(counter.count)
        return False  # a failure: only of these frontrun keeps the schedule

    increment = partial(LOCK.Counter.increment, offset=1)
    result = every_order(LOCK.Counter, [increment, increment], note)
    kept: list[list[int]] = []
    lost: list[list[int]] = []
    for count, (_, schedule) in zip(counts, result.failures, strict=True):
        # [0, 0, 1, 1, 0] becomes [0, 1, 0]
        turns = [thread for thread, _ in groupby(schedule)]
        assert count in (1, 2)
        (kept if count == 2 else lost).append(turns)
    assert sorted(kept) == [[0, 1], [1, 0]]
    assert len(lost) == 4
    assert all(len(turns) > 2 for turns in lost)


@pytest.mark.parametrize("threads", [2, 3])
def test_no_explored_order_of_locked_increments_loses_a_reading(
    threads: int,
) -> None:
    """C54.4, but no certificate: the search is not exhaustive with a lock.

    In all its runs thread 0 takes the lock first, then 1, then 2, whether or
    not they ask for it while another has it. Other orders differ in nothing
    but the names of the threads, for all of them do the same; frontrun leaves
    them out. The random schedules take the lock in each order at least once.
    """
    increment = partial(LOCK.LockingCounter.increment, offset=1)
    result = every_order(
        LOCK.LockingCounter,
        [increment] * threads,
        lambda counter: bool(counter.count == threads),
    )
    result.assert_holds()
    assert result.num_explored > 1

    orders: list[list[int]] = []

    def counter_that_notes_the_order() -> Any:
        order: list[int] = []
        orders.append(order)

        def read(offset: int) -> int:
            order.append(offset)
            return offset

        return LOCK.LockingCounter(read)

    offsets = [10**power for power in range(threads)]
    result = random_orders(
        counter_that_notes_the_order,
        [partial(LOCK.LockingCounter.increment, offset=n) for n in offsets],
        lambda counter: bool(counter.count == sum(offsets)),
    )
    result.assert_holds()
    assert set(map(tuple, orders)) == set(permutations(offsets))


def test_a_locking_grid_keeps_every_write_and_shows_one_moment() -> None:
    """What LockingGrid promises, in random schedules: no text mixes moments.

    frontrun's other search is no help: it does not see accesses to a list
    whose index is computed, only those to the lock.
    """

    def write(state: Any) -> None:
        state[0].set(0, 0, "*")
        state[0].set(1, 0, "*")

    def write_elsewhere(state: Any) -> None:
        state[0].set(0, 1, "*")
        assert state[0].get(0, 1) == "*"

    def read(state: Any) -> None:
        state[1] = str(state[0])

    seen = set()

    def holds(state: Any) -> bool:
        seen.add("".join(line[0] for line in state[1].splitlines()))
        return str(state[0]) == "**\n*-"

    result = random_orders(
        lambda: [THREADS.LockingGrid(2, 2), ""],
        [write, write_elsewhere, read],
        holds,
    )
    result.assert_holds()
    assert seen == {"--", "*-", "**"}


def test_get_then_set_loses_a_change_on_a_locking_grid_too() -> None:
    """What LockingGrid warns of: its lock "guards single accesses" only."""

    def flip(grid: Any) -> None:
        grid.set(0, 0, "-" if grid.get(0, 0) == "*" else "*")

    result = every_order(
        partial(THREADS.LockingGrid, 1, 1),
        [flip, flip],
        lambda grid: bool(grid.get(0, 0) == "-"),
    )
    assert result.property_holds is False
    assert 0 < len(result.failures) < result.num_explored


class Phase:
    """Workers between two queues. They are run, not started, by frontrun."""

    def __init__(self, module: ModuleType, workers: int, func: Any) -> None:
        self.in_queue = module.ClosableQueue()
        self.out_queue = module.ClosableQueue()
        self.workers = [
            module.StoppableWorker(func, self.in_queue, self.out_queue)
            for _ in range(workers)
        ]

    def bodies(self) -> list[Body]:
        def run(phase: Any, number: int) -> None:
            phase.workers[number].run()

        return [partial(run, number=n) for n in range(len(self.workers))]


@pytest.mark.parametrize(
    ("workers", "items", "waits"),
    [
        (1, 0, False),
        (2, 0, False),
        (1, 3, False),
        (2, 2, False),
        (1, 2, True),
        (2, 1, True),
    ],
)
def test_workers_lose_no_item_and_all_end_when_their_queue_is_closed(
    workers: int, items: int, waits: bool
) -> None:
    """C55.4, C55.5, C55.6: in random schedules; waits is join(), then close().

    A deadlock would be a failure.
    """
    setup = partial(Phase, QUEUE, workers, str)

    def produce(phase: Any) -> None:
        for number in range(items):
            phase.in_queue.put(number)
        if waits:
            phase.in_queue.join()
            assert phase.out_queue.qsize() == items
        phase.in_queue.close()
        phase.in_queue.join()
        assert phase.out_queue.qsize() == items

    def holds(phase: Any) -> bool:
        done = sorted(phase.out_queue.queue)
        failures = [worker.failures for worker in phase.workers]
        return done == [*map(str, range(items))] and not any(failures)

    random_orders(setup, [produce, *setup().bodies()], holds).assert_holds()


@pytest.mark.parametrize("putters", [1, 2])
def test_close_refuses_every_put_that_waits_on_a_full_queue(
    putters: int,
) -> None:
    """C55.5: in random schedules; nobody waits for ever."""

    class Full:
        def __init__(self) -> None:
            self.queue = QUEUE.ClosableQueue(1)
            self.queue.put("first")
            self.refused = [""] * putters

    def put(state: Any, number: int) -> None:
        try:
            state.queue.put(number)
        except ValueError as error:
            state.refused[number] = str(error)

    result = random_orders(
        Full,
        [
            lambda state: state.queue.close(),
            *(partial(put, number=number) for number in range(putters)),
        ],
        lambda state: (
            state.queue.get() == "first"
            and state.queue.get() is state.queue.SENTINEL
            and all(state.refused)
        ),
    )
    result.assert_holds()


@pytest.mark.parametrize(
    ("workers", "before", "after"), [(1, "*-", "*-"), (2, "*", "-")]
)
def test_the_pipeline_steps_a_grid_in_random_orders(
    workers: int, before: str, after: str
) -> None:
    """C58.1: in random schedules, on a torus of one row."""
    setup = partial(Phase, PIPELINE, workers, PIPELINE.game_logic_thread)

    def make() -> Any:
        phase: Any = setup()
        phase.grid = grid_of(before)
        phase.next_grid = None
        return phase

    def grid_of(row: str) -> Any:
        grid = PIPELINE.Grid(1, len(row))
        for x, state in enumerate(row):
            grid.set(0, x, state)
        return grid

    def simulate(phase: Any) -> None:
        phase.next_grid = PIPELINE.simulate_pipeline(
            phase.grid, phase.in_queue, phase.out_queue
        )
        phase.in_queue.close()

    random_orders(
        make,
        [simulate, *setup().bodies()],
        lambda phase: str(phase.next_grid) == after,
        attempts=15,  # they are long
    ).assert_holds()


def test_frontrun_tries_a_free_lock_in_one_order_only() -> None:
    """No claim: it is why nothing with a lock is certified here.

    The lock goes to either thread first, and frontrun "proves" that it does
    not. Once this test fails, frontrun can do more, and so can the others.
    """

    def take(state: Any, number: int) -> None:
        with state[0]:
            state[1].append(number)

    def search(explore: Callable[..., Any]) -> set[tuple[int, ...]]:
        orders = set()

        def holds(state: Any) -> bool:
            orders.add(tuple(state[1]))
            return True

        explore(
            lambda: (threading.Lock(), []),
            [partial(take, number=0), partial(take, number=1)],
            holds,
        ).assert_holds()
        return orders

    assert search(random_orders) == {(0, 1), (1, 0)}
    assert search(every_order) == {(0, 1)}
