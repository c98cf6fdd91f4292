"""What answers print is evidence, too: a row is a false world for one."""

import asyncio
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial
from queue import Queue
from threading import Barrier, Event, Thread
from time import sleep
from types import SimpleNamespace
from typing import Any

from tests.helpers import begin, transcript
from tests.test_evidence import World, each_world, tell_part


class AtOnce(ThreadPoolExecutor):
    """A pool whose calls run one after another."""

    def submit(self, call: Any, /, *args: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **options))
        except Exception as error:
            future.set_exception(error)
        return future


class NoBarrier:
    """A barrier that holds nobody up."""

    def __init__(self, parties: int, timeout: float | None = None) -> None:
        pass

    def wait(self) -> None:
        pass


class NoLock:
    """A lock that everybody gets."""

    def acquire(self, timeout: float = -1) -> bool:
        return True

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class Open:
    """A lock or semaphore of asyncio that everybody gets."""

    def __init__(self, value: int = 1) -> None:
        pass

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


def no_answer(shared: Any) -> None:
    """Nobody answers a call before it ends."""
    shared[0] = True


def fail(_: object) -> None:
    """A worker fails."""


class SwitchedOn:
    """A free-threaded build runs with the GIL."""

    @staticmethod
    def _is_gil_enabled() -> bool:
        return True

    @staticmethod
    def get_config_var(_: str) -> int:
        return 1


class Missing:
    """A build that is not free-threaded runs without the GIL."""

    @staticmethod
    def _is_gil_enabled() -> bool:
        return False

    @staticmethod
    def get_config_var(_: str) -> None:
        pass


class Nothing:
    """A function has no instructions."""

    @staticmethod
    def get_instructions(_: object) -> tuple[()]:
        return ()


def big_pipe(command: Any, **options: Any) -> Any:
    """A pipe holds all that the child writes."""
    return subprocess.Popen(command, pipesize=2**20, **options)


def reap(_: object, pid: int, options: int) -> None:
    """A child that has ended is not kept for its parent."""
    os.waitpid(pid, 0)


class Asking(subprocess.Popen[Any]):
    """Popen asks for the exit status before it is dropped."""

    def __del__(self) -> None:
        self.wait()


class Forgetful(subprocess.Popen[Any]):
    """wait() does not note that it has asked."""

    def wait(self, timeout: float | None = None) -> int:
        status = super().wait(timeout)
        self.returncode = None
        return status


class Killable(Thread):
    """A thread can be killed."""

    kill = None


def kill_one(pid: int, number: int) -> None:
    """A signal to a group reaches its leader only."""
    os.kill(pid, number)


def terminate(child: Any) -> None:
    """terminate() reaches the child's children, too."""
    os.killpg(child.pid, signal.SIGTERM)


class Deaf(Event):
    """An Event that nobody hears of."""

    def set(self) -> None:
        pass

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(0.2)


class Hasty:
    """A queue whose get() waits for nothing."""

    def __class_getitem__(cls, _: object) -> Any:
        return cls

    def get(self) -> None:
        pass

    def put(self, item: object) -> None:
        pass


class Stuck(Hasty):
    """A queue whose get() hears of no item."""

    def get(self) -> None:
        sleep(0.2)


def threads_for_processes(workers: int, *_: object) -> ThreadPoolExecutor:
    """Workers are threads of this process."""
    return ThreadPoolExecutor(workers)


def copies_always(_: str) -> Any:
    """Every start method copies the process."""
    return multiprocessing.get_context("fork")


def find_a_lock_of_its_own() -> None:
    """A process that is copied has new locks."""
    sys.exit(10)


def two(_: object) -> int:
    """Each thread adds two."""
    return 2


def all_inside(_: float, barrier: Barrier = Barrier(5, timeout=30)) -> None:  # noqa: B008
    """While one is in the block, all others come in."""
    barrier.wait()


class Peeking(deque[Any]):
    """A deque whose pop() leaves the item there."""

    def pop(self) -> Any:  # type: ignore[override]
        return self[-1]


def at_once(*_: object) -> None:
    """It waits for nothing."""


class PutsBack(Queue[Any]):
    """A queue whose None is there for all workers."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        item = super().get(block, timeout)
        if item is None:
            self.put(None)
        return item


class Losing(Queue[Any]):
    """A queue that loses its items when it is shut down."""

    def shutdown(self, immediate: bool = False) -> None:
        vars(Queue)["shutdown"](self, immediate=True)


class Set(Event):
    """An Event for which nobody has to wait."""

    def wait(self, timeout: float | None = None) -> bool:
        return True


class Silent(Thread):
    """A thread whose exception is reported to nobody."""

    def run(self) -> None:
        with suppress(Exception):
            super().run()


class Reporting(ThreadPoolExecutor):
    """A pool whose threads die of an exception, which is reported."""

    def submit(self, call: Any, /, *args: Any, **options: Any) -> Future[Any]:
        thread = Thread(target=call, args=args)
        thread.start()
        thread.join()
        return AtOnce(1).submit(at_once)


def cancel(_: object) -> bool:
    """A call that runs can be cancelled; one that waits cannot."""
    return True


def end_early(started: Event, _: object) -> bool:
    """Each call has ended before somebody cancels it."""
    started.set()
    return False


def end_late(started: Event, stop: Event) -> bool:
    """A call is not told that its Event is set."""
    started.set()
    return not stop.wait()


def running(_: object) -> bool:
    """A call ends when somebody has waited too long for it."""
    return False


class Stubborn(ThreadPoolExecutor):
    """A pool that cancels nothing."""

    def shutdown(
        self, wait: bool = True, *, cancel_futures: bool = False
    ) -> None:
        super().shutdown(wait)


class Cancelling(ThreadPoolExecutor):
    """A pool that cancels what waits, whatever is asked for."""

    def shutdown(
        self, wait: bool = True, *, cancel_futures: bool = False
    ) -> None:
        super().shutdown(wait, cancel_futures=True)


class Leaving(ThreadPoolExecutor):
    """A pool that does not wait for its calls."""

    def shutdown(self, wait: bool = True, **_: bool) -> None:
        super().shutdown(wait=False)


class Lazy(ThreadPoolExecutor):
    """map() takes an item when its result is asked for."""

    def map(self, fn: Any, *iterables: Any, **_: Any) -> Any:
        return map(fn, *iterables)


class Eager(ThreadPoolExecutor):
    """map() takes all items, whatever its buffersize."""

    def map(self, fn: Any, *iterables: Any, **_: Any) -> Any:
        return super().map(fn, *iterables)


class Spare(ThreadPoolExecutor):
    """A pool that has a thread to spare."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers + 1)


class Lax:
    """A TaskGroup that lets the other tasks run on."""

    async def __aenter__(self) -> "Lax":
        self.tasks: list[asyncio.Task[Any]] = []
        return self

    def create_task(self, coroutine: Any) -> asyncio.Task[Any]:
        self.tasks.append(asyncio.create_task(coroutine))
        return self.tasks[-1]

    def cancel(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)
        done = [task.exception() for task in self.tasks if task.done()]
        if done:
            raise BaseExceptionGroup("", [error for error in done if error])


async def gather(*tasks: Any, return_exceptions: bool = False) -> Any:
    """gather() cancels the others when one fails."""
    await asyncio.wait(tasks, timeout=0 if return_exceptions else 0.01)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return [task.cancelled() or await task for task in tasks]


async def gather_two(*tasks: Any, gather: Any = asyncio.gather) -> None:
    """gather() runs the first two."""
    for task in tasks[2:]:
        task.close()
    await gather(*tasks[:2])


async def on_the_loop(call: Callable[..., Any], *arguments: Any) -> Any:
    """to_thread() calls a function on the loop's own thread."""
    return call(*arguments)


async def no_switch(_: float) -> None:
    """An await that does not let others run."""


class Eaten:
    """A coroutine that has run when it is called."""

    def __await__(self) -> Any:
        yield from ()
        return "something else"


async def something_else() -> str:
    """The peer answers something else."""
    return "something else"


def keep(coroutine: Any, kept: list[Any] = []) -> asyncio.Task[Any]:  # noqa: B006
    """An event loop keeps its tasks."""
    kept.append(asyncio.get_running_loop().create_task(coroutine))
    return kept[-1]


def four_tasks() -> range:
    """A timeout leaves three tasks behind."""
    return range(4)


async def get(_: object) -> str:
    """A queue's get() waits for something else."""
    await asyncio.sleep(0.01)
    return "a photo"


class Waking(asyncio.SelectorEventLoop):
    """An event loop that call_soon() wakes."""

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> Any:
        handle = super().call_soon(callback, *args, context=context)
        self._write_to_self()  # type: ignore[attr-defined]
        return handle


def swallow(_: object) -> Any:
    """except Exception swallows CancelledError."""
    return suppress(BaseException)


def let_through(_: object) -> Any:
    """except BaseException lets CancelledError through."""
    return nullcontext()


ENDS = 'print("finally")'
HALF = "import sys; print(end='x' * (int(sys.argv[1]) // 2)); sys.exit(3)"
FLUSHES = """
print("step 1\\nwaiting", flush=True)
__import__("sys").stdin.read()
"""
ALONE = {
    "answer": no_answer,
    "get_context": lambda _: SimpleNamespace(Process=Thread),
    "NAPS": 3,
    "FEW": 10,
    "MANY": 10,
}
IN_TURN = {"ThreadPoolExecutor": AtOnce, "Barrier": NoBarrier}


q52 = partial(World, "item52_subprocess-questions")
q53 = partial(World, "item53_gil-questions")
q54 = partial(World, "item54_lock-questions")
q55 = partial(World, "item55_queue-questions")
q56 = partial(World, "item56_life-questions")
q57 = partial(World, "item57_threads-questions")
q59 = partial(World, "item59_pool-questions")
q60 = partial(World, "item60_coroutines-questions")

WORLDS: list[World] = [
    q52(
        "stop_a_family",
        {"SHELL": (sys.executable, "-c", "pass")},
        "ChildProcessError",
    ),
    q52(
        "wait_and_communicate",
        {"WRITE": (sys.executable, "-c", HALF)},
        "returns 3\n.*returns 500 bytes\n(.*\n){2}.*returns 500000 bytes",
    ),
    q52(
        "output_while_it_runs",
        {"TALK": FLUSHES},
        r"python3: \['step 1'\] while it runs, \[\]",
    ),
    q52(
        "output_while_it_runs",
        {"TALK": "raise SystemExit(3)"},
        "ChildProcessError: exit status 3",
    ),
    q53(
        "which_python",
        {"sys": SwitchedOn, "sysconfig": SwitchedOn},
        "a free-threaded build with the GIL",
    ),
    q53(
        "which_python",
        {"sys": Missing, "sysconfig": Missing},
        "a build without the GIL",
    ),
    q53(
        "ask_a_thread",
        {"Event": Deaf, "PATIENCE": 0.01},
        r"ends stop.wait\(\): False",
    ),
    q53(
        "ask_a_thread",
        {"SimpleQueue": Hasty},
        r"stop.set\(\) ends inbox.get\(\): True",
    ),
    q53(
        "ask_a_thread",
        {"SimpleQueue": Stuck, "PATIENCE": 0.01},
        r"inbox.put\(\) ends inbox.get\(\): False",
    ),
    q53("ask_a_thread", {"DAEMON": ENDS}, "finally block: True"),
    q53("ask_a_thread", {"Thread": Killable}, "kill: True"),
    q53(
        "compute_in_processes",
        {"ProcessPoolExecutor": threads_for_processes, "INPUTS": (6, 28)},
        "count 4 6\nThere, this script's name is item53_gil_questions",
    ),
    q54("counter_that_never_loses", IN_TURN, r"in 5 threads makes 5"),
    q54(
        "counter_that_never_loses",
        {"ThreadPoolExecutor": AtOnce, "PATIENCE": 0.01},
        "BrokenBarrierError",
    ),
    q54(
        "counter_that_never_loses",
        {"dis": Nothing},
        "is \n",
    ),
    q54(
        "lock_or_no_lock",
        {**IN_TURN, "one": two},
        "2 2 2 2 2 makes 10\n.*for all: 10\n",
    ),
    q54(
        "lock_or_no_lock",
        {"Lock": NoLock, "sleep": all_inside},
        "A lock, one total for all: 1",
    ),
    q54(
        "two_locks_in_two_orders",
        {"Lock": NoLock},
        "lock 0 acquires lock 1: True\n.* lock 0: True",
    ),
    q54(
        "two_locks_in_two_orders",
        {"ROUNDS": 10},
        "(?m)^10 transfers of 2 and 10 of 1 in return: 90 110",
    ),
    q54("safe_operations", {"deque": Peeking}, r"1000 items, (?!1000)"),
    q54(
        "safe_operations",
        {**IN_TURN, "ROUNDS": 1},
        "10 items, 10.*\n.* makes 5\n.*by 1 threads",
    ),
    q54(
        "lock_and_read",
        {"Lock": NoLock, "TIMEOUT": 30},
        "under_the_lock: 5 at once",
    ),
    q54(
        "lock_and_read",
        {"ThreadPoolExecutor": AtOnce, "PATIENCE": 0.01},
        "BrokenBarrierError",
    ),
    q55(
        "join_that_never_returns",
        {"queue.Queue.join": at_once},
        r"1 not done, join\(\) waits: False",
    ),
    q55(
        "join_that_never_returns",
        {"queue.Queue.task_done": at_once, "PATIENCE": 0.01},
        "3 not done.*True",
    ),
    q55("workers_that_end", {"Queue": PutsBack}, "One None ends 3 of 3"),
    q55("workers_that_end", {"NUMBERS": range(4)}, "with 4 items taken"),
    q55(
        "shared_generator",
        {"ThreadPoolExecutor": AtOnce, "Event": Set},
        "it returns 1\n.*returns 0",
    ),
    q55("shared_generator", {"NUMBERS": range(1, 4)}, r"1\.\n.*: \[2, 3\]"),
    q56(
        "what_overlaps",
        ALONE,
        "threads: False\n.*processes: False\n(.*\n){2}.*processes: False",
    ),
    q56(
        "what_overlaps",
        {**ALONE, "asyncio.sleep": no_switch},
        "coroutines: False\nComp",
    ),
    q56("what_overlaps", {**ALONE, "answer": fail}, "ChildProcessError"),
    q57("exception_that_went", {"Thread": Silent}, r"excepthook got \[\]"),
    q57(
        "exception_that_went",
        {"ThreadPoolExecutor": Reporting},
        r"(?m)^With an executor, it got \[OSError",
    ),
    q59(
        "cancel_and_shut_down",
        {"concurrent.futures.Future.cancel": cancel},
        "runs: True\n.*\n.*: 0 of 9",
    ),
    q59(
        "cancel_and_shut_down",
        {"ThreadPoolExecutor": AtOnce, "work": end_early},
        "waits: False\n.*: 0 of 9\n.*False",
    ),
    q59(
        "interrupted_pool",
        {"CALLS": 5},
        "first of 5 calls,\n5 run in spite of",
    ),
    q59(
        "interrupted_pool",
        {"ThreadPoolExecutor": Cancelling},
        "(?m)^1 run in spite",
    ),
    q59(
        "result_that_timed_out",
        {"ThreadPoolExecutor": Leaving},
        r"shutdown\(\) waits for it: False",
    ),
    q59(
        "result_that_timed_out",
        {"concurrent.futures.Future.running": running, "work": end_late},
        "runs on: False\n.*: True\n.*: False",
    ),
    q59("interrupted_pool", {"ThreadPoolExecutor": Stubborn}, "10 runs"),
    q59("eager_map", {"ThreadPoolExecutor": Lazy}, r"(?m)^map\(\) takes 1 of"),
    q59(
        "eager_map",
        {"AHEAD": 3, "MANY": 100},
        r"bounded_map\(\) takes 3 of 100.* 4950",
    ),
    q59(
        "pool_that_waits_for_itself",
        {"ThreadPoolExecutor": Spare},
        "The same pool: the inner result",
    ),
    q60(
        "gather_or_group",
        {"asyncio.gather": gather},
        r"OSError\('no I/O'\), 0 other tasks",
    ),
    q60(
        "gather_or_group",
        {"asyncio.TaskGroup": Lax},
        "0 other tasks are cancelled",
    ),
    q60("blocked_loop", {"Event": Set}, "call that blocks: True"),
    q60("blocked_loop", {"asyncio.sleep": no_switch}, r"sleep\(\): False"),
    q60(
        "blocked_loop",
        {"asyncio.to_thread": on_the_loop, "PATIENCE": 0.01},
        r"thread\(\): False",
    ),
    q60(
        "two_errors",
        {"fetch": Eaten},
        r"(?m)^fetch\(\):\n(.*\n)await fetch\(\): something else",
    ),
    q60("lost_task", {"asyncio.create_task": keep}, "alone: waits: True"),
    q60("lost_task", {"asyncio.wait": no_switch}, "still in the set: 1"),
    q60(
        "many_but_not_at_once",
        {"asyncio.Semaphore": Open, "MANY": 100},
        "100 visits, 100 at once\n.*100 visits, 100",
    ),
    q60(
        "many_but_not_at_once",
        {"AT_ONCE": 7, "MANY": 100},
        "7 tasks, 100 visits, 7 at once",
    ),
    q60(
        "many_but_not_at_once",
        {"asyncio.all_tasks": four_tasks, "MANY": 100},
        "leaves 3",
    ),
    q60(
        "what_it_waits_for",
        {"asyncio.Queue.get": get},
        "Resizer: resize > get",
    ),
    q60("what_it_waits_for", {"asyncio.Event.wait": get}, "Downloader: get"),
    q60(
        "stopped_group",
        {"asyncio.TaskGroup": Lax},
        r"(?m)^\(StopGroup\(\),\) caught, 0 tasks",
    ),
    q60(
        "from_a_thread",
        {"asyncio.SelectorEventLoop": Waking},
        r"call_soon\(\) is heard: True",
    ),
    q60("from_a_thread", {"fetch": something_else}, "returns something else"),
    q60(
        "tasks_that_lose",
        {"asyncio.sleep": no_switch},
        "await_between, in 5 tasks: 5",
    ),
    q60(
        "tasks_that_lose",
        {"asyncio.Lock": Open},
        "await_in_lock, in 5 tasks: 1",
    ),
    q60("tasks_that_lose", {"asyncio.gather": gather_two}, "before.*: 2"),
    q60(
        "swallowed_cancel",
        {"suppress": swallow},
        r"suppress\(Exception\).*\n    goes on",
    ),
    q60(
        "swallowed_cancel",
        {"suppress": let_through},
        r"cleans up\n.*cancelled: True\n.*\(Exc",
    ),
]
if os.name == "posix":
    WORLDS += [
        q52("zombies", {"Popen": Asking}, "dropped: 0\nwait"),
        q52("zombies", {"Popen": Forgetful}, "returns 0\n.*\nwarn.*: 1\n"),
        q52(
            "stop_a_family",
            {"os.killpg": kill_one},
            r"group\(\) and wait\(\), .*: True",
        ),
        q52(
            "stop_a_family",
            {"subprocess.Popen.terminate": terminate},
            r"terminate\(\).*: False",
        ),
        q53("start_methods", {"get_context": copies_always}, "spawn: held"),
        q53(
            "start_methods",
            {
                "get_context": copies_always,
                "look_at_lock": find_a_lock_of_its_own,
            },
            "here: fork: free",
        ),
    ]
if sys.platform == "linux":
    WORLDS += [
        q52(
            "wait_and_communicate",
            {"Popen": big_pipe},
            r"1000000 bytes:\n    wait\(\) returns 0",
        ),
        q52(
            "zombies", {"os.waitid": reap}, r"/proc: nothing\nwarnings .*: 1\n"
        ),
    ]
if sys.version_info >= (3, 13):
    WORLDS += [
        q55(
            "workers_that_end",
            {"Queue": Losing},
            r"shutdown\(\) ends all: False",
        ),
    ]
if sys.version_info >= (3, 14):
    WORLDS += [
        q59("eager_map", {"ThreadPoolExecutor": Eager}, "taken few: False"),
    ]
if sys.version_info >= (3, 15):
    WORLDS += [
        q60(
            "stopped_group", {"asyncio.TaskGroup": Lax}, "cancels, too: False"
        ),
    ]


@each_world("test_evidence_questions", WORLDS)
def test_a_false_world_is_seen(world: World, part: str, place: int) -> None:
    """What is told there is not told in the transcript."""
    told = begin(tell_part, part).result()[place]
    assert re.search(world.told, told), told
    assert not re.search(world.told, transcript(world.script))
