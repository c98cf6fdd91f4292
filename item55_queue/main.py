"""Item 55: use Queue to coordinate work between threads.

A pipeline passes items from phase to phase, each phase on threads of its
own, with a queue between one phase and the next. Workers on a home-made
queue must poll. queue.Queue blocks instead, bounds the backlog, and tells
when the work is done; a sentinel closes it.

    python3 item55_queue/main.py          every example
    python3 item55_queue/main.py 3 8      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from queue import Queue
from threading import Event, Lock, Thread
from time import perf_counter, sleep
from typing import Any

ITEMS = 1_000
SLOW_ITEMS = 40
IO_TIME = 0.005  # seconds that each phase takes over a slow item

Func = Callable[[Any], Any]
Failure = tuple[Any, BaseException]  # an item and what it raised


# Example 1
def download(item: object) -> str:
    """Stands for the first phase: says that it was done."""
    return f"{item} downloaded"


def resize(item: object) -> str:
    """Stands for the second phase: says that it was done."""
    return f"{item}, resized"


def upload(item: object) -> str:
    """Stands for the third phase: says that it was done."""
    return f"{item}, uploaded"


# Example 2
class MyQueue:
    """A home-made queue: first in, first out, and safe to share."""

    def __init__(self) -> None:
        self.items: deque[Any] = deque()
        self.lock = Lock()

    # Example 3
    def put(self, item: object) -> None:
        """Add an item at one end."""
        with self.lock:
            self.items.append(item)

    # Example 4
    def get(self) -> Any:
        """Take the item at the other end; IndexError if there is none."""
        with self.lock:
            return self.items.popleft()


# Example 5
class Worker(Thread):
    """Passes items through func until stopping is set, polling for them.

    If func raises, the thread dies, and nobody is told.
    """

    def __init__(
        self, func: Func, in_queue: MyQueue, out_queue: MyQueue
    ) -> None:
        super().__init__()
        self.func = func
        self.in_queue = in_queue
        self.out_queue = out_queue
        self.polled_count = 0
        self.work_done = 0
        self.stopping = False

    # Example 6
    def run(self) -> None:
        while not self.stopping:
            self.polled_count += 1
            try:
                item = self.in_queue.get()
            except IndexError:
                sleep(0)  # no work yet: let others run, then ask again
            else:
                self.out_queue.put(self.func(item))
                self.work_done += 1


def check_alive(threads: list[Worker]) -> None:
    """Let others run; RuntimeError if one of the workers has died."""
    sleep(0)
    if not all(thread.is_alive() for thread in threads):
        raise RuntimeError("a worker has died: the rest will never come")


# Example 7
def polling_pipeline() -> None:
    """Workers on a home-made queue ask far more than they work."""
    download_queue, resize_queue = MyQueue(), MyQueue()
    upload_queue, done_queue = MyQueue(), MyQueue()
    threads = [
        Worker(download, download_queue, resize_queue),
        Worker(resize, resize_queue, upload_queue),
        Worker(upload, upload_queue, done_queue),
    ]
    try:
        for thread in threads:
            thread.start()
        while any(thread.polled_count < ITEMS for thread in threads):
            check_alive(threads)  # no work yet, and they ask all the same

        # Example 8
        for number in range(ITEMS):
            download_queue.put(f"photo {number}:")

        # Example 9
        while len(done_queue.items) < ITEMS:
            check_alive(threads)  # the main thread has to poll, too
    finally:
        for thread in threads:
            thread.stopping = True
    for thread in threads:
        thread.join()

    # Example 10
    polled = sum(thread.polled_count for thread in threads)
    worked = sum(thread.work_done for thread in threads)
    print(f"{len(done_queue.items)} items, the last: {done_queue.items[-1]}")
    print(f"Three workers worked {worked} times")
    print(f"and polled at least twice as often: {polled >= 2 * worked}")
    print(f"here: they polled {polled} times")


# Example 11
def get_blocks() -> None:
    """Queue.get blocks until there is an item."""
    queue: Queue[str] = Queue()
    waiting = Event()
    lines: list[str] = []  # only the main thread prints

    def consumer() -> None:
        lines.append("Consumer waits")
        waiting.set()
        item = queue.get()  # polls nothing, uses no processor time
        lines.append(f"Consumer got {item}")

    thread = Thread(target=consumer)
    thread.start()

    # Example 12
    waiting.wait()
    lines.append("Producer puts a photo")
    queue.put("a photo")
    thread.join()
    lines.append("Producer is done")
    print(*lines, sep="\n")


# Example 13
def put_blocks() -> None:
    """Queue(1).put blocks until the item before was taken."""
    queue: Queue[str] = Queue(1)
    second_put_begins, second_put_ended = Event(), Event()
    lines: list[str] = []

    def consumer() -> None:
        second_put_begins.wait()
        lines.append(f"Consumer takes one; queue full: {queue.full()}")
        queue.get()
        second_put_ended.wait()
        lines.append(f"Consumer takes one; queue full: {queue.full()}")
        queue.get()

    thread = Thread(target=consumer)
    thread.start()

    # Example 14
    queue.put("photo 1")
    lines.append("Producer has put photo 1, puts photo 2 and waits")
    second_put_begins.set()
    queue.put("photo 2")
    lines.append("Producer has put photo 2")
    second_put_ended.set()
    thread.join()
    lines.append(f"Producer is done; queue empty: {queue.empty()}")
    print(*lines, sep="\n")


# Example 15
def join_waits() -> None:
    """Queue.join waits for work done, not for items taken."""
    queue: Queue[str] = Queue()
    taken, joining = Event(), Event()
    lines: list[str] = []

    def consumer() -> None:
        queue.get()
        taken.set()
        joining.wait()
        lines.append("Consumer works")
        queue.task_done()

    thread = Thread(target=consumer)
    thread.start()

    # Example 16
    queue.put("a photo")
    taken.wait()
    lines.append(f"Producer joins; queue empty: {queue.empty()}")
    joining.set()
    queue.join()
    lines.append("Producer has joined")
    thread.join()
    print(*lines, sep="\n")


# Example 17
class ClosableQueue(Queue[Any]):
    """A queue that can be closed, and iterated until it is.

    Since 3.13 Queue.shutdown() ends a queue, too: put() raises ShutDown then,
    and so does get() once the queue is empty. A sentinel does it everywhere.
    """

    SENTINEL = object()

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.closed = False

    def close(self) -> None:
        """End every iteration once the items put so far are taken.

        put() raises ValueError from now on, also where it waits already.
        Closing again changes nothing.
        """
        with self.mutex:
            if not self.closed:
                self.closed = True
                self.maxsize = sys.maxsize  # so that nobody waits in put()
                self.not_full.notify_all()
                self._put_sentinel()

    def _put_sentinel(self) -> None:
        # With the mutex held, past any bound, and no task for join().
        self.queue.append(self.SENTINEL)
        self.not_empty.notify()

    def _put(self, item: Any) -> None:
        # Queue calls this when there is room, with the mutex held.
        if self.closed:
            raise ValueError(f"put() of {item!r} after close()")
        super()._put(item)

    # Example 18
    def __iter__(self) -> Iterator[Any]:
        """Each item in turn; it counts as done when the next is asked for."""
        while (item := self.get()) is not self.SENTINEL:
            try:
                yield item
            finally:
                self.task_done()
        with self.mutex:
            self._put_sentinel()  # for the next worker


# Example 19
class StoppableWorker(Thread):
    """Passes items from in_queue through func to out_queue until closed.

    An item for which func raises does not come out: it goes to failures,
    with its exception, and the worker goes on with the next.
    """

    def __init__(
        self, func: Func, in_queue: ClosableQueue, out_queue: ClosableQueue
    ) -> None:
        super().__init__()
        self.func = func
        self.in_queue = in_queue
        self.out_queue = out_queue
        self.failures: list[Failure] = []

    def run(self) -> None:
        for item in self.in_queue:
            try:
                self.out_queue.put(self.func(item))
            except BaseException as error:  # SystemExit ends threads silently
                self.failures.append((item, error))


# Example 20
def closable_pipeline() -> None:
    """Nobody polls, and closing the queues ends the pipeline."""
    download_queue, resize_queue = ClosableQueue(), ClosableQueue()
    upload_queue, done_queue = ClosableQueue(), ClosableQueue()
    threads = [
        StoppableWorker(download, download_queue, resize_queue),
        StoppableWorker(resize, resize_queue, upload_queue),
        StoppableWorker(upload, upload_queue, done_queue),
    ]
    try:
        for thread in threads:
            thread.start()

        # Example 21
        for number in range(ITEMS):
            download_queue.put(f"photo {number}:")
    finally:
        # Example 22
        for queue in download_queue, resize_queue, upload_queue:
            queue.close()
            queue.join()  # this phase is done: the next one may be closed
    for thread in threads:
        thread.join()
    done_queue.close()
    done = list(done_queue)
    print(f"{len(done)} items, the last: {done[-1]}")


# Example 23
def start_threads(
    count: int, func: Func, in_queue: ClosableQueue, out_queue: ClosableQueue
) -> list[StoppableWorker]:
    """Start count workers on the same two queues.

    ValueError if count is below 1. RuntimeError if the system refuses a
    thread; in_queue is then closed, and the workers that started are joined.
    """
    if count < 1:
        raise ValueError(f"count must be 1 or more, not {count}")
    threads: list[StoppableWorker] = []
    try:
        for _ in range(count):
            thread = StoppableWorker(func, in_queue, out_queue)
            thread.start()
            threads.append(thread)
    except RuntimeError:
        stop_threads(in_queue, threads)
        raise
    return threads


def stop_threads(
    closable_queue: ClosableQueue, threads: Iterable[StoppableWorker]
) -> list[Failure]:
    """Close the queue, join its workers; give every item that failed."""
    closable_queue.close()
    failures = []
    for thread in threads:
        thread.join()
        failures += thread.failures
    return failures


def run_pipeline(
    counts: Sequence[int], funcs: Sequence[Func], items: Iterable[object]
) -> tuple[list[Any], list[Failure]]:
    """Pass items through a phase for each func, with so many workers each.

    Gives what came out at the end, in any order, and what failed.
    """
    queues = [ClosableQueue() for _ in range(len(funcs) + 1)]
    phases: list[tuple[ClosableQueue, list[StoppableWorker]]] = []
    failures = []
    try:
        for count, func, (in_queue, out_queue) in zip(
            counts, funcs, pairwise(queues), strict=True
        ):
            threads = start_threads(count, func, in_queue, out_queue)
            phases.append((in_queue, threads))
        for item in items:
            queues[0].put(item)
    finally:
        for queue, threads in phases:
            failures += stop_threads(queue, threads)
    queues[-1].close()
    return list(queues[-1]), failures


# Example 24
def several_workers() -> None:
    """Several workers a phase: any order, but every item."""
    counts = 3, 4, 5
    photos = [f"photo {number}:" for number in range(ITEMS)]
    done, _ = run_pipeline(counts, (download, resize, upload), photos)
    expected = sorted(upload(resize(download(photo))) for photo in photos)
    print(f"{counts} workers, {len(done)} items,", end=" ")
    print("none lost or doubled:", sorted(done) == expected)

    def failing_resize(item: str) -> str:
        if item.startswith(("photo 250:", "photo 750:")):
            raise OSError("not a picture")
        return resize(item)

    done, failures = run_pipeline(
        counts, (download, failing_resize, upload), photos
    )
    print(f"resize fails for {len(failures)},", end=" ")
    print(f"the other {len(done)} come through:", set(done) < set(expected))
    for item, error in sorted(failures, key=str):
        print(f"{item}, {type(error).__name__}: {error}")

    def slow(item: object) -> object:
        sleep(IO_TIME)
        return item

    for counts in (1, 1, 1), (3, 4, 5):
        start = perf_counter()
        run_pipeline(counts, (slow, slow, slow), range(SLOW_ITEMS))
        seconds = perf_counter() - start
        print(f"here: {counts} workers took {seconds:.3f} s", end=" ")
        print(f"over {SLOW_ITEMS} items of {3 * IO_TIME:.3f} s")


EXAMPLES = {
    (1, 2, 3, 4, 5, 6, 7, 8, 9, 10): polling_pipeline,
    (11, 12): get_blocks,
    (13, 14): put_blocks,
    (15, 16): join_waits,
    (17, 18, 19, 20, 21, 22): closable_pipeline,
    (23, 24): several_workers,
}


def main(arguments: Sequence[str]) -> None:
    """Run the examples with these numbers, or all of them."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", type=int, metavar="N")
    chosen = set(parser.parse_args(arguments).numbers)
    known = {n for numbers in EXAMPLES for n in numbers}
    unknown = chosen - known
    if unknown:
        parser.error(f"no example {min(unknown)}: there are 1 to {max(known)}")
    try:
        for numbers, demo in EXAMPLES.items():
            if not chosen or chosen.intersection(numbers):
                first, last = numbers[0], numbers[-1]
                label = f"s {first}-{last}" if last > first else f" {first}"
                print(f"Example{label}: {demo.__doc__}")
                demo()
                print(flush=True)
    except BrokenPipeError:  # nobody reads on, as after `| head -1`
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to end
