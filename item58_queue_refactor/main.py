"""Item 58: understand how using Queue for concurrency requires refactoring.

A fixed number of workers bounds what fan-out costs. But moving the Game of
Life onto queues means rebuilding it, a second phase of I/O means rebuilding
it again, and the number of workers bounds how many waits overlap, for good.

    python3 item58_queue_refactor/main.py          every example
    python3 item58_queue_refactor/main.py 3 8      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import ceil
from queue import Queue
from socket import create_connection
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock, Thread
from time import perf_counter
from typing import Any

HEIGHT, WIDTH = 5, 9
GENERATIONS = 5
DELAY = 0.01  # seconds until the peer answers
WORKERS = 5  # a phase

ALIVE = "*"
EMPTY = "-"

Address = tuple[str, int]  # host, port
Get = Callable[[int, int], str]
Set = Callable[[int, int, str], None]
Logic = Callable[[str, int], str]
Count = Callable[[int, int, Get], int]
Step = Callable[["Grid"], "Grid"]


class Grid:
    """A torus of height x width cells, each ALIVE or EMPTY, EMPTY at first.

    Any y and x are positions: the grid wraps round at its edges. A height
    or width below 1, or a state that is neither, raises ValueError.
    """

    def __init__(self, height: int, width: int) -> None:
        if height < 1 or width < 1:
            raise ValueError(
                f"height and width must be 1 or more, not {height} x {width}"
            )
        self.height = height
        self.width = width
        self.rows = [[EMPTY] * width for _ in range(height)]

    def get(self, y: int, x: int) -> str:
        """The state of the cell at row y, column x."""
        return self.rows[y % self.height][x % self.width]

    def set(self, y: int, x: int, state: str) -> None:
        """Change the cell at row y, column x."""
        if state not in (ALIVE, EMPTY):
            raise ValueError(
                f"state must be {ALIVE!r} or {EMPTY!r}, not {state!r}"
            )
        self.rows[y % self.height][x % self.width] = state

    def __str__(self) -> str:
        return "\n".join("".join(row) for row in self.rows)


def glider(kind: type[Grid] = Grid) -> Grid:
    """A grid with the five living cells of a glider."""
    grid = kind(HEIGHT, WIDTH)
    for y, x in (0, 3), (1, 4), (2, 2), (2, 3), (2, 4):
        grid.set(y, x, ALIVE)
    return grid


def count_neighbors(y: int, x: int, get: Get) -> int:
    """How many of the eight cells around row y, column x are ALIVE."""
    return (
        get(y - 1, x - 1),
        get(y - 1, x),
        get(y - 1, x + 1),
        get(y, x - 1),
        get(y, x + 1),
        get(y + 1, x - 1),
        get(y + 1, x),
        get(y + 1, x + 1),
    ).count(ALIVE)


def game_logic(state: str, neighbors: int) -> str:
    """The next state of a cell with so many living neighbors.

    Conway's rules, B3/S23: three neighbors bring a cell to life, two or
    three keep it alive.
    """
    if neighbors == 3 or (neighbors == 2 and state == ALIVE):
        return ALIVE
    return EMPTY


class ColumnPrinter:
    """Texts of several lines side by side, numbered from 0."""

    def __init__(self) -> None:
        self.columns: list[list[str]] = []

    def append(self, data: str) -> None:
        """Add a column to the right. It may be of any height and width."""
        self.columns.append(data.splitlines())

    def __str__(self) -> str:
        height = max(map(len, self.columns), default=0)
        columns = []
        for number, lines in enumerate(self.columns):
            width = max(map(len, [str(number), *lines]))
            padding = [""] * (height - len(lines))
            cells = [cell.ljust(width) for cell in lines + padding]
            columns.append([str(number).center(width), *cells])
        return "\n".join(" | ".join(row) for row in zip(*columns, strict=True))


def generations(step: Callable[[Grid], Grid], grid: Grid) -> ColumnPrinter:
    """The first GENERATIONS of grid side by side; step gives the next one."""
    columns = ColumnPrinter()
    columns.append(str(grid))
    for _ in range(GENERATIONS - 1):
        grid = step(grid)
        columns.append(str(grid))
    return columns


# The I/O is real: a process of its own plays the peer. It answers all its
# connections at once, and ends when its standard input does: with us.
PEER = """
import asyncio, signal, sys

class Answer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        loop = asyncio.get_running_loop()
        loop.call_later(float(sys.argv[1]), self.transport.write, data)

async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for our parent
asyncio.run(serve())
"""


@contextmanager
def peer() -> Iterator[Address]:
    """Run a peer that answers each byte after DELAY; give its address."""
    command = [sys.executable, "-IS", "-c", PEER, str(DELAY)]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process:
        assert process.stdout is not None
        port = process.stdout.readline()
        if not port:
            raise OSError("the peer, a Python child, did not start")
        yield "127.0.0.1", int(port)


def ask(address: Address) -> None:
    """Send the peer a byte and wait for its answer."""
    with create_connection(address, timeout=10) as connection:
        connection.sendall(b"?")
        if not connection.recv(1):
            raise ConnectionError(f"the peer at {address} did not answer")


def game_logic_with_io(address: Address, state: str, neighbors: int) -> str:
    """The next state of a cell, after the peer at address has answered."""
    ask(address)
    return game_logic(state, neighbors)


Func = Callable[[Any], Any]
Failure = tuple[Any, BaseException]  # an item and what it raised


# Example 1
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

    def __iter__(self) -> Iterator[Any]:
        """Each item in turn; it counts as done when the next is asked for."""
        while (item := self.get()) is not self.SENTINEL:
            try:
                yield item
            finally:
                self.task_done()
        with self.mutex:
            self._put_sentinel()  # for the next worker


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


# Example 2
def game_logic_thread(
    item: tuple[int, int, str, Any], logic: Logic = game_logic
) -> tuple[int, int, Any]:
    """Step the cell (y, x, state, neighbors): (y, x, next state).

    In the place of the next state stands the exception that logic raised,
    or that already came in the place of neighbors.
    """
    y, x, state, neighbors = item
    if isinstance(neighbors, BaseException):
        return y, x, neighbors
    try:
        return y, x, logic(state, neighbors)
    except BaseException as error:  # SystemExit would end the worker
        return y, x, error


@contextmanager
def workers(
    func: Func, in_queue: ClosableQueue, out_queue: ClosableQueue
) -> Iterator[None]:
    """Run WORKERS workers as long as the block lasts."""
    threads = start_threads(WORKERS, func, in_queue, out_queue)
    try:
        yield
    finally:
        for _, error in stop_threads(in_queue, threads):
            raise error  # which func should have returned


# Example 3
class SimulationError(Exception):
    """The cell at row y, column x failed; its exception is the cause."""

    def __init__(self, y: int, x: int) -> None:
        super().__init__(y, x)
        self.y = y
        self.x = x

    def __str__(self) -> str:
        return f"cell ({self.y}, {self.x}) failed"


def collect(grid: Grid, out_queue: ClosableQueue) -> Grid:
    """The next generation, from the results for all cells of grid.

    Takes every result before it raises SimulationError for the first cell
    that failed: what stayed behind would end up in the next generation.
    """
    results = []
    for _ in range(out_queue.qsize()):
        results.append(out_queue.get())
        out_queue.task_done()
    cells = grid.height * grid.width
    if len(results) != cells:
        raise RuntimeError(f"{cells} cells, but {len(results)} results")
    next_grid = Grid(grid.height, grid.width)
    failures = {}
    for y, x, result in results:
        if isinstance(result, BaseException):
            failures[y, x] = result
        else:
            next_grid.set(y, x, result)
    if failures:
        y, x = min(failures)
        raise SimulationError(y, x) from failures[y, x]
    return next_grid


def simulate_pipeline(
    grid: Grid, in_queue: ClosableQueue, out_queue: ClosableQueue
) -> Grid:
    """The generation after grid, by workers that run game_logic_thread.

    The queues must be unbounded: all cells go in before any comes out.
    Raises SimulationError, with the cell's own exception as its cause.
    """
    items = [
        (y, x, grid.get(y, x), count_neighbors(y, x, grid.get))
        for y in range(grid.height)
        for x in range(grid.width)
    ]
    for item in items:
        in_queue.put(item)  # Fan out
    in_queue.join()  # Fan in
    return collect(grid, out_queue)


def print_error(error: SimulationError) -> None:
    """Print what failed, and why."""
    cause = error.__cause__
    print(f"{type(error).__name__}: {error}")
    print(f"caused by {type(cause).__name__}: {cause}")


@contextmanager
def one_phase(logic: Logic) -> Iterator[Step]:
    """Run WORKERS workers on logic; give what steps a grid with them."""
    in_queue, out_queue = ClosableQueue(), ClosableQueue()
    func = partial(game_logic_thread, logic=logic)
    with workers(func, in_queue, out_queue):
        yield lambda grid: simulate_pipeline(grid, in_queue, out_queue)


# Example 4
def five_workers() -> None:
    """Five workers step every cell, also after a failed generation."""
    failing = True

    def game_logic_that_recovers(state: str, neighbors: int) -> str:
        if failing:
            raise OSError("problem with I/O")
        return game_logic(state, neighbors)

    with one_phase(game_logic_that_recovers) as step:
        try:
            step(glider())
        except SimulationError as error:
            print_error(error)

        # Example 5
        failing = False
        print(generations(step, glider()))

    with (
        peer() as address,
        one_phase(partial(game_logic_with_io, address)) as step,
    ):
        start = perf_counter()
        step(glider())
        seconds = perf_counter() - start
    waits = ceil(HEIGHT * WIDTH / WORKERS)
    print(f"here: {HEIGHT * WIDTH} cells took {seconds:.3f} s;", end=" ")
    print(f"the ideal is {waits * DELAY:.3f} s")


# Example 6
def count_neighbors_with_io(address: Address, y: int, x: int, get: Get) -> int:
    """How many neighbors are ALIVE, once the peer at address has answered."""
    ask(address)
    return count_neighbors(y, x, get)


# Example 7
def count_neighbors_thread(
    item: tuple[int, int, str, Get], count: Count = count_neighbors
) -> tuple[int, int, str, Any]:
    """Count around the cell (y, x, state, get): (y, x, state, neighbors).

    In the place of neighbors stands the exception that count raised.
    """
    y, x, state, get = item
    try:
        return y, x, state, count(y, x, get)
    except BaseException as error:
        return y, x, state, error


class LockingGrid(Grid):
    """A grid on which every access holds a lock.

    The simulation here would be right without it, GIL or no GIL: no two
    threads write the same cell, and nobody reads a grid that is written.
    The lock matters once threads read what others write, and even then it
    guards single accesses, not "get a state, then set the next".
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__(height, width)
        self.lock = Lock()

    def get(self, y: int, x: int) -> str:
        with self.lock:
            return super().get(y, x)

    def set(self, y: int, x: int, state: str) -> None:
        with self.lock:
            super().set(y, x, state)

    def __str__(self) -> str:
        with self.lock:
            return super().__str__()


# Example 8
@contextmanager
def two_phases(count: Count, logic: Logic) -> Iterator[Step]:
    """Run WORKERS workers on each phase; give what steps a grid with them."""
    in_queue, logic_queue = ClosableQueue(), ClosableQueue()
    out_queue = ClosableQueue()
    count_func = partial(count_neighbors_thread, count=count)
    logic_func = partial(game_logic_thread, logic=logic)
    with (
        workers(count_func, in_queue, logic_queue),
        workers(logic_func, logic_queue, out_queue),
    ):
        yield lambda grid: simulate_phased_pipeline(
            grid, in_queue, logic_queue, out_queue
        )


# Example 9
def simulate_phased_pipeline(
    grid: Grid,
    in_queue: ClosableQueue,
    logic_queue: ClosableQueue,
    out_queue: ClosableQueue,
) -> Grid:
    """The generation after grid, by workers of both phases.

    Workers that run count_neighbors_thread take from in_queue and put into
    logic_queue, those that run game_logic_thread take it from there. The
    rest is as in simulate_pipeline, but for grid: several threads read it.
    """
    items = [
        (y, x, grid.get(y, x), grid.get)
        for y in range(grid.height)
        for x in range(grid.width)
    ]
    for item in items:
        in_queue.put(item)  # Fan out
    in_queue.join()
    logic_queue.join()  # Fan in
    return collect(grid, out_queue)


# Example 10
def two_phases_of_five() -> None:
    """Another phase with I/O: five more workers, and a third queue."""
    with two_phases(count_neighbors, game_logic) as step:
        print(generations(step, glider(LockingGrid)))

    with peer() as address:
        count = partial(count_neighbors_with_io, address)
        logic = partial(game_logic_with_io, address)
        with two_phases(count, logic) as step:
            start = perf_counter()
            step(glider(LockingGrid))
            seconds = perf_counter() - start
    # The second phase is one wait behind the first.
    waits = ceil(HEIGHT * WIDTH / WORKERS) + 1
    print(f"here: {HEIGHT * WIDTH} cells took {seconds:.3f} s;", end=" ")
    print(f"the ideal is {waits * DELAY:.3f} s")


# Example 11
def failing_first_phase() -> None:
    """An exception raised in the first phase passes through the second."""

    def failing_count_neighbors(y: int, x: int, get: Get) -> int:
        raise OSError("problem with I/O in count_neighbors")

    with two_phases(failing_count_neighbors, game_logic) as step:
        try:
            step(glider(LockingGrid))
        except SimulationError as error:
            print_error(error)


EXAMPLES = {
    (1, 2, 3, 4, 5): five_workers,
    (6, 7, 8, 9, 10): two_phases_of_five,
    (11,): failing_first_phase,
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
