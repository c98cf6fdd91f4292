"""What is printed is evidence: if its claim were false, it would be different.

Each row makes a world in which something is false, and says what becomes of
a demo's lines there. The site shows the same worlds.
"""

import asyncio
import ctypes
import io
import json
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, nullcontext, redirect_stdout
from importlib import import_module
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from types import MappingProxyType, coroutine
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from tests.helpers import GOLDEN, ROOT, STAGE, begin, load, run

item52, item54 = load("item52_subprocess"), load("item54_lock")
item55, item57 = load("item55_queue"), load("item57_threads")
item58, item60 = load("item58_queue_refactor"), load("item60_coroutines")


class World(NamedTuple):
    """What is false in a demo of a script, and a pattern of what is told.

    The names are the script's own, or dotted ones as unittest.mock.patch()
    takes them. The docstring of what takes their place says what is false.
    The setting is the same in the true world.
    """

    script: str
    demo: str
    false: dict[str, Any]
    told: str
    setting: Mapping[str, Any] = MappingProxyType({})


def ended_child(*args: Any, start: Any = item52.start) -> Any:
    """A child has ended before the parent goes on."""
    child = start(*args)
    if child.stdin:
        child.stdin.close()
    child.wait()
    return child


def encrypt_in_turn(data: bytes, start: Any = item52.run_encrypt) -> Any:
    """Each child ends before the next one is started."""
    child = start(data)
    child.stdin.close()
    child.wait()
    return child


def leave_inputs_open(children: list[Any]) -> None:
    """Inputs stay open."""
    for child in children:
        os.dup(child.stdin.fileno())
        child.stdin.close()


class Constant(list[str]):
    """The second child digests nothing of what the first one writes."""


COPY = [*item52.PYTHON, "import sys; print(sys.stdin.read(), end='')"]


class Copying(list[str]):
    """The cipher changes nothing."""


class Failing(list[str]):
    """Decryption restores something else."""


class Ending(list[str]):
    """The child does not hang."""


def four_cores() -> float:
    """Threads that compute use four cores."""
    return 4 * time.perf_counter()


def return_at_once(*_: object) -> None:
    """A call that should block does not."""


def hold_the_gil() -> None:
    """A call that blocks holds the GIL."""
    ctypes.PyDLL(None).usleep(50_000)


def fail(*_: object) -> None:
    """A call fails."""
    raise OSError("no I/O")


class InTurn(threading.Thread):
    """Threads run one after another."""

    def start(self) -> None:
        self.run()

    def join(self, timeout: float | None = None) -> None:
        pass


class OpenBarrier(threading.Barrier):
    """A barrier lets everybody pass."""

    def wait(self, timeout: float | None = None) -> int:
        return 0


class BareCounter(item54.Counter):  # type: ignore[misc, name-defined]
    """Nothing is called between the read and the write."""

    def increment(self, offset: int) -> None:
        self.count += offset


class CallFirst(item54.Counter):  # type: ignore[misc, name-defined]
    """The call comes before the read."""

    def increment(self, offset: int) -> None:
        offset = self.calibrate(offset)
        self.count += offset


class NoLock(nullcontext[None]):
    """A lock does not lock."""


class BlockingQueue(Queue[Any]):
    """The home-made queue blocks until there is an item."""

    items = property(lambda self: self.queue)


def lose_patience(seconds: float) -> None:
    """Nobody waits for ever."""
    if threading.current_thread() is threading.main_thread():
        raise TimeoutError


class GetAtOnce(Queue[Any]):
    """get() does not block."""

    def get(self, block: bool = True, timeout: float | None = None) -> None:
        pass


class PutAtOnce(Queue[Any]):
    """put() does not block."""

    def __init__(self, _: int) -> None:
        super().__init__()


class JoinAtOnce(Queue[Any]):
    """join() does not wait."""

    def join(self) -> None:
        pass


class JoinTaken(Queue[Any]):
    """join() waits until items are taken, not until they are done."""

    def join(self) -> None:
        while self.qsize():
            time.sleep(0)


class LosingWorker(item55.StoppableWorker):  # type: ignore[misc, name-defined]
    """Each worker loses its first item."""

    def run(self) -> None:
        self.in_queue.get()
        self.in_queue.task_done()
        super().run()


class DoublingWorker(item55.StoppableWorker):  # type: ignore[misc, name-defined]
    """Each worker passes on every item twice."""

    def run(self) -> None:
        func, put = vars(self)["func"], self.out_queue.put
        self.func = lambda item: put(func(item)) or func(item)
        super().run()


class MortalWorker(item55.StoppableWorker):  # type: ignore[misc, name-defined]
    """An exception ends a worker, as it does the book's."""

    def run(self) -> None:
        self.failures: list[Any] = []
        for item in self.in_queue:
            self.out_queue.put(self.func(item))


def simulate_at_once(grid: Any, logic: Any = item57.game_logic) -> Any:
    """All cells wait at the same time."""
    return item57.simulate_threaded(grid, logic)


def forget_exceptions(item: Any, logic: Any) -> Any:
    """The second phase knows nothing of exceptions."""
    return item58.game_logic_thread(item, logic)


def start_one(_: int, *args: Any, start: Any = item55.start_threads) -> Any:
    """There is one worker a phase, whatever is asked for."""
    return start(1, *args)


class RaisingThread(threading.Thread):
    """join() raises what the thread raised."""

    def run(self) -> None:
        self.error = None
        try:
            super().run()
        except OSError as error:
            self.error = error

    def join(self, timeout: float | None = None) -> None:
        super().join(timeout)
        if self.error:
            raise self.error


class OtherThread(threading.Thread):
    """The exception is reported for another thread."""

    def run(self) -> None:
        other = threading.Thread(target=super().run, name="another")
        other.start()
        other.join()


def collect_by_the_book(grid: Any, out_queue: Any) -> Any:
    """The first failure ends the collecting, and the rest stays behind."""
    out_queue.close()
    for y, x, result in out_queue:
        if isinstance(result, Exception):
            raise item58.SimulationError(f"cell ({y}, {x})") from result
        grid.set(y, x, result)
    return grid


def break_a_worker(item: Any, logic: Any) -> None:
    """The workers' own function has a bug."""
    raise TypeError("a bug")


class ThreadPerTask(ThreadPoolExecutor):
    """The pool starts a thread for each task."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(fn, *args, **kwargs)


class PoolOfOne(ThreadPoolExecutor):
    """The pool has one thread."""

    def __init__(self, _: int) -> None:
        super().__init__(1)


class SilentPool(ThreadPoolExecutor):
    """result() does not raise what the task raised."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        future.result = future.exception  # type: ignore[method-assign]
        return future


def run_when_called(state: str, neighbors: int) -> Any:
    """Calling a coroutine function runs it as far as its await."""

    @coroutine
    def pause() -> Any:
        yield

    async def logic() -> Any:
        await pause()
        return await item60.game_logic(state, neighbors)

    started = logic()
    started.send(None)
    return started


async def simulate_in_turn(
    grid: Any, logic: Any = item60.game_logic, step: Any = item60.step_cell
) -> Any:
    """Each coroutine is awaited before the next one is called."""
    next_grid = type(grid)(grid.height, grid.width)
    for y in range(grid.height):
        for x in range(grid.width):
            await step(y, x, grid.get, next_grid.set, logic)
    return next_grid


def new_thread() -> Any:
    """Each coroutine runs on a thread of its own."""
    return threading.Thread()


class OpenEvent(asyncio.Event):
    """A coroutine pauses, but does not wait for the event."""

    async def wait(self) -> Any:
        await asyncio.sleep(0)


class FirstOnly(asyncio.TaskGroup):
    """The group raises the first exception, and drops the others."""

    async def __aexit__(self, *args: Any) -> None:
        try:
            await super().__aexit__(*args)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None


PARTS = 4  # of a module's worlds
GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
# 45 waits of 2 ms, one after another
SLOW = r"cells took (0\.09|0\.[1-9]|[1-9]).* s,"
SOON = {"item56.DELAY": 0.002}
LATE = {"IO_TIME": 0.1}  # for a busy machine

W = World
WORLDS = [
    W(
        "item52_subprocess",
        "poll_and_work",
        {"start": ended_child},
        "returns 0",
    ),
    W(
        "item52_subprocess",
        "sleep_in_parallel",
        {"start": ended_child},
        r"took (0\.[3-9]|[1-9])",
        {"CHILDREN": 3},
    ),
    W(
        "item52_subprocess",
        "encrypt_in_parallel",
        {"run_encrypt": encrypt_in_turn},
        "0 children have their data",
    ),
    W(
        "item52_subprocess",
        "encrypt_in_parallel",
        {"end_inputs": leave_inputs_open},
        "TimeoutExpired",
        {"PATIENCE": 0.1},
    ),
    W(
        "item52_subprocess",
        "encrypt_in_parallel",
        {"ENCRYPT": Copying(COPY)},
        "3 of 3 messages can be read",
        {"MESSAGES": [b"one", b"two", b"three"]},
    ),
    W(
        "item52_subprocess",
        "encrypt_in_parallel",
        {"DECRYPT": Failing(item52.SPEAK)},
        "every byte: False",
    ),
    W(
        "item52_subprocess",
        "encrypt_into_hash",
        {"DIGEST": Constant([*item52.PYTHON, "input(); print('digest')"])},
        "Different digests: 1",
    ),
    W(
        "item52_subprocess",
        "time_out",
        {"HANG": Ending(item52.SPEAK)},
        r"\Ahere: exit status 0",
        {"TIMEOUT": 30},
    ),
    W(
        "item53_gil",
        "factorize_in_threads",
        {"process_time": four_cores},
        r"s, (3\.99|4)",
    ),
    W(
        "item53_gil",
        "block_in_a_row",
        {"slow_systemcall": return_at_once},
        r"row 0\.0",
    ),
    W(
        "item53_gil",
        "block_in_threads",
        {"slow_systemcall": fail},
        "only 0 of 5 calls finished",
    ),
    W(
        "item54_lock",
        "lost_readings",
        {"Thread": InTurn, "Barrier": OpenBarrier},
        "got 500",
    ),
    W(
        "item54_lock",
        "three_steps",
        {"Counter": BareCounter},
        "count\nBINARY_OP",
    ),
    W("item54_lock", "one_lost_reading", {"Counter": CallFirst}, "got 2"),
    W(
        "item54_lock",
        "no_lost_readings",
        {"Lock": NoLock},
        r"should be 500, got (?!500)",
    ),
    W(
        "item55_queue",
        "polling_pipeline",
        {"MyQueue": BlockingQueue, "sleep": lose_patience},
        r"\ATimeoutError",
    ),
    W(
        "item55_queue",
        "get_blocks",
        {"Queue": GetAtOnce},
        "waiting\nConsumer done",
        LATE,
    ),
    W(
        "item55_queue",
        "put_blocks",
        {"Queue": PutAtOnce},
        "put 1\nProducer put 2",
        LATE,
    ),
    W(
        "item55_queue",
        "join_waits",
        {"Queue": JoinAtOnce},
        "Producer done\n(?s:.*)Consumer done",
        LATE,
    ),
    W(
        "item55_queue",
        "join_waits",
        {"Queue": JoinTaken},
        "Producer done\n(?s:.*)Consumer done",
        LATE,
    ),
    W(
        "item55_queue",
        "closable_pipeline",
        {"StoppableWorker": LosingWorker},
        "997 items",
    ),
    W(
        "item55_queue",
        "several_workers",
        {"StoppableWorker": DoublingWorker},
        "8000 items came through, 1000 different",
    ),
    W(
        "item55_queue",
        "several_workers",
        {"StoppableWorker": MortalWorker},
        "Failed:\n",
    ),
    W(
        "item55_queue",
        "several_workers",
        {"start_threads": start_one},
        r"5\) workers took (0\.[1-9]|[1-9])",
    ),
    W("item56_life", "blocking_io", {"ask": return_at_once}, r"took 0\.[0-3]"),
    W(
        "item56_life",
        "blocking_io",
        {"simulate": simulate_at_once},
        r"took [01]\.",
        {"item56.DELAY": 0.05},
    ),
    W(
        "item57_threads",
        "thread_per_cell",
        {"Thread": InTurn},
        r"\ABrokenBarrierError",
        {"item56.PATIENCE": 0.1},
    ),
    W(
        "item57_threads",
        "lost_exception",
        {"Thread": RaisingThread},
        r"\AOSError",
    ),
    W(
        "item57_threads",
        "lost_exception",
        {"Thread": OtherThread},
        "in another",
    ),
    W(
        "item58_queue_refactor",
        "five_workers",
        {"start_threads": start_one},
        SLOW,
        SOON,
    ),
    W(
        "item58_queue_refactor",
        "five_workers",
        {"collect": collect_by_the_book},
        "SimulationError(?s:.*)SimulationError",
    ),
    W(
        "item58_queue_refactor",
        "five_workers",
        {"game_logic_thread": break_a_worker},
        "TypeError: a bug",
    ),
    W(
        "item58_queue_refactor",
        "two_phases_of_five",
        {"start_threads": start_one},
        SLOW,
        SOON,
    ),
    W(
        "item58_queue_refactor",
        "failing_first_phase",
        {"phased_game_logic_thread": forget_exceptions},
        r"\A\Z",
    ),
    W(
        "item59_pool",
        "pool_of_ten",
        {"ThreadPoolExecutor": ThreadPerTask},
        "at most 10 threads: False",
    ),
    W(
        "item59_pool",
        "pool_of_ten",
        {"ThreadPoolExecutor": PoolOfOne},
        SLOW,
        SOON,
    ),
    W(
        "item59_pool",
        "exception_in_a_task",
        {"ThreadPoolExecutor": SilentPool},
        r"\AThe next",
    ),
    W(
        "item60_coroutines",
        "call_and_await",
        {"game_logic": run_when_called},
        "CORO_SUSPENDED",
    ),
    W(
        "item60_coroutines",
        "coroutine_per_cell",
        {"simulate": simulate_in_turn},
        SLOW,
        SOON,
    ),
    W(
        "item60_coroutines",
        "coroutine_per_cell",
        {"current_thread": new_thread},
        "on 10000 thread",
    ),
    W(
        "item60_coroutines",
        "coroutine_per_cell",
        {"asyncio.Event": OpenEvent},
        "9000 coroutines",
    ),
    W(
        "item60_coroutines",
        "exception_in_a_coroutine",
        {"asyncio.TaskGroup": FirstOnly},
        r"\A1 cells raised",
    ),
    W(
        "item60_coroutines",
        "io_in_one_more_function",
        {"simulate": simulate_in_turn},
        SLOW,
        SOON,
    ),
]
if GIL and os.name == "posix":
    slow = {"slow_systemcall": hold_the_gil}
    told = r"threads (0\.2[5-9]|0\.[3-9]|[1-9])"
    WORLDS.append(W("item53_gil", "block_in_threads", slow, told))


def tell(script: str, demo: str, names: dict[str, Any]) -> str:
    """Return what a demo prints in a world, and the errors it ends with."""
    function = getattr(load(*script.split("-")), demo)
    dotted = [patch(name, names[name]) for name in names if "." in name]
    own = {name: names[name] for name in names if "." not in name}
    assert own.keys() <= function.__globals__.keys()

    def end(error: Any) -> None:
        print(f"{error.exc_type.__name__}: {error.exc_value}")

    with ExitStack() as stack:
        output = stack.enter_context(redirect_stdout(io.StringIO()))
        for world in patch.object(threading, "excepthook", end), *dotted:
            stack.enter_context(world)
        stack.enter_context(patch.dict(function.__globals__, own))
        try:
            function()
        except (Exception, SystemExit) as error:
            print(f"{type(error).__name__}: {error}")
    return output.getvalue()


def tell_part(part: str) -> list[str]:
    """Return what is told in each world of a part, such as "test_evidence 0".

    By a process of its own, since most worlds wait, and all patch names.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "told.json")
        result = run(
            "-m", "tests.test_evidence", *part.split(), path, cwd=ROOT
        )
        assert result.returncode == 0, result.stderr
        return list(json.loads(path.read_text(encoding="utf-8")))


def each_world(module: str, worlds: list[World]) -> pytest.MarkDecorator:
    """Return a mark to test each world of a module; its parts begin early."""
    values = []
    for index, world in enumerate(worlds):
        part, name = (
            f"{module} {index % PARTS}",
            f"{world.script[:6]}-{world.demo}",
        )
        mark = pytest.mark.looks_at(tell_part, part)
        place = index // PARTS
        values.append(pytest.param(world, part, place, marks=mark, id=name))
    return pytest.mark.parametrize(("world", "part", "place"), values)


@each_world("test_evidence", WORLDS)
def test_a_false_world_is_seen(world: World, part: str, place: int) -> None:
    """What is told there is told in no other."""
    told = begin(tell_part, part).result()[place]
    assert re.search(world.told, told), told
    golden = GOLDEN / f"test_transcript[{world.script}].txt"
    title = getattr(load(*world.script.split("-")), world.demo).__doc__
    (true,) = re.findall(
        rf"(?ms): {re.escape(title.splitlines()[0])}\n(.*?)(?=^Ex|^Qu|\Z)",
        golden.read_text(encoding="utf-8"),
    )
    assert not re.search(world.told, true)


if __name__ == "__main__":
    module, number, path = sys.argv[1:]
    worlds = import_module(f"tests.{module}").WORLDS[int(number) :: PARTS]
    all_told = [
        tell(world.script, world.demo, {**world.setting, **world.false})
        for world in worlds
    ]
    Path(path).write_text(json.dumps(all_told), encoding="utf-8")
    STAGE.cleanup()
    os._exit(0)  # whatever threads are left
