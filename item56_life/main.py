"""Item 56: know how to recognize when concurrency is necessary.

One thread is enough until a program waits for I/O in each of many places,
such as the cells of Conway's Game of Life. One generation steps every cell,
and takes the sum of all their waits. Items 57 to 60 fan the cells out.

    python3 item56_life/main.py 3 8      (no numbers: every example)
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from socket import create_connection
from subprocess import PIPE, Popen
from time import perf_counter

from chapter import run

HEIGHT, WIDTH = 5, 9
CELLS = HEIGHT * WIDTH
GENERATIONS = 5
DELAY = 0.01  # seconds until the peer answers
PATIENCE = 30.0  # seconds to wait for an answer

Address = tuple[str, int]  # host, port
Get = Callable[[int, int], str]
Set = Callable[[int, int, str], None]
Logic = Callable[[str, int], str]


# Example 1
ALIVE = "*"
EMPTY = "-"


# Example 2
class Grid:
    """A torus: height x width cells, all EMPTY at first, without edges."""

    def __init__(self, height: int, width: int) -> None:
        self.height = height
        self.width = width
        self.rows = [[EMPTY] * width for _ in range(height)]

    def get(self, y: int, x: int) -> str:
        """Return the state of the cell at row y, column x."""
        return self.rows[y % self.height][x % self.width]

    def set(self, y: int, x: int, state: str) -> None:
        """Change the state of the cell at row y, column x."""
        self.rows[y % self.height][x % self.width] = state

    def __str__(self) -> str:
        return "\n".join("".join(row) for row in self.rows)


def glider(kind: type[Grid] = Grid) -> Grid:
    """Return a grid with the five living cells of a glider."""
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
    print(f"After set({HEIGHT}, {-WIDTH}, '*'), get(0, 0) is", grid.get(0, 0))


# Example 4
def count_neighbors(y: int, x: int, get: Get) -> int:
    """Return how many of the eight cells around row y, column x are ALIVE."""
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
    print(" and", *looked_at[4:], f"of which {count} are alive")


# Example 5
def game_logic(state: str, neighbors: int) -> str:
    """Return a cell's next state by Conway's rules, B3/S23."""
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
    """Read a cell and its neighbors with get, and set its next state."""
    state = get(y, x)
    neighbors = count_neighbors(y, x, get)
    set(y, x, logic(state, neighbors))


def step_one_cell() -> None:
    """A cell stays alive, dies, comes to life, or stays dead."""
    around = ((0, 0), (0, 1), (0, 2), (1, 0))
    for state, count in (ALIVE, 2), (ALIVE, 4), (EMPTY, 3), (EMPTY, 2):
        before, after = Grid(HEIGHT, WIDTH), Grid(HEIGHT, WIDTH)
        before.set(1, 1, state)
        for y, x in around[:count]:
            before.set(y, x, ALIVE)
        step_cell(1, 1, before.get, after.set)
        print(f"{state} with {count} neighbors becomes {after.get(1, 1)}")


# Example 7
def simulate(grid: Grid, logic: Logic = game_logic) -> Grid:
    """Return the generation after grid, as a new grid of the same size."""
    next_grid = Grid(grid.height, grid.width)
    for y in range(grid.height):
        for x in range(grid.width):
            step_cell(y, x, grid.get, next_grid.set, logic)
    return next_grid


# Example 8
class ColumnPrinter:
    """Grids of the same size side by side, numbered from 0."""

    def __init__(self) -> None:
        self.columns: list[list[str]] = []

    def append(self, data: str) -> None:
        """Add a column to the right."""
        lines = data.splitlines()
        number = str(len(self.columns)).center(len(lines[0]))
        self.columns.append([number, *lines])

    def __str__(self) -> str:
        rows = zip(*self.columns, strict=True)
        return "\n".join(" | ".join(row) for row in rows)


def print_generations(step: Callable[[Grid], Grid], grid: Grid) -> None:
    """Print five generations side by side; step returns the next one."""
    columns = ColumnPrinter()
    for _ in range(GENERATIONS):
        columns.append(str(grid))
        grid = step(grid)
    print(columns)


def five_generations() -> None:
    """Five generations of a glider."""
    print_generations(simulate, glider())


@contextmanager
def peer() -> Iterator[Address]:
    """Run a peer that answers each byte after DELAY; yield its address."""
    script = str(Path(__file__).with_name("peer.py"))
    command = [sys.executable, "-IS", script, str(DELAY)]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        try:
            assert process.stdout is not None
            if not (port := process.stdout.readline()):
                raise OSError("the peer did not start")
            yield "127.0.0.1", int(port)
        finally:
            _, errors = process.communicate()  # ends its stdin, and so itself
            sys.stderr.write(errors.decode(errors="replace"))  # if it failed


def ask(address: Address) -> None:
    """Send the peer a byte and wait for its answer; OSError if none comes."""
    with create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(b"?")
        if not connection.recv(1):
            raise ConnectionError(f"the peer at {address} did not answer")


def game_logic_with_io(address: Address, state: str, neighbors: int) -> str:
    """Return the next state of a cell, once the peer has answered."""
    ask(address)
    return game_logic(state, neighbors)


def stripes() -> Grid:
    """Return a grid whose next generation is ALIVE in every cell."""
    grid = Grid(HEIGHT, WIDTH)
    grid.rows = [[ALIVE, EMPTY, EMPTY] * (WIDTH // 3) for _ in range(HEIGHT)]
    return grid


def print_seconds(step: Callable[[], Grid], ideal: float) -> None:
    """Print how long step takes to return the generation after stripes()."""
    start = perf_counter()
    after = step()
    seconds = perf_counter() - start
    if failed := str(after).count(EMPTY):
        sys.exit(f"{failed} of {CELLS} cells failed")
    print(f"here: {CELLS} cells took {seconds:.3f} s, ideally {ideal:.3f} s")


# Example 9
def blocking_io() -> None:  # item 56's questions.py A
    """With I/O in every cell, a generation takes the sum of the waits."""
    with peer() as address:
        logic = partial(game_logic_with_io, address)
        print_seconds(partial(simulate, stripes(), logic), CELLS * DELAY)


EXAMPLES = {
    (1, 2, 3): print_glider,
    (4,): look_around,
    (5,): print_rules,
    (6,): step_one_cell,
    (7, 8): five_generations,
    (9,): blocking_io,
}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
