"""The claims of item 56, about the Game of Life and its grid."""

import os
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.helpers import (
    LIMIT,
    life,
    load,
    mute_peer,
    own,
    posix,
    printed,
    random_grids,
)

main = load("item56_life")


def test_every_torus_steps_as_the_other_life_does() -> None:
    for grid in random_grids(main.Grid, 60):
        assert str(main.simulate(grid)) == life(grid)


PULSAR = "--***---***--", "-" * 13, *["*----*-*----*"] * 3, "--***---***--"


@pytest.mark.parametrize(
    ("rows", "period"),
    [
        (["**", "**"], 1),
        (["-**-", "*--*", "-**-"], 1),
        (["---", "***", "---"], 2),
        ([*PULSAR, "-" * 13, *reversed(PULSAR)], 3),
        (["-*-", "--*", "***"], 4 * 7),
    ],
    ids=["block", "beehive", "blinker", "pulsar", "glider"],
)
def test_known_patterns_return_after_their_period(
    rows: list[str], period: int
) -> None:
    """And not before; the glider goes round a torus of seven cells."""
    grid = main.Grid(len(rows) + 4, len(rows[0]) + 4)
    for y, row in enumerate(rows):
        for x, state in enumerate(row):
            grid.set(y, x, state)
    first, later = str(grid), []
    for _ in range(period):
        grid = main.simulate(grid)
        later.append(str(grid))
    assert later.index(first) == period - 1


def test_a_cell_that_steps_has_the_neighbors_that_are_printed() -> None:
    """Example 6."""
    seen = []

    def step(y: int, x: int, get: Any, set: Any) -> None:
        seen.append((get(y, x), main.count_neighbors(y, x, get)))

    printed(main.step_one_cell, step_cell=step)
    assert seen == [("*", 2), ("*", 4), ("-", 3), ("-", 2)]


def test_a_generation_is_timed_only_if_no_cell_failed() -> None:
    """After the stripes, every cell has to be alive."""
    with pytest.raises(SystemExit, match=r"^45 of 45 cells failed$"):
        main.print_seconds(partial(main.Grid, 5, 9), 1.0)


@patch.object(main, "DELAY", 0.2)
def test_the_peer_answers_many_at_once_after_its_delay() -> None:
    """Never sooner, nor half as late again; it gets more tries."""
    data = [bytes([number]) for number in range(100)]
    seconds: list[float] = []
    with main.peer() as address:
        connections = [main.create_connection(address, LIMIT) for _ in data]
        while len(seconds) < 20 and min(seconds, default=1) > 0.28:
            start = main.perf_counter()
            for connection, byte in zip(connections, data, strict=True):
                connection.sendall(byte)
            assert [connection.recv(1) for connection in connections] == data
            seconds.append(main.perf_counter() - start)
    for connection in connections:
        connection.close()
    assert 0.2 <= min(seconds) < 0.28
    with pytest.raises(ConnectionRefusedError):
        main.ask(address)


@patch.object(main, "PATIENCE", 0.1)
@pytest.mark.parametrize(
    ("hangs_up", "message"), [(True, "did not answer"), (False, "timed out")]
)
def test_a_mute_peer_is_an_error(hangs_up: bool, message: str) -> None:
    """Every wait has a limit."""
    with mute_peer(hangs_up) as address, pytest.raises(OSError, match=message):
        main.ask(address)


def peer_of(script: str, folder: Path) -> Any:
    """Return a patch that lets a script play the peer."""
    (folder / "peer.py").write_text(script)
    return patch.object(main, "__file__", str(folder / "main.py"))


def test_a_peer_that_does_not_start_tells_why(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        peer_of("raise SystemExit('no network')", tmp_path),
        pytest.raises(OSError, match="peer did not start"),
    ):
        main.peer().__enter__()
    assert own(capfd.readouterr().err).strip() == "no network"


FEW = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (9, 9))\n"


@posix
def test_a_peer_that_cannot_go_on_leaves_nobody_waiting(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As where it may not open files for so many connections; it says so."""
    connections = []
    script = FEW + Path(main.__file__).with_name("peer.py").read_text()
    with (
        peer_of(script, tmp_path),
        main.peer() as address,
        suppress(ConnectionError),
    ):
        for _ in range(20):
            connections.append(main.create_connection(address, LIMIT))
        connections[-1].sendall(b"?")
        assert connections[-1].recv(1) == b""
    for connection in connections:
        connection.close()
    assert "Too many open files" in capfd.readouterr().err


def test_the_peer_does_not_hear_ctrl_c_and_ends_with_its_pipe() -> None:
    """Ctrl-C in a terminal is for its parent."""
    peers = []

    class Noted(main.Popen):  # type: ignore[misc, name-defined]
        def __enter__(self) -> Any:
            peers.append(self)
            return super().__enter__()

    with patch.object(main, "Popen", Noted), main.peer() as address:
        if os.name == "posix":
            peers[0].send_signal(signal.SIGINT)
        main.ask(address)
    assert [process.returncode for process in peers] == [0]
