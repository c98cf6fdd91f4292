"""What workers do in the tests: mostly, fail. They import nothing else."""

import os
import signal
from pathlib import Path
from tempfile import mkstemp

from item56 import game_logic


def counting(folder: Path, state: str, neighbors: int) -> str:
    """game_logic that leaves a file in folder for every call."""
    os.close(mkstemp(dir=folder)[0])
    return game_logic(state, neighbors)


def raising(state: str, neighbors: int) -> str:
    """game_logic that cannot do cells with three neighbors."""
    if neighbors == 3:
        raise OSError("problem with I/O")
    return game_logic(state, neighbors)


def dying_once(folder: Path, state: str, neighbors: int) -> str:
    """game_logic whose process dies if folder has a file of that number.

    The file is gone afterwards: it happens once for each number.
    """
    try:
        (folder / str(neighbors)).unlink()
    except FileNotFoundError:
        return game_logic(state, neighbors)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives SIGKILL")
