"""The claims of item 56, about the Game of Life and its grid."""

import os
import re
import signal
import socket
import subprocess
from threading import Thread
from typing import Any

import pytest

from tests.helpers import here, life, load, random_grids

main = load("item56_life")


def grid_of(*rows: str) -> object:
    """A grid with these rows, on a torus two cells larger each way."""
    grid = main.Grid(len(rows) + 4, len(rows[0]) + 4)
    for y, row in enumerate(rows):
        for x, state in enumerate(row):
            grid.set(y + 2, x + 2, state)
    return grid


def after(grid: object, generations: int) -> str:
    for _ in range(generations):
        grid = main.simulate(grid)
    return str(grid)


def test_every_torus_steps_as_the_second_implementation_does() -> None:
    """C56.1."""
    for grid in random_grids(main.Grid, 60):
        assert str(main.simulate(grid)) == life(grid)


@pytest.mark.parametrize(
    "rows",
    [
        ["**", "**"],
        ["-**-", "*--*", "-**-"],
        ["-*-", "*-*", "-*-"],
    ],
    ids=["block", "beehive", "tub"],
)
def test_still_lifes_stay(rows: list[str]) -> None:
    """C56.1."""
    grid = grid_of(*rows)
    assert after(grid, 1) == str(grid)


def test_a_blinker_has_period_two() -> None:
    """C56.1."""
    grid = grid_of("---", "***", "---")
    assert after(grid, 1) == str(grid_of("-*-", "-*-", "-*-"))
    assert after(grid, 2) == str(grid)


def test_a_pulsar_has_period_three() -> None:
    """C56.1."""
    bars, sides, gap = "--***---***--", "*----*-*----*", "-" * 13
    half = [bars, gap, sides, sides, sides, bars]
    grid = grid_of(*half, gap, *reversed(half))
    assert str(grid).count("*") == 48
    assert after(grid, 1) != str(grid) != after(grid, 2)
    assert after(grid, 3) == str(grid)


def test_a_glider_moves_one_down_and_right_in_four_generations() -> None:
    """C56.1: and round the torus, in every direction."""
    grid = main.glider()
    moved = main.Grid(grid.height, grid.width)
    for y in range(grid.height):
        for x in range(grid.width):
            moved.set(y + 1, x + 1, grid.get(y, x))
    assert after(grid, 4) == str(moved)
    assert after(grid, 4 * grid.height * grid.width) == str(grid)


def test_io_in_every_cell_takes_the_sum_of_the_waits() -> None:
    """C56.2: a wait cannot be shorter, and 1.1 times the sum was measured."""
    (seconds,) = here("item56_life", "45 cells took # s; the ideal is 0.450 s")
    assert 0.45 <= seconds < 4.5


def test_a_cell_looks_at_its_eight_neighbors_once_each() -> None:
    looked_at = []

    def get(y: int, x: int) -> str:
        looked_at.append((y, x))
        return main.ALIVE

    assert main.count_neighbors(10, 5, get) == 8
    square = [(y, x) for y in (9, 10, 11) for x in (4, 5, 6)]
    square.remove((10, 5))
    assert sorted(looked_at) == square


@pytest.mark.parametrize("neighbors", range(9))
def test_the_rules_are_conway_s(neighbors: int) -> None:
    """C56.1: B3/S23."""
    alive, empty = main.ALIVE, main.EMPTY
    born = main.game_logic(empty, neighbors) == alive
    stays = main.game_logic(alive, neighbors) == alive
    assert (born, stays) == (neighbors == 3, neighbors in (2, 3))


def test_simulate_leaves_the_old_grid_alone_and_uses_the_logic() -> None:
    grid = main.glider()
    text = str(grid)
    everywhere = main.simulate(grid, lambda state, neighbors: main.ALIVE)
    assert str(grid) == text
    assert set(str(everywhere)) == {"*", "\n"}


@pytest.mark.parametrize(
    ("height", "width"), [(0, 9), (5, 0), (-1, 9), (0, 0)]
)
def test_a_grid_without_cells_is_refused_by_name(
    height: int, width: int
) -> None:
    with pytest.raises(ValueError, match=f"{height} x {width}"):
        main.Grid(height, width)


@pytest.mark.parametrize("state", ["x", "", "**", None, 1])
def test_a_state_that_is_none_is_refused_by_name(state: object) -> None:
    grid = main.Grid(1, 1)
    with pytest.raises(ValueError, match=f"not {re.escape(repr(state))}"):
        grid.set(0, 0, state)
    assert grid.get(0, 0) == main.EMPTY


def test_columns_of_different_sizes_are_all_printed_padded() -> None:
    columns = main.ColumnPrinter()
    for text in "**\n--", "-", "", "----\n****\n----":
        columns.append(text)
    assert str(columns).split("\n") == [
        "0  | 1 | 2 |  3  ",
        "** | - |   | ----",
        "-- |   |   | ****",
        "   |   |   | ----",
    ]
    assert str(main.ColumnPrinter()) == ""


def test_the_header_of_columns_is_centered() -> None:
    columns = main.ColumnPrinter()
    columns.append("-" * 9)
    columns.append("-" * 9)
    assert str(columns).split("\n")[0] == "    0     |     1    "


def test_the_peer_answers_many_at_once_and_ends_with_its_block() -> None:
    with main.peer() as (host, port):
        connections = [
            main.create_connection((host, port)) for _ in range(100)
        ]
        for connection in connections:
            connection.sendall(b"?")
        for connection in connections:
            connection.settimeout(10)
            assert connection.recv(1) == b"?"
            connection.close()
    with pytest.raises(ConnectionRefusedError):
        main.ask((host, port))


def test_a_peer_that_hangs_up_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1)

        thread = Thread(target=hang_up)
        thread.start()
        with pytest.raises(ConnectionError, match="did not answer"):
            main.ask(server.getsockname())
        thread.join()


def test_a_peer_that_does_not_start_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(main, "PEER", "raise SystemExit(1)")
    with pytest.raises(OSError, match="did not start"), main.peer():
        pass


def test_every_cell_is_stepped_once() -> None:
    calls = []

    def counted(state: str, neighbors: int) -> str:
        calls.append(state)
        return main.game_logic(state, neighbors)

    main.simulate(main.Grid(4, 7), counted)
    assert len(calls) == 28


def test_the_functions_with_io_ask_and_then_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(main, "ask", asked.append)
    assert main.game_logic_with_io("there", main.EMPTY, 3) == "*"
    assert asked == ["there"]


@pytest.mark.skipif(os.name != "posix", reason="SIGINT is that of POSIX")
def test_the_peer_leaves_ctrl_c_to_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal sends it to both: threads must not see the peer go first."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*args, **options))
        return started[-1]

    monkeypatch.setattr(main, "Popen", start)
    with main.peer() as address:
        started[0].send_signal(signal.SIGINT)
        for _ in range(5):
            main.ask(address)
