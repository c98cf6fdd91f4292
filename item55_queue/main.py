"""Item 55: use Queue to coordinate work between threads.

A pipeline passes items from phase to phase. Each phase runs on threads of its
own, and a queue connects it to the next. With a home-made queue, workers have
to poll. queue.Queue blocks instead, bounds the backlog, and tells when the
work is done; a sentinel closes it.

    python3 item55_queue/main.py 3 8      (no numbers: every example)
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Queue
from threading import Lock, Thread
from time import perf_counter, sleep
from typing import Any

from chapter import run

ITEMS = 1_000
BOUND = 10  # items that may wait between two phases
SLOW_ITEMS = 20
IO_TIME = 0.005  # seconds that each phase takes for a slow item

Func = Callable[[Any], Any]
Failure = tuple[Any, Exception]  # an item, and what func raised for it


# Example 1
def download(item: object) -> str:
    """Return the item as the first phase leaves it."""
    return f"{item} downloaded"


def resize(item: object) -> str:
    """Return the item as the second phase leaves it."""
    return f"{item}, resized"


def upload(item: object) -> str:
    """Return the item as the third phase leaves it."""
    return f"{item}, uploaded"


# Example 2
class MyQueue:
    """A home-made queue, first in, first out, that threads may share."""

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
    """Polls in_queue and passes items through func, until stopping is set."""

    def __init__(
        self, func: Func, in_queue: MyQueue, out_queue: MyQueue
    ) -> None:
        super().__init__(daemon=True)  # ends with a program that fails
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
                sleep(0)  # no work yet: let other threads run
            else:
                self.out_queue.put(self.func(item))
                self.work_done += 1


# Example 7
def polling_pipeline() -> None:
    """Workers on a home-made queue poll far more often than they work."""
    download_queue, resize_queue = MyQueue(), MyQueue()
    upload_queue, done_queue = MyQueue(), MyQueue()
    threads = [
        Worker(download, download_queue, resize_queue),
        Worker(resize, resize_queue, upload_queue),
        Worker(upload, upload_queue, done_queue),
    ]
    for thread in threads:
        thread.start()
    while any(thread.polled_count < ITEMS for thread in threads):
        sleep(0)  # there is no work yet, and they poll all the same

    # Example 8
    for number in range(ITEMS):
        download_queue.put(f"photo {number}:")

    # Example 9
    while len(done_queue.items) < ITEMS:
        sleep(0)  # the main thread has to poll, too
    for thread in threads:
        thread.stopping = True
    for thread in threads:
        thread.join()

    # Example 10
    polled = sum(thread.polled_count for thread in threads)
    worked = sum(thread.work_done for thread in threads)
    print(f"{len(done_queue.items)} items, the last: {done_queue.items[-1]}")
    print(f"Three workers worked {worked} times", end=" ")
    print("and polled at least twice as often:", polled >= 2 * worked)
    print(f"here: polled {polled} times")


# Example 11
def get_blocks() -> None:
    """Queue.get blocks until there is an item."""
    queue: Queue[str] = Queue()
    got: list[str] = []
    consumer = Thread(target=lambda: got.append(queue.get()))
    consumer.start()
    print("Consumer waits in get():", consumer.is_alive())

    # Example 12
    print("Producer puts a photo")
    queue.put("a photo")
    consumer.join()
    print("Consumer got", *got)


# Example 13
def put_blocks() -> None:
    """Queue(1).put blocks until the previous item has been taken."""
    queue: Queue[str] = Queue(1)
    queue.put("photo 1")
    producer = Thread(target=queue.put, args=("photo 2",))
    producer.start()
    print("Producer has put photo 1, queue full:", queue.full())
    print("Producer waits in put():", producer.is_alive())

    # Example 14
    print("Consumer takes", queue.get())
    producer.join()
    print("Producer has put photo 2")
    print("Consumer takes", queue.get())


# Example 15
def join_waits() -> None:
    """Queue.join waits until every item is done, not only taken."""
    queue: Queue[str] = Queue()
    queue.put("a photo")
    producer = Thread(target=queue.join)
    producer.start()

    # Example 16
    print(f"Consumer takes {queue.get()}, queue empty:", queue.empty())
    print("Producer waits in join():", producer.is_alive())
    print("Consumer is done")
    queue.task_done()
    producer.join()
    print("Producer has joined")


# Example 17
class ClosableQueue(Queue[Any]):
    """A queue that can be closed, and iterated until then."""

    SENTINEL = object()

    def close(self) -> None:
        """End one iteration, once all items put before have been taken."""
        # Since 3.13, Queue.shutdown() ends a queue for all its users.
        self.put(self.SENTINEL)

    # Example 18
    def __iter__(self) -> Iterator[Any]:
        """Yield items; each is done when the next one is asked for."""
        while (item := self.get()) is not self.SENTINEL:
            try:
                yield item
            finally:
                self.task_done()
        self.task_done()  # for the sentinel


# Example 19
class StoppableWorker(Thread):
    """Passes items through func until in_queue is closed; notes failures."""

    def __init__(
        self, func: Func, in_queue: ClosableQueue, out_queue: ClosableQueue
    ) -> None:
        super().__init__(daemon=True)
        self.func = func
        self.in_queue = in_queue
        self.out_queue = out_queue
        self.failures: list[Failure] = []

    def run(self) -> None:
        for item in self.in_queue:
            try:
                self.out_queue.put(self.func(item))
            except Exception as error:  # the worker goes on
                self.failures.append((item, error))


# Example 20
def closable_pipeline() -> None:
    """Closing the queues one after another ends the pipeline."""
    download_queue, resize_queue = ClosableQueue(BOUND), ClosableQueue(BOUND)
    upload_queue, done_queue = ClosableQueue(BOUND), ClosableQueue()
    threads = [
        StoppableWorker(download, download_queue, resize_queue),
        StoppableWorker(resize, resize_queue, upload_queue),
        StoppableWorker(upload, upload_queue, done_queue),
    ]
    for thread in threads:
        thread.start()

    # Example 21
    for number in range(ITEMS):
        download_queue.put(f"photo {number}:")  # blocks while BOUND wait

    # Example 22
    for queue in download_queue, resize_queue, upload_queue:
        queue.close()
        queue.join()  # this phase is done, so the next one can be closed
    for thread in threads:
        thread.join()
    done_queue.close()
    done = list(done_queue)
    print(f"{len(done)} items, the last: {done[-1]}")


# Example 23
def start_threads(
    count: int, func: Func, in_queue: ClosableQueue, out_queue: ClosableQueue
) -> list[StoppableWorker]:
    """Start count workers on the same two queues."""
    threads = [
        StoppableWorker(func, in_queue, out_queue) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    return threads


def stop_threads(
    closable_queue: ClosableQueue, threads: Sequence[StoppableWorker]
) -> list[Failure]:
    """Close the queue once for each worker, join them, return what failed."""
    for _ in threads:
        closable_queue.close()
    for thread in threads:
        thread.join()
    return [failure for thread in threads for failure in thread.failures]


def run_pipeline(
    counts: Sequence[int], funcs: Sequence[Func], items: Iterable[object]
) -> tuple[list[Any], list[Failure]]:
    """Run items through a phase per func; return results and failures."""
    queues = [*(ClosableQueue(BOUND) for _ in funcs), ClosableQueue()]
    phases = list(map(start_threads, counts, funcs, queues, queues[1:]))
    for item in items:
        queues[0].put(item)
    failed = map(stop_threads, queues, phases)
    failures = [failure for phase in failed for failure in phase]
    queues[-1].close()
    return list(queues[-1]), failures


# Example 24
def several_workers() -> None:
    """With several workers a phase, no item is lost or done twice."""

    def resize_pictures(item: str) -> str:
        if not item.startswith("photo"):
            raise OSError("not a picture")
        return resize(item)

    items = ["text 0:", *(f"photo {number}:" for number in range(ITEMS))]
    funcs: list[Func] = [download, resize_pictures, upload]
    done, failures = run_pipeline((3, 4, 5), funcs, items)
    print(f"{len(done)} items came through, {len(set(done))} different")
    for item, error in failures:
        print(f"{item!r} failed with {type(error).__name__}: {error}")
    for counts in (1, 1, 1), (3, 4, 5):
        start = perf_counter()
        funcs = [lambda _: sleep(IO_TIME)] * 3
        run_pipeline(counts, funcs, range(SLOW_ITEMS))
        seconds = perf_counter() - start
        print(f"here: {counts} workers took {seconds:.3f} s for slow items")


EXAMPLES = {
    (1, 2, 3, 4, 5, 6, 7, 8, 9, 10): polling_pipeline,
    (11, 12): get_blocks,
    (13, 14): put_blocks,
    (15, 16): join_waits,
    (17, 18, 19, 20, 21, 22): closable_pipeline,
    (23, 24): several_workers,
}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
