"""Item 55: use Queue to coordinate work between threads.

A pipeline passes items from phase to phase, each on threads of its own, with
queues in between. On a home-made queue, workers have to poll. queue.Queue
blocks instead, bounds the backlog, and tells when the work is done.

    python3 item55_queue/main.py 3 8      (no numbers: every example)
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Queue
from threading import Barrier, Event, Lock, Semaphore, Thread
from time import perf_counter, sleep
from typing import Any

from chapter import run

ITEMS, SLOW_ITEMS = 1_000, 20
BOUND = 10  # items that may wait between two phases
IO_TIME, PATIENCE = 0.005, 30.0  # seconds for a slow item, and at most

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

    def __init__(self, func: Func, in_queue: Any, out_queue: Any) -> None:
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
    """Workers on a home-made queue poll even while there is no work."""
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
        sleep(0)
    print(f"Each worker polled at least {ITEMS} times, with nothing to do")

    # Example 8
    for number in range(ITEMS):
        download_queue.put(f"photo {number}:")

    # Example 9
    while len(done_queue.items) < ITEMS:
        sleep(0)  # the main thread has to poll, too
    for thread in threads:
        thread.stopping = True
        thread.join()

    # Example 10
    worked = sum(thread.work_done for thread in threads)
    print(f"They worked {worked} times, at last on {done_queue.items[-1]}")
    print("here: polled", sum(t.polled_count for t in threads), "times")


# Example 11
def get_blocks() -> None:
    """Queue.get blocks until there is an item."""
    queue, waiting = Queue[str](), Event()

    def consumer() -> None:
        print("Consumer waiting")
        waiting.set()
        queue.get()
        print("Consumer done")

    thread = Thread(target=consumer)
    thread.start()
    waiting.wait(PATIENCE)
    sleep(IO_TIME)  # a get() that does not block returns meanwhile

    # Example 12
    print("Producer putting")
    queue.put("a photo")
    thread.join()
    print("Producer done")


# Example 13
def put_blocks() -> None:
    """Queue(1).put blocks until the previous item has been taken."""
    queue, logging, logged = Queue[int](1), Lock(), Semaphore(0)

    def consumer() -> None:
        for _ in range(2):
            logged.acquire()
            sleep(IO_TIME)  # a put() that does not block returns meanwhile
            with logging:
                print("Consumer got", queue.get())

    thread = Thread(target=consumer)
    thread.start()

    # Example 14
    for number in 1, 2:
        queue.put(number)
        with logging:
            print("Producer put", number)
        logged.release()
    thread.join()


# Example 15
def join_waits() -> None:
    """Queue.join waits until every item is done, not only taken."""
    queue, meeting = Queue[str](), Barrier(2, timeout=PATIENCE)

    def consumer() -> None:
        print("Consumer waiting")
        meeting.wait()
        queue.get()
        meeting.wait()
        print("Consumer working")
        sleep(IO_TIME)  # a join() that does not wait returns meanwhile
        print("Consumer done")
        queue.task_done()

    thread = Thread(target=consumer)
    thread.start()
    meeting.wait()

    # Example 16
    print("Producer putting")
    queue.put("a photo")
    print("Producer waiting")
    meeting.wait()
    queue.join()  # item 55's questions.py A
    print("Producer done")
    thread.join()


# Example 17
class ClosableQueue(Queue[Any]):
    """A queue that can be closed, and iterated until then."""

    SENTINEL = object()

    def close(self) -> None:
        """End one iteration after all earlier items."""
        # Since 3.13, Queue.shutdown() ends a queue for all its users.
        self.put(self.SENTINEL)  # item 55's questions.py B

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
class StoppableWorker(Worker):
    """A worker that ends when in_queue is closed; keeps what func raised."""

    def run(self) -> None:
        self.failures: list[Failure] = []
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
    team = [StoppableWorker(func, in_queue, out_queue) for _ in range(count)]
    for thread in team:
        thread.start()
    return team


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
    failures = []
    for queue, phase in zip(queues[:-1], phases, strict=True):
        failures += stop_threads(queue, phase)
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
    funcs = (download, resize_pictures, upload)
    done, failures = run_pipeline((3, 4, 5), funcs, items)
    print(f"{len(done)} items came through, {len(set(done))} different")
    print("Failed:", *failures)
    for counts in (1, 1, 1), (3, 4, 5):
        start = perf_counter()
        run_pipeline(counts, [lambda _: sleep(IO_TIME)] * 3, range(SLOW_ITEMS))
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
