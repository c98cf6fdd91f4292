"""Item 59: consider ThreadPoolExecutor when threads are necessary.

The executor fans out without rebuilding the program: submit a call, get its
result or its exception. A pool reuses its threads and bounds their number,
which must be chosen up front, and bounds how many waits overlap.

    python3 item59_pool/main.py          every example
    python3 item59_pool/main.py 3 4      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from math import ceil
from socket import create_connection
from subprocess import DEVNULL, PIPE, Popen
from threading import Event, Lock
from time import perf_counter

HEIGHT, WIDTH = 5, 9
GENERATIONS = 5
DELAY = 0.01  # seconds until the peer answers
MAX_WORKERS = 10

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
def simulate_pool(
    pool: ThreadPoolExecutor, grid: Grid, logic: Logic = game_logic
) -> LockingGrid:
    """The generation after grid, a task for each cell.

    Raises what a cell raised, as soon as it did. Cells that have not started
    by then never run.
    """
    next_grid = LockingGrid(grid.height, grid.width)
    failed = Event()

    def step(y: int, x: int) -> None:
        if failed.is_set():  # cancel() would come too late for quick cells
            return
        try:
            step_cell(y, x, grid.get, next_grid.set, logic)
        except BaseException:
            failed.set()
            raise

    futures = []
    for y in range(grid.height):
        for x in range(grid.width):
            futures.append(pool.submit(step, y, x))  # Fan out
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)  # Fan in
    for future in done:
        future.result()
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


# Example 3
def pool_of_ten() -> None:
    """Five generations, a task for every cell of every one."""
    started = []
    with ThreadPoolExecutor(
        MAX_WORKERS, initializer=lambda: started.append(1)
    ) as pool:
        print(generations(partial(simulate_pool, pool), glider(LockingGrid)))
        print(f"1 to {MAX_WORKERS} threads:", 1 <= len(started) <= MAX_WORKERS)
        print(f"here: {len(started)} threads for all the cells")

        with peer() as address:
            logic = partial(game_logic_with_io, address)
            start = perf_counter()
            simulate_pool(pool, glider(LockingGrid), logic)
            seconds = perf_counter() - start
    waits = ceil(HEIGHT * WIDTH / MAX_WORKERS)
    print(f"here: {HEIGHT * WIDTH} cells took {seconds:.3f} s;", end=" ")
    print(f"the ideal is {waits * DELAY:.3f} s")


# Example 4
def exception_in_a_task() -> None:
    """result() raises what the cell raised, and the pool goes on."""
    steps = []

    def failing_game_logic(state: str, neighbors: int) -> str:
        steps.append(state)
        raise OSError("problem with I/O")

    with ThreadPoolExecutor(MAX_WORKERS) as pool:
        try:
            simulate_pool(pool, glider(LockingGrid), failing_game_logic)
        except OSError as error:
            print(f"{type(error).__name__}: {error}")
        after = simulate_pool(pool, glider(LockingGrid))
    print(f"1 to {MAX_WORKERS} cells ran:", 1 <= len(steps) <= MAX_WORKERS)
    print("the next generation on the same pool:")
    print(after)


EXAMPLES = {
    (1, 2, 3): pool_of_ten,
    (4,): exception_in_a_task,
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
