"""Item 56: know how to recognize when concurrency is necessary.

A program works on one thing after another until, one day, each of many
places needs I/O. Conway's Game of Life is such a program: one generation
steps every cell of a grid. Once every step has to wait, the generation
takes the sum of all the waits. Items 57 to 60 fan the same cells out, each
in a way of its own.

    python3 item56_life/main.py          every example
    python3 item56_life/main.py 3 8      only these
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
from contextlib import contextmanager
from functools import partial
from socket import create_connection
from subprocess import DEVNULL, PIPE, Popen
from time import perf_counter

HEIGHT, WIDTH = 5, 9
GENERATIONS = 5
DELAY = 0.01  # seconds until the peer answers

Address = tuple[str, int]  # host, port
Get = Callable[[int, int], str]
Set = Callable[[int, int, str], None]
Logic = Callable[[str, int], str]


# Example 1
ALIVE = "*"
EMPTY = "-"


# Example 2
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


# Example 3
def print_glider() -> None:
    """A glider on a grid that wraps round at its edges."""
    grid = glider()
    print(grid)
    grid.set(HEIGHT, -WIDTH, ALIVE)
    print(f"Row {HEIGHT}, column {-WIDTH} is set, and with it", end=" ")
    print(f"row 0, column 0: {grid.get(0, 0)}")


# Example 4
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


def look_around() -> None:
    """A cell looks at its eight neighbors, and not at itself."""
    looked_at = []

    def get(y: int, x: int) -> str:
        looked_at.append((y, x))
        return ALIVE if (y, x) in {(9, 5), (9, 6)} else EMPTY

    count = count_neighbors(10, 5, get)
    print("The cell (10, 5) looks at", *looked_at[:4])
    print("                      and", *looked_at[4:])
    print(f"and finds {count} of the {len(looked_at)} alive")


# Example 5
def game_logic(state: str, neighbors: int) -> str:
    """The next state of a cell with so many living neighbors.

    Conway's rules, B3/S23: three neighbors bring a cell to life, two or
    three keep it alive.
    """
    if neighbors == 3 or (neighbors == 2 and state == ALIVE):
        return ALIVE
    return EMPTY


def print_rules() -> None:
    """The rules need only the cell's state and the count."""
    print("neighbors  0 1 2 3 4")
    for name, state in ("alive", ALIVE), ("empty", EMPTY):
        print(f"{name} {state}   ", *(game_logic(state, n) for n in range(5)))


# Example 6
def step_cell(
    y: int, x: int, get: Get, set: Set, logic: Logic = game_logic
) -> None:
    """Read a cell and its neighbors with get, hand its next state to set."""
    state = get(y, x)
    neighbors = count_neighbors(y, x, get)
    set(y, x, logic(state, neighbors))


def step_one_cell() -> None:
    """One cell stays, dies, comes to life, through get and set alone."""
    around = (0, 0), (0, 1), (0, 2), (1, 0)
    for what, state, count in (
        ("stays", ALIVE, 2),
        ("dies", ALIVE, 4),
        ("comes to life", EMPTY, 3),
    ):
        before, after = Grid(HEIGHT, WIDTH), Grid(HEIGHT, WIDTH)
        before.set(1, 1, state)
        for y, x in around[:count]:
            before.set(y, x, ALIVE)
        step_cell(1, 1, before.get, after.set)
        print(f"{state} with {count} neighbors {what}: {after.get(1, 1)}")


# Example 7
def simulate(grid: Grid, logic: Logic = game_logic) -> Grid:
    """The generation after grid, as a new grid of the same size."""
    next_grid = Grid(grid.height, grid.width)
    for y in range(grid.height):
        for x in range(grid.width):
            step_cell(y, x, grid.get, next_grid.set, logic)
    return next_grid


# Example 8
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


def five_generations() -> None:
    """Five generations, one cell after another."""
    print(generations(simulate, glider()))


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


# Example 9
def blocking_io() -> None:
    """With I/O in every cell, a generation takes the sum of the waits."""
    with peer() as address:
        start = perf_counter()
        after = simulate(glider(), partial(game_logic_with_io, address))
        seconds = perf_counter() - start
    cells = HEIGHT * WIDTH
    print(after)
    print(f"here: {cells} cells took {seconds:.3f} s;", end=" ")
    print(f"the ideal is {cells * DELAY:.3f} s")


EXAMPLES = {
    (1, 2, 3): print_glider,
    (4,): look_around,
    (5,): print_rules,
    (6,): step_one_cell,
    (7, 8): five_generations,
    (9,): blocking_io,
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
