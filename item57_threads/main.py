"""Item 57: avoid creating new Thread instances for on-demand fan-out.

A thread for each unit of work does fan out: all the waits overlap. But
each thread costs memory and time to start, shared data need locks, and an
exception in a thread reaches neither who started it nor who joins it.

    python3 item57_threads/main.py          every example
    python3 item57_threads/main.py 3 5      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import sys
import threading
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from math import isnan, nan
from pathlib import Path
from socket import create_connection
from subprocess import DEVNULL, PIPE, Popen
from threading import Barrier, BrokenBarrierError, Lock, Thread
from time import perf_counter

HEIGHT, WIDTH = 5, 9
GENERATIONS = 5
DELAY = 0.01  # seconds until the peer answers

ALIVE = "*"
EMPTY = "-"

Address = tuple[str, int]  # host, port
Get = Callable[[int, int], str]
Set = Callable[[int, int, str], None]
Logic = Callable[[str, int], str]


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


# Example 1
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


def step_cell(
    y: int, x: int, get: Get, set: Set, logic: Logic = game_logic
) -> None:
    """Read a cell and its neighbors with get, hand its next state to set."""
    state = get(y, x)
    neighbors = count_neighbors(y, x, get)
    set(y, x, logic(state, neighbors))


# Example 2
def simulate_threaded(grid: Grid, logic: Logic = game_logic) -> LockingGrid:
    """The generation after grid, a thread for each cell.

    If a cell raises, nobody here is told: it stays EMPTY. RuntimeError if
    the system refuses a thread; those that had started are joined first.
    """
    next_grid = LockingGrid(grid.height, grid.width)
    threads: list[Thread] = []
    try:
        for y in range(grid.height):
            for x in range(grid.width):
                args = y, x, grid.get, next_grid.set, logic
                thread = Thread(target=step_cell, args=args)
                thread.start()  # Fan out
                threads.append(thread)
    except RuntimeError as error:
        raise RuntimeError(
            f"the system refused thread {len(threads) + 1}"
            f" of {grid.height * grid.width}: {error}"
        ) from error
    finally:
        for thread in threads:
            thread.join()  # Fan in
    return next_grid


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


def kernel_figure(file: str, label: str) -> float:
    """The number after label in /proc/self/file; nan where there is none."""
    try:
        text = Path("/proc/self", file).read_text()
        return float(text.partition(label)[2].split()[0])
    except (OSError, ValueError):  # not Linux, or "unlimited"
        return nan


def all_alive() -> tuple[int, float]:
    """How many cells' threads are alive at once, and KiB each has in use."""
    cells = HEIGHT * WIDTH
    figures = []
    others = threading.active_count()
    before = kernel_figure("smaps_rollup", "Rss:")

    def measure() -> None:
        grown = kernel_figure("smaps_rollup", "Rss:") - before
        figures.append((threading.active_count() - others, grown / cells))

    # A Barrier(45) lets nobody pass until 45 threads wait at it at once.
    barrier = Barrier(cells, measure)

    def game_logic_at_barrier(state: str, neighbors: int) -> str:
        with suppress(BrokenBarrierError):  # the system refused a thread
            barrier.wait(timeout=5)
        return game_logic(state, neighbors)

    simulate_threaded(glider(), game_logic_at_barrier)
    return figures[0]


# Example 3
def thread_per_cell() -> None:
    """Five generations, a thread for every cell of every one."""
    print(generations(simulate_threaded, glider(LockingGrid)))

    alive, resident = all_alive()
    stack = kernel_figure("limits", "Max stack size") / 1024
    print(f"{HEIGHT * WIDTH} cells had {alive} threads alive at once")
    if isnan(stack + resident):
        print("here: what memory that takes, this system does not tell")
    else:
        print(f"here: each reserves {stack:.0f} KiB for its stack", end=" ")
        print(f"and has {resident:.0f} KiB of memory in use")

    start = perf_counter()
    simulate_threaded(glider())
    seconds = perf_counter() - start
    print(f"here: {alive} threads took {seconds:.4f} s to start and join")

    with peer() as address:
        start = perf_counter()
        simulate_threaded(glider(), partial(game_logic_with_io, address))
        seconds = perf_counter() - start
    print(f"here: {HEIGHT * WIDTH} cells took {seconds:.3f} s;", end=" ")
    print(f"the ideal is {DELAY:.3f} s; threads and connections cost")


# Example 4
def failing_game_logic(state: str, neighbors: int) -> str:
    """Rules whose I/O fails."""
    raise OSError("problem with I/O")


# Example 5
def lost_exception() -> None:
    """An exception in a thread does not reach whoever joins it."""
    hooked: list[threading.ExceptHookArgs] = []
    default = threading.excepthook
    threading.excepthook = hooked.append  # prints no traceback on stderr
    try:
        grid = glider(LockingGrid)
        args = 2, 3, grid.get, grid.set, failing_game_logic
        thread = Thread(target=step_cell, args=args, name="cell (2, 3)")
        thread.start()
        thread.join()
        print("join() returned, and raised nothing")
    finally:
        threading.excepthook = default
    for died in hooked:
        assert died.thread is not None
        print("threading.excepthook was told that", end=" ")
        print(f"{died.thread.name} raised", end=" ")
        print(f"{died.exc_type.__name__}: {died.exc_value}")


EXAMPLES = {
    (1, 2, 3): thread_per_cell,
    (4, 5): lost_exception,
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
