"""Item 60: achieve highly concurrent I/O with coroutines.

A coroutine costs a function call to start and less than 1 KB while it
waits: tens of thousands wait at once, on one thread, without locks.
Exceptions travel as in serial code, and I/O in one more function means
`async` and `await` there, not rebuilding.

    python3 item60_coroutines/main.py          every example
    python3 item60_coroutines/main.py 4 6      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import asyncio
import sys
import threading
import tracemalloc
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from subprocess import DEVNULL, PIPE, Popen
from time import perf_counter

HEIGHT, WIDTH = 5, 9
GENERATIONS = 5
DELAY = 0.01  # seconds until the peer answers
MANY = 10_000

ALIVE = "*"
EMPTY = "-"

Address = tuple[str, int]  # host, port
Get = Callable[[int, int], str]
Set = Callable[[int, int, str], None]
Logic = Callable[[str, int], Awaitable[str]]
Count = Callable[[int, int, Get], Awaitable[int]]
Step = Callable[[int, int, Get, Set, Logic], Awaitable[None]]


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


# Example 1
async def game_logic(state: str, neighbors: int) -> str:
    """The next state of a cell with so many living neighbors.

    Conway's rules, B3/S23: three neighbors bring a cell to life, two or
    three keep it alive.
    """
    if neighbors == 3 or (neighbors == 2 and state == ALIVE):
        return ALIVE
    return EMPTY


# Example 2
async def step_cell(
    y: int, x: int, get: Get, set: Set, logic: Logic = game_logic
) -> None:
    """Read a cell and its neighbors with get, hand its next state to set."""
    state = get(y, x)
    neighbors = count_neighbors(y, x, get)
    set(y, x, await logic(state, neighbors))


def call_and_await() -> None:
    """A call only makes a coroutine; nothing runs until it is awaited."""
    ran = []

    async def noted_game_logic(state: str, neighbors: int) -> str:
        ran.append(neighbors)
        return await game_logic(state, neighbors)

    coroutine = noted_game_logic(EMPTY, 3)
    print(f"called: a {type(coroutine).__name__}, runs so far: {len(ran)}")
    state = asyncio.run(coroutine, debug=False)
    print(f"awaited: {state}, runs so far: {len(ran)}")


# Example 3
async def simulate(
    grid: Grid, logic: Logic = game_logic, step: Step = step_cell
) -> Grid:
    """The generation after grid, a task for each cell.

    Raises what the first cell to fail raised. No further cell runs then,
    and all tasks have ended: gather() would let them run on.
    """
    next_grid = Grid(grid.height, grid.width)
    failures: list[BaseException] = []

    async def run_cell(y: int, x: int) -> None:
        if failures:  # the group cancels this task, but in a moment only
            return
        try:
            await step(y, x, grid.get, next_grid.set, logic)
        except BaseException as error:
            failures.append(error)
            # Not error itself: CancelledError would be no failure to a group.
            raise RuntimeError("a cell failed") from error

    with suppress(BaseExceptionGroup):  # we raise the cell's own exception
        async with asyncio.TaskGroup() as group:
            for y in range(grid.height):
                for x in range(grid.width):
                    group.create_task(run_cell(y, x))  # Fan out
        # Fan in: the group has awaited every task
    if failures:
        raise failures[0]
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


async def generations(
    step: Callable[[Grid], Awaitable[Grid]], grid: Grid
) -> ColumnPrinter:
    """The first GENERATIONS of grid side by side; step gives the next one."""
    columns = ColumnPrinter()
    columns.append(str(grid))
    for _ in range(GENERATIONS - 1):
        grid = await step(grid)
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


async def ask(address: Address) -> None:
    """Send the peer a byte and wait for its answer."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(b"?")
        if not await reader.read(1):
            raise ConnectionError(f"the peer at {address} did not answer")
    finally:
        writer.close()
        await writer.wait_closed()


async def game_logic_with_io(
    address: Address, state: str, neighbors: int
) -> str:
    """The next state of a cell, after the peer at address has answered."""
    await ask(address)
    return await game_logic(state, neighbors)


async def wait_together() -> tuple[int, int]:
    """How many coroutines wait at once, and on how many threads."""
    waiting = 0
    gate = asyncio.Event()

    async def wait() -> None:
        nonlocal waiting
        waiting += 1
        await gate.wait()
        waiting -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(MANY):
            group.create_task(wait())
        await asyncio.sleep(0)  # lets each run as far as its await
        figures = waiting, threading.active_count()
        gate.set()
    return figures


async def memory_of_waiting() -> tuple[float, float]:
    """Bytes that a waiting coroutine takes, and that a task adds to it."""
    count = MANY // 10
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    tracemalloc.start()
    coroutines = [wait() for _ in range(count)]
    for coroutine in coroutines:
        coroutine.send(None)  # runs it as far as its await
    alone, _ = tracemalloc.get_traced_memory()
    tasks = [asyncio.create_task(wait()) for _ in range(count)]
    await asyncio.sleep(0)
    total, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    gate.set()
    await asyncio.gather(*tasks)
    return alone / count, (total - 2 * alone) / count


async def seconds_of(generation: Awaitable[Grid]) -> float:
    """How long it takes to await a generation."""
    start = perf_counter()
    await generation
    return perf_counter() - start


# Example 4
def coroutine_per_cell() -> None:
    """Five generations, a coroutine for every cell of every one."""
    # debug=False: under -X dev every one of 10,000 tasks would record where
    # it was made, and the loop would complain that this takes long.
    print(asyncio.run(generations(simulate, glider()), debug=False))

    waiting, threads = asyncio.run(wait_together(), debug=False)
    print(f"{waiting} coroutines wait at once on {threads} thread")
    alone, task = asyncio.run(memory_of_waiting(), debug=False)
    print(f"here: each takes {alone:.0f} bytes, its task {task:.0f} more")

    with peer() as address:
        logic = partial(game_logic_with_io, address)
        generation = simulate(glider(), logic)
        seconds = asyncio.run(seconds_of(generation), debug=False)
    print(f"here: {HEIGHT * WIDTH} cells took {seconds:.3f} s;", end=" ")
    print(f"the ideal is {DELAY:.3f} s")


# Example 5
def exception_in_a_coroutine() -> None:
    """The cell's exception comes out of asyncio.run, as from any call."""
    ran = []

    async def failing_game_logic(state: str, neighbors: int) -> str:
        ran.append(state)
        raise OSError("problem with I/O")

    try:
        asyncio.run(simulate(glider(), failing_game_logic), debug=False)
    except OSError as error:
        print(f"{type(error).__name__}: {error}")
    print(f"{len(ran)} of {HEIGHT * WIDTH} cells ran")


# Example 6
async def async_count_neighbors(y: int, x: int, get: Get) -> int:
    """How many neighbors are ALIVE; I/O can be awaited here, too."""
    return count_neighbors(y, x, get)


async def async_step_cell(
    y: int,
    x: int,
    get: Get,
    set: Set,
    logic: Logic = game_logic,
    count: Count = async_count_neighbors,
) -> None:
    """Read a cell and its neighbors with get, hand its next state to set."""
    state = get(y, x)
    neighbors = await count(y, x, get)
    set(y, x, await logic(state, neighbors))


async def count_neighbors_with_io(
    address: Address, y: int, x: int, get: Get
) -> int:
    """How many neighbors are ALIVE, once the peer at address has answered."""
    await ask(address)
    return await async_count_neighbors(y, x, get)


def io_in_one_more_function() -> None:
    """I/O in one more function takes async and await, and no rebuilding."""
    step = partial(simulate, step=async_step_cell)
    print(asyncio.run(generations(step, glider()), debug=False))

    with peer() as address:
        logic = partial(game_logic_with_io, address)
        count = partial(count_neighbors_with_io, address)
        generation = simulate(
            glider(), logic, partial(async_step_cell, count=count)
        )
        seconds = asyncio.run(seconds_of(generation), debug=False)
    print(f"here: {HEIGHT * WIDTH} cells took {seconds:.3f} s;", end=" ")
    print(f"the ideal is {2 * DELAY:.3f} s")


EXAMPLES = {
    (1, 2): call_and_await,
    (3, 4): coroutine_per_cell,
    (5,): exception_in_a_coroutine,
    (6,): io_in_one_more_function,
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
