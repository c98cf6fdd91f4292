"""The claims of item 56, about the Game of Life and its grid."""

import os
import signal
import socket
import subprocess
from functools import partial
from threading import Thread
from typing import Any

import pytest

from tests.helpers import LIMIT, life, load, random_grids

main = load("item56_life")


def grid_of(*rows: str) -> Any:
    """Return a grid with these rows, on a torus four cells larger each way."""
    grid = main.Grid(len(rows) + 4, len(rows[0]) + 4)
    for y, row in enumerate(rows):
        for x, state in enumerate(row):
            grid.set(y + 2, x + 2, state)
    return grid


def after(grid: Any, generations: int) -> str:
    """Return the text of a later generation."""
    for _ in range(generations):
        grid = main.simulate(grid)
    return str(grid)


def test_every_torus_steps_as_the_second_implementation_does() -> None:
    """C56.1."""
    for grid in random_grids(main.Grid, 60):
        assert str(main.simulate(grid)) == life(grid)


@pytest.mark.parametrize("neighbors", range(9))
def test_the_rules_are_conway_s(neighbors: int) -> None:
    """C56.1: B3/S23."""
    born = main.game_logic(main.EMPTY, neighbors) == main.ALIVE
    stays = main.game_logic(main.ALIVE, neighbors) == main.ALIVE
    assert (born, stays) == (neighbors == 3, neighbors in (2, 3))


PULSAR = "--***---***--", "-" * 13, *["*----*-*----*"] * 3, "--***---***--"


@pytest.mark.parametrize(
    ("rows", "period"),
    [
        (["**", "**"], 1),
        (["-**-", "*--*", "-**-"], 1),
        (["---", "***", "---"], 2),
        ([*PULSAR, "-" * 13, *reversed(PULSAR)], 3),
    ],
    ids=["block", "beehive", "blinker", "pulsar"],
)
def test_known_patterns_return_after_their_period(
    rows: list[str], period: int
) -> None:
    """C56.1, and not before."""
    grid = grid_of(*rows)
    texts = [after(grid, generations) for generations in range(period + 1)]
    assert texts[0] == texts[-1]
    assert len(set(texts)) == period


def test_a_glider_moves_one_down_and_right_in_four_generations() -> None:
    """C56.1: round the torus, in both directions."""
    grid = main.glider()
    moved = main.Grid(grid.height, grid.width)
    for y in range(grid.height):
        for x in range(grid.width):
            moved.set(y + 1, x + 1, grid.get(y, x))
    assert after(grid, 4) == str(moved)
    assert after(grid, 4 * grid.height * grid.width) == str(grid)


def test_simulate_steps_every_cell_once_by_the_logic_to_a_new_grid() -> None:
    """C56.1."""
    calls = []

    def logic(state: str, neighbors: int) -> str:
        calls.append(state)
        return "*"

    grid = main.Grid(4, 7)
    assert str(main.simulate(grid, logic)).count("*") == len(calls) == 28
    assert str(grid).count("*") == 0


@pytest.mark.parametrize("kind", [main.Grid, None])
def test_a_generation_is_timed_only_if_no_cell_failed(
    kind: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """C56.2: the next generation of the stripes has every cell alive."""
    assert str(main.stripes()).count("*") == 15
    if kind:
        with pytest.raises(SystemExit, match=r"^45 of 45 cells failed$"):
            main.print_seconds(partial(kind, 5, 9), 1.0)
    else:
        main.print_seconds(partial(main.simulate, main.stripes()), 1.0)
    assert ("here:" in capsys.readouterr().out) == (kind is None)


def test_one_cell_after_another_asks_the_peer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C56.2, exactly: 45 questions, all from the main thread."""
    asked: list[object] = []
    monkeypatch.setattr(main, "ask", asked.append)
    main.blocking_io()
    assert len(asked) == 45


def test_the_peer_answers_after_its_delay_and_many_at_once() -> None:
    """C56.2: 100 wait together; each gets its byte back."""
    with main.peer() as address:
        connections = [
            main.create_connection(address, timeout=LIMIT) for _ in range(100)
        ]
        for number, connection in enumerate(connections):
            connection.sendall(bytes([number]))
        for number, connection in enumerate(connections):
            assert connection.recv(1) == bytes([number])
            connection.close()
    with pytest.raises(ConnectionRefusedError):
        main.ask(address)


def test_the_peer_waits_as_long_as_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C56.2: never less, nor half as long again; it gets more tries."""
    monkeypatch.setattr(main, "DELAY", 0.2)
    seconds: list[float] = []
    with main.peer() as address:
        while len(seconds) < 20 and min(seconds, default=1) > 0.28:
            start = main.perf_counter()
            main.ask(address)
            seconds.append(main.perf_counter() - start)
    assert 0.2 <= min(seconds) < 0.28


def test_a_peer_that_hangs_up_is_an_error() -> None:
    """No answer is no answer."""
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


def test_a_peer_that_is_silent_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No wait is without a limit."""
    monkeypatch.setattr(main, "PATIENCE", 0.1)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(TimeoutError),
    ):
        main.ask(server.getsockname())


def test_a_peer_that_does_not_start_tells_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error keeps its reason."""
    monkeypatch.setattr(main, "PEER", "raise SystemExit('no network')")
    with (
        pytest.raises(OSError, match="peer did not start: no network"),
        main.peer(),
    ):
        pass


@pytest.mark.skipif(os.name != "posix", reason="SIGINT is that of POSIX")
def test_the_peer_leaves_ctrl_c_to_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal sends it to the parent's group: the peer is in another."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*args, **options))
        return started[-1]

    monkeypatch.setattr(main, "Popen", start)
    with main.peer():
        assert os.getpgid(started[0].pid) != os.getpgrp()
    assert started[0].returncode != -signal.SIGINT
