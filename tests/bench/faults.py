"""What workers do in the tests: mostly, fail. They import nothing else."""

import os
from pathlib import Path
from tempfile import mkstemp

from item56 import game_logic


def counting(folder: Path, state: str, neighbors: int) -> str:
    """game_logic that leaves a file in folder for every call."""
    os.close(mkstemp(dir=folder)[0])
    return game_logic(state, neighbors)


def raising(state: str, neighbors: int) -> str:
    """Raise OSError for cells with three neighbors."""
    if neighbors == 3:
        raise OSError("problem with I/O")
    return game_logic(state, neighbors)
