"""What workers do in the tests: mostly, fail. They import nothing else."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from time import process_time

from item56 import game_logic


def counting(folder: Path, state: str, neighbors: int) -> str:
    """game_logic that leaves a file in folder for every call."""
    os.close(mkstemp(dir=folder)[0])
    return game_logic(state, neighbors)


def busy(seconds: float) -> None:
    """Use so many seconds of this process's time."""
    end = process_time() + seconds
    while process_time() < end:
        pass


def raising(state: str, neighbors: int) -> str:
    """Raise OSError for cells with three neighbors."""
    if neighbors == 3:
        raise OSError("problem with I/O")
    return game_logic(state, neighbors)


def dying_once(folder: Path, state: str, neighbors: int) -> str:
    """Kill this process, once for each number of neighbors in folder."""
    with suppress(FileNotFoundError):
        (folder / str(neighbors)).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return game_logic(state, neighbors)
